//! Mail: told by a sender over SMTP, read over HTTP.
use std::{net::SocketAddr, time::Duration};

use cape_sandbox::{Sandbox, SandboxOptions};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    time::timeout,
};

use crate::{BEGINNING, Bench, at, eventually, read, send};

const PATIENCE: Duration = Duration::from_secs(10);
const LARGEST: usize = 10 << 20;

/// A sender of mail, who says exactly what it is told to.
struct Sender(BufReader<TcpStream>);

impl Sender {
    async fn connect(bench: &Bench) -> Self {
        let stream = TcpStream::connect(bench.sandbox.smtp_addr()).await.expect("a connection");
        stream.set_nodelay(true).expect("an option");
        Self(BufReader::new(stream))
    }

    /// One that was greeted, and has greeted.
    async fn greeted(bench: &Bench) -> Self {
        let mut sender = Self::connect(bench).await;
        assert_eq!(sender.hear().await[..4], *"220 ");
        assert_eq!(sender.ask("HELO here").await, "250 sandbox");
        sender
    }

    async fn say(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).await.expect("said");
    }

    /// The next line; empty when the server has gone.
    async fn hear(&mut self) -> String {
        let mut line = String::new();
        let heard = timeout(PATIENCE, self.0.read_line(&mut line)).await.expect("a line in time");
        heard.expect("a line");
        line.strip_suffix("\r\n").unwrap_or(&line).to_owned()
    }

    async fn ask(&mut self, line: &str) -> String {
        self.say(format!("{line}\r\n").as_bytes()).await;
        self.hear().await
    }

    /// What is answered to a line, as a number.
    async fn code(&mut self, line: &str) -> u16 {
        code(&self.ask(line).await)
    }

    async fn hears(&mut self, codes: &[u16]) {
        for expected in codes {
            let line = self.hear().await;
            assert_eq!(code(&line), *expected, "{line}");
        }
    }

    /// Sends a mail to one recipient, and gives the answer to it. The source ends with its line end.
    async fn mail(&mut self, to: &str, source: &[u8]) -> u16 {
        let envelope = format!("MAIL FROM:<from@cape.test>\r\nRCPT TO:<{to}>\r\nDATA\r\n");
        self.say(envelope.as_bytes()).await;
        self.hears(&[250, 250, 354]).await;
        self.say(source).await;
        self.code(".").await
    }
}

fn code(line: &str) -> u16 {
    line.get(..3).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("no code: {line}"))
}

async fn messages(bench: &Bench, query: &str) -> Vec<Value> {
    let (status, body) = read(bench.get(&format!("/mailbox/messages{query}"))).await;
    assert_eq!(status, 200, "{body}");
    body.as_array().cloned().expect("an array")
}

