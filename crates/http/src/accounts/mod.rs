//! `/api/auth`, `/api/user` and `/api/workspace`.
pub mod auth;
pub mod codes;
pub mod cookies;
pub mod email_changes;
pub mod invitations;
pub mod members;
pub mod mfa;
mod pages;
pub mod passwords;
pub mod profile;
pub mod registration;
pub mod sessions;
pub mod verification;
pub mod views;

use utoipa_actix_web::service_config::ServiceConfig;

/// Mounts every route of accounts.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(registration::page)
        .service(registration::register)
        .service(registration::check_password)
        .service(verification::page)
        .service(verification::verify)
        .service(verification::resend)
        .service(auth::login)
        .service(auth::login_mfa)
        .service(codes::request)
        .service(codes::login)
        .service(auth::refresh)
        .service(auth::logout)
        .service(auth::logout_all)
        .service(auth::reauthenticate)
        .service(passwords::forgot)
        .service(passwords::page)
        .service(passwords::reset)
        .service(passwords::change)
        .service(email_changes::request)
        .service(email_changes::page)
        .service(email_changes::confirm)
        .service(mfa::status)
        .service(mfa::set_up)
        .service(mfa::verify)
        .service(mfa::disable)
        .service(mfa::renew)
        .service(sessions::list)
        .service(sessions::revoke)
        .service(sessions::revoke_others)
        .service(invitations::accept)
        .service(members::switch)
        .service(members::list)
        .service(members::change_role)
        .service(members::remove)
        .service(invitations::invite)
        .service(invitations::list)
        .service(invitations::revoke)
        .service(profile::own)
        .service(profile::change)
        .service(profile::close);
}
