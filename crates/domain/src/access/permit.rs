//! What a caller may do.
//!
//! A permission is a type, and a [`Permit`] is the proof that it was checked. A use case asks
//! for the proof, so one that forgets the check does not compile, and neither does a forgery:
//!
//! ```compile_fail,E0451
//! # use cape_domain::access::{Actor, ManageBilling, Permit};
//! fn forge(actor: Actor) -> Permit<ManageBilling> {
//!     Permit { actor, permission: std::marker::PhantomData }
//! }
//! ```
use std::{collections::BTreeSet, fmt, marker::PhantomData, str::FromStr};

use chrono::TimeDelta;

use super::{Actor, KeyScope};
use crate::{store::Scope, time::Timestamp};

/// Something an actor may be allowed to do.
pub trait Permission: Send + Sync + 'static {
    /// Its stable name, as granted and as shown.
    const NAME: &'static str;

    /// Whether an old proof of who it is is not enough: see [`FRESH_FOR`].
    const FRESH: bool;
}

/// For so long after it showed who it is, a person may do what needs a fresh proof
/// (OWASP ASVS 5.0, 7.5.3).
pub const FRESH_FOR: TimeDelta = TimeDelta::minutes(10);

macro_rules! permission {
    ($(#[$doc:meta])* $name:ident, $code:literal) => {
        permission!($(#[$doc])* $name, $code, false);
    };
    ($(#[$doc:meta])* $name:ident, $code:literal, fresh) => {
        permission!($(#[$doc])* $name, $code, true);
    };
    ($(#[$doc:meta])* $name:ident, $code:literal, $fresh:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub enum $name {}

        impl Permission for $name {
            const NAME: &'static str = $code;
            const FRESH: bool = $fresh;
        }
    };
}

permission!(
    /// See one's own user and profile.
    ViewProfile, "accounts.view"
);
permission!(
    /// End one's own session.
    SignOut, "accounts.sign_out"
);
permission!(
    /// Change what one tells about oneself.
    EditProfile, "accounts.edit"
);
permission!(
    /// See and end one's own sessions, and show again who one is.
    ManageSessions, "accounts.sessions"
);
permission!(
    /// Change one's own password; the old one is asked for.
    ChangePassword, "accounts.password"
);
permission!(
    /// Move to another address.
    ChangeEmail, "accounts.email", fresh
);
permission!(
    /// Set up and switch off one's own second factor.
    ManageMfa, "accounts.mfa", fresh
);
permission!(
    /// Close one's own account.
    CloseAccount, "accounts.close", fresh
);
permission!(
    /// See who is in the workspace, and who was asked to join.
    ViewMembers, "accounts.members"
);
permission!(
    /// Ask people to join, change what they are, and remove them.
    ManageMembers, "accounts.members.manage", fresh
);
permission!(
    /// List and revoke API keys.
    ManageKeys, "access.keys"
);
permission!(
    /// Make API keys.
    CreateKeys, "access.keys.create", fresh
);
permission!(
    /// See balance, orders and invoices.
    ViewBilling, "billing.view"
);
permission!(
    /// Buy credits, change the plan, cancel, resume.
    ManageBilling, "billing.manage"
);
permission!(
    /// See what was used and what it cost.
    ViewUsage, "usage.view"
);
permission!(
    /// See which models there are.
    ViewModels, "usage.models"
);
permission!(
    /// Spend credits on the AI features.
    UseAi, "usage.spend"
);
permission!(
    /// See which keys at providers the workspace has; never the keys.
    ViewCredentials, "usage.credentials"
);
permission!(
    /// Store and remove the workspace's own keys at providers.
    ManageCredentials, "usage.credentials.manage", fresh
);
permission!(
    /// See what concerns the platform as a whole.
    ViewPlatform, "platform.view"
);
permission!(
    /// Change what concerns everybody on the platform.
    OperatePlatform, "platform.operate", fresh
);

/// What a member is in a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Made the workspace, or was handed it: may do everything.
    Owner,
    /// Works in it: may do everything but spend its money and make keys.
    Member,
    /// Looks.
    Viewer,
}

/// A name that is no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a role")]
pub struct UnknownRole(String);

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Member, Self::Viewer];

    /// The stable name, as stored and as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Member => "member",
            Self::Viewer => "viewer",
        }
    }

    /// What the role may do.
    #[must_use]
    pub fn grants(self) -> Grants {
        let viewer = Grants::of_self().with::<ViewUsage>().with::<ViewMembers>();
        let member =
            || viewer.clone().with::<ViewBilling>().with::<UseAi>().with::<ViewCredentials>();
        match self {
            Self::Viewer => viewer,
            Self::Member => member(),
            Self::Owner => member()
                .with::<ManageBilling>()
                .with::<ManageKeys>()
                .with::<CreateKeys>()
                .with::<ManageMembers>()
                .with::<ManageCredentials>(),
        }
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.name() == name)
            .ok_or_else(|| UnknownRole(name.to_owned()))
    }
}

/// What a caller was granted in its workspace. Nothing, unless said otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants(BTreeSet<&'static str>);

impl Grants {
    /// What everybody may do with the account that is its own, whatever it is in a workspace.
    #[must_use]
    pub fn of_self() -> Self {
        Self::default()
            .with::<ViewProfile>()
            .with::<EditProfile>()
            .with::<SignOut>()
            .with::<ManageSessions>()
            .with::<ChangePassword>()
            .with::<ChangeEmail>()
            .with::<ManageMfa>()
            .with::<CloseAccount>()
    }

    /// The same, and what operators of the platform may do, whatever they are in a workspace.
    /// Nothing else leads to it: no role, and no key.
    #[must_use]
    pub fn with_platform(self) -> Self {
        self.with::<ViewPlatform>().with::<OperatePlatform>()
    }

    /// What a program may do with a key of these scopes: nothing about the account.
    #[must_use]
    pub fn of_api_key(scopes: &BTreeSet<KeyScope>) -> Self {
        scopes.iter().fold(Self::default(), |grants, scope| match scope {
            KeyScope::Chat => grants.with::<UseAi>(),
            KeyScope::Models => grants.with::<ViewModels>(),
        })
    }

    /// The same, and `P`.
    #[must_use]
    pub fn with<P: Permission>(mut self) -> Self {
        self.0.insert(P::NAME);
        self
    }

    /// Proves that `actor` may do `P` at `now`. There is no other way to a [`Permit`].
    ///
    /// # Errors
    ///
    /// [`Forbidden`] names the missing permission, or the one that needs a fresh proof.
    pub fn permit<P: Permission>(
        &self,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Permit<P>, Forbidden> {
        if !self.allows::<P>() {
            return Err(Forbidden::Missing(P::NAME));
        }
        if P::FRESH && now >= actor.authenticated_at + FRESH_FOR {
            return Err(Forbidden::Stale(P::NAME));
        }
        Ok(Permit { actor, permission: PhantomData })
    }

    /// Whether `P` is among them.
    #[must_use]
    pub fn allows<P: Permission>(&self) -> bool {
        self.0.contains(P::NAME)
    }

    /// Every permission, by its name.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().copied()
    }
}

/// The actor may not do this, or not now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// It lacks a permission.
    #[error("this action needs the permission `{0}`")]
    Missing(&'static str),
    /// It showed who it is too long ago.
    #[error("`{0}` needs a fresh proof of who you are: sign in again, or reauthenticate")]
    Stale(&'static str),
}

/// An actor that was found to hold `P`.
#[must_use = "a permit is asked for by the use case it allows"]
#[derive(Clone)]
pub struct Permit<P> {
    actor: Actor,
    permission: PhantomData<P>,
}

impl<P> Permit<P> {
    /// Who was permitted.
    #[must_use]
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The rows the permit is good for.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        self.actor.scope()
    }
}

impl<P: Permission> fmt::Debug for Permit<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permit({} for {:?})", P::NAME, self.actor.principal)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        access::Principal,
        ids::{RequestId, WorkspaceId},
    };

    fn actor(authenticated_at: Timestamp) -> Actor {
        Actor {
            principal: Principal::System,
            workspace: WorkspaceId::new(Uuid::nil()),
            authenticated_at,
            request: RequestId::new(Uuid::nil()),
            address: None,
        }
    }

    fn names(grants: &Grants) -> Vec<&'static str> {
        grants.names().collect()
    }

    #[test]
    fn every_role_may_do_exactly_this() {
        let own = [
            "accounts.close",
            "accounts.edit",
            "accounts.email",
            "accounts.mfa",
            "accounts.password",
            "accounts.sessions",
            "accounts.sign_out",
            "accounts.view",
        ];
        let more = |names: &[&'static str]| {
            let mut all = [&own[..], names].concat();
            all.sort_unstable();
            all
        };
        let viewer = ["accounts.members", "usage.view"];
        let member = [&viewer[..], &["billing.view", "usage.credentials", "usage.spend"]].concat();
        let owner = [
            "access.keys",
            "access.keys.create",
            "accounts.members.manage",
            "billing.manage",
            "usage.credentials.manage",
        ];
        assert_eq!(names(&Grants::default()), [""; 0]);
        assert_eq!(names(&Grants::of_self()), own);
        assert_eq!(names(&Role::Viewer.grants()), more(&viewer));
        assert_eq!(names(&Role::Member.grants()), more(&member));
        assert_eq!(names(&Role::Owner.grants()), more(&[&member[..], &owner].concat()));
    }

    #[test]
    fn the_platform_is_for_operators_and_no_role_or_key_leads_to_it() {
        let platform = ["platform.operate", "platform.view"];
        assert_eq!(names(&Grants::default().with_platform()), platform);
        let of_keys = Grants::of_api_key(&KeyScope::ALL.into());
        for grants in Role::ALL.map(Role::grants).into_iter().chain([of_keys]) {
            assert!(!grants.allows::<ViewPlatform>() && !grants.allows::<OperatePlatform>());
        }
    }

    #[test]
    fn an_api_key_may_do_what_its_scopes_say_and_nothing_about_the_account() {
        let of = |scopes: &[KeyScope]| Grants::of_api_key(&scopes.iter().copied().collect());
        assert_eq!(names(&of(&[])), [""; 0]);
        assert_eq!(names(&of(&[KeyScope::Chat])), ["usage.spend"]);
        assert_eq!(names(&of(&KeyScope::ALL)), ["usage.models", "usage.spend"]);
    }

    #[test]
    fn what_needs_a_fresh_proof_is_refused_ten_minutes_after_the_last_one() {
        let owner = Role::Owner.grants();
        let shown = Timestamp::UNIX_EPOCH;
        let at = |minutes| shown + TimeDelta::minutes(minutes);
        for (now, fresh) in [(at(0), true), (at(9), true), (at(10), false), (at(60), false)] {
            assert_eq!(owner.permit::<CreateKeys>(actor(shown), now).is_ok(), fresh, "{now}");
            assert!(owner.permit::<ManageKeys>(actor(shown), now).is_ok(), "{now}");
        }
        let stale = owner.permit::<ChangeEmail>(actor(shown), at(10)).err();
        assert_eq!(stale, Some(Forbidden::Stale("accounts.email")));
        let missing = Role::Member.grants().permit::<CreateKeys>(actor(shown), at(60)).err();
        assert_eq!(missing, Some(Forbidden::Missing("access.keys.create")));
    }

    #[test]
    fn a_role_is_known_by_its_name_only() {
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
        }
        assert_eq!("root".parse::<Role>(), Err(UnknownRole("root".to_owned())));
    }
}
