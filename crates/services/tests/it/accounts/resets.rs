//! Replacing a password that was forgotten.
use cape_domain::{
    access::{CreateKeys, KeyRules},
    accounts::{
        Chooser, Email, EndReason, Letter, MailKind, Password, PresentedToken, Purpose,
        SessionState, WeakPassword,
    },
    audit::Action,
    secret::Secret,
    store::{Durability, Scope, Store as _},
    time::Clock as _,
};
use cape_services::{
    access::Refused,
    accounts::{PasswordError, SignInError},
};
use cape_testkit::{
    fakes::{PlainHasher, PlainMeter},
    fixtures::{ACME, ADA, PASSWORD, permit, user},
};
use chrono::TimeDelta;

use super::{
    ada, address, code, given_an_unverified_user, letter, link, permit_of,
    refresh::{refused, token},
    sent, show, sign_in,
};
use crate::world::{Setup, World, client, origin, signed_in};

pub const NEW: &str = "a much better password";

async fn forgot(world: &World, email: &Email) {
    world.accounts.passwords.forgot(origin(), email).await.expect("the usual answer");
}

async fn reset(world: &World, token: &PresentedToken, new: &str) -> Result<(), PasswordError> {
    world.accounts.passwords.reset(origin(), token, new).await
}

fn bad_token(outcome: Result<(), PasswordError>) -> bool {
    matches!(outcome, Err(PasswordError::SignIn(SignInError::InvalidToken)))
}

/// ADA forgot her password, and has a letter.
async fn given_a_letter(world: &World) -> Letter {
    forgot(world, &ada()).await;
    letter(world, &ada()).await
}

/// A key of ADA's, as her program presents it.
pub async fn given_a_key(world: &World, ends_with_password: bool) -> Secret {
    let rules = KeyRules { ends_with_password, ..KeyRules::unlimited() };
    let name = "robot".parse().expect("a name");
    world.keys.create(permit::<CreateKeys>(ACME), name, rules).await.expect("made").secret
}

