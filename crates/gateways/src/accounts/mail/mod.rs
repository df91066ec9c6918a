//! Mails over SMTP: what they say, and handing them over to a server that delivers them.
//!
//! When to send one, and which link or code stands in it, is *not* decided here; and what is in a
//! letter is neither logged nor put into an error.
mod delivery;
mod options;
mod template;
mod wording;

use std::{fmt, time::SystemTime};

use async_trait::async_trait;
use cape_domain::{
    accounts::{DeliveryError, Letter, Mailer},
    store::BoxError,
};
use lettre::{
    Message,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{HeaderName, HeaderValue},
    },
};

use self::{delivery::Relay, wording::Wording};
pub use self::{
    options::{InvalidSmtpOptions, SmtpOptions},
    template::InvalidTemplate,
};

/// Hands mails over to one server, over a connection of its own for each.
pub struct SmtpMailer {
    relay: Relay,
    from: Mailbox,
    wording: Wording,
}

impl SmtpMailer {
    /// A mailer for a server, which is not asked yet.
    ///
    /// # Errors
    ///
    /// [`InvalidSmtpOptions`] when something in the options cannot be used, a template included.
    pub fn new(options: SmtpOptions) -> Result<Self, InvalidSmtpOptions> {
        let from = options.from.parse().map_err(|_| InvalidSmtpOptions::From)?;
        let product = options.product.parse().map_err(|_| InvalidSmtpOptions::Product)?;
        let wording = Wording::new(product, options.templates.as_deref())?;
        Ok(Self { relay: Relay::new(&options)?, from, wording })
    }

    /// The mail. The same letter gives the same mail, to the last byte.
    fn compose(&self, letter: &Letter) -> Result<Message, DeliveryError> {
        let address = letter.to.as_str().parse();
        let address = address.map_err(|_| refused("mail cannot be sent to such an address"))?;
        let said = self.wording.say(letter);
        // What is wrong was seen at the start, but for what this one letter has to do with it.
        let said = said.map_err(|_| unavailable("the template of a mail does not work".into()))?;
        let id = format!("<{}@{}>", letter.id, self.from.email.domain());
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, address))
            .subject(said.subject)
            .date(SystemTime::from(letter.at))
            .message_id(Some(id))
            .raw_header(nobody_wrote_this())
            .multipart(
                MultiPart::alternative()
                    .boundary(letter.id.to_string())
                    .singlepart(SinglePart::plain(said.text))
                    .singlepart(SinglePart::html(said.html)),
            )
            .map_err(|error| unavailable(error.into()))
    }
}

fn refused(why: &str) -> DeliveryError {
    DeliveryError::Refused(why.to_owned())
}

fn unavailable(why: BoxError) -> DeliveryError {
    DeliveryError::Unavailable(why)
}

/// Keeps those who are away from answering (RFC 3834).
fn nobody_wrote_this() -> HeaderValue {
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    HeaderValue::new(name, "auto-generated".to_owned())
}

impl fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpMailer").field("from", &self.from).finish_non_exhaustive()
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn deliver(&self, letter: &Letter) -> Result<(), DeliveryError> {
        let message = self.compose(letter)?;
        let handed_over = self.relay.hand_over(&message).await;
        handed_over.map_err(|failure| failure.without_secrets(letter))
    }
}

#[cfg(test)]
mod tests;
