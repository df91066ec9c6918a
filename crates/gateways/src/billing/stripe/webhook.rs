//! Reading of messages: first whether Stripe signed these very bytes, and only then what they say.
//!
//! Whether a message is new and what it changes is *not* known here.
use cape_domain::{
    billing::{ProviderEvent, ProviderName, WebhookRefused},
    secret::Secret,
    time::Timestamp,
};
use chrono::{DateTime, TimeDelta};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use super::{InvalidStripeOptions, wire};

/// How far the time of a signature may be from ours.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// Reads messages that were signed with one of several secrets.
pub(super) struct WebhookReader {
    secrets: Vec<Hmac<Sha256>>,
}

impl WebhookReader {
    /// Without a secret, no message is accepted.
    pub fn new(secrets: Vec<Secret>) -> Result<Self, InvalidStripeOptions> {
        let keyed = |secret: Secret| {
            let key = Some(secret.expose().as_bytes()).filter(|key| !key.is_empty())?;
            Hmac::new_from_slice(key).ok()
        };
        let secrets = secrets.into_iter().map(keyed).collect::<Option<Vec<_>>>();
        Ok(Self { secrets: secrets.ok_or(InvalidStripeOptions::WebhookSecret)? })
    }

    /// What a message says, if it was signed.
    pub fn read(
        &self,
        body: &[u8],
        header: &str,
        now: Timestamp,
    ) -> Result<ProviderEvent, WebhookRefused> {
        let header = SignatureHeader::parse(header).ok_or(WebhookRefused::Signature)?;
        if !self.signed(&header, body) {
            return Err(WebhookRefused::Signature);
        }
        if (now - header.at).abs() > TOLERANCE {
            return Err(WebhookRefused::Stale);
        }
        parse(body, header.at).ok_or(WebhookRefused::Malformed)
    }

    /// Every secret is compared with every signature: the time tells nobody which was close.
    fn signed(&self, header: &SignatureHeader<'_>, body: &[u8]) -> bool {
        let mut right = Choice::from(0);
        for secret in &self.secrets {
            let expected = secret
                .clone()
                .chain_update(header.time)
                .chain_update(b".")
                .chain_update(body)
                .finalize()
                .into_bytes();
            for signature in &header.signatures {
                right |= expected.as_slice().ct_eq(signature);
            }
        }
        right.into()
    }
}

/// `t=…,v1=…[,v1=…][,v0=…]`: when the message was signed, and how.
struct SignatureHeader<'a> {
    /// As it stands there, because it was signed as it stands there.
    time: &'a str,
    at: Timestamp,
    signatures: Vec<[u8; 32]>,
}

impl<'a> SignatureHeader<'a> {
    /// None, unless it has one time and a signature of the one scheme that counts. Stripe signs
    /// test messages with `v0`, too, which proves nothing.
    fn parse(header: &'a str) -> Option<Self> {
        let mut times = Vec::new();
        let mut signatures = Vec::new();
        for part in header.split(',') {
            match part.trim().split_once('=') {
                Some(("t", time)) => times.push(time),
                Some(("v1", signature)) => {
                    let mut bytes = [0; 32];
                    if hex::decode_to_slice(signature, &mut bytes).is_ok() {
                        signatures.push(bytes);
                    }
                }
                Some(_) | None => {}
            }
        }
        let [time] = times[..] else { return None };
        if signatures.is_empty() || !time.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(Self { time, at: DateTime::from_timestamp(time.parse().ok()?, 0)?, signatures })
    }
}

