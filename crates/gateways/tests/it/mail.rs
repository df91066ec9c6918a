//! Mails, handed over to a server.
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cape_domain::{
    accounts::{DeliveryError, Letter, MailKind, Mailer as _},
    secret::Secret,
};
use cape_gateways::accounts::{SmtpMailer, SmtpOptions};
use chrono::{DateTime, TimeDelta};
use tokio::{net::TcpListener, task::JoinSet};

use crate::smtp::{
    Answer::{HangUp, Says, Silence},
    Answers, SmtpServer,
};

const SECRET: &str = "otk_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e.5ec4e7";

fn mailer(url: &str, timeout: Duration) -> SmtpMailer {
    let options = SmtpOptions {
        url: Secret::new(url),
        from: "Acme AI <no-reply@mail.example.com>".to_owned(),
        timeout,
        product: "Acme AI".to_owned(),
        templates: None,
    };
    SmtpMailer::new(options).expect("a mailer")
}

fn patient(url: &str) -> SmtpMailer {
    mailer(url, Duration::from_secs(30))
}

fn letter() -> Letter {
    Letter {
        id: "mal_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e".parse().expect("an id"),
        to: "ada@example.com".parse().expect("an address"),
        kind: MailKind::VerifyEmail,
        detail: None,
        link: Some(Secret::new(format!("https://cape.example/verify?token={SECRET}"))),
        code: Some(Secret::new("204816")),
        link_life: Some(TimeDelta::hours(24)),
        at: DateTime::from_timestamp(1_900_000_000, 0).expect("a time"),
    }
}

async fn outcome(answers: Answers) -> Result<(), DeliveryError> {
    let server = SmtpServer::start(answers).await;
    patient(&server.url).deliver(&letter()).await
}

fn why(error: DeliveryError) -> (&'static str, String) {
    match error {
        DeliveryError::Refused(why) => ("refused", why),
        DeliveryError::Unavailable(why) => ("unavailable", why.to_string()),
    }
}

#[tokio::test]
async fn a_mail_is_handed_over() {
    let server = SmtpServer::start(&[]).await;
    patient(&server.url).deliver(&letter()).await.expect("delivered");
    let told = server.told();
    assert!(told[0].starts_with("EHLO "), "{told:?}");
    assert_eq!(
        told[1..4],
        ["MAIL FROM:<no-reply@mail.example.com>", "RCPT TO:<ada@example.com>", "DATA"]
    );
    assert_eq!(told.last().map(String::as_str), Some("QUIT"));
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    for line in [
        "From: \"Acme AI\" <no-reply@mail.example.com>",
        "To: ada@example.com",
        "Subject: Confirm your email address for Acme AI",
        "Date: Sun, 17 Mar 2030 17:46:40 +0000",
        "Message-ID: <mal_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e@mail.example.com>",
        "Auto-Submitted: auto-generated",
        "Content-Type: text/plain; charset=utf-8",
        "    204816",
        "Content-Type: text/html; charset=utf-8",
    ] {
        assert!(mails[0].lines().any(|other| other == line), "{line}: {}", mails[0]);
    }
    let unfolded = mails[0].replace("=\n", "").replace("=3D", "=");
    assert!(unfolded.contains(&format!("\nhttps://cape.example/verify?token={SECRET}\n")));
}

