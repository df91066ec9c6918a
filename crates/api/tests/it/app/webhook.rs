//! Messages of Stripe, signed by hand.
use chrono::Utc;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::{Answer, Http, caller::send};

/// What the sandbox signs with.
pub(crate) const SECRET: &str = cape_api::ports::SANDBOX_WEBHOOK_SECRET;

/// This second, since 1970.
#[expect(clippy::disallowed_methods, reason = "the platform under test runs by the same clock")]
pub(crate) fn now() -> i64 {
    Utc::now().timestamp()
}

/// The header of a message that is sent at this second.
pub(crate) fn sign(secret: &str, at: i64, body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
    let mut mac = mac.expect("a key of any length");
    mac.update(format!("{at}.{body}").as_bytes());
    format!("t={at},v1={}", hex::encode(mac.finalize().into_bytes()))
}

/// Delivers a message.
pub(crate) async fn post(http: &Http, body: &str, signature: Option<&str>) -> Answer {
    let request = http.request("POST", "/api/payment/webhook").body(body.to_owned());
    send(match signature {
        Some(signature) => request.header("stripe-signature", signature),
        None => request,
    })
    .await
}
