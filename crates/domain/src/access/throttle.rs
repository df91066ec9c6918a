//! Slowing down who guesses.
//!
//! Guesses are counted on two axes: for the account they are about, and for the network they come
//! from. A few are free; then each has to wait longer than the one before, up to a minute. Nobody
//! is ever locked out: an account is guessed at by strangers, so what they do must not keep its
//! owner out. A network that the account was signed in from before is therefore counted apart
//! from all others, and every door has counts of its own: who is slowed down at the password can
//! still ask for a code.
//!
//! While guesses fail everywhere at once (a list of leaked passwords is being tried), the free
//! ones shrink to one. That slows down machines; who types the right password notices nothing.
use chrono::TimeDelta;

use crate::{access::Network, accounts::Email, time::Timestamp};

/// What is guessed at. Each is counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Door {
    /// Passwords.
    Login,
    /// Refresh tokens.
    Refresh,
    /// Codes from mails, and asking for such mails.
    Code,
    /// Links from mails.
    Reset,
    /// Second factors.
    Mfa,
}

impl Door {
    /// Every door.
    pub const ALL: [Self; 5] = [Self::Login, Self::Refresh, Self::Code, Self::Reset, Self::Mfa];

    /// The stable name, for metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Refresh => "refresh",
            Self::Code => "code",
            Self::Reset => "reset",
            Self::Mfa => "mfa",
        }
    }
}

/// Somebody at a door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which door.
    pub door: Door,
    /// The account it is about, as it was written; whether it exists makes no difference.
    pub account: Option<Email>,
    /// Where it comes from.
    pub network: Option<Network>,
    /// Whether the account was signed in from that network before.
    pub familiar: bool,
}

/// What is counted apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Axis {
    /// An account, from all networks that are not familiar.
    Account(Email),
    /// An account, from one familiar network.
    Familiar(Email, Network),
    /// A network, whatever the account.
    Network(Network),
}

impl Attempt {
    /// What this attempt counts on.
    #[must_use]
    pub fn axes(&self) -> Vec<Axis> {
        let account = self.account.clone().map(|account| match self.network {
            Some(network) if self.familiar => Axis::Familiar(account, network),
            Some(_) | None => Axis::Account(account),
        });
        account.into_iter().chain(self.network.map(Axis::Network)).collect()
    }
}

impl Axis {
    /// How many failures are free.
    #[must_use]
    pub const fn free(&self) -> u32 {
        match self {
            Self::Account(_) => 5,
            Self::Familiar(..) => 10,
            Self::Network(_) => 20,
        }
    }
}

/// The failures on one axis of one door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// How many there were, each less than [`Tally::MEMORY`] after the one before.
    pub failures: u32,
    /// When the last one was.
    pub last_at: Timestamp,
}

impl Tally {
    /// After so long without a failure all is forgotten.
    pub const MEMORY: TimeDelta = TimeDelta::minutes(15);

    /// The longest that anybody has to wait.
    pub const LONGEST_WAIT: TimeDelta = TimeDelta::seconds(60);

    /// Whether it no longer matters.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.last_at + Self::MEMORY
    }

    /// From when on the next attempt is let in, if `free` failures are free: one second after
    /// the first that is not, twice as long after every further one, never longer than a minute.
    #[must_use]
    pub fn opens_at(&self, free: u32) -> Timestamp {
        let Some(beyond) = self.failures.checked_sub(free.max(1)) else { return self.last_at };
        let wait = TimeDelta::seconds(1_i64 << beyond.min(6));
        self.last_at + wait.min(Self::LONGEST_WAIT)
    }

    /// The same after one more failure; `before` is what was counted so far.
    #[must_use]
    pub fn failed(before: Option<Self>, now: Timestamp) -> Self {
        let so_far = before.filter(|tally| !tally.is_over(now)).map_or(0, |tally| tally.failures);
        Self { failures: so_far.saturating_add(1), last_at: now }
    }
}

/// Somebody has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts failed; try again in a moment")]
pub struct Throttled {
    /// When the next attempt is let in.
    pub opens_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn the_wait_doubles_up_to_a_minute_and_never_becomes_a_lock_out() {
        for (failures, free, wait) in [
            (0, 5, 0),
            (1, 5, 0),
            (4, 5, 0),
            (5, 5, 1),
            (6, 5, 2),
            (7, 5, 4),
            (10, 5, 32),
            (11, 5, 60),
            (u32::MAX, 5, 60),
            (1, 1, 1),
            (1, 0, 1),
        ] {
            let tally = Tally { failures, last_at: at(100) };
            assert_eq!(tally.opens_at(free), at(100 + wait), "{failures} of {free}");
        }
    }

    #[test]
    fn failures_add_up_until_a_quarter_of_an_hour_is_quiet() {
        let one = Tally::failed(None, at(0));
        let two = Tally::failed(Some(one), at(899));
        assert_eq!(two, Tally { failures: 2, last_at: at(899) });
        assert!(!two.is_over(at(899 + 899)) && two.is_over(at(899 + 900)));
        assert_eq!(Tally::failed(Some(two), at(899 + 900)).failures, 1);
    }

    #[test]
    fn a_familiar_network_is_counted_apart_from_strangers() {
        let account: Email = "ada@example.com".parse().expect("an address");
        let network = Network::of_client("192.0.2.7".parse().expect("an address"));
        let stranger = Attempt {
            door: Door::Login,
            account: Some(account.clone()),
            network: Some(network),
            familiar: false,
        };
        let own = Attempt { familiar: true, ..stranger.clone() };
        assert_eq!(stranger.axes(), [Axis::Account(account.clone()), Axis::Network(network)]);
        assert_eq!(own.axes(), [Axis::Familiar(account, network), Axis::Network(network)]);
        let nobody = Attempt { account: None, network: None, ..own };
        assert_eq!(nobody.axes(), []);
    }
}
