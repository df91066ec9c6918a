//! The mails that came into the sandbox's mailbox, with the links and codes in them.
use serde_json::Value;

use super::{TestApp, eventually};

/// A mail, as its receiver reads it.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

impl TestApp {
    /// All mails to an address, the newest first.
    pub(crate) async fn mails(&self, to: &str) -> Vec<Mail> {
        let path = format!("{}/mailbox/messages?to={to}", self.sandbox());
        let all = self.http.get(&path).await.with(200);
        all.as_array().expect("a list").iter().map(Mail::of).collect()
    }

    /// What all mails to an address are about, the newest first, once none is under way.
    pub(crate) async fn subjects(&self, to: &str) -> Vec<String> {
        self.mails_are_sent().await;
        self.mails(to).await.into_iter().map(|mail| mail.subject).collect()
    }

    /// The newest mail to an address with these words in its subject. It is waited for.
    pub(crate) async fn mail(&self, to: &str, subject: &str) -> Mail {
        let find = async || {
            let mails = self.mails(to).await;
            mails.into_iter().find(|mail| mail.subject.contains(subject))
        };
        let what = format!("`{subject}` comes to {to}");
        eventually(&what, async || find().await.is_some()).await;
        find().await.expect("a mail")
    }
}

impl Mail {
    fn of(message: &Value) -> Self {
        let text = |field: &str| message[field].as_str().unwrap_or_default().to_owned();
        Self { subject: text("subject"), text: text("text"), html: text("html") }
    }

    /// Where to click.
    #[track_caller]
    pub(crate) fn link(&self) -> &str {
        let link = self.text.lines().find(|line| line.starts_with("http://"));
        link.unwrap_or_else(|| panic!("no link: {self:?}"))
    }

    /// What its link carries.
    #[track_caller]
    pub(crate) fn token(&self) -> &str {
        self.link().split_once("?token=").expect("a token").1
    }

    /// What to type.
    #[track_caller]
    pub(crate) fn code(&self) -> &str {
        let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|b| b.is_ascii_digit());
        let code = self.text.lines().map(str::trim).find(is_code);
        code.unwrap_or_else(|| panic!("no code: {self:?}"))
    }
}
