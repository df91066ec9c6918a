//! What the program as a whole promises.
mod config;
mod env_example;
mod secrets;