#[tokio::test]
async fn who_has_a_password_gives_it() {
    let server = SmtpServer::start(&[]).await;
    let url = server.url.replace("smtp://", "smtp://ada:pass%2Fword@");
    patient(&url).deliver(&letter()).await.expect("delivered");
    // RFC 4616: nothing, the user and the password, each after a NUL.
    assert_eq!(server.told()[1], "AUTH PLAIN AGFkYQBwYXNzL3dvcmQ=");
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_tried_again() {
    for (answers, expected) in [
        (&[("RCPT", Says("550 5.1.1 no such user"))] as Answers, "550 5.1.1 no such user"),
        (&[("MAIL", Says("553 not from you"))], "553 not from you"),
        (&[("DATA", Says("554 no"))], "554 no"),
        (
            &[(".", Says("550-5.7.1 it is spam\r\n550 5.7.1 we think"))],
            "550 5.7.1 it is spam we think",
        ),
    ] {
        let (kind, why) = why(outcome(answers).await.expect_err(expected));
        assert_eq!((kind, &*why), ("refused", expected));
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    for (answers, expected) in [
        (&[("RCPT", Says("451 4.7.1 come back later"))] as Answers, "451 4.7.1 come back later"),
        (&[("MAIL", Says("421 closing"))], "421 closing"),
        (&[("MAIL", Says("530 5.7.0 who are you?"))], "530 5.7.0 who are you?"),
        (&[(".", Says("452 full"))], "452 full"),
        (&[("connect", Says("554 not you"))], "554 not you"),
        (&[("EHLO", Says("500 what?"))], "500 what?"),
        (&[(".", HangUp)], "response error: incomplete response"),
        (&[("connect", HangUp)], "response error: incomplete response"),
        (&[("RCPT", Says("nonsense"))], "response error"),
    ] {
        let (kind, why) = why(outcome(answers).await.expect_err(expected));
        assert_eq!(kind, "unavailable", "{expected}");
        assert!(why.starts_with(expected), "{why}");
    }
}

#[tokio::test]
async fn a_password_that_is_wrong_loses_no_mail() {
    let server = SmtpServer::start(&[("AUTH", Says("535 5.7.8 wrong"))]).await;
    let url = server.url.replace("smtp://", "smtp://ada:hunter2@");
    let (kind, why) = why(patient(&url).deliver(&letter()).await.expect_err("refused"));
    assert_eq!((kind, &*why), ("unavailable", "535 5.7.8 wrong"));
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn where_encryption_is_required_nothing_is_said_without_it() {
    let server = SmtpServer::start(&[]).await;
    let url = server.url.replace("smtp://", "smtp://ada:hunter2@") + "?tls=required";
    let (kind, why) = why(patient(&url).deliver(&letter()).await.expect_err("refused"));
    assert_eq!(kind, "unavailable");
    assert!(why.contains("STARTTLS is not supported"), "{why}");
    let told = server.told();
    assert!(told.iter().all(|line| line.starts_with("EHLO ") || line == "QUIT"), "{told:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("smtp://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let (kind, _) = why(patient(&url).deliver(&letter()).await.expect_err("refused"));
    assert_eq!(kind, "unavailable");
}

#[tokio::test]
async fn a_server_that_falls_silent_is_left_when_the_time_is_over() {
    for answers in [
        &[("connect", Silence)] as Answers,
        &[("MAIL", Silence)],
        &[(".", Silence)],
        // Being rude after refusing is no reason to wait, either.
        &[("RCPT", Says("550 no")), ("QUIT", Silence)],
    ] {
        let server = SmtpServer::start(answers).await;
        let began = Instant::now();
        let mailer = mailer(&server.url, Duration::from_millis(200));
        let (kind, why) = why(mailer.deliver(&letter()).await.expect_err("no answer"));
        assert_eq!((kind, &*why), ("unavailable", "the mail server took too long"));
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn a_server_that_took_a_mail_need_not_say_good_bye() {
    for answers in [&[("QUIT", Silence)] as Answers, &[("QUIT", HangUp)], &[("QUIT", Says("5"))]] {
        assert!(outcome(answers).await.is_ok());
    }
}

#[tokio::test]
async fn what_a_server_repeats_of_a_mail_is_told_to_nobody() {
    for answers in [
        &[(
            ".",
            Says(
                "550 spam: https://cape.example/verify?token=otk_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e.5ec4e7 204816",
            ),
        )] as Answers,
        &[("RCPT", Says("451 wait, OTK_0191E2A5A7F07C1E8C8F6A5D1B2C3D4E.5EC4E7 (204816)"))],
        &[("MAIL", Says("204816 otk_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e.5ec4e7"))],
    ] {
        let error = outcome(answers).await.expect_err("refused");
        let told = format!("{error} {error:?}").to_lowercase();
        assert!(!told.contains("204816") && !told.contains("otk_"), "{told}");
    }
}

#[tokio::test]
async fn many_at_once_are_all_handed_over_and_one_that_is_given_up_disturbs_none() {
    let server = SmtpServer::start(&[]).await;
    let mailer = Arc::new(patient(&server.url));
    let mut deliveries = JoinSet::new();
    for number in 0..32 {
        let mailer = Arc::clone(&mailer);
        deliveries.spawn(async move {
            let mut letter = letter();
            letter.to = format!("ada{number}@example.com").parse().expect("an address");
            let given_up = Duration::from_millis(if number % 4 == 0 { 1 } else { 60_000 });
            tokio::time::timeout(given_up, mailer.deliver(&letter)).await
        });
    }
    let outcomes = deliveries.join_all().await;
    assert!(outcomes.iter().flatten().all(Result::is_ok), "{outcomes:?}");
    assert!(outcomes.iter().flatten().count() >= 24);
    mailer.deliver(&letter()).await.expect("delivered");
}
