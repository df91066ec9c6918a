//! Who is calling, and what was taken back since.
mod api_keys;
mod control;
mod persons;
mod programs;
