//! Whose keys they are: nobody sees the answers of anybody else.
use std::fmt;

use crate::{
    access::{Actor, Principal},
    ids::{ApiKeyId, UserId, WorkspaceId},
};

/// Who asks, in which workspace. Two who use the same key mean two requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requester {
    /// The tenant it acts in.
    pub workspace: WorkspaceId,
    /// Who it is.
    pub id: RequesterId,
    /// For whom answers are sealed: the person itself, or who made the API key.
    pub person: UserId,
}

/// Who asks. Its text is that of the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequesterId {
    /// A person, through whichever session.
    User(UserId),
    /// A program. The successor of its key is somebody else.
    ApiKey(ApiKeyId),
}

impl Requester {
    /// Who acts. Nobody, for a visitor or a job: they have no keys.
    #[must_use]
    pub const fn of(actor: &Actor) -> Option<Self> {
        let (id, person) = match actor.principal {
            Principal::User { id, .. } => (RequesterId::User(id), id),
            Principal::ApiKey { id, owner } => (RequesterId::ApiKey(id), owner),
            Principal::Visitor | Principal::System => return None,
        };
        Some(Self { workspace: actor.workspace, id, person })
    }
}

impl fmt::Display for RequesterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => id.fmt(f),
            Self::ApiKey(id) => id.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        ids::{RequestId, SessionId},
        time::Timestamp,
    };

    #[test]
    fn a_person_is_the_same_in_every_session_and_a_key_is_somebody_else() {
        let id = |number| Uuid::from_u128(number);
        let (user, key) = (UserId::new(id(1)), ApiKeyId::new(id(1)));
        let person = |session| Principal::User {
            id: user,
            session: SessionId::new(id(session)),
            impersonated_by: None,
        };
        let of = |principal| {
            Requester::of(&Actor {
                principal,
                workspace: WorkspaceId::new(id(2)),
                authenticated_at: Timestamp::UNIX_EPOCH,
                request: RequestId::new(id(3)),
                address: None,
            })
        };
        assert_eq!(of(person(4)), of(person(5)));
        let program = of(Principal::ApiKey { id: key, owner: user }).expect("somebody");
        assert_ne!(Some(program), of(person(4)));
        assert_eq!(program.person, user);
        assert_eq!(program.id.to_string(), key.to_string());
        assert_eq!(of(Principal::Visitor), None);
        assert_eq!(of(Principal::System), None);
    }
}
