//! Somebody who has the platform's own signing key, or only its public half, and makes tokens
//! that no platform would.
//!
//! With the right key, what a forged token is refused for is what is wrong with it and nothing
//! else. The key is derived here once more, from the root key and the words that name it.
use aws_lc_rs::{
    hkdf::{HKDF_SHA256, Salt},
    hmac,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::app::TestApp;

/// The root key of signing that the platform has to be given.
pub(super) const ROOT: &str = "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef";

/// How long a key signs, in seconds.
const PERIOD: i64 = 30 * 24 * 60 * 60;

/// Who forges after the pattern of a good token.
pub(super) struct Forger {
    pair: Ed25519KeyPair,
    key: Value,
    header: String,
    claims: Value,
    signature: String,
}

impl Forger {
    /// Somebody who was given a good token of the platform.
    pub(super) async fn at(app: &TestApp, access: &str) -> Self {
        let [header, claims, signature] = access.split('.').collect::<Vec<_>>()[..] else {
            panic!("a token has three parts")
        };
        let claims = decode(claims);
        let key_id = decode(header)["kid"].clone();
        let pair = key_pair(claims["iat"].as_i64().expect("a time"));
        let set = app.http.get("/.well-known/jwks.json").await.with(200);
        let keys = set["keys"].as_array().expect("keys");
        let key = keys.iter().find(|key| key["kid"] == key_id).expect("the key").clone();
        assert_eq!(key["x"], URL_SAFE_NO_PAD.encode(pair.public_key()), "it is the same key");
        Self { pair, key, header: header.to_owned(), claims, signature: signature.to_owned() }
    }

    /// All forgeries, by what is wrong with them.
    pub(super) fn forgeries(&self) -> Vec<(&'static str, String)> {
        let claim = |name: &'static str, value: Value| self.saying(|claims| claims[name] = value);
        let header = |member: &str, value: Value| {
            let mut header = decode(&self.header);
            header[member] = value;
            self.signed(&encode(&header), &self.claims)
        };
        let mut forgeries = vec![
            ("expired", self.saying(|claims| Self::age(claims, 1_000))),
            ("from the future", self.saying(|claims| Self::age(claims, -600))),
            ("of a foreign issuer", claim("iss", json!("https://elsewhere.example.com"))),
            ("for a foreign audience", claim("aud", json!("elsewhere"))),
            ("for several audiences", claim("aud", json!([]))),
            ("of another kind", claim("typ", json!("refresh"))),
            ("of no kind", claim("typ", json!(null))),
            ("of another session", claim("sid", json!(format!("ses_{}", "0".repeat(32))))),
            ("of a role that is none", claim("role", json!("admin"))),
            ("under an unknown key", header("kid", json!("unknown"))),
            ("under no named key", header("kid", json!(null))),
            ("with a key of its own", header("jwk", self.key.clone())),
            ("with a key elsewhere", header("jku", json!("https://elsewhere.example.com"))),
            ("under a stranger's key", self.strangers()),
            ("tampered with", self.tampered()),
        ];
        forgeries.extend(self.unsigned().map(|token| ("without a signature", token)));
        forgeries.extend(self.confused().map(|token| ("signed with the public key", token)));
        forgeries
    }

    /// A token with other claims, signed with the platform's own key.
    pub(super) fn saying(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = self.claims.clone();
        change(&mut claims);
        self.signed(&self.header, &claims)
    }

    fn age(claims: &mut Value, seconds: i64) {
        for name in ["iat", "exp", "auth_time"] {
            claims[name] = (claims[name].as_i64().expect("a time") - seconds).into();
        }
    }

    fn signed(&self, header: &str, claims: &Value) -> String {
        let message = format!("{header}.{}", encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.pair.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    /// The good signature under other claims.
    fn tampered(&self) -> String {
        let mut claims = self.claims.clone();
        claims["exp"] = (claims["exp"].as_i64().expect("a time") + 1).into();
        format!("{}.{}.{}", self.header, encode(&claims), self.signature)
    }

    fn strangers(&self) -> String {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed");
        let message = format!("{}.{}", self.header, encode(&self.claims));
        let signature = URL_SAFE_NO_PAD.encode(pair.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    /// `alg: none` (RFC 8725, section 2.1), in several spellings, with and without the signature.
    fn unsigned(&self) -> impl Iterator<Item = String> {
        let claims = encode(&self.claims);
        ["none", "None", "NONE"].into_iter().flat_map(move |algorithm| {
            let header = encode(&json!({ "alg": algorithm, "typ": "JWT", "kid": self.key["kid"] }));
            let bare = format!("{header}.{claims}.");
            [format!("{bare}{}", self.signature), bare]
        })
    }

    /// HMAC with what everybody knows as its key (RFC 8725, section 2.1): the bytes of the public
    /// key, its spelling, and the whole document.
    fn confused(&self) -> impl Iterator<Item = String> {
        let header = encode(&json!({ "alg": "HS256", "typ": "JWT", "kid": self.key["kid"] }));
        let message = format!("{header}.{}", encode(&self.claims));
        let spelled = self.key["x"].as_str().expect("a text").to_owned();
        let bytes = URL_SAFE_NO_PAD.decode(&spelled).expect("base 64");
        let secrets = [bytes, spelled.into_bytes(), self.key.to_string().into_bytes()];
        secrets.into_iter().map(move |secret| {
            let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), message.as_bytes());
            format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac))
        })
    }
}

/// The key that signs at a moment.
fn key_pair(at: i64) -> Ed25519KeyPair {
    let root = hex::decode(ROOT).expect("hex");
    let period = (at / PERIOD).to_be_bytes();
    let info: [&[u8]; 2] = [b"cape access token key", &period];
    let mut seed = [0; 32];
    Salt::new(HKDF_SHA256, &[])
        .extract(&root)
        .expand(&info, HKDF_SHA256.hmac_algorithm())
        .and_then(|block| block.fill(&mut seed))
        .expect("one block");
    Ed25519KeyPair::from_seed_unchecked(&seed).expect("a seed")
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn decode(part: &str) -> Value {
    let bytes = URL_SAFE_NO_PAD.decode(part).expect("base 64");
    serde_json::from_slice(&bytes).expect("JSON")
}
