//! The fake store keeps the same promises as the real ones.
mod limiter;

use std::future::ready;

use cape_testkit::memory::MemoryStore;

cape_testkit::store_promises!(in_memory, ready(MemoryStore::default()));
