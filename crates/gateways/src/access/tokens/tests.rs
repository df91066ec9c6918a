use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use cape_domain::{
    access::{Role, TokenId},
    ids::{SessionId, UserId, WorkspaceId},
};
use chrono::{DateTime, TimeDelta};
use jsonwebtoken::{DecodingKey, jwk::JwkSet};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    key::{Key, derive},
    *,
};

mod refusals;
mod remembering;
mod rotation;

const ROOT: [u8; 32] = [7; 32];
/// The period of [`at`], and the seconds since it began.
const PERIOD: i64 = 733;
const INTO: i64 = 64_000;

fn options() -> JwtOptions {
    JwtOptions::new("https://cape.example", "cape")
}

fn hs256() -> JwtOptions {
    JwtOptions { algorithm: Algorithm::Hs256, ..options() }
}

fn under(options: JwtOptions) -> JwtTokens {
    JwtTokens::new(options, &ROOT).expect("tokens")
}

fn tokens() -> JwtTokens {
    under(options())
}

fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(1_900_000_000 + seconds, 0).expect("a time")
}

/// Made now, and good for a quarter of an hour.
fn claims_at(now: Timestamp) -> AccessClaims {
    let session = SessionId::new(Uuid::from_u128(2));
    AccessClaims {
        user: UserId::new(Uuid::from_u128(1)),
        session,
        epoch: 3,
        workspace: WorkspaceId::new(Uuid::from_u128(4)),
        role: Role::Member,
        operator: false,
        authenticated_at: now - TimeDelta::seconds(100),
        issued_at: now,
        expires_at: now + AccessClaims::LIFE,
        id: TokenId { session, generation: 5 },
    }
}

fn claims() -> AccessClaims {
    claims_at(at(0))
}

fn body() -> Value {
    json!({
        "iss": "https://cape.example", "aud": "cape", "typ": "access", "epoch": 3,
        "sub": "usr_00000000000000000000000000000001",
        "sid": "ses_00000000000000000000000000000002",
        "wsp": "wsp_00000000000000000000000000000004",
        "role": "member",
        "jti": "ses_00000000000000000000000000000002.5",
        "auth_time": 1_899_999_900, "iat": 1_900_000_000, "exp": 1_900_000_900,
    })
}

fn parts(token: &str) -> Vec<Value> {
    token
        .split('.')
        .take(2)
        .map(|part| URL_SAFE_NO_PAD.decode(part).expect("base64"))
        .map(|part| serde_json::from_slice(&part).expect("JSON"))
        .collect()
}

