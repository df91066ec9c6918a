//! Tokens of browsers: the refresh token in a cookie that no script can read, and beside it what
//! only our own pages can repeat in a header.
//!
//! The names begin with `__Host-`: a browser takes such a cookie over TLS (or from localhost)
//! alone, and sends it to this very host alone.
use actix_web::{
    HttpRequest, HttpResponseBuilder,
    cookie::{Cookie, SameSite, time::Duration},
};
use cape_domain::secret::Secret;
use cape_services::accounts::SignedIn;

/// Carries the refresh token.
pub const REFRESH: &str = "__Host-cape_refresh";
/// Carries what has to be repeated in the header.
pub const CSRF: &str = "__Host-cape_csrf";
/// The header in which it is repeated.
pub const CSRF_HEADER: &str = "x-csrf-token";

/// Gives a browser its cookies.
pub(super) fn put(answer: &mut HttpResponseBuilder, signed_in: &SignedIn) {
    let life = signed_in.refresh_expires_at - signed_in.access_issued_at;
    let life = Duration::seconds(life.num_seconds().max(0));
    answer.cookie(cookie(REFRESH, signed_in.refresh_token.expose(), true, life)).cookie(cookie(
        CSRF,
        signed_in.csrf_token.expose(),
        false,
        life,
    ));
}

/// Takes a browser's cookies away.
pub(super) fn clear(answer: &mut HttpResponseBuilder) {
    answer.cookie(cookie(REFRESH, "", true, Duration::ZERO)).cookie(cookie(
        CSRF,
        "",
        false,
        Duration::ZERO,
    ));
}

/// The refresh token that a browser sent.
pub(super) fn refresh_token(request: &HttpRequest) -> Option<Secret> {
    request.cookie(REFRESH).map(|cookie| Secret::new(cookie.value()))
}

/// What a page repeated in the header, if the browser sent the same beside it.
pub(super) fn csrf_token(request: &HttpRequest) -> Option<Secret> {
    let repeated = request.headers().get(CSRF_HEADER)?.to_str().ok()?;
    let sent = request.cookie(CSRF)?;
    (sent.value() == repeated).then(|| Secret::new(repeated))
}

fn cookie<'a>(name: &'a str, value: &'a str, hidden: bool, life: Duration) -> Cookie<'a> {
    Cookie::build(name, value)
        .path("/")
        .secure(true)
        .http_only(hidden)
        .same_site(SameSite::Lax)
        .max_age(life)
        .finish()
}
