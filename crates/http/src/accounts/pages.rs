//! Pages behind the links of mails. They change nothing when they are looked at: the token stays in
//! the address, and is posted by a button. No page needs the internet, and none holds what came
//! with the request.
use actix_web::HttpResponse;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

const FRAME: &str = include_str!("pages/frame.html");
const SCRIPT: &str = include_str!("pages/post.js");

/// What a page says, and what its form posts.
struct Page {
    title: &'static str,
    text: &'static str,
    /// What the token of the link is called in the body.
    token: &'static str,
    field: &'static str,
    button: &'static str,
    done: &'static str,
}

/// Shows that an address is one's own.
pub(super) fn verify() -> HttpResponse {
    show(&Page {
        title: "Verify your e-mail address",
        text: "Press the button to show that this address is yours.",
        token: "token",
        field: "",
        button: "Verify",
        done: "Your address is verified. You can sign in now.",
    })
}

/// Signs somebody up who was invited.
pub(super) fn register() -> HttpResponse {
    show(&Page {
        title: "Join",
        text: "Sign up with the address that you were invited by, and choose a password. If you \
               have an account already, sign in there and accept the invitation.",
        token: "invite_token",
        field: r#"<input type="email" name="email" autocomplete="email" placeholder="E-mail" required>
<input type="password" name="password" autocomplete="new-password" placeholder="Password" required>"#,
        button: "Sign up",
        done: "Welcome. You can sign in now.",
    })
}

/// Chooses a new password.
pub(super) fn reset_password() -> HttpResponse {
    show(&Page {
        title: "Choose a new password",
        text: "At least 12 characters, or 8 that are hard to guess.",
        token: "token",
        field: r#"<input type="password" name="new_password" autocomplete="new-password" required>"#,
        button: "Change the password",
        done: "Your password is changed, and you are signed out everywhere. You can sign in now.",
    })
}

/// Agrees to a move to another address.
pub(super) fn confirm_email() -> HttpResponse {
    show(&Page {
        title: "Change your e-mail address",
        text: "Press the button to agree. The change is made when both addresses have agreed.",
        token: "token",
        field: "",
        button: "Agree",
        done: "Thank you. When both addresses have agreed, you sign in with the new one.",
    })
}

fn show(page: &Page) -> HttpResponse {
    let html = FRAME
        .replace("{{title}}", page.title)
        .replace("{{text}}", page.text)
        .replace("{{field}}", page.field)
        .replace("{{token}}", page.token)
        .replace("{{button}}", page.button)
        .replace("{{done}}", page.done)
        .replace("{{script}}", SCRIPT);
    let script = STANDARD.encode(Sha256::digest(SCRIPT));
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{script}'; style-src 'unsafe-inline'; \
         connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    );
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header(("content-security-policy", policy))
        .insert_header(("cache-control", "no-store"))
        .insert_header(("referrer-policy", "no-referrer"))
        .body(html)
}
