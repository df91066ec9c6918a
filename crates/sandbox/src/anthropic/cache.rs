//! What is kept of requests that ask for it, until the sandbox ends. The vendor forgets it after
//! five minutes, and keeps nothing that is short: here everything is kept.
use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::fields::{BadField, Object, given, only};

const MOST_POINTS: usize = 4;

/// Beginnings of requests, by their digests.
#[derive(Default)]
pub(crate) struct Caches(Mutex<HashSet<[u8; 32]>>);

/// A request as far as it was read, and up to where it is to be kept.
#[derive(Default)]
pub(crate) struct Beginning {
    read: Sha256,
    points: Vec<([u8; 32], u64)>,
}

/// How much of the input was read from a cache and how much was written to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Read.
    pub(crate) read: u64,
    /// Written.
    pub(crate) written: u64,
}

impl Beginning {
    /// Takes in a block (or a tool) without its mark, and says whether it is marked.
    pub(crate) fn take(&mut self, block: &Object, path: &str) -> Result<bool, BadField> {
        let mut bare = block.clone();
        let mark = bare.remove("cache_control");
        self.read.update(Value::Object(bare).to_string());
        match mark.filter(|mark| !mark.is_null()) {
            Some(mark) => check(&mark, &format!("{path}.cache_control")).map(|()| true),
            None => Ok(false),
        }
    }

    /// Everything up to here is to be kept; so many tokens it has.
    pub(crate) fn keep(&mut self, tokens: u64) {
        self.points.push((self.read.clone().finalize().into(), tokens));
    }

    /// The same at the end of a request that asks for all of it to be kept.
    pub(crate) fn keep_all(&mut self, fields: &Object, tokens: u64) -> Result<(), BadField> {
        if let Some(mark) = given(fields, "cache_control") {
            check(mark, "cache_control")?;
            self.keep(tokens);
        }
        if self.points.len() > MOST_POINTS {
            let found = self.points.len();
            let reason =
                format!("A maximum of 4 blocks with cache_control may be provided. Found {found}.");
            return Err(BadField::refused("cache_control", reason));
        }
        Ok(())
    }
}

impl Caches {
    /// Keeps what is to be kept, and tells what of it was there before.
    pub(crate) fn keep(&self, beginning: &Beginning) -> Kept {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let there = beginning.points.iter().rev().find(|(digest, _)| known.contains(digest));
        let read = there.map_or(0, |(_, tokens)| *tokens);
        let all = beginning.points.last().map_or(0, |(_, tokens)| *tokens);
        known.extend(beginning.points.iter().map(|(digest, _)| *digest));
        Kept { read, written: all - read }
    }
}

fn check(mark: &Value, path: &str) -> Result<(), BadField> {
    let fields = mark.as_object().ok_or_else(|| BadField::not_a(path, "dictionary"))?;
    only(fields, &["type", "ttl"])
        .map_err(|bad| BadField { path: format!("{path}.{}", bad.path), ..bad })?;
    if fields.get("type").and_then(Value::as_str) != Some("ephemeral") {
        return Err(BadField::refused(path, "Input tag does not match 'ephemeral'"));
    }
    match given(fields, "ttl").map(Value::as_str) {
        None | Some(Some("5m")) => Ok(()),
        Some(Some("1h")) => {
            Err(BadField::refused(format!("{path}.ttl"), "1h is not emulated by this sandbox"))
        }
        Some(_) => Err(BadField::refused(format!("{path}.ttl"), "Input should be '5m' or '1h'")),
    }
}
