//! One entry of the trail.
use std::fmt;

use crate::{
    access::Principal,
    ids::{AuditId, RequestId, UserId, WorkspaceId},
    json::RawJson,
    time::Timestamp,
};

/// Something that somebody did. Never changed, never deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its identity.
    pub id: AuditId,
    /// The tenant it happened in.
    pub workspace: WorkspaceId,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it, and the operator behind, if any.
    pub principal: Principal,
    /// The request it was done through.
    pub request: RequestId,
    /// What was done.
    pub action: Action,
    /// The id of what it was done to.
    pub subject: String,
    /// What was there before, without secrets or personal data.
    pub before: Option<RawJson>,
    /// What is there after, without secrets or personal data.
    pub after: Option<RawJson>,
    /// The caller's address and whatever else tells of a person, under that person's key.
    pub personal: Option<Sealed>,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Somebody signed up.
    UserRegistered,
    /// An address was shown to be its user's own, or an operator vouched for it.
    UserVerified,
    /// Somebody signed in.
    SessionBegun,
    /// Somebody signed out.
    SessionEnded,
    /// A stolen refresh token was noticed.
    SessionStolen,
    /// A password was changed by who knew the old one.
    PasswordChanged,
    /// A password was replaced by who has the mail box.
    PasswordReset,
    /// Somebody moved to another address.
    EmailChanged,
    /// A second factor was switched on.
    MfaEnabled,
    /// A second factor was switched off.
    MfaDisabled,
    /// A recovery code stood in for the second factor.
    RecoveryCodeUsed,
    /// Recovery codes were replaced.
    RecoveryCodesReplaced,
    /// Somebody changed what it tells about itself.
    ProfileChanged,
    /// An account was closed.
    UserDeactivated,
    /// A closed account was opened again.
    UserReactivated,
    /// Somebody became an operator of the platform.
    OperatorPromoted,
    /// An operator is none any more.
    OperatorDemoted,
    /// Somebody was asked to join a workspace.
    MemberInvited,
    /// An invitation was taken back.
    InvitationRevoked,
    /// Somebody joined a workspace.
    MemberJoined,
    /// What a member is was changed.
    MemberRoleChanged,
    /// A member was removed.
    MemberRemoved,
    /// An API key was replaced by another one.
    ApiKeyRotated,
    /// An API key was made.
    ApiKeyCreated,
    /// An API key was taken back.
    ApiKeyRevoked,
    /// A workspace stored a key of its own at a provider, or another one.
    CredentialStored,
    /// A workspace removed its key at a provider.
    CredentialRemoved,
    /// A key, a workspace, a model or a provider was stopped.
    SwitchStopped,
    /// What was stopped was released.
    SwitchReleased,
    /// A limit was set.
    LimitCreated,
    /// A limit is another one now.
    LimitChanged,
    /// A limit was taken away.
    LimitDeleted,
    /// What a model is was said.
    ModelDescribed,
    /// What a model costs was said.
    ModelPriced,
    /// A model cannot be called any more.
    ModelRetired,
    /// Credits were ordered.
    OrderPlaced,
    /// An order was paid.
    OrderPaid,
    /// An order ran out before it was paid.
    OrderExpired,
    /// A subscription was begun, and can be paid.
    SubscriptionPlaced,
    /// A subscription is otherwise, as its provider told.
    SubscriptionChanged,
    /// Somebody asked for the end of a subscription.
    SubscriptionCancelled,
    /// Somebody asked for a subscription to go on after all.
    SubscriptionResumed,
    /// Somebody asked for another plan, at the price that was said.
    SubscriptionChangeAsked,
    /// A plan was made.
    PlanCreated,
    /// A plan was changed.
    PlanChanged,
    /// A plan was withdrawn.
    PlanRetired,
    /// Credits were given.
    CreditsGranted,
    /// Credits ran out of time.
    CreditsExpired,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 48] = [
        Self::UserRegistered,
        Self::UserVerified,
        Self::SessionBegun,
        Self::SessionEnded,
        Self::SessionStolen,
        Self::PasswordChanged,
        Self::PasswordReset,
        Self::EmailChanged,
        Self::MfaEnabled,
        Self::MfaDisabled,
        Self::RecoveryCodeUsed,
        Self::RecoveryCodesReplaced,
        Self::ProfileChanged,
        Self::UserDeactivated,
        Self::UserReactivated,
        Self::OperatorPromoted,
        Self::OperatorDemoted,
        Self::MemberInvited,
        Self::InvitationRevoked,
        Self::MemberJoined,
        Self::MemberRoleChanged,
        Self::MemberRemoved,
        Self::ApiKeyRotated,
        Self::ApiKeyCreated,
        Self::ApiKeyRevoked,
        Self::CredentialStored,
        Self::CredentialRemoved,
        Self::SwitchStopped,
        Self::SwitchReleased,
        Self::LimitCreated,
        Self::LimitChanged,
        Self::LimitDeleted,
        Self::ModelDescribed,
        Self::ModelPriced,
        Self::ModelRetired,
        Self::OrderPlaced,
        Self::OrderPaid,
        Self::OrderExpired,
        Self::SubscriptionPlaced,
        Self::SubscriptionChanged,
        Self::SubscriptionCancelled,
        Self::SubscriptionResumed,
        Self::SubscriptionChangeAsked,
        Self::PlanCreated,
        Self::PlanChanged,
        Self::PlanRetired,
        Self::CreditsGranted,
        Self::CreditsExpired,
    ];

    /// The stable name, as stored and as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserRegistered => "user.registered",
            Self::UserVerified => "user.verified",
            Self::SessionBegun => "session.begun",
            Self::SessionEnded => "session.ended",
            Self::SessionStolen => "session.stolen",
            Self::PasswordChanged => "password.changed",
            Self::PasswordReset => "password.reset",
            Self::EmailChanged => "email.changed",
            Self::MfaEnabled => "mfa.enabled",
            Self::MfaDisabled => "mfa.disabled",
            Self::RecoveryCodeUsed => "mfa.recovery_code_used",
            Self::RecoveryCodesReplaced => "mfa.recovery_codes_replaced",
            Self::ProfileChanged => "profile.changed",
            Self::UserDeactivated => "user.deactivated",
            Self::UserReactivated => "user.reactivated",
            Self::OperatorPromoted => "operator.promoted",
            Self::OperatorDemoted => "operator.demoted",
            Self::MemberInvited => "member.invited",
            Self::InvitationRevoked => "invitation.revoked",
            Self::MemberJoined => "member.joined",
            Self::MemberRoleChanged => "member.role_changed",
            Self::MemberRemoved => "member.removed",
            Self::ApiKeyRotated => "api_key.rotated",
            Self::ApiKeyCreated => "api_key.created",
            Self::ApiKeyRevoked => "api_key.revoked",
            Self::CredentialStored => "credential.stored",
            Self::CredentialRemoved => "credential.removed",
            Self::SwitchStopped => "switch.stopped",
            Self::SwitchReleased => "switch.released",
            Self::LimitCreated => "limit.created",
            Self::LimitChanged => "limit.changed",
            Self::LimitDeleted => "limit.deleted",
            Self::ModelDescribed => "model.described",
            Self::ModelPriced => "model.priced",
            Self::ModelRetired => "model.retired",
            Self::OrderPlaced => "order.placed",
            Self::OrderPaid => "order.paid",
            Self::OrderExpired => "order.expired",
            Self::SubscriptionPlaced => "subscription.placed",
            Self::SubscriptionChanged => "subscription.changed",
            Self::SubscriptionCancelled => "subscription.cancelled",
            Self::SubscriptionResumed => "subscription.resumed",
            Self::SubscriptionChangeAsked => "subscription.change_asked",
            Self::PlanCreated => "plan.created",
            Self::PlanChanged => "plan.changed",
            Self::PlanRetired => "plan.retired",
            Self::CreditsGranted => "credits.granted",
            Self::CreditsExpired => "credits.expired",
        }
    }
}

/// Personal data that can be made unreadable for ever by destroying one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Whose key it is under.
    pub person: UserId,
    /// Nonce, ciphertext and tag.
    pub ciphertext: Vec<u8>,
}

/// A workspace's secret, under a key that was made for it alone. That one lies beside it, itself
/// encrypted under the platform's.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret(pub Vec<u8>);

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedSecret(…)")
    }
}

/// A person's key, itself encrypted under the platform's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonalKey {
    /// Whose it is.
    pub person: UserId,
    /// Nonce, ciphertext and tag.
    pub wrapped: Vec<u8>,
}
