//! Limits that operators set, and limits that processes count together, on a Redis server.
mod elsewhere;
mod outage;
mod rules;
mod server;
mod shared;
