//! Sending what lies in the outbox.
use cape_domain::{
    accounts::{Mail, MailKind},
    ids::JobId,
    jobs::{Backlog, Job, LEASE, Task},
    store::{Durability, Scope, Store as _, StoreError},
    time::Clock as _,
};
use cape_services::accounts::{Evidence, MailError, SignInError};
use cape_testkit::fixtures::{id, mail};
use chrono::TimeDelta;

use super::{
    GRACE, ada, address, code, deliver, given_an_unverified_user, letter, link, newcomer, register,
    sent,
};
use crate::world::{World, origin};

/// A mail that lies in the outbox, with its job.
pub async fn given_a_mail(world: &World, mail: &Mail) {
    let job = Job {
        id: JobId::new(id(mail.id.raw().as_u128())),
        task: Task::SendMail(mail.id),
        unique_key: mail.id.to_string(),
        subject: mail.id.to_string(),
        run_at: world.clock.now(),
        attempt: 0,
    };
    let mut work = world.store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    work.mails().insert(mail).await.expect("inserted");
    work.jobs().enqueue(&job).await.expect("enqueued");
    work.commit().await.expect("commit");
}

/// Everything was done, and nothing is left of it.
async fn nothing_is_left(world: &World, mail: &Mail) {
    assert_eq!(world.backlog().await, Backlog::default());
    let left = world.look().await.mails().find(mail.id).await.expect("looked");
    assert_eq!(left, None);
}

#[tokio::test]
async fn a_mail_is_sent_once_and_forgotten() {
    let world = World::new().await;
    let mail = mail(10);
    given_a_mail(&world, &mail).await;
    let delivered = letter(&world, &ada()).await;
    assert_eq!((delivered.id, delivered.kind, delivered.at), (mail.id, mail.kind, mail.created_at));
    assert_eq!((delivered.link, delivered.code), (None, None));
    nothing_is_left(&world, &mail).await;
    world.pass(TimeDelta::days(1)).await;
    assert_eq!(sent(&world).await.len(), 1);
}

#[tokio::test]
async fn what_is_no_longer_wanted_is_dropped() {
    let world = World::new().await;
    let newcomer = given_an_unverified_user(&world, 20).await;
    world.accounts.verification.resend(origin(), &newcomer.email).await.expect("asked");
    world.accounts.verification.vouch(&newcomer.email).await.expect("vouched for");
    let kinds: Vec<_> = sent(&world).await.into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds, [MailKind::Welcome]);
}

#[tokio::test]
async fn who_closed_its_account_is_sent_no_links() {
    let world = World::new().await;
    world.accounts.passwords.forgot(origin(), &ada()).await.expect("asked");
    world.accounts.login.request_code(origin(), &ada()).await.expect("asked");
    world.accounts.closing.deactivate(&ada()).await.expect("closed");
    assert_eq!(sent(&world).await, []);
    assert_eq!(world.backlog().await, Backlog::default());
}

#[tokio::test]
async fn a_letter_that_could_not_be_handed_over_is_tried_again_with_a_fresh_link() {
    let world = World::new().await;
    world.post.fail(2);
    register(&world, newcomer(GRACE)).await;
    assert_eq!(sent(&world).await, []);
    assert_eq!(world.backlog().await.waiting, 1);
    let lost = current(&world).await;
    for _ in 0..2 {
        world.pass(TimeDelta::seconds(3)).await;
        deliver(&world).await;
    }
    let letter = letter(&world, &address(GRACE)).await;
    assert_ne!(link(&letter).id, lost, "whoever saw the lost one has nothing");
    assert_eq!(world.backlog().await, Backlog::default());
    let evidence = Evidence::Code { email: address(GRACE), code: code(&letter) };
    world.accounts.verification.verify(origin(), &evidence).await.expect("verified");
}

/// What Grace could verify her address with.
async fn current(world: &World) -> cape_domain::ids::OneTimeId {
    let user = world.user(GRACE).await.expect("a user").id;
    let purpose = cape_domain::accounts::Purpose::VerifyEmail;
    let token = world.look().await.one_time().current(user, purpose).await.expect("looked");
    token.expect("a token").id
}

#[tokio::test]
async fn a_letter_that_is_refused_for_good_is_not_tried_again() {
    let world = World::new().await;
    world.post.set_refusing(true);
    let mail = mail(10);
    given_a_mail(&world, &mail).await;
    deliver(&world).await;
    nothing_is_left(&world, &mail).await;
    world.post.set_refusing(false);
    world.pass(TimeDelta::days(1)).await;
    assert_eq!(sent(&world).await, []);
}

#[tokio::test]
async fn one_that_cannot_be_handed_over_holds_up_no_other() {
    let world = World::new().await;
    world.post.fail(1);
    for number in [10, 11] {
        given_a_mail(&world, &mail(number)).await;
    }
    deliver(&world).await;
    assert_eq!((world.post.letters().len(), world.backlog().await.waiting), (1, 1));
}

#[tokio::test]
async fn an_attempt_that_lost_its_lease_leaves_the_rest_to_the_next_one() {
    let world = World::new().await;
    let mail = mail(10);
    given_a_mail(&world, &mail).await;
    let claim = async || {
        let now = world.clock.now();
        let begun = world.store.begin(Scope::Platform, Durability::Process).await;
        let mut work = begun.expect("begin");
        let job = work.jobs().claim(now, now + LEASE, 1).await.expect("claimed").remove(0);
        work.commit().await.expect("commit");
        job
    };
    let slow = claim().await;
    world.clock.advance(LEASE);
    let quick = claim().await;
    let late = world.accounts.mails.send(&slow, mail.id).await;
    assert!(matches!(late, Err(MailError::Store(StoreError::Conflict { .. }))), "{late:?}");
    world.accounts.mails.send(&quick, mail.id).await.expect("sent");
    let ids: Vec<_> = world.post.letters().into_iter().map(|letter| letter.id).collect();
    assert_eq!(ids, [mail.id, mail.id], "its receiver's program knows the second for the same");
    nothing_is_left(&world, &mail).await;
}

#[tokio::test]
async fn asking_twice_at_once_sends_one_letter_whose_link_is_good() {
    let world = World::new().await;
    for _ in 0..3 {
        world.accounts.passwords.forgot(origin(), &ada()).await.expect("asked");
    }
    assert_eq!(sent(&world).await, [(ada(), MailKind::ResetPassword)]);
    let link = link(&letter(&world, &ada()).await);
    let replaced = world.accounts.passwords.reset(origin(), &link, super::resets::NEW).await;
    replaced.expect("the link is good");
}

#[tokio::test]
async fn while_the_store_is_away_nothing_is_sent_and_nothing_is_lost() {
    let world = World::new().await;
    given_a_mail(&world, &mail(10)).await;
    world.unsteady.set_down(true);
    assert!(world.jobs.run_due().await.is_err());
    let asked = world.accounts.passwords.forgot(origin(), &ada()).await;
    assert!(matches!(asked, Err(SignInError::Store(StoreError::Unavailable(_)))), "{asked:?}");
    world.unsteady.set_down(false);
    assert_eq!(sent(&world).await.len(), 1);
}
