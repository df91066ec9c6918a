//! Gateways against servers that answer as they are told to.
mod limiter;
mod price_book;
mod providers;
mod redis;
mod server;
mod stripe;
