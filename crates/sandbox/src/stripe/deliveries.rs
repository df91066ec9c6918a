//! Events that are kept back, so that they can come late, in another order, twice or never.
use std::mem;

use serde_json::{Value, json};

use super::account::Parcel;

/// The most copies of one event.
pub(crate) const MOST_COPIES: usize = 100;

/// In which order held events are let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// As they were made.
    Made,
    /// The last first.
    Reversed,
    /// Any, but the same for the same number.
    Shuffled(u64),
}

/// How a delivery is signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Signing {
    /// With the endpoint's secret.
    #[default]
    Usual,
    /// With another secret.
    Wrong,
    /// With the endpoint's secret, ten minutes ago.
    Stale,
    /// With another secret and with the endpoint's, as while a secret is replaced.
    Rolled,
    /// In the scheme of test messages alone, which proves nothing.
    TestScheme,
}

impl Signing {
    /// The one of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "usual" => Self::Usual,
            "wrong" => Self::Wrong,
            "stale" => Self::Stale,
            "rolled" => Self::Rolled,
            "v0" => Self::TestScheme,
            _ => return None,
        })
    }
}

/// Events that are kept back.
pub(crate) struct Deliveries {
    /// Whether new ones are kept back.
    pub(crate) hold: bool,
    /// How often each one is sent.
    pub(crate) copies: usize,
    /// How they are signed when they go out.
    pub(crate) signing: Signing,
    held: Vec<Parcel>,
}

impl Default for Deliveries {
    fn default() -> Self {
        Self { hold: false, copies: 1, signing: Signing::Usual, held: Vec::new() }
    }
}

impl Deliveries {
    /// What of these parcels goes out at once. Copies of one are sent as ones of their own.
    pub(crate) fn pass(&mut self, parcels: Vec<Parcel>) -> Vec<Parcel> {
        if self.hold {
            self.held.extend(parcels);
            return Vec::new();
        }
        self.stamped(copied(parcels, self.copies))
    }

    /// Lets everything go that was held, in this order.
    pub(crate) fn release(&mut self, order: Order, copies: usize) -> Vec<Parcel> {
        let mut parcels = copied(mem::take(&mut self.held), copies);
        match order {
            Order::Made => {}
            Order::Reversed => parcels.reverse(),
            Order::Shuffled(seed) => shuffle(&mut parcels, seed),
        }
        self.stamped(parcels)
    }

    fn stamped(&self, mut parcels: Vec<Parcel>) -> Vec<Parcel> {
        for parcel in &mut parcels {
            parcel.signing = self.signing;
        }
        parcels
    }

    /// Forgets everything that was held; how many parcels it was.
    pub(crate) fn lose(&mut self) -> usize {
        mem::take(&mut self.held).len()
    }

    /// What is held, and how it goes on.
    pub(crate) fn show(&self) -> Value {
        let held = self.held.iter();
        let held = held.map(|parcel| json!({ "event": parcel.event, "type": parcel.kind }));
        json!({ "hold": self.hold, "copies": self.copies, "signature": format!("{:?}", self.signing), "held": held.collect::<Vec<_>>() })
    }
}

fn copied(parcels: Vec<Parcel>, copies: usize) -> Vec<Parcel> {
    parcels.into_iter().flat_map(|parcel| std::iter::repeat_n(parcel, copies)).collect()
}

/// Fisher and Yates, with the numbers of Marsaglia's xorshift.
fn shuffle(parcels: &mut [Parcel], seed: u64) {
    let mut state = seed ^ 0x9E37_79B9_7F4A_7C15;
    for last in (1..parcels.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let any = usize::try_from(state % (last as u64 + 1)).unwrap_or(0);
        parcels.swap(last, any);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::WebhookEndpoint;

    fn parcels() -> Vec<Parcel> {
        let to = WebhookEndpoint { url: String::new(), secret: String::new() };
        let parcel = |n: u8| Parcel {
            event: format!("evt_{n}"),
            kind: String::new(),
            body: String::new(),
            to: to.clone(),
            signing: Signing::Usual,
        };
        (0..9).map(parcel).collect()
    }

    fn events(parcels: &[Parcel]) -> String {
        parcels.iter().map(|parcel| parcel.event.trim_start_matches("evt_")).collect()
    }

    #[test]
    fn what_is_held_comes_in_the_order_that_is_asked_for_and_once() {
        for (order, expected) in [(Order::Made, "012345678"), (Order::Reversed, "876543210")] {
            let mut deliveries = Deliveries { hold: true, ..Deliveries::default() };
            assert_eq!(deliveries.pass(parcels()), []);
            assert_eq!(events(&deliveries.release(order, 1)), expected);
            assert_eq!(deliveries.release(order, 1), []);
        }
    }

    #[test]
    fn a_shuffle_loses_nothing_and_is_the_same_for_the_same_number() {
        let shuffled = |seed| {
            let mut deliveries = Deliveries { hold: true, ..Deliveries::default() };
            deliveries.pass(parcels());
            events(&deliveries.release(Order::Shuffled(seed), 1))
        };
        assert_eq!(shuffled(7), shuffled(7));
        assert_ne!(shuffled(7), shuffled(8));
        let mut all: Vec<char> = shuffled(7).chars().collect();
        all.sort_unstable();
        assert_eq!(all.into_iter().collect::<String>(), "012345678");
    }
}
