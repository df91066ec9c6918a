//! What the program as a whole promises.
mod app;
mod config;
mod contract;
mod env_example;
mod guards;
mod kill;
mod lifecycle;
mod main_job;
mod permissions;
mod races;
mod refusals;
mod secrets;
