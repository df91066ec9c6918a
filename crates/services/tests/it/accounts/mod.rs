//! Signing up and in, staying in, and leaving.
mod login;
mod logout;
mod profile;
mod refresh;
mod registration;
mod theft;
