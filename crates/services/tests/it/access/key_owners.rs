//! A key is good as long as its owner may use it.
use cape_domain::{
    access::{ApiKey, Role},
    accounts::User,
    ids::WorkspaceId,
    secret::Secret,
};
use cape_services::access::Refused;
use cape_testkit::fixtures::{ACME, api_key, permit, presented_key};

use crate::{
    accounts::{given_a_member, given_an_unverified_user},
    usage::given_a_key,
    world::{Setup, World, origin},
};

/// A key that somebody made in ACME.
async fn key_of(world: &World, owner: &User, workspace: WorkspaceId) -> Secret {
    given_a_key(world, &ApiKey { owner: owner.id, workspace, ..api_key(30) }).await;
    presented_key(30).reveal()
}

async fn is_good(world: &World, key: &Secret) -> bool {
    world.feed.poll().await.expect("polled");
    match world.authenticator.program(key.expose(), origin()).await {
        Ok(_) => true,
        Err(Refused::Key) => false,
        Err(other) => panic!("{other:?}"),
    }
}

async fn own_workspace(world: &World, user: &User) -> WorkspaceId {
    let places = world.look().await.workspaces().memberships(user.id).await.expect("places");
    places[0].workspace
}

#[tokio::test]
async fn where_addresses_have_to_be_verified_so_has_the_owners() {
    let strict = World::with(Setup { verified_only: true, ..Setup::default() }).await;
    let newcomer = given_an_unverified_user(&strict, 20).await;
    let own = own_workspace(&strict, &newcomer).await;
    let key = key_of(&strict, &newcomer, own).await;
    assert!(!is_good(&strict, &key).await);
    strict.accounts.verification.vouch(&newcomer.email).await.expect("vouched for");
    assert!(is_good(&strict, &key).await);

    let lenient = World::new().await;
    let newcomer = given_an_unverified_user(&lenient, 20).await;
    let own = own_workspace(&lenient, &newcomer).await;
    let key = key_of(&lenient, &newcomer, own).await;
    assert!(is_good(&lenient, &key).await);
}

#[tokio::test]
async fn a_closed_account_has_no_good_keys_until_it_is_opened_again() {
    let world = World::new().await;
    let bob = given_a_member(&world, 20, Role::Owner).await;
    let key = key_of(&world, &bob, ACME).await;
    assert!(is_good(&world, &key).await);
    world.accounts.closing.deactivate(&bob.email).await.expect("closed");
    assert!(!is_good(&world, &key).await);
    world.accounts.closing.reactivate(&bob.email).await.expect("opened");
    assert!(is_good(&world, &key).await);
}

#[tokio::test]
async fn who_was_removed_from_a_workspace_spends_nothing_there_any_more() {
    let world = World::new().await;
    let bob = given_a_member(&world, 20, Role::Owner).await;
    let key = key_of(&world, &bob, ACME).await;
    assert!(is_good(&world, &key).await);
    world.accounts.members.remove(permit(ACME), bob.id).await.expect("removed");
    assert!(!is_good(&world, &key).await);
}

#[tokio::test]
async fn a_key_in_a_workspace_of_its_owners_own_stays_good_when_it_is_removed_elsewhere() {
    let world = World::new().await;
    let bob = given_a_member(&world, 20, Role::Owner).await;
    let own = own_workspace(&world, &bob).await;
    let key = key_of(&world, &bob, own).await;
    world.accounts.members.remove(permit(ACME), bob.id).await.expect("removed");
    assert!(is_good(&world, &key).await);
}
