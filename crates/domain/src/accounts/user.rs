//! People.
use std::str::FromStr;

use crate::{
    accounts::{Email, PasswordHash},
    ids::UserId,
    text::Name,
    time::Timestamp,
};

/// Somebody who can sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its identity.
    pub id: UserId,
    /// The address it signs in with; no two users share one.
    pub email: Email,
    /// What stands for its password.
    pub password: PasswordHash,
    /// What it came for.
    pub user_type: UserType,
    /// Whether the address is known to be its own.
    pub verification: Verification,
    /// Whether it may sign in at all.
    pub state: UserState,
    /// Whether it operates the platform.
    pub operator: bool,
    /// When it signed up.
    pub created_at: Timestamp,
    /// Grows with every stored change; guards concurrent writers.
    pub version: u32,
}

/// What a user tells about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Whose it is.
    pub user: UserId,
    /// Its name.
    pub full_name: Option<Name>,
    /// Whom it works for.
    pub company: Option<Name>,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a user came for. A user chooses it; it grants nothing by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum UserType {
    /// To use what is offered.
    #[default]
    Customer,
    /// To offer something.
    Developer,
}

/// A name that is no user type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be `customer` or `developer`")]
pub struct UnknownUserType;

/// Whether a user has shown that the address is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// Not yet.
    Pending,
    /// It has.
    Verified {
        /// When.
        at: Timestamp,
    },
}

/// Where an account is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserState {
    /// Good.
    Active,
    /// Closed, by its user or by an operator.
    Deactivated {
        /// When.
        at: Timestamp,
    },
}

impl UserType {
    /// Every user type.
    pub const ALL: [Self; 2] = [Self::Customer, Self::Developer];

    /// The stable name, as stored and as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Developer => "developer",
        }
    }
}

impl FromStr for UserType {
    type Err = UnknownUserType;

    fn from_str(name: &str) -> Result<Self, UnknownUserType> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or(UnknownUserType)
    }
}

impl User {
    /// Whether the address is known to be the user's.
    #[must_use]
    pub const fn is_verified(&self) -> bool {
        match self.verification {
            Verification::Pending => false,
            Verification::Verified { .. } => true,
        }
    }

    /// Whether the account was not closed.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        match self.state {
            UserState::Active => true,
            UserState::Deactivated { .. } => false,
        }
    }

    /// Closes the account. The first time stands. An operator is none any more, also when the
    /// account is opened again.
    #[must_use]
    pub fn deactivate(self, now: Timestamp) -> Self {
        match self.state {
            UserState::Active => {
                Self { state: UserState::Deactivated { at: now }, operator: false, ..self }
            }
            UserState::Deactivated { .. } => self,
        }
    }

    /// Opens a closed account again.
    #[must_use]
    pub fn reactivate(self) -> Self {
        Self { state: UserState::Active, ..self }
    }

    /// Makes the user an operator of the platform, or takes that back.
    #[must_use]
    pub fn operate(self, operator: bool) -> Self {
        Self { operator, ..self }
    }

    /// Gives the user another password.
    #[must_use]
    pub fn change_password(self, password: PasswordHash) -> Self {
        Self { password, ..self }
    }

    /// Moves the user to an address that is known to be its own.
    #[must_use]
    pub fn change_email(self, email: Email, now: Timestamp) -> Self {
        Self { email, verification: Verification::Verified { at: now }, ..self }
    }

    /// Takes note that the address is the user's. The first time stands.
    #[must_use]
    pub fn verify(self, now: Timestamp) -> Self {
        match self.verification {
            Verification::Pending => {
                Self { verification: Verification::Verified { at: now }, ..self }
            }
            Verification::Verified { .. } => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn nobody_becomes_an_admin_by_saying_so() {
        for kind in UserType::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        for claim in ["admin", "Customer", "owner", ""] {
            assert_eq!(claim.parse::<UserType>(), Err(UnknownUserType));
        }
    }

    fn user() -> User {
        User {
            id: UserId::new(Uuid::nil()),
            email: "ada@example.com".parse().expect("an address"),
            password: PasswordHash::from_phc(""),
            user_type: UserType::Customer,
            verification: Verification::Pending,
            state: UserState::Active,
            operator: false,
            created_at: Timestamp::UNIX_EPOCH,
            version: 0,
        }
    }

    #[test]
    fn a_closed_account_keeps_its_first_end_and_can_be_opened_again() {
        let closed = user().deactivate(Timestamp::UNIX_EPOCH);
        assert!(!closed.is_active());
        assert_eq!(closed.clone().deactivate(Timestamp::MAX_UTC), closed);
        assert_eq!(closed.reactivate(), user());
    }

    #[test]
    fn who_closes_its_account_operates_nothing_when_it_is_opened_again() {
        let operator = user().operate(true);
        assert!(operator.operator);
        assert_eq!(operator.clone().operate(false), user());
        assert_eq!(operator.deactivate(Timestamp::UNIX_EPOCH).reactivate(), user());
    }

    #[test]
    fn an_address_is_verified_once() {
        let user = user();
        assert!(!user.is_verified());
        let verified = user.verify(Timestamp::UNIX_EPOCH);
        assert!(verified.is_verified());
        assert_eq!(verified.clone().verify(Timestamp::MAX_UTC), verified);
    }
}
