//! Moving to another address.
use cape_domain::{
    access::ChangeEmail,
    accounts::{EndReason, Letter, MailDetail, MailKind, PresentedToken, SessionState},
    audit::Action,
    time::Clock as _,
};
use cape_services::accounts::{EmailChangeProgress, PasswordError, SignInError};
use cape_testkit::fixtures::{ACME, EVE, PASSWORD, at, owner, permit, program, user};
use chrono::TimeDelta;

use super::{
    ada, address, letter, link, newcomer, permit_of,
    refresh::{refused, token},
    register,
    resets::{NEW, given_a_key},
    sent, show, sign_in,
};
use crate::world::{World, origin};

const MOVED: &str = "ada.lovelace@example.com";

async fn request(world: &World, to: &str) {
    let permit = permit::<ChangeEmail>(ACME);
    world.accounts.email_changes.request(permit, &address(to)).await.expect("asked");
}

async fn agree(world: &World, token: &PresentedToken) -> Result<EmailChangeProgress, SignInError> {
    world.accounts.email_changes.agree(origin(), token).await
}

fn refused_token(outcome: Result<EmailChangeProgress, SignInError>) -> bool {
    matches!(outcome, Err(SignInError::InvalidToken))
}

/// The letters to the old and to the new address.
async fn given_a_request(world: &World) -> [Letter; 2] {
    request(world, MOVED).await;
    [letter(world, &ada()).await, letter(world, &address(MOVED)).await]
}

#[tokio::test]
async fn both_addresses_are_asked() {
    let world = World::new().await;
    let [old, new] = given_a_request(&world).await;
    assert_eq!((old.kind, new.kind), (MailKind::ReleaseEmail, MailKind::ClaimEmail));
    assert_eq!(old.detail.expect("where to").as_str(), MOVED);
    for life in [old.link_life, new.link_life] {
        assert_eq!(life, Some(TimeDelta::minutes(30)));
    }
    let text = new.link.as_ref().expect("a link").expose();
    assert!(text.starts_with("https://cape.example/move?token="), "{text}");
}

#[tokio::test]
async fn they_agree_in_any_order_and_one_alone_changes_nothing() {
    for order in [[0, 1], [1, 0]] {
        let world = World::new().await;
        let letters = given_a_request(&world).await;
        let [first, second] = order.map(|place| link(&letters[place]));
        let progress = agree(&world, &first).await.expect("agreed");
        assert_eq!(progress, EmailChangeProgress::Waiting);
        sign_in(&world, &ada()).await;
        let progress = agree(&world, &second).await.expect("agreed");
        assert_eq!(progress, EmailChangeProgress::Done);
        let pair = sign_in(&world, &address(MOVED)).await;
        assert!(pair.user.is_verified());
        let old = show(&world, &ada(), PASSWORD).await;
        assert!(matches!(old, Err(SignInError::InvalidCredentials)), "{old:?}");
        assert!(world.actions().await.contains(&Action::EmailChanged));
    }
}

#[tokio::test]
async fn agreeing_twice_is_agreeing_once() {
    let world = World::new().await;
    let [old, _] = given_a_request(&world).await;
    agree(&world, &link(&old)).await.expect("agreed");
    assert!(refused_token(agree(&world, &link(&old)).await));
    assert!(world.user(MOVED).await.is_none());
}

#[tokio::test]
async fn the_old_address_is_told() {
    let world = World::new().await;
    for letter in given_a_request(&world).await {
        agree(&world, &link(&letter)).await.expect("agreed");
    }
    let told = letter(&world, &ada()).await;
    assert_eq!(told.kind, MailKind::EmailChanged);
    assert_eq!(told.detail.expect("where to").as_str(), MOVED);
}

#[tokio::test]
async fn links_are_good_for_half_an_hour() {
    let world = World::new().await;
    let letters = given_a_request(&world).await;
    world.pass(TimeDelta::minutes(30)).await;
    for letter in letters {
        assert!(refused_token(agree(&world, &link(&letter)).await));
    }
}

#[tokio::test]
async fn a_taken_address_is_answered_alike_its_owner_is_told_and_the_move_never_ends() {
    let world = World::new().await;
    let eve = user(EVE).email;
    request(&world, eve.as_str()).await;
    let told = letter(&world, &eve).await;
    assert_eq!((told.kind, told.link), (MailKind::AddressTaken, None));
    let old = letter(&world, &ada()).await;
    let progress = agree(&world, &link(&old)).await.expect("agreed");
    assert_eq!(progress, EmailChangeProgress::Waiting);
    assert_eq!(world.user(eve.as_str()).await, Some(user(EVE)));
    sign_in(&world, &ada()).await;
}

#[tokio::test]
async fn an_address_that_somebody_signed_up_with_meanwhile_is_not_moved_to() {
    let world = World::new().await;
    let [old, new] = given_a_request(&world).await;
    register(&world, newcomer(MOVED)).await;
    agree(&world, &link(&old)).await.expect("agreed");
    assert!(refused_token(agree(&world, &link(&new)).await));
    sign_in(&world, &ada()).await;
    assert!(!world.user(MOVED).await.expect("a user").is_verified());
}

