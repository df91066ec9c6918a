//! The conversation with the server.
use std::time::Duration;

use cape_domain::accounts::{DeliveryError, Letter};
use lettre::{
    Message,
    transport::smtp::{
        Error,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, TlsParameters},
        extension::ClientId,
    },
};
use reqwest::Url;
use tokio::time::timeout;

use super::{InvalidSmtpOptions, SmtpOptions};

/// How long a server that took a mail is given to say good-bye.
const FAREWELL: Duration = Duration::from_secs(1);
/// Several addresses of one server have to fit into the time for all: one of them may be dead.
const CONNECTS: u32 = 3;
/// Nothing longer is worth reading in a log.
const LONGEST_ANSWER: usize = 300;
/// A word of an answer that is shorter may stand in a link by chance.
const TELLING: usize = 6;

/// The server that mails are handed over to.
///
/// Each mail has a connection of its own, which is closed when the time is over: one that was
/// left in the middle of a conversation must never serve another mail.
pub(super) struct Relay {
    host: String,
    port: u16,
    security: Security,
    credentials: Option<Credentials>,
    hello: ClientId,
    timeout: Duration,
}

enum Security {
    None,
    StartTls(TlsParameters),
    Tls(TlsParameters),
}

impl Relay {
    pub fn new(options: &SmtpOptions) -> Result<Self, InvalidSmtpOptions> {
        if options.timeout.is_zero() {
            return Err(InvalidSmtpOptions::Timeout);
        }
        let url = Url::parse(options.url.expose()).map_err(|_| InvalidSmtpOptions::Url)?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(InvalidSmtpOptions::Url)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = || {
            let parameters = TlsParameters::new(host.clone());
            parameters.map_err(|error| InvalidSmtpOptions::Tls(error.to_string()))
        };
        let (security, port) = match (url.scheme(), url.query()) {
            ("smtps", None | Some("tls=required")) => (Security::Tls(tls()?), 465),
            ("smtp", Some("tls=required")) => (Security::StartTls(tls()?), 587),
            ("smtp", None) => (Security::None, 25),
            (_, _) => return Err(InvalidSmtpOptions::Url),
        };
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(InvalidSmtpOptions::Url);
        }
        Ok(Self {
            port: url.port().unwrap_or(port),
            credentials: credentials(&url)?,
            hello: ClientId::default(),
            timeout: options.timeout,
            security,
            host,
        })
    }

    /// Hands one over.
    pub async fn hand_over(&self, message: &Message) -> Result<(), Failure> {
        let conversation = async {
            let mut connection = self.open().await.map_err(Failure::Before)?;
            let content = message.formatted();
            let taken = connection.send(message.envelope(), &content).await;
            taken.map_err(Failure::Sending)?;
            Ok(connection)
        };
        let over = timeout(self.timeout, conversation).await;
        let mut connection = over.map_err(|_| Failure::TimeOver)??;
        // It is taken already, whatever is still said.
        drop(timeout(FAREWELL, connection.quit()).await);
        Ok(())
    }

    async fn open(&self) -> Result<AsyncSmtpConnection, Error> {
        let at_once = match &self.security {
            Security::Tls(tls) => Some(tls.clone()),
            Security::None | Security::StartTls(_) => None,
        };
        let address = (self.host.as_str(), self.port);
        let patience = Some(self.timeout / CONNECTS);
        let connecting =
            AsyncSmtpConnection::connect_tokio1(address, patience, &self.hello, at_once, None);
        let mut connection = connecting.await?;
        if let Security::StartTls(tls) = &self.security {
            connection.starttls(tls.clone(), &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }
}

fn credentials(url: &Url) -> Result<Option<Credentials>, InvalidSmtpOptions> {
    let Some(password) = url.password() else {
        let nobody = url.username().is_empty();
        return if nobody { Ok(None) } else { Err(InvalidSmtpOptions::Url) };
    };
    let [user, password] = [url.username(), password].map(decoded);
    let known = user.zip(password).ok_or(InvalidSmtpOptions::Url)?;
    Ok(Some(Credentials::new(known.0, known.1)))
}

/// A percent-encoded text (RFC 3986, section 2.1).
fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.extend(hex::decode(digits).ok()?);
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// Why a mail was not taken.
#[derive(Debug)]
pub(super) enum Failure {
    /// It was not even offered. That the server does not want *us* says nothing about its
    /// receiver, so it is never for good.
    Before(Error),
    /// It was offered.
    Sending(Error),
    /// The server took too long.
    TimeOver,
}

impl Failure {
    /// What is told of it: some servers repeat the mail that they do not take.
    pub fn without_secrets(&self, letter: &Letter) -> DeliveryError {
        match self {
            Self::Sending(error) if is_for_good(error) => {
                DeliveryError::Refused(censored(&answer(error), letter))
            }
            Self::Before(error) | Self::Sending(error) => {
                DeliveryError::Unavailable(censored(&answer(error), letter).into())
            }
            Self::TimeOver => DeliveryError::Unavailable("the mail server took too long".into()),
        }
    }
}

/// Whether the server will never take it. That it wants a password first is another matter
/// (RFC 4954, section 6).
fn is_for_good(error: &Error) -> bool {
    let wants_a_password = error.status().map(u16::from).is_some_and(|code| code == 530);
    error.is_permanent() && !wants_a_password
}

fn answer(error: &Error) -> String {
    let source = std::error::Error::source(error).map(ToString::to_string);
    match (error.status(), source) {
        (Some(code), Some(said)) => format!("{code} {said}"),
        (Some(code), None) => code.to_string(),
        (None, _) => error.to_string(),
    }
}

/// What was said, without links, without the code and without words out of the link.
fn censored(said: &str, letter: &Letter) -> String {
    let link = letter.link.as_ref().map(|link| link.expose().to_lowercase());
    let token = link.as_deref().and_then(|link| link.rsplit(['=', '/', '#']).next());
    let code = letter.code.as_ref().map(|code| code.expose().to_lowercase());
    let hidden: Vec<&str> =
        [link.as_deref(), token, code.as_deref()].into_iter().flatten().collect();
    let tells = |word: &str| {
        let word = word.to_lowercase();
        let letters = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let part = |secret: &&str| letters.len() >= TELLING && secret.contains(letters);
        let whole = |secret: &&str| !secret.is_empty() && word.contains(*secret);
        word.contains("://") || hidden.iter().any(|secret| part(secret) || whole(secret))
    };
    let shown = |word| if tells(word) { "(withheld)" } else { word };
    let words: Vec<&str> = said.split_whitespace().map(shown).collect();
    words.join(" ").chars().take(LONGEST_ANSWER).collect()
}

#[cfg(test)]
mod tests {
    use cape_domain::{accounts::MailKind, secret::Secret, time::Timestamp};

    use super::*;

    fn relay(url: &str) -> Result<Relay, InvalidSmtpOptions> {
        Relay::new(&SmtpOptions {
            url: Secret::new(url),
            from: "no-reply@example.com".to_owned(),
            timeout: Duration::from_secs(10),
            product: "Acme AI".to_owned(),
            templates: None,
        })
    }

    #[test]
    fn an_address_says_where_the_server_is_how_it_is_encrypted_and_who_asks() {
        let known = |user: &str, password: &str| {
            Some(Credentials::new(user.to_owned(), password.to_owned()))
        };
        for (url, host, port, security, credentials) in [
            ("smtp://127.0.0.1:2525", "127.0.0.1", 2525, "none", None),
            ("smtp://mail", "mail", 25, "none", None),
            ("smtp://mail/", "mail", 25, "none", None),
            ("smtp://[::1]:2525", "::1", 2525, "none", None),
            ("smtp://ada:pw@mail", "mail", 25, "none", known("ada", "pw")),
            ("smtp://mail?tls=required", "mail", 587, "starttls", None),
            ("smtp://a:b@mail:1?tls=required", "mail", 1, "starttls", known("a", "b")),
            ("smtps://mail", "mail", 465, "tls", None),
            ("smtps://mail:466?tls=required", "mail", 466, "tls", None),
            ("smtps://a%40b.c:%C3%A9%25%2F@mail", "mail", 465, "tls", known("a@b.c", "é%/")),
        ] {
            let relay = relay(url).expect(url);
            let found = match relay.security {
                Security::None => "none",
                Security::StartTls(_) => "starttls",
                Security::Tls(_) => "tls",
            };
            assert_eq!((&*relay.host, relay.port, found), (host, port, security), "{url}");
            assert_eq!(relay.credentials, credentials, "{url}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_server_is_refused_without_showing_the_password() {
        for url in [
            "",
            "mail",
            "mail:25",
            "smtp://",
            "smtp:mail",
            "smtp://:hunter2@",
            "smtp://ada@mail",
            "smtp://ada:hunter2@mail:99999",
            "smtp://ada:hunter2@mail?tls=maybe",
            "smtp://ada:hunter2@mail?tls=required&x=1",
            "smtps://ada:hunter2@mail?tls=none",
            "smtp://ada:hunter2@mail/path",
            "smtp://ada:hunter2@mail#part",
            "smtp://ada:hunter2%@mail",
            "smtp://ada:hunter2%FF@mail",
            "http://ada:hunter2@mail",
        ] {
            let refused = relay(url).err().expect(url);
            assert!(matches!(refused, InvalidSmtpOptions::Url), "{url}");
            assert!(!format!("{refused:?} {refused}").contains("hunter2"), "{url}");
        }
    }

    #[test]
    fn an_answer_is_told_without_what_only_the_receiver_may_know() {
        let letter = Letter {
            id: "mal_00000000000000000000000000000000".parse().expect("an id"),
            to: "ada@example.com".parse().expect("an address"),
            kind: MailKind::VerifyEmail,
            detail: None,
            link: Some(Secret::new("https://cape.example/verify?token=otk_1Secret2")),
            code: Some(Secret::new("204816")),
            link_life: None,
            at: Timestamp::UNIX_EPOCH,
        };
        for (said, told) in [
            ("550 5.1.1 no such user here", "550 5.1.1 no such user here"),
            ("bad link <https://cape.example/verify?token=otk_1Secret2>", "bad link (withheld)"),
            ("bad HTTPS://OTHER.example/", "bad (withheld)"),
            ("token=otk_1Secret2 is spam", "(withheld) is spam"),
            ("(OTK_1SECRET2) 1Secret2. secret", "(withheld) (withheld) (withheld)"),
            ("subject 204816: spam", "subject (withheld) spam"),
            ("x204816y z", "(withheld) z"),
            ("a\r\nb", "a b"),
        ] {
            assert_eq!(censored(said, &letter), told, "{said}");
        }
        let bare = Letter { link: None, code: None, ..letter };
        assert_eq!(censored("204816 https://a.b", &bare), "204816 (withheld)");
        assert_eq!(censored(&"é".repeat(1_000), &bare), "é".repeat(300));
    }
}
