//! Moving to another address: both the old and the new one have to agree.
use crate::{accounts::Email, ids::UserId, time::Timestamp};

/// A move to another address that is under way. A user has one at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailChange {
    /// Who moves.
    pub user: UserId,
    /// Where to.
    pub new_email: Email,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Whether the old address agreed.
    pub released: bool,
    /// Whether the new address did.
    pub claimed: bool,
}

/// Which address agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that is left.
    Old,
    /// The one that is moved to.
    New,
}

impl EmailChange {
    /// A move that nobody agreed to yet.
    #[must_use]
    pub const fn request(user: UserId, new_email: Email, now: Timestamp) -> Self {
        Self { user, new_email, requested_at: now, released: false, claimed: false }
    }

    /// Takes note that one of the addresses agreed.
    #[must_use]
    pub fn agree(self, side: Side) -> Self {
        match side {
            Side::Old => Self { released: true, ..self },
            Side::New => Self { claimed: true, ..self },
        }
    }

    /// Whether both agreed.
    #[must_use]
    pub const fn is_agreed(&self) -> bool {
        self.released && self.claimed
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn both_addresses_have_to_agree_in_any_order() {
        let email = "new@example.com".parse().expect("an address");
        let asked = EmailChange::request(UserId::new(Uuid::nil()), email, Timestamp::UNIX_EPOCH);
        for sides in [[Side::Old, Side::New], [Side::New, Side::Old]] {
            let one = asked.clone().agree(sides[0]);
            assert!(!asked.is_agreed() && !one.is_agreed());
            assert!(!one.clone().agree(sides[0]).is_agreed(), "twice the same is one");
            assert!(one.agree(sides[1]).is_agreed());
        }
    }
}
