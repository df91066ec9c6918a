use std::{env, fs, path::Path, time::Duration};

use cape_domain::{accounts::MailKind, secret::Secret, time::Timestamp};
use chrono::{DateTime, TimeDelta};

use super::*;

fn options() -> SmtpOptions {
    SmtpOptions {
        url: Secret::new("smtp://ada:hunter2@127.0.0.1:2525"),
        from: "Acme AI <no-reply@mail.example.com>".to_owned(),
        timeout: Duration::from_secs(10),
        product: "Acme AI".to_owned(),
        templates: None,
    }
}

fn at() -> Timestamp {
    DateTime::from_timestamp(1_900_000_000, 0).expect("a time")
}

fn letter(kind: MailKind) -> Letter {
    Letter {
        id: "mal_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e".parse().expect("an id"),
        to: "ada@example.com".parse().expect("an address"),
        kind,
        detail: None,
        link: Some(Secret::new("https://cape.example/join?token=inv_1.abc")),
        code: None,
        link_life: Some(TimeDelta::days(7)),
        at: at(),
    }
}

fn composed(letter: &Letter) -> String {
    let mailer = SmtpMailer::new(options()).expect("a mailer");
    let message = mailer.compose(letter).expect("a mail").formatted();
    String::from_utf8(message).expect("a mail in ASCII").replace("\r\n", "\n")
}

#[expect(clippy::disallowed_methods, reason = "tests have no configuration but the environment")]
fn compare(actual: &str, snapshot: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/accounts/mail/snapshots");
    let path = path.join(snapshot);
    if env::var("UPDATE_SNAPSHOTS").is_ok() {
        fs::write(&path, actual).expect("the snapshot is written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        actual == expected,
        "the mail is not the one in {}; if it should change, run the tests with \
         UPDATE_SNAPSHOTS=1 and look at the difference. It is now:\n{actual}",
        path.display()
    );
}

#[test]
fn a_mail_with_a_link_and_a_code_looks_like_this() {
    let verify = Letter {
        link: Some(Secret::new("https://cape.example/verify?token=otk_1.abc")),
        code: Some(Secret::new("204816")),
        link_life: Some(TimeDelta::hours(24)),
        ..letter(MailKind::VerifyEmail)
    };
    compare(&composed(&verify), "verify_email.eml");
}

#[test]
fn a_mail_about_what_somebody_wrote_looks_like_this() {
    let invitation = Letter {
        detail: Some("Analytical <Engines> & Sons".parse().expect("a line")),
        ..letter(MailKind::Invitation)
    };
    compare(&composed(&invitation), "invitation.eml");
}

#[test]
fn a_letter_that_is_sent_twice_is_the_same_mail() {
    let letter = letter(MailKind::Invitation);
    assert_eq!(composed(&letter), composed(&letter));
    let id = "Message-ID: <mal_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e@mail.example.com>\n";
    assert!(composed(&letter).contains(id));
}

#[test]
fn a_detail_adds_no_header_and_survives_in_any_script() {
    let detail = "Zoë's 会社 --mal_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e";
    let letter = Letter { detail: detail.parse().ok(), ..letter(MailKind::Invitation) };
    let mail = composed(&letter);
    let (head, body) = mail.split_once("\n\n").expect("a head");
    let names: Vec<&str> =
        head.lines().filter_map(|line| line.split_once(": ").map(|(name, _)| name)).collect();
    assert_eq!(
        names,
        [
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "Auto-Submitted",
            "MIME-Version",
            "Content-Type"
        ]
    );
    assert!(body.contains("Zo=C3=AB"), "{body}");
    let boundary = |line: &&str| line.starts_with("--mal_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e");
    assert_eq!(body.lines().filter(boundary).count(), 3, "{body}");
}

#[test]
fn what_cannot_be_used_is_refused_at_the_start() {
    let text = str::to_owned;
    for (what, wrong) in [
        ("no sender", SmtpOptions { from: String::new(), ..options() }),
        ("no address", SmtpOptions { from: text("Acme AI"), ..options() }),
        ("two lines", SmtpOptions { from: text("a@b.example\r\nBcc: c@d.example"), ..options() }),
        ("no name", SmtpOptions { product: text(" "), ..options() }),
        ("a name of two lines", SmtpOptions { product: text("Acme\nBcc: a@b.c"), ..options() }),
        ("a long name", SmtpOptions { product: "a".repeat(101), ..options() }),
        ("no time", SmtpOptions { timeout: Duration::ZERO, ..options() }),
        ("no server", SmtpOptions { url: Secret::new("smtp://"), ..options() }),
        ("no templates", SmtpOptions { templates: Some("/no/such/place".into()), ..options() }),
    ] {
        assert!(SmtpMailer::new(wrong).is_err(), "{what}");
    }
    let printed = format!("{:?} {:?}", options(), SmtpMailer::new(options()).expect("a mailer"));
    assert!(!printed.contains("hunter2"), "{printed}");
}
