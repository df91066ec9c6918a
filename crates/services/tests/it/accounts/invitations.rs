//! Being asked to join a workspace, and joining it.
use cape_domain::{
    access::{ManageMembers, ManageSessions, Role, ViewMembers},
    accounts::{Invitation, Letter, MailDetail, MailKind, PresentedToken},
    audit::Action,
    page::PageRequest,
    secret::Secret,
    store::{Scope, Store as _},
};
use cape_services::accounts::{MemberError, NewUser, RegistrationError};
use cape_testkit::fixtures::{ACME, ADA, EVE, RIVAL, membership, permit, user};
use chrono::TimeDelta;
use tokio::task::JoinSet;

use super::{GRACE, ada, address, letter, link, newcomer, permit_of, sent, sign_in};
use crate::world::{World, origin};

/// ADA asks somebody to join ACME.
async fn invite(world: &World, email: &str, role: Role) -> (Invitation, Letter) {
    let email = address(email);
    let invited = world.accounts.members.invite(permit(ACME), &email, role).await;
    (invited.expect("invited"), letter(world, &email).await)
}

fn guest(token: &PresentedToken) -> NewUser {
    NewUser { invitation: Some(token.clone()), ..newcomer(GRACE) }
}

async fn refused(world: &World, new: NewUser) {
    let refused = world.accounts.registration.register(origin(), new).await;
    assert!(matches!(refused, Err(RegistrationError::InvalidInvitation)), "{refused:?}");
}

/// EVE, who signs in with user4@example.com, follows a link.
async fn accept(world: &World, token: &PresentedToken) -> Result<(), MemberError> {
    let pair = sign_in(world, &user(EVE).email).await;
    let permit = permit_of::<ManageSessions>(world, &pair).await;
    world.accounts.members.accept(permit, token).await.map(|_| ())
}

async fn role_in_acme(world: &World, email: &str) -> Option<Role> {
    let user = world.user(email).await.expect("a user");
    let place = world.look().await.workspaces().membership(ACME, user.id).await;
    place.expect("found").map(|place| place.role)
}

async fn waiting(world: &World) -> Vec<Invitation> {
    let page = PageRequest::first();
    world.accounts.members.invitations(permit(ACME), page).await.expect("listed").rows
}

#[tokio::test]
async fn an_invitation_names_the_workspace_and_is_good_for_a_week() {
    let world = World::new().await;
    let (invitation, letter) = invite(&world, GRACE, Role::Viewer).await;
    assert_eq!(letter.kind, MailKind::Invitation);
    assert_eq!(letter.detail.as_ref().map(MailDetail::as_str), Some("Workspace 1"));
    assert_eq!((letter.code.clone(), letter.link_life), (None, Some(TimeDelta::days(7))));
    let text = letter.link.as_ref().expect("a link").expose();
    assert!(text.starts_with("https://cape.example/join?token="), "{text}");
    assert_eq!((invitation.workspace, invitation.invited_by), (ACME, ADA));
    assert_eq!(waiting(&world).await, [invitation]);
    assert_eq!(world.actions().await, [Action::MemberInvited]);
}

#[tokio::test]
async fn who_signs_up_with_one_joins_is_verified_and_still_has_a_workspace_of_its_own() {
    let world = World::new().await;
    let (_, letter) = invite(&world, GRACE, Role::Viewer).await;
    let registered = world.accounts.registration.register(origin(), guest(&link(&letter))).await;
    registered.expect("registered");
    let grace = world.user(GRACE).await.expect("a user");
    assert!(grace.is_verified());
    let places = world.look().await.workspaces().memberships(grace.id).await.expect("places");
    let roles: Vec<_> = places.iter().map(|place| (place.workspace == ACME, place.role)).collect();
    assert_eq!(roles, [(false, Role::Owner), (true, Role::Viewer)]);
    let pair = sign_in(&world, &grace.email).await;
    assert_eq!(pair.workspace.id, places[0].workspace, "its own is the active one");
    assert_eq!(sent(&world).await.last(), Some(&(address(GRACE), MailKind::Welcome)));
    assert_eq!(waiting(&world).await, []);
    assert!(world.actions().await.contains(&Action::MemberJoined));
}

