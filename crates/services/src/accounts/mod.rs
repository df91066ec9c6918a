//! Signing up, in and out.
mod profiles;
mod registration;
mod sessions;

pub use profiles::{ProfileError, ProfileService, UserWithProfile};
pub use registration::{NewUser, RegistrationError, RegistrationService, VerifyError};
pub use sessions::{SessionError, SessionRules, SessionService, SignedIn};