/// One key dies with the password, and one does not.
pub async fn only_marked_keys_died(world: &World, marked: &Secret, other: &Secret) {
    world.feed.poll().await.expect("polled");
    let died = world.authenticator.program(marked.expose(), origin()).await;
    assert!(matches!(died, Err(Refused::Key)), "{died:?}");
    world.authenticator.program(other.expose(), origin()).await.expect("a good key");
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_password_is_said() {
    let world = World::new().await;
    let email = address("graciella@example.com");
    let chooser = Chooser { email: Some(&email), full_name: None, company: None };
    let [leaked, ..] = PlainMeter::breached();
    let long = "long and longer ".repeat(9);
    for (text, reasons) in [
        ("short", &[WeakPassword::TooShort][..]),
        ("elevenchars", &[WeakPassword::TooShort]),
        ("twelve chars", &[]),
        (&long, &[WeakPassword::TooLong]),
        ("graciella@example.com", &[WeakPassword::LikeItsOwner]),
        ("abababababababab", &[WeakPassword::Monotonous]),
        ("aaaa", &[WeakPassword::TooShort, WeakPassword::Monotonous]),
        (leaked, &[WeakPassword::Breached]),
    ] {
        let (_, wrong) = world.accounts.passwords.appraise(text, chooser);
        assert_eq!(wrong, reasons, "{text}");
        let chosen = world.accounts.passwords.choose(text, chooser);
        let expected =
            if reasons.is_empty() { Ok(Password::given(text)) } else { Err(reasons.to_vec()) };
        assert_eq!(chosen, expected, "{text}");
    }
    let (appraisal, _) = world.accounts.passwords.appraise("short", chooser);
    assert_eq!((appraisal.score, appraisal.breached, appraisal.suggestions.len()), (0, false, 1));
}

#[tokio::test]
async fn whoever_asks_is_answered_alike_and_only_who_has_an_account_gets_a_letter() {
    let world = World::new().await;
    for (waiting, email) in [(1, address("nobody@example.com")), (2, ada())] {
        forgot(&world, &email).await;
        assert_eq!(world.backlog().await.waiting, waiting, "the same is written");
    }
    assert_eq!(world.entries().await, [], "and nothing else");
    assert_eq!(sent(&world).await, [(ada(), MailKind::ResetPassword)]);
}

#[tokio::test]
async fn a_letter_has_a_link_for_half_an_hour_and_no_code() {
    let world = World::new().await;
    let letter = given_a_letter(&world).await;
    assert_eq!((letter.code.clone(), letter.link_life), (None, Some(TimeDelta::minutes(30))));
    let text = letter.link.as_ref().expect("a link").expose();
    assert!(text.starts_with("https://cape.example/reset?lang=en&token=cape_ot_"), "{text}");
}

#[tokio::test]
async fn the_link_replaces_the_password_once() {
    let world = World::new().await;
    let link = link(&given_a_letter(&world).await);
    reset(&world, &link, NEW).await.expect("replaced");
    let stored = world.user(ada().as_str()).await.expect("a user").password;
    assert_eq!(stored.expose(), PlainHasher::hashed(NEW));
    assert!(bad_token(reset(&world, &link, "yet another password").await));
    let old = show(&world, &ada(), PASSWORD).await;
    assert!(matches!(old, Err(SignInError::InvalidCredentials)), "{old:?}");
    signed_in(show(&world, &ada(), NEW).await.expect("the new one"));
    assert_eq!(sent(&world).await.last(), Some(&(ada(), MailKind::PasswordChanged)));
    assert!(world.actions().await.contains(&Action::PasswordReset));
}

#[tokio::test]
async fn a_link_is_good_for_half_an_hour() {
    let world = World::new().await;
    let link = link(&given_a_letter(&world).await);
    world.pass(TimeDelta::minutes(30)).await;
    assert!(bad_token(reset(&world, &link, NEW).await));
    assert_eq!(world.user(ada().as_str()).await, Some(user(ADA)));
}

#[tokio::test]
async fn a_weak_password_leaves_the_link_good() {
    let world = World::new().await;
    let link = link(&given_a_letter(&world).await);
    for (weak, reason) in [
        ("short", WeakPassword::TooShort),
        (ada().as_str(), WeakPassword::LikeItsOwner),
        (PlainMeter::breached()[0], WeakPassword::Breached),
    ] {
        let refused = reset(&world, &link, weak).await;
        assert!(matches!(&refused, Err(PasswordError::Weak(r)) if r == &[reason]), "{refused:?}");
    }
    reset(&world, &link, NEW).await.expect("replaced");
}

#[tokio::test]
async fn a_forged_link_or_one_of_another_purpose_is_refused() {
    let world = World::new().await;
    let good = link(&given_a_letter(&world).await);
    let forged = PresentedToken { secret: Secret::new("0".repeat(64)), ..good };
    assert!(bad_token(reset(&world, &forged, NEW).await));
    let newcomer = given_an_unverified_user(&world, 20).await;
    world.accounts.verification.resend(origin(), &newcomer.email).await.expect("asked");
    let verify = link(&letter(&world, &newcomer.email).await);
    assert!(bad_token(reset(&world, &verify, NEW).await));
}

#[tokio::test]
async fn all_sessions_end() {
    let world = World::new().await;
    let pairs = [world.ada_signs_in().await, world.ada_signs_in().await];
    let link = link(&given_a_letter(&world).await);
    reset(&world, &link, NEW).await.expect("replaced");
    world.feed.poll().await.expect("polled");
    let (at, reason) = (world.clock.now(), EndReason::CredentialsChanged);
    for pair in &pairs {
        let session = world.session(token(pair).session).await;
        assert_eq!(session.state, SessionState::Ended { at, reason });
        refused(&world, &token(pair)).await;
        let out = world.authenticator.person(pair.access_token.expose(), origin()).await;
        assert!(matches!(out, Err(Refused::Token(_))), "{out:?}");
    }
}

#[tokio::test]
async fn keys_that_are_marked_so_die_and_others_do_not() {
    let world = World::new().await;
    let [marked, other] = [given_a_key(&world, true).await, given_a_key(&world, false).await];
    for key in [&marked, &other] {
        world.authenticator.program(key.expose(), origin()).await.expect("a good key");
    }
    let link = link(&given_a_letter(&world).await);
    reset(&world, &link, NEW).await.expect("replaced");
    only_marked_keys_died(&world, &marked, &other).await;
    let revoked = world.actions().await.into_iter().filter(|a| *a == Action::ApiKeyRevoked);
    assert_eq!(revoked.count(), 1);
}

#[tokio::test]
async fn whatever_else_was_on_its_way_dies_too() {
    let world = World::new().await;
    world.accounts.login.request_code(origin(), &ada()).await.expect("asked");
    let code = code(&letter(&world, &ada()).await);
    let link = link(&given_a_letter(&world).await);
    reset(&world, &link, NEW).await.expect("replaced");
    let refused = world.accounts.login.with_code(&client(), &ada(), &code).await;
    assert!(matches!(refused, Err(SignInError::InvalidCode)), "{refused:?}");
    let mut look = world.look().await;
    for purpose in Purpose::ALL {
        assert_eq!(look.one_time().current(ADA, purpose).await.expect("looked"), None);
    }
}

#[tokio::test]
async fn who_has_the_link_has_the_mail_box() {
    let world = World::with(Setup { verified_only: true, ..Setup::default() }).await;
    let newcomer = given_an_unverified_user(&world, 20).await;
    forgot(&world, &newcomer.email).await;
    let link = link(&letter(&world, &newcomer.email).await);
    reset(&world, &link, NEW).await.expect("replaced");
    let pair = signed_in(show(&world, &newcomer.email, NEW).await.expect("let in"));
    assert!(pair.user.is_verified());
}

#[tokio::test]
async fn a_closed_account_is_sent_no_link_and_a_link_does_not_open_it() {
    let world = World::new().await;
    let link = link(&given_a_letter(&world).await);
    world.accounts.closing.deactivate(&ada()).await.expect("closed");
    assert!(bad_token(reset(&world, &link, NEW).await));
    world.pass(TimeDelta::minutes(2)).await;
    forgot(&world, &ada()).await;
    assert_eq!(sent(&world).await.len(), 1, "the one from before");
}

#[tokio::test]
async fn who_signs_in_with_the_old_password_while_it_is_replaced_has_no_session_afterwards() {
    let world = World::new().await;
    let link = link(&given_a_letter(&world).await);
    let busy = world.store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    let email = ada();
    let (early, replaced, late, ()) = tokio::join!(
        show(&world, &email, PASSWORD),
        reset(&world, &link, NEW),
        show(&world, &email, PASSWORD),
        async { drop(busy) },
    );
    replaced.expect("replaced");
    for login in [early, late].into_iter().flatten() {
        refused(&world, &token(&signed_in(login))).await;
    }
    let live = world.look().await.sessions().live(ADA, world.clock.now()).await;
    assert_eq!(live.expect("listed"), []);
}

#[tokio::test]
async fn a_stranger_who_signed_up_with_the_address_keeps_no_key() {
    let world = World::new().await;
    let victim = given_an_unverified_user(&world, 20).await;
    let stranger = sign_in(&world, &victim.email).await;
    let permit = permit_of::<CreateKeys>(&world, &stranger).await;
    let name = "trap".parse().expect("a name");
    let trap = world.keys.create(permit, name, KeyRules::unlimited()).await.expect("made").secret;

    forgot(&world, &victim.email).await;
    let letter = letter(&world, &victim.email).await;
    reset(&world, &link(&letter), NEW).await.expect("the right link");

    world.feed.poll().await.expect("polled");
    let trap = world.authenticator.program(trap.expose(), origin()).await;
    assert!(matches!(trap, Err(Refused::Key)));
    let stored = world.user(victim.email.as_str()).await.expect("a user");
    assert!(stored.is_verified());
}