#[tokio::test]
async fn it_is_good_once() {
    let world = World::new().await;
    let (_, letter) = invite(&world, GRACE, Role::Member).await;
    let token = link(&letter);
    world.accounts.registration.register(origin(), guest(&token)).await.expect("registered");
    refused(&world, guest(&token)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_use_one_at_once_one_does() {
    let world = World::new().await;
    let (_, letter) = invite(&world, GRACE, Role::Member).await;
    let mut all = JoinSet::new();
    for _ in 0..16 {
        let (registration, new) = (world.accounts.registration.clone(), guest(&link(&letter)));
        all.spawn(async move { registration.register(origin(), new).await });
    }
    let answers = all.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(role_in_acme(&world, GRACE).await, Some(Role::Member));
}

#[tokio::test]
async fn it_is_meant_for_the_address_it_was_sent_to() {
    let world = World::new().await;
    let (_, letter) = invite(&world, GRACE, Role::Owner).await;
    let token = link(&letter);
    let mallory = NewUser { email: address("mallory@example.com"), ..guest(&token) };
    refused(&world, mallory).await;
    assert!(world.user("mallory@example.com").await.is_none());
    let accepted = accept(&world, &token).await;
    assert!(matches!(accepted, Err(MemberError::InvalidInvitation)), "{accepted:?}");
    assert_eq!(waiting(&world).await.len(), 1, "its receiver can still use it");
}

#[tokio::test]
async fn one_that_is_forged_or_of_another_kind_is_refused() {
    let world = World::new().await;
    let (_, letter) = invite(&world, GRACE, Role::Owner).await;
    let forged = PresentedToken { secret: Secret::new("0".repeat(64)), ..link(&letter) };
    refused(&world, guest(&forged)).await;
    world.accounts.passwords.forgot(origin(), &ada()).await.expect("asked");
    let reset = super::letter(&world, &ada()).await;
    refused(&world, guest(&link(&reset))).await;
}

#[tokio::test]
async fn it_expires_after_a_week() {
    let world = World::new().await;
    let (_, letter) = invite(&world, GRACE, Role::Member).await;
    world.pass(TimeDelta::days(7)).await;
    refused(&world, guest(&link(&letter))).await;
    assert!(world.user(GRACE).await.is_none());
}

#[tokio::test]
async fn an_invitation_to_who_has_an_account_already_is_answered_as_any_known_address() {
    let world = World::new().await;
    let (_, letter) = invite(&world, ada().as_str(), Role::Viewer).await;
    let new = NewUser { email: ada(), ..guest(&link(&letter)) };
    world.accounts.registration.register(origin(), new).await.expect("the same answer");
    assert_eq!(sent(&world).await.last(), Some(&(ada(), MailKind::AddressTaken)));
}

#[tokio::test]
async fn who_has_an_account_accepts_and_can_switch() {
    let world = World::new().await;
    let eve = user(EVE).email;
    let (_, letter) = invite(&world, eve.as_str(), Role::Member).await;
    accept(&world, &link(&letter)).await.expect("joined");
    assert_eq!(role_in_acme(&world, eve.as_str()).await, Some(Role::Member));
    assert!(world.actions().await.contains(&Action::MemberJoined));
    let again = accept(&world, &link(&letter)).await;
    assert!(matches!(again, Err(MemberError::InvalidInvitation)), "{again:?}");
    let pair = sign_in(&world, &eve).await;
    assert_eq!(pair.workspace.id, RIVAL);
    let permit = permit_of::<ManageSessions>(&world, &pair).await;
    let switched = world.accounts.members.switch(permit, ACME).await.expect("switched");
    assert_eq!(switched.workspace.id, ACME);
}

#[tokio::test]
async fn who_is_in_already_keeps_what_it_is() {
    let world = World::new().await;
    let (_, letter) = invite(&world, ada().as_str(), Role::Viewer).await;
    let pair = world.ada_signs_in().await;
    let permit = permit_of::<ManageSessions>(&world, &pair).await;
    world.accounts.members.accept(permit, &link(&letter)).await.expect("accepted");
    assert_eq!(role_in_acme(&world, ada().as_str()).await, Some(membership(ACME, ADA).role));
    assert_eq!(waiting(&world).await, []);
}

#[tokio::test]
async fn asking_again_replaces_the_former_link() {
    let world = World::new().await;
    let (_, first) = invite(&world, GRACE, Role::Viewer).await;
    let (second, letter) = invite(&world, GRACE, Role::Member).await;
    assert_eq!(waiting(&world).await, [second]);
    refused(&world, guest(&link(&first))).await;
    let registered = world.accounts.registration.register(origin(), guest(&link(&letter))).await;
    registered.expect("registered");
    assert_eq!(role_in_acme(&world, GRACE).await, Some(Role::Member));
}

#[tokio::test]
async fn one_that_was_taken_back_is_refused() {
    let world = World::new().await;
    let (invitation, letter) = invite(&world, GRACE, Role::Member).await;
    let uninvite = async |workspace| {
        let permit = permit::<ManageMembers>(workspace);
        world.accounts.members.uninvite(permit, invitation.id).await
    };
    let foreign = uninvite(RIVAL).await;
    assert!(matches!(foreign, Err(MemberError::InvitationNotFound(_))), "{foreign:?}");
    uninvite(ACME).await.expect("taken back");
    refused(&world, guest(&link(&letter))).await;
    let again = uninvite(ACME).await;
    assert!(matches!(again, Err(MemberError::InvitationNotFound(_))), "{again:?}");
    assert_eq!(world.actions().await, [Action::MemberInvited, Action::InvitationRevoked]);
}

#[tokio::test]
async fn one_that_was_taken_back_before_its_letter_went_out_is_not_sent() {
    let world = World::new().await;
    let email = address(GRACE);
    let invited = world.accounts.members.invite(permit(ACME), &email, Role::Member).await;
    let id = invited.expect("invited").id;
    world.accounts.members.uninvite(permit(ACME), id).await.expect("taken back");
    assert_eq!(sent(&world).await, []);
}

#[tokio::test]
async fn invitations_are_seen_within_their_workspace_alone() {
    let world = World::new().await;
    let (invitation, _) = invite(&world, GRACE, Role::Member).await;
    let page = PageRequest::first();
    let rival = world.accounts.members.invitations(permit::<ViewMembers>(RIVAL), page).await;
    assert_eq!(rival.expect("listed").rows, []);
    let mut look = world.store.read(Scope::Workspace(RIVAL)).await.expect("a look");
    assert_eq!(look.invitations().find(invitation.id).await.expect("looked"), None);
}
