//! The mailbox: every mail that is sent to it over SMTP is kept in memory and shown. Nothing is sent
//! on, nobody logs in, and no mail is answered by another one.
mod command;
mod content;
mod dialogue;
mod headers;
mod html;
mod listener;
mod message;
mod page;
mod reply;
mod wire;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use actix_web::web::{Data, ServiceConfig, delete, get};

pub(crate) use self::listener::listen;
use self::{
    message::{Envelope, Message},
    reply::Reply,
};
use crate::world::World;

const MOST_MESSAGES: usize = 1_000;
/// Of sources. A hundred mails of the largest size would otherwise be a gigabyte.
const MOST_BYTES: usize = 256 << 20;
/// How often a busy recipient is tried in vain.
const BUSY_ATTEMPTS: u32 = 2;

/// All mail, and who was busy.
pub(crate) struct Mailbox {
    world: Data<World>,
    /// `smtp://…`, where mail is taken.
    url: String,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// The oldest first.
    messages: VecDeque<Arc<Message>>,
    bytes: usize,
    /// By address, in lower case. None is forgotten before the sandbox stops.
    attempts: HashMap<String, u32>,
}

impl Mailbox {
    /// An empty mailbox.
    pub(crate) fn new(world: Data<World>, url: String) -> Self {
        Self { world, url, kept: Mutex::default() }
    }

    /// Whether this recipient's mail is taken, now. Asking counts as an attempt.
    fn admit(&self, address: &str) -> Result<(), Reply> {
        let address = address.to_ascii_lowercase();
        if address.starts_with("reject+") {
            return Err(reply::REJECTED);
        }
        if address.starts_with("busy+") {
            let mut kept = self.kept();
            let attempts = kept.attempts.entry(address).or_default();
            *attempts = attempts.saturating_add(1);
            if *attempts <= BUSY_ATTEMPTS {
                return Err(reply::BUSY);
            }
        }
        Ok(())
    }

    /// Keeps a mail, and gives its id. The oldest make room.
    fn keep(&self, envelope: Envelope, source: Vec<u8>) -> String {
        let id = self.world.ids.mint("mail_", 24);
        let message = Message::read(id.clone(), self.world.now(), envelope, source);
        self.kept().add(message);
        id
    }

    /// All that are kept, the newest first.
    fn newest(&self) -> Vec<Arc<Message>> {
        self.kept().messages.iter().rev().cloned().collect()
    }

    fn find(&self, id: &str) -> Option<Arc<Message>> {
        self.kept().messages.iter().find(|message| message.id == id).cloned()
    }

    /// Throws all mail away. Who was busy is still known.
    fn empty(&self) {
        let mut kept = self.kept();
        kept.messages.clear();
        kept.bytes = 0;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn add(&mut self, message: Message) {
        self.bytes += message.source.len();
        self.messages.push_back(Arc::new(message));
        while self.messages.len() > MOST_MESSAGES || self.bytes > MOST_BYTES {
            let Some(oldest) = self.messages.pop_front() else { return };
            self.bytes -= oldest.source.len();
        }
    }
}

/// Mounts `/mailbox`.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route("/mailbox", get().to(page::list))
        .route("/mailbox/messages", get().to(page::messages))
        .route("/mailbox/messages", delete().to(page::empty))
        .route("/mailbox/{id}", get().to(page::show));
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn the_oldest_make_room_when_mails_are_large() {
        let mut kept = Kept::default();
        for id in ["a", "b", "c"] {
            let (id, at, envelope) = (id.into(), DateTime::UNIX_EPOCH, Envelope::default());
            let empty = Message::read(id, at, envelope, Vec::new());
            kept.add(Message { source: vec![0; MOST_BYTES / 2], ..empty });
        }
        let ids: Vec<_> = kept.messages.iter().map(|message| message.id.as_str()).collect();
        assert_eq!((ids, kept.bytes), (vec!["b", "c"], MOST_BYTES));
    }
}
