//! Doing once what is asked for again: a client that lost an answer repeats its request under the
//! same key, and gets that answer instead of a second effect.
//!
//! ```text
//!           reserve                answer
//! nothing ──────────▶ Reserved ──────────────▶ Answered ──24 h──▶ nothing
//!    ▲                 │    ▲
//!    └──── forget ─────┘    └── resume, when the lease ran out
//! ```
//!
//! Not here: encryption, and what a request does.
mod answer;
mod entry;
mod key;
mod ports;
mod requester;

pub use answer::{Answer, MalformedAnswer};
pub use entry::{Entry, EntryState, Verdict};
pub use key::{Fingerprint, IdempotencyKey, InvalidIdempotencyKey, KeyDigest};
pub use ports::{IdempotencyReads, IdempotencyRepository};
pub use requester::{Requester, RequesterId};
