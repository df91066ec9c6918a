//! Who is calling, and what was taken back since.
mod api_keys;
mod control;
mod introspection;
mod key_owners;
mod key_rules;
mod key_uses;
mod persons;
mod programs;
mod rotation;
