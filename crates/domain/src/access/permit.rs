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

use super::Actor;
use crate::store::Scope;

/// Something an actor may be allowed to do.
pub trait Permission: Send + Sync + 'static {
    /// Its stable name, as granted and as shown.
    const NAME: &'static str;
}

macro_rules! permission {
    ($(#[$doc:meta])* $name:ident, $code:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub enum $name {}

        impl Permission for $name {
            const NAME: &'static str = $code;
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
    /// Make, list and revoke API keys.
    ManageKeys, "access.keys"
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
    /// Spend credits on the AI features.
    UseAi, "usage.spend"
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
        let viewer = Grants::default().with::<ViewProfile>().with::<SignOut>().with::<ViewUsage>();
        match self {
            Self::Viewer => viewer,
            Self::Member => viewer.with::<ViewBilling>().with::<UseAi>(),
            Self::Owner => viewer
                .with::<ViewBilling>()
                .with::<UseAi>()
                .with::<ManageBilling>()
                .with::<ManageKeys>(),
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
    /// What a program may do with an API key: spend, and nothing about the account.
    #[must_use]
    pub fn of_api_key() -> Self {
        Self::default().with::<UseAi>()
    }

    /// The same, and `P`.
    #[must_use]
    pub fn with<P: Permission>(mut self) -> Self {
        self.0.insert(P::NAME);
        self
    }

    /// Proves that `actor` may do `P`. There is no other way to a [`Permit`].
    ///
    /// # Errors
    ///
    /// [`Forbidden`] names the missing permission.
    pub fn permit<P: Permission>(&self, actor: Actor) -> Result<Permit<P>, Forbidden> {
        if self.0.contains(P::NAME) {
            Ok(Permit { actor, permission: PhantomData })
        } else {
            Err(Forbidden(P::NAME))
        }
    }
}

/// The actor lacks a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this action needs the permission `{0}`")]
pub struct Forbidden(pub &'static str);

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
        time::Timestamp,
    };

    fn may<P: Permission>(grants: &Grants) -> bool {
        let actor = Actor {
            principal: Principal::System,
            workspace: WorkspaceId::new(Uuid::nil()),
            authenticated_at: Timestamp::UNIX_EPOCH,
            request: RequestId::new(Uuid::nil()),
            address: None,
        };
        grants.permit::<P>(actor).is_ok()
    }

    #[test]
    fn every_role_may_do_exactly_this() {
        type Row = (&'static str, [bool; 7]);
        let row = |name, grants: &Grants| -> Row {
            let may = [
                may::<ViewProfile>(grants),
                may::<SignOut>(grants),
                may::<ViewUsage>(grants),
                may::<ViewBilling>(grants),
                may::<UseAi>(grants),
                may::<ManageBilling>(grants),
                may::<ManageKeys>(grants),
            ];
            (name, may)
        };
        let table: Vec<Row> = [
            row("nobody", &Grants::default()),
            row("api key", &Grants::of_api_key()),
            row("viewer", &Role::Viewer.grants()),
            row("member", &Role::Member.grants()),
            row("owner", &Role::Owner.grants()),
        ]
        .into();
        assert_eq!(
            table,
            [
                // profile, sign out, usage, billing, ai, manage billing, manage keys
                ("nobody", [false, false, false, false, false, false, false]),
                ("api key", [false, false, false, false, true, false, false]),
                ("viewer", [true, true, true, false, false, false, false]),
                ("member", [true, true, true, true, true, false, false]),
                ("owner", [true, true, true, true, true, true, true]),
            ]
        );
    }

    #[test]
    fn a_role_is_known_by_its_name_only() {
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
        }
        assert_eq!("root".parse::<Role>(), Err(UnknownRole("root".to_owned())));
    }
}
