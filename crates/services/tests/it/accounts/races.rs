//! Whoever loses a race to somebody else's change tries again, and nobody notices.
use cape_domain::{
    access::{ChangePassword, KeyRules, ManageSessions, Role},
    accounts::Password,
};
use cape_services::accounts::{Evidence, NewProfile, Proof};
use cape_testkit::fixtures::{ACME, PASSWORD, RIVAL, permit};

use super::{
    GRACE, ada, address, code, given_a_member, letter, link, newcomer, permit_of,
    refresh::{refresh, token},
    register,
    resets::NEW,
};
use crate::world::{World, client, origin};

/// A world where the next two units of work lose a race.
fn contended(world: &World) -> &World {
    world.unsteady.conflict(2);
    world
}

#[tokio::test]
async fn signing_in_and_staying_in() {
    let world = World::new().await;
    let pair = contended(&world).ada_signs_in().await;
    let pair = refresh(contended(&world), &token(&pair)).await;
    let permit = permit_of::<ManageSessions>(&world, &pair).await;
    let proof = Proof { password: Password::given(PASSWORD), factor: None };
    let sessions = &contended(&world).accounts.sessions;
    sessions.reauthenticate(permit.clone(), &proof).await.expect("shown");
    contended(&world);
    sessions.revoke_others(permit).await.expect("taken back");
    contended(&world).accounts.login.request_code(origin(), &ada()).await.expect("asked");
    let code = code(&letter(&world, &ada()).await);
    let login = contended(&world).accounts.login.with_code(&client(), &ada(), &code).await;
    login.expect("signed in");
}

#[tokio::test]
async fn showing_that_an_address_is_ones_own() {
    let world = World::new().await;
    register(contended(&world), newcomer(GRACE)).await;
    let grace = address(GRACE);
    let code = code(&letter(&world, &grace).await);
    let evidence = Evidence::Code { email: grace.clone(), code };
    let verification = &contended(&world).accounts.verification;
    verification.verify(origin(), &evidence).await.expect("verified");
    contended(&world);
    verification.vouch(&grace).await.expect("vouched for");
    contended(&world);
    verification.resend(origin(), &grace).await.expect("asked");
}

#[tokio::test]
async fn changing_passwords_addresses_and_profiles() {
    let world = World::new().await;
    let pair = world.ada_signs_in().await;
    let own = permit_of::<ChangePassword>(&world, &pair).await;
    let passwords = &contended(&world).accounts.passwords;
    passwords.change(own, &Password::given(PASSWORD), NEW).await.expect("changed");
    let new = address("new@example.com");
    let moves = &contended(&world).accounts.email_changes;
    moves.request(permit(ACME), &new).await.expect("asked");
    let claim = link(&letter(&world, &new).await);
    contended(&world);
    moves.agree(origin(), &claim).await.expect("agreed");
    let profiles = &contended(&world).accounts.profiles;
    profiles.change(permit(ACME), NewProfile::default()).await.expect("changed");
    contended(&world).accounts.mfa.set_up(permit(ACME)).await.expect("set up");
}

#[tokio::test]
async fn changing_who_is_in_a_workspace() {
    let world = World::new().await;
    let bob = given_a_member(&world, 20, Role::Viewer).await.id;
    let members = &contended(&world).accounts.members;
    members.change_role(permit(ACME), bob, Role::Member).await.expect("changed");
    contended(&world);
    members.remove(permit(ACME), bob).await.expect("removed");
    contended(&world);
    let invited = members.invite(permit(ACME), &address(GRACE), Role::Member).await;
    contended(&world);
    let id = invited.expect("invited").id;
    members.uninvite(permit(ACME), id).await.expect("taken back");
    contended(&world).accounts.closing.close_own(permit(RIVAL)).await.expect("closed");
}

#[tokio::test]
async fn making_keys() {
    let world = World::new().await;
    let name = "robot".parse().expect("a name");
    let keys = &contended(&world).keys;
    let key = keys.create(permit(ACME), name, KeyRules::unlimited()).await.expect("made").key;
    contended(&world);
    let overlap = cape_services::access::Overlap::default();
    keys.rotate(permit(ACME), key.id, overlap).await.expect("rotated");
    contended(&world);
    keys.revoke(permit(ACME), key.id).await.expect("taken back");
}
