//! Limits that processes count together, on a Redis server.
mod outage;
mod server;
mod shared;
