//! Asking models: `OpenAI`, Anthropic and Gemini, each in its own format.
//!
//! A format is two pure translations in a folder of its own: `request` out, `answer` in. The
//! connection, its timeouts and its failures are the same for all and stand beside them.
//! What is *not* here: trying again, prices, and what happens to an answer nobody reads.
mod anthropic;
mod client;
mod embedding;
mod events;
mod failure;
mod format;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod gemini;
mod moderation;
mod openai;
mod provider;
mod stream;

pub use anthropic::AnthropicProvider;
pub use client::{InvalidProviderOptions, ProviderClient, ProviderClientOptions};
pub use gemini::GeminiProvider;
pub use openai::{
    KeyPlace, ModelPath, OpenAiDialect, OpenAiFormat, OpenAiProvider, OutputBound, SeedName,
};
pub use provider::{Provider, ProviderOptions};
