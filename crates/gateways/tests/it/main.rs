//! Gateways against servers that answer as they are told to.
mod limiter;
mod mail;
mod passwords;
mod price_book;
mod providers;
mod redis;
mod server;
mod smtp;
mod stripe;
mod throttle;
