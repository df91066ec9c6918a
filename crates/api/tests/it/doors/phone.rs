//! The app on somebody's phone that shows codes: TOTP (RFC 6238), computed here once more.
use aws_lc_rs::hmac;
use chrono::Utc;
use serde_json::{Value, json};

use crate::app::caller::Person;

/// How long a code is shown, in seconds.
const STEP: i64 = 30;

/// A phone with the secret of an account.
pub(super) struct Phone {
    secret: Vec<u8>,
    last: i64,
    /// What stands in for it.
    pub(super) recovery_codes: Vec<String>,
}

impl Phone {
    /// Switches the second factor of a person on, whose sign-in is fresh.
    pub(super) async fn set_up(person: &Person) -> Self {
        let setup = person.post("/api/auth/mfa/setup", &json!({})).await.with(200);
        let secret = base32(setup["secret"].as_str().expect("a secret"));
        let mut phone = Self { secret, last: 0, recovery_codes: Vec::new() };
        let shown = json!({ "code": phone.next_code() });
        let switched_on = person.post("/api/auth/mfa/verify", &shown).await.with(200);
        let codes = switched_on["recovery_codes"].as_array().expect("a list");
        let text = |code: &Value| code.as_str().expect("a code").to_owned();
        phone.recovery_codes = codes.iter().map(text).collect();
        phone
    }

    /// A code that was not shown before. It may be that of the next half minute, which is good
    /// already: clocks differ.
    #[expect(clippy::disallowed_methods, reason = "a phone has a clock of its own")]
    pub(super) fn next_code(&mut self) -> String {
        let now = Utc::now().timestamp() / STEP;
        self.last = now.max(self.last + 1);
        assert!(self.last <= now + 1, "no code is left to show");
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.secret);
        let mac = hmac::sign(&key, &self.last.to_be_bytes());
        let mac = mac.as_ref();
        let offset = usize::from(mac[19] & 0xf);
        let word: [u8; 4] = mac[offset..offset + 4].try_into().expect("four bytes");
        format!("{:06}", (u32::from_be_bytes(word) & 0x7fff_ffff) % 1_000_000)
    }
}

/// RFC 4648, section 6, without padding.
fn base32(text: &str) -> Vec<u8> {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::new());
    for letter in text.bytes() {
        let value = LETTERS.iter().position(|known| *known == letter).expect("a letter");
        bits = (bits << 5 | u32::try_from(value).expect("five bits")) & 0xfff;
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).expect("eight bits"));
        }
    }
    bytes
}

#[test]
fn the_phone_shows_the_codes_of_the_rfc_s_key() {
    assert_eq!(base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), b"12345678901234567890");
}
