//! Ports that services call, without cryptography or networks. Fast, readable, safe for nothing.
mod chat;
mod deriver;
mod embeddings;
mod hasher;
mod limiter;
mod mailer;
mod meter;
mod moderations;
mod payments;
mod sleeper;
mod subscribing;
mod throttle;
mod tokens;
mod totp;
mod unsteady;
mod vault;
mod watchful;

use std::hash::{DefaultHasher, Hasher as _};

pub use chat::{ScriptedChat, Step};
pub use deriver::PlainSecrets;
pub use embeddings::ScriptedEmbeddings;
pub use hasher::PlainHasher;
pub use limiter::{Correction, OpenLimiter};
pub use mailer::PostBox;
pub use meter::PlainMeter;
pub use moderations::ScriptedModerations;
pub use payments::ScriptedPayments;
pub use sleeper::HeldSleeper;
pub use throttle::{OpenThrottle, PlainThrottle};
pub use tokens::PlainTokens;
pub use totp::PlainTotp;
pub use unsteady::UnsteadyStore;
pub use vault::PlainVault;
pub use watchful::Watchful;

/// A number that changes with every bit of the parts, and with where one ends.
fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for part in parts {
        hasher.write(&part.len().to_be_bytes());
        hasher.write(part);
    }
    hasher.finish()
}