async fn page(bench: &Bench, path: &str) -> String {
    let response = send(bench.get(path)).await;
    assert_eq!(response.status(), 200);
    let policy = response.headers()["content-security-policy"].to_str().expect("a policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    response.text().await.expect("a page")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_taken_and_shown_as_it_was_sent() {
    let bench = Bench::start();
    assert_eq!(bench.sandbox.smtp_url(), format!("smtp://{}", bench.sandbox.smtp_addr()));
    assert!(page(&bench, "/mailbox").await.contains(bench.sandbox.smtp_url()));
    bench.advance(90);
    let mut sender = Sender::connect(&bench).await;
    sender.hears(&[220]).await;
    assert_eq!(sender.ask("EHLO here").await, "250-sandbox");
    let mut extensions = Vec::new();
    while !extensions.last().is_some_and(|line: &String| line.starts_with("250 ")) {
        extensions.push(sender.hear().await);
    }
    assert_eq!(extensions, ["250-PIPELINING", "250-8BITMIME", "250 SIZE 10485760"]);
    assert_eq!(sender.code("MAIL FROM:<from@cape.test> SIZE=60 BODY=8BITMIME").await, 250);
    assert_eq!(sender.code("RCPT TO:<Ann@cape.test>").await, 250);
    assert_eq!(sender.code("VRFY ann").await, 252);
    assert_eq!(sender.code("NOOP").await, 250);
    assert_eq!(sender.code("DATA").await, 354);
    sender.say("From: Cape <hi@cape.test>\r\nSubject: Hello\r\n\r\nHé\r\nho\r\n".as_bytes()).await;
    let kept = sender.ask(".").await;
    assert_eq!(sender.code("QUIT").await, 221);
    assert_eq!(sender.hear().await, "");

    let message = messages(&bench, "").await.remove(0);
    let id = message["id"].as_str().expect("an id");
    assert!(id.starts_with("mail_") && kept.ends_with(id), "{kept}");
    let expected = serde_json::json!({
        "id": id, "received_at": "2027-01-15T08:01:30.000000Z", "from": "from@cape.test",
        "to": ["Ann@cape.test"], "subject": "Hello", "text": "Hé\nho\n", "html": null,
    });
    assert_eq!(message, expected);
    let all = page(&bench, "/mailbox").await;
    assert!(all.contains(&format!("<a href=\"/mailbox/{id}\">Hello</a>")), "{all}");
    let one = page(&bench, &format!("/mailbox/{id}")).await;
    assert!(one.contains("Cape &lt;hi@cape.test&gt;") && one.contains("<pre>\nHé\nho\n</pre>"));
    assert_eq!(send(bench.get("/mailbox/mail_0")).await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_in_one_go_is_answered_in_order() {
    let bench = Bench::start();
    let mut sender = Sender::connect(&bench).await;
    let mail = "MAIL FROM:<>\r\nRCPT TO:<a@b.test>\r\nRCPT TO:<reject+a@b.test>\r\nDATA\r\n\
                Subject: 1\r\n\r\n.\r\n";
    let said = format!("HELO here\r\n{mail}RSET\r\n{mail}NOOP\r\nQUIT\r\n");
    sender.say(said.as_bytes()).await;
    let mail = [250, 250, 550, 354, 250];
    sender.hears(&[[220, 250].as_slice(), &mail, &[250], &mail, &[250, 221]].concat()).await;
    assert_eq!(sender.hear().await, "");
    assert_eq!(messages(&bench, "").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dot_that_was_doubled_is_single_again() {
    let bench = Bench::start();
    let mut sender = Sender::greeted(&bench).await;
    let source = b"Subject: dots\r\n\r\n..\r\n..a\r\n.b\r\nc.\r\n";
    assert_eq!(sender.mail("a@b.test", source).await, 250);
    assert_eq!(messages(&bench, "").await[0]["text"], ".\n.a\nb\nc.\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_to_two_is_one_that_both_find() {
    let bench = Bench::start();
    let mut sender = Sender::greeted(&bench).await;
    assert_eq!(sender.code("MAIL FROM:<from@cape.test>").await, 250);
    assert_eq!(sender.code("RCPT TO:<ann+news@cape.test>").await, 250);
    assert_eq!(sender.code("RCPT TO:<bob@cape.test>").await, 250);
    assert_eq!(sender.code("DATA").await, 354);
    assert_eq!(sender.code("Subject: both\r\n\r\n.").await, 250);
    assert_eq!(sender.mail("bob@cape.test", b"Subject: bob\r\n").await, 250);
    let subjects = |messages: Vec<Value>| -> Vec<String> {
        messages.iter().map(|message| message["subject"].to_string()).collect()
    };
    assert_eq!(subjects(messages(&bench, "").await), ["\"bob\"", "\"both\""]);
    assert_eq!(subjects(messages(&bench, "?to=BOB@cape.test").await), ["\"bob\"", "\"both\""]);
    for to in ["ann%2Bnews@cape.test", "ann+news@cape.test"] {
        assert_eq!(subjects(messages(&bench, &format!("?to={to}")).await), ["\"both\""]);
    }
    assert!(messages(&bench, "?to=cape.test").await.is_empty());
    assert_eq!(send(bench.get("/mailbox/messages?from=a@b.test")).await.status(), 400);
    let url = format!("{}/mailbox/messages", bench.sandbox.base_url());
    assert_eq!(send(bench.client.delete(url)).await.status(), 204);
    assert!(messages(&bench, "").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn recipients_refuse_as_their_address_says() {
    let bench = Bench::start();
    let mut sender = Sender::greeted(&bench).await;
    assert_eq!(sender.code("MAIL FROM:<from@cape.test>").await, 250);
    for _ in 0..3 {
        assert_eq!(sender.code("RCPT TO:<reject+ann@cape.test>").await, 550);
    }
    assert_eq!(sender.code("DATA").await, 503);
    for (expected, address) in [
        (451, "busy+ann@cape.test"),
        (451, "Busy+ann@cape.test"),
        (451, "busy+bob@cape.test"),
        (250, "busy+ann@cape.test"),
        (250, "busy+ann@cape.test"),
        (250, "busy@cape.test"),
    ] {
        assert_eq!(sender.code(&format!("RCPT TO:<{address}>")).await, expected, "{address}");
    }
    let mut another = Sender::greeted(&bench).await;
    assert_eq!(another.code("MAIL FROM:<from@cape.test>").await, 250);
    assert_eq!(another.code("RCPT TO:<busy+bob@cape.test>").await, 451);
    assert_eq!(another.code("RCPT TO:<busy+bob@cape.test>").await, 250);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_out_of_order_is_refused_and_harms_nothing() {
    let bench = Bench::start();
    let mut sender = Sender::connect(&bench).await;
    sender.hears(&[220]).await;
    for (line, expected) in [
        ("MAIL FROM:<a@b.test>", 503),
        ("RSET", 250),
        ("STARTTLS", 500),
        ("EHLO", 501),
        ("HELO here", 250),
        ("RCPT TO:<a@b.test>", 503),
        ("DATA", 503),
        ("AUTH PLAIN AA==", 500),
        ("MAIL FROM:a@b.test", 501),
        ("MAIL FROM:<a@b.test> SIZE=99999999", 552),
        ("MAIL FROM:<a@b.test>", 250),
        ("MAIL FROM:<a@b.test>", 503),
        ("DATA", 503),
        ("RCPT TO:<c@d.test>", 250),
        ("RSET", 250),
        ("DATA", 503),
        ("MAIL FROM:<a@b.test>", 250),
        ("RCPT TO:<c@d.test>", 250),
        ("HELO again", 250),
        ("DATA", 503),
    ] {
        assert_eq!(sender.code(line).await, expected, "{line}");
    }
    assert_eq!(sender.mail("c@d.test", b"\r\n").await, 250);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_have_a_length_and_a_proper_end() {
    let bench = Bench::start();
    let mut sender = Sender::greeted(&bench).await;
    assert_eq!(sender.code(&format!("NOOP {}", "x".repeat(993))).await, 250);
    for length in [994, 995, 3_000, 100_000] {
        assert_eq!(sender.code(&format!("NOOP {}", "x".repeat(length))).await, 500);
    }
    for line in ["NOOP\nNOOP\r\n", "NO\rOP\r\n", "\n\r\n", "\r\r\n"] {
        sender.say(line.as_bytes()).await;
        sender.hears(&[500]).await;
    }
    let line = |length| format!("{}\r\n", "x".repeat(length)).into_bytes();
    assert_eq!(sender.mail("a@b.test", &line(998)).await, 250);
    assert_eq!(sender.mail("a@b.test", &[b".", line(998).as_slice()].concat()).await, 250);
    for refused in [line(999), line(1_000), line(100_000)] {
        assert_eq!(sender.mail("a@b.test", &refused).await, 500);
    }
    // Whoever took these for the end of the mail would take commands out of it.
    for end in ["\n.\n", "\r\n.\n", "\n.\r\n", "\r\n.\r", "\r.\r\n"] {
        let smuggling = format!("a{end}MAIL FROM:<x@y.test>\r\n");
        assert_eq!(sender.mail("a@b.test", smuggling.as_bytes()).await, 500, "{end:?}");
    }
    assert_eq!(messages(&bench, "").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_may_be_as_large_as_was_told_and_no_larger() {
    let bench = Bench::start();
    let mut sender = Sender::greeted(&bench).await;
    let line = format!("{}\r\n", "x".repeat(62)).into_bytes();
    let mut source = b"\r\n".repeat(32);
    source.extend(line.repeat(LARGEST / 64 - 1));
    assert_eq!(source.len(), LARGEST);
    assert_eq!(sender.mail("a@b.test", &source).await, 250);
    source.extend_from_slice(b"\r\n");
    assert_eq!(sender.mail("a@b.test", &source).await, 552);
    assert_eq!(sender.mail("c@d.test", b"\r\n").await, 250);
    assert_eq!(messages(&bench, "?to=a@b.test").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn text_and_html_are_decoded() {
    let bench = Bench::start();
    let mut sender = Sender::greeted(&bench).await;
    let source = "MIME-Version: 1.0\r\n\
        Subject: =?utf-8?Q?Best=C3=A4tige?= =?utf-8?B?IGRlaW5lIEFkcmVzc2Ug4pyT?=\r\n\
        Content-Type: multipart/alternative;\r\n boundary=\"b1\"\r\n\r\n\
        --b1\r\nContent-Type: text/plain; charset=utf-8\r\n\
        Content-Transfer-Encoding: quoted-printable\r\n\r\n\
        Gr=C3=BC=C3=9Fe: https://cape.test/?code=3D=\r\n123\r\n\
        --b1\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n\
        PHA+R3LDvMOfZQ==\r\n--b1--\r\n";
    assert_eq!(sender.mail("a@b.test", source.as_bytes()).await, 250);
    let message = messages(&bench, "").await.remove(0);
    assert_eq!(message["subject"], "Bestätige deine Adresse ✓");
    assert_eq!(message["text"], "Grüße: https://cape.test/?code=123");
    assert_eq!(message["html"], "<p>Grüße");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_a_mail_runs_on_a_page() {
    let bench = Bench::start();
    let mut sender = Sender::greeted(&bench).await;
    let script = "\"><script>alert(1)</script>";
    let source = format!(
        "Subject: {script}\r\nX-{script}: {script}\r\n\
         Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\n</pre>{script}\r\n\
         --b\r\nContent-Type: text/html\r\n\r\n{script}</iframe>{script}\r\n--b--\r\n"
    );
    let to = "\"<script>\"@b.test";
    assert_eq!(sender.mail(to, source.as_bytes()).await, 250);
    let message = messages(&bench, "").await.remove(0);
    assert_eq!((&message["to"][0], &message["subject"]), (&to.into(), &script.into()));
    let id = message["id"].as_str().expect("an id");
    for path in ["/mailbox".into(), format!("/mailbox/{id}")] {
        let page = page(&bench, &path).await;
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");
        assert!(page.matches("</iframe>").count() <= 1 && page.matches("</pre>").count() <= 2);
    }
    let one = page(&bench, &format!("/mailbox/{id}")).await;
    assert!(one.contains("<iframe title=\"HTML\" sandbox=\"allow-popups"), "{one}");
    assert!(!one.contains("allow-scripts") && !one.contains("allow-same-origin"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_thousand_and_first_mail_drops_the_first() {
    let bench = Bench::start();
    let mut sender = Sender::greeted(&bench).await;
    for number in 0..=1_000 {
        let source = format!("Subject: {number}\r\n");
        assert_eq!(sender.mail("a@b.test", source.as_bytes()).await, 250);
    }
    let messages = messages(&bench, "").await;
    assert_eq!(messages.len(), 1_000);
    assert_eq!((&messages[0]["subject"], &messages[999]["subject"]), (&"1000".into(), &"1".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_breaks_off_was_never_sent() {
    let bench = Bench::start();
    let mut sender = Sender::greeted(&bench).await;
    sender.say(b"MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n").await;
    sender.hears(&[250, 250, 354]).await;
    sender.say(b"Subject: half\r\n\r\n.").await;
    sender.0.get_mut().shutdown().await.expect("a half-closed connection");
    let mut rest = String::new();
    timeout(PATIENCE, sender.0.read_to_string(&mut rest)).await.expect("in time").expect("an end");
    assert_eq!(rest, "");
    assert!(messages(&bench, "").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_are_talked_to_at_a_time() {
    let bench = Bench::start();
    let mut senders = Vec::new();
    for _ in 0..64 {
        senders.push(Sender::greeted(&bench).await);
    }
    let mut refused = Sender::connect(&bench).await;
    refused.hears(&[421]).await;
    assert_eq!(refused.hear().await, "");
    assert_eq!(senders[0].code("QUIT").await, 221);
    eventually("there is room again", || async {
        Sender::connect(&bench).await.hear().await.starts_with("220 ")
    })
    .await;
    assert_eq!(senders[63].code("NOOP").await, 250);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_closes_the_mailbox_and_every_dialogue() {
    let bench = Bench::start();
    let mut sender = Sender::greeted(&bench).await;
    let (smtp, http) = (bench.sandbox.smtp_addr(), bench.sandbox.addr());
    assert_eq!(smtp.ip(), http.ip());
    timeout(PATIENCE, bench.sandbox.stop()).await.expect("a stop in time");
    assert_eq!(sender.hear().await, "");
    assert!(TcpStream::connect(smtp).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_taken_where_it_is_told_to_be() {
    let bench = Bench::start();
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let options = |smtp| SandboxOptions::new(listen, || at(BEGINNING)).with_smtp(smtp);
    assert!(Sandbox::start(options(bench.sandbox.smtp_addr())).is_err());
    let everywhere = Sandbox::start(options(SocketAddr::from(([0, 0, 0, 0], 0)))).expect("started");
    let port = everywhere.smtp_addr().port();
    assert_eq!(everywhere.smtp_url(), format!("smtp://127.0.0.1:{port}"));
    everywhere.stop().await;
}