#[tokio::test]
async fn a_request_takes_the_place_of_the_former_one_and_its_links_die_at_once() {
    let world = World::new().await;
    let [old, mine] = given_a_request(&world).await;
    // What was shown for one address must not serve for another.
    request(&world, "victim@example.com").await;
    assert!(refused_token(agree(&world, &link(&mine)).await), "the claim of another address");
    assert!(refused_token(agree(&world, &link(&old)).await), "it told of another address");
    let asked = letter(&world, &ada()).await;
    assert_eq!(asked.detail.as_ref().map(MailDetail::as_str), Some("victim@example.com"));
    let claim = letter(&world, &address("victim@example.com")).await;
    for letter in [asked, claim] {
        agree(&world, &link(&letter)).await.expect("agreed");
    }
    assert!(world.user("victim@example.com").await.is_some());
    assert!(world.user(MOVED).await.is_none());
}

#[tokio::test]
async fn a_letter_of_a_former_request_that_was_not_sent_yet_is_not_sent() {
    let world = World::new().await;
    request(&world, MOVED).await;
    request(&world, "other@example.com").await;
    let other = address("other@example.com");
    let expected = [(ada(), MailKind::ReleaseEmail), (other, MailKind::ClaimEmail)];
    assert_eq!(sent(&world).await, expected);
    let asked = letter(&world, &ada()).await;
    assert_eq!(asked.detail.expect("where to").as_str(), "other@example.com");
}

#[tokio::test]
async fn asking_for_the_same_again_within_a_minute_sends_nothing_more_and_its_links_are_good() {
    let world = World::new().await;
    let letters = given_a_request(&world).await;
    request(&world, MOVED).await;
    assert_eq!(sent(&world).await.len(), 2);
    for letter in letters {
        agree(&world, &link(&letter)).await.expect("agreed");
    }
    assert!(world.user(MOVED).await.is_some());
}

#[tokio::test]
async fn asking_for_the_same_again_asks_anew_who_agreed_already() {
    let world = World::new().await;
    let [old, new] = given_a_request(&world).await;
    agree(&world, &link(&old)).await.expect("agreed");
    request(&world, MOVED).await;
    let progress = agree(&world, &link(&new)).await.expect("agreed");
    assert_eq!(progress, EmailChangeProgress::Waiting);
    let again = letter(&world, &ada()).await;
    let progress = agree(&world, &link(&again)).await.expect("agreed");
    assert_eq!(progress, EmailChangeProgress::Done);
}

#[tokio::test]
async fn the_link_of_another_purpose_agrees_to_nothing() {
    let world = World::new().await;
    given_a_request(&world).await;
    world.accounts.passwords.forgot(origin(), &ada()).await.expect("asked");
    let reset = letter(&world, &ada()).await;
    assert_eq!(reset.kind, MailKind::ResetPassword);
    assert!(refused_token(agree(&world, &link(&reset)).await));
}

#[tokio::test]
async fn a_reset_that_was_sent_to_the_old_address_dies_with_the_move() {
    let world = World::new().await;
    world.accounts.passwords.forgot(origin(), &ada()).await.expect("asked");
    let reset = link(&letter(&world, &ada()).await);
    for letter in given_a_request(&world).await {
        agree(&world, &link(&letter)).await.expect("agreed");
    }
    let refused = world.accounts.passwords.reset(origin(), &reset, NEW).await;
    let dead = matches!(refused, Err(PasswordError::SignIn(SignInError::InvalidToken)));
    assert!(dead, "{refused:?}");
}

#[tokio::test]
async fn a_reset_that_was_asked_for_before_and_not_sent_yet_reaches_nobody() {
    let world = World::new().await;
    let letters = given_a_request(&world).await;
    world.accounts.passwords.forgot(origin(), &ada()).await.expect("asked");
    for letter in letters {
        agree(&world, &link(&letter)).await.expect("agreed");
    }
    let kinds: Vec<_> = sent(&world).await.into_iter().map(|(_, kind)| kind).collect();
    assert!(!kinds.contains(&MailKind::ResetPassword), "{kinds:?}");
}

#[tokio::test]
async fn all_sessions_end_and_keys_stay_good() {
    let world = World::new().await;
    let [pair, other] = [world.ada_signs_in().await, world.ada_signs_in().await];
    let key = given_a_key(&world, true).await;
    let permit = permit_of::<ChangeEmail>(&world, &pair).await;
    world.accounts.email_changes.request(permit, &address(MOVED)).await.expect("asked");
    for letter in [letter(&world, &ada()).await, letter(&world, &address(MOVED)).await] {
        agree(&world, &link(&letter)).await.expect("agreed");
    }
    let (at, reason) = (world.clock.now(), EndReason::CredentialsChanged);
    for pair in [pair, other] {
        refused(&world, &token(&pair)).await;
        let session = world.session(token(&pair).session).await;
        assert_eq!(session.state, SessionState::Ended { at, reason });
    }
    world.feed.poll().await.expect("polled");
    world.authenticator.program(key.expose(), origin()).await.expect("a good key");
}

#[tokio::test]
async fn a_closed_account_does_not_move() {
    let world = World::new().await;
    let letters = given_a_request(&world).await;
    world.accounts.closing.deactivate(&ada()).await.expect("closed");
    for letter in letters {
        assert!(refused_token(agree(&world, &link(&letter)).await));
    }
}

#[tokio::test]
async fn a_program_does_not_move() {
    let world = World::new().await;
    let permit = owner().permit::<ChangeEmail>(program(10), at(0)).expect("permitted");
    let refused = world.accounts.email_changes.request(permit, &address(MOVED)).await;
    assert!(matches!(refused, Err(SignInError::InvalidCredentials)), "{refused:?}");
    assert_eq!(sent(&world).await, []);
}