/// The ids of the keys that are published.
fn published(tokens: &JwtTokens, now: Timestamp) -> Vec<String> {
    let set: Value = serde_json::from_str(tokens.key_set(now).as_str()).expect("JSON");
    let keys = set["keys"].as_array().expect("keys");
    keys.iter().map(|key| key["kid"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn what_was_signed_is_read_back_and_stands_in_the_token_by_its_documented_names() {
    for (options, name) in [(options(), "EdDSA"), (hs256(), "HS256")] {
        let tokens = under(options);
        for role in Role::ALL {
            let claims = AccessClaims { role, ..claims() };
            let token = tokens.sign(&claims);
            assert_eq!(tokens.verify(token.expose(), at(1)), Ok(claims));
        }
        let operator = AccessClaims { operator: true, ..claims() };
        let token = tokens.sign(&operator);
        assert_eq!(parts(token.expose())[1]["operator"], true);
        assert_eq!(tokens.verify(token.expose(), at(1)), Ok(operator));
        let kid = tokens.keys.of(PERIOD).id().to_owned();
        let header = json!({ "typ": "JWT", "alg": name, "kid": kid });
        assert_eq!(parts(tokens.sign(&claims()).expose()), [header, body()]);
    }
    assert_eq!((tokens().issuer(), tokens().audience()), ("https://cape.example", "cape"));
}

#[test]
fn a_token_is_good_from_its_making_until_just_before_its_end() {
    let tokens = tokens();
    let token = tokens.sign(&claims());
    let verdict = |now| tokens.verify(token.expose(), now).map(|_| ());
    let instant = TimeDelta::microseconds(1);
    for (now, expected) in [
        (at(-60), Ok(())),
        (at(-60) - instant, Err(TokenRefused::Expired)),
        (at(0), Ok(())),
        (at(900) - instant, Ok(())),
        (at(900), Err(TokenRefused::Expired)),
        (at(1_000_000), Err(TokenRefused::Expired)),
    ] {
        assert_eq!(verdict(now), expected, "{now}");
    }
}

#[test]
fn a_key_is_the_one_of_the_standard() {
    // RFC 8037, appendix A.
    let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
    let key = Key::ed25519(1, &seed.expect("base64").try_into().expect("32 bytes"));
    assert_eq!(key.id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let public: Value = serde_json::from_str(key.public().expect("a public key")).expect("JSON");
    assert_eq!(
        public,
        json!({
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        })
    );
}

#[test]
fn another_implementation_of_hkdf_derives_the_same() {
    // Python's `cryptography`: HKDF(SHA256(), 32, salt=None, info=b"cape access token key"
    // + (7).to_bytes(8, "big")).derive(b"\x01"*32).hex()
    assert_eq!(
        hex::encode(derive(&[1; 32], b"cape access token key", 7)),
        "d98900c928fb9a5f96f6c3fc79d448dee0912a4dd1a0440bbcc88d72fc45874a"
    );
}

#[test]
fn whoever_has_the_published_keys_can_verify() {
    let tokens = tokens();
    let token = tokens.sign(&claims());
    let set: JwkSet = serde_json::from_str(tokens.key_set(at(0)).as_str()).expect("a key set");
    let header = jsonwebtoken::decode_header(token.expose()).expect("a header");
    let key = set.find(header.kid.as_deref().expect("an id")).expect("the key");
    let key = DecodingKey::from_jwk(key).expect("a key");
    let read = decode::<Value>(token.expose(), &key, &tokens.validation).expect("a token");
    assert_eq!(read.claims, body());
}

#[test]
fn what_cannot_work_is_refused_at_the_start() {
    let seconds = Duration::from_secs;
    let (fine, hour) = (options(), seconds(3_600));
    for (options, expected) in [
        (JwtOptions { overlap: seconds(960), ..fine.clone() }, None),
        (
            JwtOptions { overlap: seconds(959), ..fine.clone() },
            Some(InvalidJwtOptions::Overlap(960)),
        ),
        (JwtOptions { publish_ahead: seconds(60), ..fine.clone() }, None),
        (
            JwtOptions { publish_ahead: seconds(59), ..fine.clone() },
            Some(InvalidJwtOptions::PublishAhead(60)),
        ),
        (JwtOptions { rotation: hour, publish_ahead: hour, ..fine.clone() }, None),
        (JwtOptions { rotation: hour, ..fine.clone() }, Some(InvalidJwtOptions::Rotation)),
        (
            JwtOptions { rotation: hour, publish_ahead: hour, overlap: seconds(3_601), ..fine },
            Some(InvalidJwtOptions::Rotation),
        ),
    ] {
        let refused = JwtTokens::new(options.clone(), &ROOT).err();
        assert_eq!(refused, expected, "{options:?}");
    }
}

#[test]
fn the_longest_durations_are_no_harm() {
    let longest = Duration::MAX;
    let tokens = under(JwtOptions { rotation: longest, overlap: longest, ..options() });
    let token = tokens.sign(&claims());
    assert_eq!(tokens.verify(token.expose(), at(1)), Ok(claims()));
    assert_eq!(published(&tokens, at(0)).len(), 2, "of before 1970 and of after");
}

#[test]
fn the_keys_are_not_printed() {
    let printed = format!("{:?}", tokens());
    assert!(printed.contains("https://cape.example"));
    assert!(!printed.contains(&format!("{:?}", [7_u8; 4])[1..10]), "{printed}");
}
