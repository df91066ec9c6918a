//! Whether what this process depends on is there.
use std::{collections::BTreeMap, sync::Arc};

use cape_services::health::{Check, HealthService, Integration};
use chrono::TimeDelta;

use crate::world::World;

fn health(world: &World) -> Arc<HealthService> {
    HealthService::new(
        world.base.clone(),
        world.feed.clone(),
        world.tokens.clone(),
        world.vault.clone(),
        None,
        BTreeMap::from([("stripe".to_owned(), Integration::Disabled)]),
    )
}

const fn healthy(check: &Check) -> bool {
    matches!(check, Check::Healthy)
}

#[tokio::test]
async fn what_is_there_is_healthy_and_what_is_not_used_is_disabled() {
    let world = World::new().await;
    let health = health(&world);
    assert!(healthy(&health.database().await));
    assert!(healthy(&health.vault()));
    assert!(healthy(&health.control_feed()));
    assert!(matches!(health.redis().await, Check::Disabled));
    assert_eq!(health.integrations()["stripe"].name(), "disabled");
}

#[tokio::test]
async fn a_store_that_is_away_is_unhealthy_and_comes_back() {
    let world = World::new().await;
    let health = health(&world);
    world.unsteady.set_down(true);
    assert!(matches!(health.database().await, Check::Unhealthy(_)));
    world.unsteady.set_down(false);
    assert!(healthy(&health.database().await));
}

#[tokio::test]
async fn a_stale_feed_is_unhealthy() {
    let world = World::new().await;
    world.clock.advance(TimeDelta::seconds(2));
    assert!(matches!(health(&world).control_feed(), Check::Unhealthy(_)));
}