/// None, without the ids and the kind that make it a message.
fn parse(body: &[u8], signed_at: Timestamp) -> Option<ProviderEvent> {
    let event: wire::Event = serde_json::from_slice(body).ok()?;
    let told = |text: Option<String>| text.filter(|text| !text.is_empty());
    Some(ProviderEvent {
        provider: ProviderName::Stripe,
        event: told(event.id)?,
        kind: told(event.kind)?,
        object: told(event.data.object.id)?,
        live: event.livemode.unwrap_or(false),
        api_version: event.api_version,
        created_at: event
            .created
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
            .unwrap_or(signed_at),
        body_hash: Sha256::digest(body).into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_new";
    const OLD: &str = "whsec_old";
    const NOW: i64 = 1_900_000_000;
    /// Pretty-printed and with letters outside of ASCII, as they come.
    const BODY: &str = "{\n  \"id\": \"evt_1\",\n  \"type\": \"checkout.session.completed\",\n  \
        \"livemode\": true, \"api_version\": \"2031-01-01.lily\", \"created\": 1899999990,\n  \
        \"data\": {\"object\": {\"id\": \"cs_1\", \"customer\": \"Zoë\"}}, \"new\": [1.5]\n}";

    fn reader() -> WebhookReader {
        WebhookReader::new(vec![Secret::new(SECRET), Secret::new(OLD)]).expect("a reader")
    }

    fn at(seconds: i64) -> Timestamp {
        DateTime::from_timestamp(seconds, 0).expect("a time")
    }

    /// HMAC-SHA256 written out (RFC 2104), for keys of at most 64 bytes.
    fn hmac(key: &str, message: &[u8]) -> [u8; 32] {
        let mut padded = [0; 64];
        padded[..key.len()].copy_from_slice(key.as_bytes());
        let inner = Sha256::digest([&padded.map(|byte| byte ^ 0x36)[..], message].concat());
        Sha256::digest([&padded.map(|byte| byte ^ 0x5c)[..], &inner[..]].concat()).into()
    }

    fn sign(secret: &str, time: &str, body: &str) -> String {
        hex::encode(hmac(secret, format!("{time}.{body}").as_bytes()))
    }

    fn header(time: i64, body: &str) -> String {
        format!("t={time},v1={}", sign(SECRET, &time.to_string(), body))
    }

    #[test]
    fn a_signed_message_is_read_and_nothing_in_it_is_needed_but_its_ids() {
        let event = reader().read(BODY.as_bytes(), &header(NOW, BODY), at(NOW)).expect("an event");
        assert_eq!(
            event,
            ProviderEvent {
                provider: ProviderName::Stripe,
                event: "evt_1".to_owned(),
                kind: "checkout.session.completed".to_owned(),
                object: "cs_1".to_owned(),
                live: true,
                api_version: Some("2031-01-01.lily".to_owned()),
                created_at: at(1_899_999_990),
                body_hash: Sha256::digest(BODY).into(),
            }
        );
        let bare =
            r#"{"id":"evt_2","type":"x","data":{"object":{"id":"pi_1"}},"api_version":null}"#;
        let event = reader().read(bare.as_bytes(), &header(NOW, bare), at(NOW)).expect("an event");
        assert_eq!((event.live, event.api_version, event.created_at), (false, None, at(NOW)));
    }

    #[test]
    fn any_configured_secret_and_any_signature_of_the_right_scheme_will_do() {
        let (new, old) = (sign(SECRET, "1900000000", BODY), sign(OLD, "1900000000", BODY));
        let wrong = "0".repeat(64);
        for header in [
            format!("t=1900000000,v1={new}"),
            format!("t=1900000000,v1={old}"),
            format!("t=1900000000,v1={wrong},v1={old}"),
            format!("t=1900000000,v1={old},v1={new},v0={wrong}"),
            format!("v0={wrong}, v1={new}, t=1900000000, v2=later"),
        ] {
            assert!(reader().read(BODY.as_bytes(), &header, at(NOW)).is_ok(), "{header}");
        }
    }

    #[test]
    fn a_signature_that_is_none_is_refused() {
        let right = sign(SECRET, "1900000000", BODY);
        for header in [
            String::new(),
            "t=1900000000".to_owned(),
            format!("v1={right}"),
            format!("t=1900000000,v0={right}"),
            "t=1900000000,v1=".to_owned(),
            format!("t=1900000000,v1=,v0={right}"),
            format!("t=1900000000,v1={}", &right[..62]),
            format!("t=1900000000,v1={right}00"),
            format!("t=1900000000,v1={}", "z".repeat(64)),
            format!("t=1900000000,v1={}", "0".repeat(64)),
            format!("t=1900000001,v1={right}"),
            format!("t=01900000000,v1={right}"),
            format!("t=+1900000000,v1={right}"),
            format!("t=,v1={}", sign(SECRET, "", BODY)),
            format!("t=1900000000,t=1900000000,v1={right}"),
            format!("t=99999999999999999999,v1={}", sign(SECRET, "99999999999999999999", BODY)),
            format!("t=1900000000,v1={}", sign("whsec_other", "1900000000", BODY)),
            format!("t=1900000000,v1={}", sign("", "1900000000", BODY)),
            format!("t=1900000000,V1={right}"),
        ] {
            let refused = reader().read(BODY.as_bytes(), &header, at(NOW));
            assert_eq!(refused, Err(WebhookRefused::Signature), "{header}");
        }
        let changed = BODY.replace("cs_1", "cs_2");
        let refused = reader().read(changed.as_bytes(), &header(NOW, BODY), at(NOW));
        assert_eq!(refused, Err(WebhookRefused::Signature), "another body");
        let reprinted = BODY.replace('\n', "");
        let refused = reader().read(reprinted.as_bytes(), &header(NOW, BODY), at(NOW));
        assert_eq!(refused, Err(WebhookRefused::Signature), "the same JSON in other bytes");
    }

    #[test]
    fn without_secrets_nothing_is_accepted_and_an_empty_secret_is_not_one() {
        let none = WebhookReader::new(Vec::new()).expect("a reader");
        let refused = none.read(BODY.as_bytes(), &header(NOW, BODY), at(NOW));
        assert_eq!(refused, Err(WebhookRefused::Signature));
        let empty = WebhookReader::new(vec![Secret::new(SECRET), Secret::new("")]);
        assert!(matches!(empty, Err(InvalidStripeOptions::WebhookSecret)));
    }

    #[test]
    fn a_signature_is_good_for_five_minutes_both_ways() {
        let instant = TimeDelta::microseconds(1);
        for (now, expected) in [
            (at(NOW + 300), None),
            (at(NOW + 300) + instant, Some(WebhookRefused::Stale)),
            (at(NOW - 300), None),
            (at(NOW - 300) - instant, Some(WebhookRefused::Stale)),
            (at(0), Some(WebhookRefused::Stale)),
        ] {
            let read = reader().read(BODY.as_bytes(), &header(NOW, BODY), now);
            assert_eq!(read.err(), expected, "{now}");
        }
        let forged = format!("t=0,v1={}", "0".repeat(64));
        let refused = reader().read(BODY.as_bytes(), &forged, at(NOW));
        assert_eq!(refused, Err(WebhookRefused::Signature), "old and forged is forged");
    }

    #[test]
    fn a_signed_text_that_is_no_message_is_malformed() {
        let deep = format!("{{\"id\":{}", "[".repeat(100_000));
        for body in [
            "",
            "[]",
            "null",
            "not JSON",
            "{}",
            r#"{"id":"evt_1","type":"x"}"#,
            r#"{"id":"evt_1","type":"x","data":{"object":{}}}"#,
            r#"{"id":"evt_1","type":"x","data":{"object":{"id":""}}}"#,
            r#"{"id":"","type":"x","data":{"object":{"id":"cs_1"}}}"#,
            r#"{"id":"evt_1","data":{"object":{"id":"cs_1"}}}"#,
            r#"{"id":1,"type":"x","data":{"object":{"id":"cs_1"}}}"#,
            &deep,
        ] {
            let read = reader().read(body.as_bytes(), &header(NOW, body), at(NOW));
            let start: String = body.chars().take(60).collect();
            assert_eq!(read, Err(WebhookRefused::Malformed), "{start}");
        }
    }
}
