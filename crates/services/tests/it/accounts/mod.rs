//! Signing up and in, staying in, and leaving.
mod login;
mod logout;
mod profile;
mod refresh;
mod registration;
mod theft;

use cape_domain::accounts::Email;

pub fn address(text: &str) -> Email {
    text.parse().expect("an address")
}
