//! The fakes keep the same promises as the real ones.
mod limiter;
mod throttle;

use std::future::ready;

use cape_testkit::memory::MemoryStore;

cape_testkit::store_promises!(in_memory, ready(MemoryStore::default()));
