//! What the program as a whole promises.
mod app;
mod config;
mod contract;
mod doors;
mod env_example;
mod guards;
mod kill;
mod lifecycle;
mod main_job;
mod messages;
mod permissions;
mod races;
mod refusals;
mod secrets;
mod signing_in;
