//! What networks have spent, in bounded memory.
//!
//! A network is forgotten when all that it spent is back, and not before: an attacker with many
//! addresses cannot make room by pushing out those that are limited. Where there is no room, the
//! networks that come new are not refused for it, but spend from one bucket together; those that
//! are remembered keep their own.
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use super::budget::{Budget, Exhausted, Spent};

/// Who is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Network {
    /// An address of version 4.
    V4(Ipv4Addr),
    /// A `/64` of version 6: what one customer has at the very least, to take any address of.
    V6([u16; 4]),
    /// Everybody whose address is not known.
    Unknown,
}

impl Network {
    /// The network of an address.
    pub(super) fn of(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            Some(IpAddr::V4(address)) => Self::V4(address),
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                Self::V6([a, b, c, d])
            }
            None => Self::Unknown,
        }
    }
}

/// Some of the networks, behind one lock.
#[derive(Debug)]
pub(super) struct Shard {
    most: usize,
    remembered: HashMap<Network, Spent>,
    /// What those spent together for whom there was no room.
    overflow: Spent,
    /// Nothing can be forgotten before this. Who floods us is not to buy a walk over all that is
    /// remembered with every request.
    kept_until: Duration,
}

impl Shard {
    /// One that remembers so many networks at most.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            remembered: HashMap::new(),
            overflow: Spent::default(),
            kept_until: Duration::ZERO,
        }
    }

    /// Takes one out of a network's bucket.
    pub(super) fn take(
        &mut self,
        budget: &Budget,
        network: Network,
        now: Duration,
    ) -> Result<(), Exhausted> {
        if let Some(spent) = self.remembered.get_mut(&network) {
            return budget.take(spent, now);
        }
        if self.remembered.len() >= self.most {
            self.forget(now);
        }
        if self.remembered.len() >= self.most {
            return budget.take(&mut self.overflow, now);
        }
        let mut spent = Spent::default();
        let verdict = budget.take(&mut spent, now);
        self.kept_until = self.kept_until.min(spent.full_at());
        self.remembered.insert(network, spent);
        verdict
    }

    /// Forgets networks that have all of their budget again.
    fn forget(&mut self, now: Duration) {
        if now < self.kept_until {
            return;
        }
        self.remembered.retain(|_, spent| !spent.is_over(now));
        let earliest = self.remembered.values().map(|spent| spent.full_at()).min();
        self.kept_until = earliest.unwrap_or_default();
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.remembered.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn network(last: u8) -> Network {
        Network::V4(Ipv4Addr::new(203, 0, 113, last))
    }

    /// Two at once, and one a second.
    fn budget() -> Budget {
        Budget::new(1, SECOND, 2)
    }

    #[test]
    fn an_address_belongs_to_one_network() {
        let of = |text: &str| Network::of(text.parse().ok());
        for (one, other, together) in [
            ("203.0.113.1", "203.0.113.1", true),
            ("203.0.113.1", "203.0.113.2", false),
            ("203.0.113.1", "::ffff:203.0.113.1", true),
            ("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", true),
            ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
            ("::", "0.0.0.0", false),
            ("none", "::", false),
            ("none", "neither", true),
        ] {
            assert_eq!(of(one) == of(other), together, "{one} {other}");
        }
    }

    #[test]
    fn who_is_limited_stays_limited_however_many_others_come() {
        let (mut shard, budget, now) = (Shard::new(2), budget(), SECOND);
        assert!(shard.take(&budget, network(1), now).is_ok());
        assert!(shard.take(&budget, network(1), now).is_ok());
        let others = (2..=255).map(network);
        let let_in = others.filter(|other| shard.take(&budget, *other, now).is_ok()).count();
        assert_eq!(let_in, 3, "one has a budget of its own, and all others one together");
        assert!(shard.take(&budget, network(1), now).is_err());
        assert_eq!(shard.remembered(), 2);
    }

    #[test]
    fn who_comes_when_there_is_no_room_shares_a_budget() {
        let (mut shard, budget, now) = (Shard::new(1), budget(), SECOND);
        for (last, let_in) in [(1, true), (2, true), (3, true), (4, false), (2, false), (1, true)] {
            assert_eq!(shard.take(&budget, network(last), now).is_ok(), let_in, "{last}");
        }
        assert!(shard.take(&budget, network(4), now + SECOND).is_ok(), "it refills");
    }

    #[test]
    fn room_is_made_by_forgetting_those_that_have_all_of_their_budget() {
        let (mut shard, budget) = (Shard::new(2), Budget::new(1, SECOND, 5));
        let mut take = |second, last| {
            assert!(shard.take(&budget, network(last), SECOND * second).is_ok());
            let remembered = |last: &u8| shard.remembered.contains_key(&network(*last));
            (1..=9).filter(remembered).collect::<Vec<u8>>()
        };
        for (second, last, remembered) in [
            (1, 1, [1].as_slice()),
            (1, 1, &[1]),
            (1, 1, &[1]),
            (1, 1, &[1]),
            (1, 2, &[1, 2]),
            // The one that the second spent is back, the four of the first are not.
            (2, 3, &[1, 3]),
            (2, 4, &[1, 3]),
            // Who came last is the first to be forgotten, when it is the first that is over.
            (3, 5, &[1, 5]),
            (3, 1, &[1, 5]),
            (5, 6, &[1, 6]),
            (6, 7, &[7]),
        ] {
            assert_eq!(take(second, last), remembered, "{second} {last}");
        }
    }

    #[test]
    fn without_any_room_everybody_shares() {
        let (mut shard, budget) = (Shard::new(0), budget());
        for (last, let_in) in [(1, true), (2, true), (3, false)] {
            assert_eq!(shard.take(&budget, network(last), SECOND).is_ok(), let_in, "{last}");
        }
        assert_eq!(shard.remembered(), 0);
    }
}
