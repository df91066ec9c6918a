//! Where no mail server is configured.
use cape_domain::{access::Role, accounts::PresentedToken};
use cape_services::accounts::{MailDisabled, MemberError, SignInError};
use cape_testkit::fixtures::{ACME, PASSWORD, mail, permit};

use chrono::TimeDelta;

use super::{GRACE, ada, address, deliver, mails::given_a_mail, newcomer, register, show};
use crate::world::{Setup, World, origin};

async fn without_mail() -> World {
    World::with(Setup { post: None, ..Setup::default() }).await
}

#[tokio::test]
async fn what_needs_a_letter_says_that_there_are_none() {
    let world = without_mail().await;
    let email = ada();
    for refused in [
        world.accounts.passwords.forgot(origin(), &email).await,
        world.accounts.login.request_code(origin(), &email).await,
        world.accounts.verification.resend(origin(), &email).await,
        world.accounts.email_changes.request(permit(ACME), &address(GRACE)).await,
    ] {
        assert!(matches!(refused, Err(SignInError::Mail(MailDisabled))), "{refused:?}");
    }
    let invited = world.accounts.members.invite(permit(ACME), &address(GRACE), Role::Member).await;
    assert!(matches!(invited, Err(MemberError::Mail(MailDisabled))), "{invited:?}");
    assert_eq!(world.entries().await, []);
}

#[tokio::test]
async fn what_is_only_news_is_not_written() {
    let world = without_mail().await;
    for _ in 0..2 {
        register(&world, newcomer(GRACE)).await;
    }
    show(&world, &address(GRACE), PASSWORD).await.expect("signed in");
    assert_eq!(world.backlog().await.waiting, 0);
}

#[tokio::test]
async fn a_link_from_before_is_judged_as_ever() {
    let world = without_mail().await;
    let token: PresentedToken =
        "cape_ot_00000000000000000000000000000063.0".parse().expect("a token");
    let refused = world.accounts.email_changes.agree(origin(), &token).await;
    assert!(matches!(refused, Err(SignInError::InvalidToken)), "{refused:?}");
}

#[tokio::test]
async fn what_another_process_put_into_the_outbox_waits_for_one_that_can_send_it() {
    let world = without_mail().await;
    let letter = mail(10);
    given_a_mail(&world, &letter).await;
    deliver(&world).await;
    let left = world.look().await.mails().find(letter.id).await.expect("looked");
    assert_eq!((left, world.backlog().await.waiting), (Some(letter), 1));
    for _ in 0..12 {
        world.clock.advance(TimeDelta::hours(2));
        deliver(&world).await;
    }
    assert_eq!(world.backlog().await.dead, 1, "and somebody is told");
}
