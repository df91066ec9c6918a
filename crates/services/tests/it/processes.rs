//! Saying that this process lives.
use cape_domain::{processes::Process, time::Clock as _};
use cape_services::processes::ProcessService;
use chrono::TimeDelta;

use crate::world::World;

#[tokio::test]
async fn a_process_lives_from_its_first_heartbeat_until_it_takes_leave() {
    let world = World::new().await;
    let other = ProcessService::new(world.base.clone());
    assert_ne!(other.id(), world.process.id());
    let silent = async || {
        let since = world.clock.now() + TimeDelta::seconds(1);
        world.look().await.processes().silent(since).await.expect("silent")
    };
    let living = Process { id: world.process.id(), heartbeat_at: world.clock.now() };
    assert_eq!(silent().await, [living]);
    other.beat().await.expect("a heartbeat");
    assert_eq!(silent().await.len(), 2);
    other.leave().await.expect("leave");
    assert_eq!(silent().await, [living]);
}

#[tokio::test]
async fn every_heartbeat_moves_the_last_one() {
    let world = World::new().await;
    world.clock.advance(TimeDelta::seconds(5));
    world.process.beat().await.expect("a heartbeat");
    let silent = world.look().await.processes().silent(world.clock.now()).await.expect("silent");
    assert_eq!(silent, []);
}
