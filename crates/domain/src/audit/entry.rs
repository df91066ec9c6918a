//! One entry of the trail.
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
    /// An operator vouched for an address.
    UserVerified,
    /// Somebody signed in.
    SessionBegun,
    /// Somebody signed out.
    SessionEnded,
    /// A stolen refresh token was noticed.
    SessionStolen,
    /// An API key was made.
    ApiKeyCreated,
    /// An API key was taken back.
    ApiKeyRevoked,
    /// Credits were ordered.
    OrderPlaced,
    /// An order was paid.
    OrderPaid,
    /// An order ran out before it was paid.
    OrderExpired,
    /// Credits were given.
    CreditsGranted,
    /// Credits ran out of time.
    CreditsExpired,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 12] = [
        Self::UserRegistered,
        Self::UserVerified,
        Self::SessionBegun,
        Self::SessionEnded,
        Self::SessionStolen,
        Self::ApiKeyCreated,
        Self::ApiKeyRevoked,
        Self::OrderPlaced,
        Self::OrderPaid,
        Self::OrderExpired,
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
            Self::ApiKeyCreated => "api_key.created",
            Self::ApiKeyRevoked => "api_key.revoked",
            Self::OrderPlaced => "order.placed",
            Self::OrderPaid => "order.paid",
            Self::OrderExpired => "order.expired",
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

/// A person's key, itself encrypted under the platform's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonalKey {
    /// Whose it is.
    pub person: UserId,
    /// Nonce, ciphertext and tag.
    pub wrapped: Vec<u8>,
}
