//! Who changes the account: it mints identities, knows the instant, keeps objects and tells of them.
//! What is changed, and when, is its callers' business.
use serde_json::Value;

use super::{
    account::{Account, News},
    facts::Facts as _,
    kind::Kind,
};
use crate::world::World;

/// Who changes the account.
pub(crate) struct Office<'a> {
    /// All that is kept.
    pub(crate) account: &'a mut Account,
    /// The sandbox.
    pub(crate) world: &'a World,
    /// Seconds since 1970: for what fell due, when it did.
    pub(crate) now: i64,
}

impl Office<'_> {
    /// A new identity.
    pub(crate) fn mint(&self, prefix: &str, length: usize) -> String {
        self.world.ids.mint(prefix, length)
    }

    /// A copy of an object.
    pub(crate) fn get(&self, kind: Kind, id: &str) -> Option<Value> {
        self.account.get(kind, id).cloned()
    }

    /// Keeps an object, silently.
    pub(crate) fn keep(&mut self, object: &Value) {
        self.account.put(object);
    }

    /// Tells what happened.
    pub(crate) fn tell(&mut self, kind: &str, object: &Value) {
        let news = News { kind, object, before: None, unusual: None };
        self.account.emit(&self.world.ids, self.now, news);
    }

    /// Keeps an object and tells of it.
    pub(crate) fn record(&mut self, kind: &str, object: &Value) {
        self.keep(object);
        self.tell(kind, object);
    }

    /// Keeps an object as it is now, and tells what changed of the one that is kept, if anything did.
    pub(crate) fn change(&mut self, kind: &str, object: &Value) {
        let of = Kind::of(object.text("object"));
        let before = of.and_then(|of| self.get(of, object.text("id"))).unwrap_or_default();
        if before == *object {
            return;
        }
        self.keep(object);
        let news = News { kind, object, before: Some(&before), unusual: None };
        self.account.emit(&self.world.ids, self.now, news);
    }
}
