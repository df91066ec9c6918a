//! Where everything comes together: configuration, wiring, lifecycle, jobs and the command line.
//!
//! What is *not* here: rules, SQL, vendors' protocols and routes.
pub mod background;
mod banner;
pub mod cli;
pub mod commands;
pub mod compose;
pub mod config;
pub mod health;
pub mod instance;
pub mod ports;
mod providers;
mod sandboxed;
pub mod secrets;
pub mod system;
pub mod telemetry;
mod unthrottled;
