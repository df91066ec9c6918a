//! What a caller of the throttle does, as promises need it.
use cape_domain::{
    access::{Attempt, Door, Network, Throttle, Throttled},
    time::Timestamp,
};
use chrono::TimeDelta;

use crate::fixtures::at;

/// The finest step of time.
pub(super) const MICRO: TimeDelta = TimeDelta::microseconds(1);

/// How much later than it should a throttle may open.
const SLACK: TimeDelta = TimeDelta::milliseconds(1);

/// Somebody who guesses the password of this name from the network of this number.
pub(super) fn guess(name: &str, network: u8) -> Attempt {
    crate::fixtures::attempt(Door::Login, name, network)
}

/// The same from a network that the account was signed in from.
pub(super) fn familiar(name: &str, network: u8) -> Attempt {
    Attempt { familiar: true, ..guess(name, network) }
}

/// The same from a network of its own, so that nothing but the account counts.
pub(super) fn from_anywhere(name: &str) -> impl FnMut() -> Attempt {
    let (name, mut next) = (name.to_owned(), 0_u128);
    move || {
        next += 1;
        let address = std::net::Ipv6Addr::from((0x2001_0db8_u128 << 96) + (next << 64));
        Attempt { network: Some(Network::of_client(address.into())), ..guess(&name, 0) }
    }
}

/// Fails so often at one instant, without a claim.
pub(super) async fn fail(throttle: &dyn Throttle, attempt: &Attempt, times: u32, now: Timestamp) {
    for _ in 0..times {
        throttle.fail(attempt, now).await;
    }
}

/// How many of these attempts are let in until one has to wait.
pub(super) async fn let_in(throttle: &dyn Throttle, attempt: &Attempt, now: Timestamp) -> u32 {
    const MOST: u32 = 30;
    for count in 0..MOST {
        if throttle.claim(attempt, now).await.is_err() {
            return count;
        }
    }
    panic!("nobody has to wait");
}

/// Makes sure that an attempt has to wait until so many seconds after `since`, and not for
/// longer.
#[track_caller]
pub(super) fn waits(outcome: Result<(), Throttled>, since: Timestamp, seconds: i64) -> Timestamp {
    let expected = since + TimeDelta::seconds(seconds);
    let Err(Throttled { opens_at }) = outcome else { panic!("let in, not kept for {seconds} s") };
    assert!(expected <= opens_at && opens_at <= expected + SLACK, "{expected}: {opens_at}");
    opens_at
}

/// So many seconds, and then some: instants in the middle of everything.
pub(super) fn odd(seconds: i64) -> Timestamp {
    at(seconds) + TimeDelta::microseconds(654_321)
}
