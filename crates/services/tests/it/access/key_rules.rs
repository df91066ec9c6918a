//! What a key is good for, as its maker decided.
use std::net::IpAddr;

use cape_domain::{
    access::{
        CreateKeys, EditProfile, KeyRules, KeyScope, ManageBilling, Network, Permission, UseAi,
        ViewModels, ViewUsage,
    },
    secret::Secret,
    time::Clock as _,
};
use cape_services::access::{Caller, Origin, Refused};
use cape_testkit::fixtures::{ACME, permit};
use chrono::TimeDelta;

use crate::world::{World, origin};

/// A key with these rules, as its program presents it.
pub async fn key(world: &World, rules: KeyRules) -> Secret {
    let name = "robot".parse().expect("a name");
    world.keys.create(permit(ACME), name, rules).await.expect("made").secret
}

async fn recognise(world: &World, key: &Secret) -> Result<Caller, Refused> {
    world.authenticator.program(key.expose(), origin()).await
}

fn may<P: Permission>(world: &World, caller: &Caller) -> bool {
    world.authenticator.permit::<P>(caller.clone()).is_ok()
}

#[tokio::test]
async fn a_key_may_do_what_its_scopes_say_and_nothing_about_an_account() {
    let world = World::new().await;
    for (scopes, spends, looks) in [
        (vec![], false, false),
        (vec![KeyScope::Chat], true, false),
        (vec![KeyScope::Models], false, true),
        (KeyScope::ALL.to_vec(), true, true),
    ] {
        let rules = KeyRules { scopes: scopes.iter().copied().collect(), ..KeyRules::unlimited() };
        let caller = recognise(&world, &key(&world, rules).await).await.expect("recognised");
        assert_eq!(may::<UseAi>(&world, &caller), spends, "{scopes:?}");
        assert_eq!(may::<ViewModels>(&world, &caller), looks, "{scopes:?}");
        assert!(!may::<EditProfile>(&world, &caller) && !may::<ViewUsage>(&world, &caller));
        assert!(!may::<CreateKeys>(&world, &caller) && !may::<ManageBilling>(&world, &caller));
    }
}

#[tokio::test]
async fn a_key_expires_whether_it_is_known_already_or_not() {
    let world = World::new().await;
    let expires_at = Some(world.clock.now() + TimeDelta::hours(1));
    let rules = KeyRules { expires_at, ..KeyRules::unlimited() };
    let [known, unknown] = [key(&world, rules.clone()).await, key(&world, rules).await];
    recognise(&world, &known).await.expect("good");
    world.clock.advance(TimeDelta::hours(1) - TimeDelta::microseconds(1));
    recognise(&world, &known).await.expect("good");
    world.clock.advance(TimeDelta::microseconds(1));
    for key in [known, unknown] {
        let refused = recognise(&world, &key).await;
        assert!(matches!(refused, Err(Refused::Key)), "{refused:?}");
    }
}

#[tokio::test]
async fn a_key_is_used_from_where_its_maker_said() {
    let world = World::new().await;
    let networks: Vec<Network> =
        ["192.0.2.0/28", "2001:db8::/32"].map(|n| n.parse().expect("a network")).into();
    let bound = key(&world, KeyRules { networks, ..KeyRules::unlimited() }).await;
    let free = key(&world, KeyRules::unlimited()).await;
    for (address, inside) in [
        (Some("192.0.2.7"), true),
        (Some("::ffff:192.0.2.7"), true),
        (Some("192.0.2.16"), false),
        (Some("2001:db8:1::1"), true),
        (Some("2001:db9::1"), false),
        (None, false),
    ] {
        let address = address.map(|text| text.parse::<IpAddr>().expect("an address"));
        let origin = Origin { address, ..origin() };
        let outcome = world.authenticator.program(bound.expose(), origin).await;
        assert_eq!(outcome.is_ok(), inside, "{address:?}");
        let named = matches!(outcome, Err(Refused::Address));
        assert_eq!(named, !inside, "{address:?}");
        world.authenticator.program(free.expose(), origin).await.expect("from anywhere");
    }
}
