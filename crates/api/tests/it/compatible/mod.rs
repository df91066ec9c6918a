//! Providers under names of their own, which speak as OpenAI does: how they are configured, and
//! what their models answer.
mod configuration;
mod serving;
