//! What is sold, and what a workspace has.
use cape_domain::billing::Balance;
use cape_testkit::fixtures::{ACME, RIVAL, credits, permit};

use super::bought;
use crate::world::World;

#[tokio::test]
async fn plans_and_packs_are_shown_the_cheapest_first() {
    let world = World::new().await;
    let sold = world.pricing.sold().await.expect("shown");
    let plans: Vec<_> = sold.plans.iter().map(|plan| plan.code.as_str()).collect();
    assert_eq!(plans, ["free", "basic", "pro", "enterprise"]);
    let packs: Vec<_> = sold.packs.iter().map(|pack| pack.code.as_str()).collect();
    assert_eq!(packs, ["small", "medium", "large"]);
}

#[tokio::test]
async fn a_workspace_sees_its_own_credits_and_what_moved_last() {
    let world = World::new().await;
    bought(&world, "medium").await;
    let shown = world.credits.account(permit(ACME)).await.expect("shown");
    assert_eq!((shown.balance.available, shown.balance.held), (credits(2_100), credits(0)));
    let mut transactions = world.transactions(ACME).await;
    transactions.reverse();
    assert_eq!(shown.recent, transactions);
    let rival = world.credits.account(permit(RIVAL)).await.expect("shown");
    assert_eq!((rival.balance, rival.recent), (Balance::default(), vec![]));
    world.proves_its_ledger().await;
}
