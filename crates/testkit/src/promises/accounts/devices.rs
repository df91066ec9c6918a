//! Where users are signed in, and where they ever were.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use std::net::IpAddr;

use cape_domain::{
    access::Network,
    accounts::{Device, EndReason, KnownDevices, Session, SessionState},
    ids::UserId,
    store::{Durability, Scope, Store},
};
use chrono::TimeDelta;

use super::sessions::insert_session;
use crate::fixtures::{ADA, EVE, RIVAL, at, session};

/// Those that are over, and those that nobody refreshed in time, are not among them. Of two of
/// one instant, the one with the higher id comes first.
pub async fn live_sessions_are_listed_newest_first(store: &dyn Store) {
    let begun = |number, second| Session { created_at: at(second), ..session(number) };
    let expiring = Session { state: SessionState::Live { expires_at: at(50) }, ..begun(14, 4) };
    let ended = begun(15, 5).end(EndReason::Revoked, at(6));
    let foreign = Session { user: EVE, workspace: RIVAL, ..session(16) };
    let live = [begun(10, 1), begun(11, 3), begun(12, 2), begun(13, 2)];
    for session in live.iter().chain([&expiring, &ended, &foreign]) {
        insert_session(store, session).await.expect("insert");
    }
    let [first, fourth, second, third] = live;
    let own = vec![expiring, fourth, third, second, first];
    let moment = TimeDelta::microseconds(1);
    let mut read = store.read(Scope::Platform).await.expect("read");
    let mut live = async |user, now| read.sessions().live(user, now).await.expect("live");
    assert_eq!(live(ADA, at(50) - moment).await, own);
    assert_eq!(live(ADA, at(50)).await, own[1..]);
    assert_eq!(live(EVE, at(50)).await, [foreign]);
    assert_eq!(live(ADA, at(50) + Session::LIFE).await, []);
}

/// Of more than two hundred, the newest.
pub async fn at_most_two_hundred_live_sessions_are_listed(store: &dyn Store) {
    let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
    for number in 100..302 {
        work.sessions().insert(&session(number)).await.expect("insert");
    }
    let live = work.sessions().live(ADA, at(1)).await.expect("live");
    assert!(live.iter().map(|session| session.id).eq((102..302).rev().map(|n| session(n).id)));
}

/// From one IPv4 address, however it is written, or from the /64 of an IPv6 address. It does not
/// matter that the session is over, and others came for themselves.
pub async fn it_is_known_from_which_networks_a_user_came(store: &dyn Store) {
    let from = |number, address| Session { address: Some(ip(address)), ..session(number) };
    let over = from(11, "2001:db8:0:1::7").end(EndReason::LoggedOut, at(5));
    let foreign = Session { user: EVE, workspace: RIVAL, ..from(12, "192.0.2.9") };
    for session in
        [from(10, "192.0.2.7"), over, foreign, session(13), from(14, "::ffff:192.0.2.10")]
    {
        insert_session(store, &session).await.expect("insert");
    }
    for (user, address, expected) in [
        (ADA, "192.0.2.7", true),
        (ADA, "::ffff:192.0.2.7", true),
        (ADA, "192.0.2.8", false),
        (ADA, "192.0.2.9", false),
        (ADA, "192.0.2.10", true),
        (ADA, "2001:db8:0:1:ffff::8", true),
        (ADA, "2001:db8:0:2::7", false),
        (ADA, "::192.0.2.7", false),
        (EVE, "192.0.2.9", true),
        (EVE, "192.0.2.7", false),
    ] {
        let mut read = store.read(Scope::Platform).await.expect("read");
        let network = Network::of_client(ip(address));
        let came = read.sessions().came_from(user, network).await.expect("came from");
        assert_eq!(came, expected, "{user} from {address}");
    }
}

/// A device that does not say what it is, is one of its own. It does not matter that the session
/// is over, and others have devices of their own.
pub async fn a_device_is_known_once_it_signed_in(store: &dyn Store) {
    let (laptop, phone) = (device("Laptop/1.0"), device("Phone/1.0"));
    assert_eq!(known(store, ADA, Some(&laptop)).await, KnownDevices::default());
    assert_eq!(known(store, ADA, None).await, KnownDevices::default());
    let signed_in = Session { device: Some(laptop.clone()), ..session(10) };
    insert_session(store, &signed_in.end(EndReason::LoggedOut, at(5))).await.expect("insert");
    let known_as = |this| KnownDevices { any: true, this };
    assert_eq!(known(store, ADA, Some(&laptop)).await, known_as(true));
    for other in [Some(&phone), Some(&device("Laptop/1.0.1")), None] {
        assert_eq!(known(store, ADA, other).await, known_as(false), "{other:?}");
    }
    insert_session(store, &session(11)).await.expect("insert");
    assert_eq!(known(store, ADA, None).await, known_as(true));
    assert_eq!(known(store, EVE, Some(&laptop)).await, KnownDevices::default());
}

fn ip(address: &str) -> IpAddr {
    address.parse().expect("an address")
}

fn device(text: &str) -> Device {
    text.parse().expect("a device")
}

async fn known(store: &dyn Store, user: UserId, device: Option<&Device>) -> KnownDevices {
    let mut read = store.read(Scope::Platform).await.expect("read");
    read.sessions().knows(user, device).await.expect("knows")
}
