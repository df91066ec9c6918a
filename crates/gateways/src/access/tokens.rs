//! Access tokens as JSON Web Tokens, signed with Ed25519.
//!
//! Sessions, epochs and permissions are *not* checked here, only that a token is one of ours, for
//! this purpose, and that its time has come and is not over.
use std::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use cape_domain::{
    access::{AccessClaims, AccessTokens, TokenRefused},
    json::RawJson,
    secret::Secret,
    store::BoxError,
    time::Timestamp,
};
use chrono::{DateTime, TimeDelta};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// What an Ed25519 private key looks like in PKCS#8 before its seed (RFC 8410, section 7).
const PKCS8_BEFORE_SEED: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// The claim that tells an access token from whatever else may be signed with the key one day.
const KIND: &str = "access";

/// How far the clock of the process that signed may be ahead of ours.
const CLOCK_SKEW: TimeDelta = TimeDelta::seconds(60);

/// Who signs, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtOptions {
    /// Who signs, as claim `iss`: the address of the platform.
    pub issuer: String,
    /// For whom, as claim `aud`.
    pub audience: String,
}

/// Signs and reads access tokens with one Ed25519 key. Times in a token are whole seconds,
/// rounded down.
pub struct JwtTokens {
    options: JwtOptions,
    header: Header,
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
    key_set: RawJson,
}

#[derive(Serialize, Deserialize)]
struct WireClaims {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    epoch: u32,
    wsp: String,
    typ: String,
    auth_time: i64,
    iat: i64,
    exp: i64,
    jti: String,
}

impl JwtTokens {
    /// Tokens under the Ed25519 key with this seed of 256 random bits. With another seed, every
    /// access token that was handed out is dead.
    ///
    /// # Errors
    ///
    /// When the cryptographic library does not take the seed.
    pub fn new(options: JwtOptions, seed: &[u8; 32]) -> Result<Self, BoxError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed)?;
        let public = pair.public_key().as_ref();
        let key_id = thumbprint(public);
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(key_id.clone());
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.validate_exp = false; // ours is compared with the clock we are given
        validation.set_required_spec_claims(&["iss", "aud", "sub"]);
        validation.set_issuer(&[&options.issuer]);
        validation.set_audience(&[&options.audience]);
        let key_set = json!({ "keys": [{
            "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(public),
            "use": "sig", "alg": "EdDSA", "kid": key_id,
        }] });
        let tokens = Self {
            options,
            header,
            signing: EncodingKey::from_ed_der(&[&PKCS8_BEFORE_SEED[..], &seed[..]].concat()),
            verifying: DecodingKey::from_ed_der(public),
            validation,
            key_set: RawJson::new(key_set.to_string()),
        };
        encode(&tokens.header, &json!({}), &tokens.signing)?; // so that signing cannot fail later
        Ok(tokens)
    }

    /// The id of the key, as it stands in the header of every token and in the key set: its
    /// thumbprint (RFC 7638).
    #[must_use]
    pub fn key_id(&self) -> &str {
        self.header.kid.as_deref().unwrap_or_default()
    }
}

/// SHA-256 of the required members of the key, in order, without white space (RFC 8037, A.3).
fn thumbprint(public: &[u8]) -> String {
    let x = URL_SAFE_NO_PAD.encode(public);
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)))
}

impl fmt::Debug for JwtTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtTokens")
            .field("options", &self.options)
            .field("key_id", &self.key_id())
            .finish_non_exhaustive()
    }
}

impl AccessTokens for JwtTokens {
    fn sign(&self, claims: &AccessClaims) -> Secret {
        let claims = WireClaims {
            iss: self.options.issuer.clone(),
            aud: self.options.audience.clone(),
            sub: claims.user.to_string(),
            sid: claims.session.to_string(),
            epoch: claims.epoch,
            wsp: claims.workspace.to_string(),
            typ: KIND.to_owned(),
            auth_time: claims.authenticated_at.timestamp(),
            iat: claims.issued_at.timestamp(),
            exp: claims.expires_at.timestamp(),
            jti: claims.id.to_string(),
        };
        let token = encode(&self.header, &claims, &self.signing);
        Secret::new(token.expect("a key that has signed before signs again"))
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<AccessClaims, TokenRefused> {
        let read = decode::<WireClaims>(token, &self.verifying, &self.validation)
            .map_err(|_| TokenRefused::Malformed)?;
        // Anything in the header that we do not write may change what the rest means.
        if read.header != self.header || read.claims.typ != KIND {
            return Err(TokenRefused::Malformed);
        }
        let claims = read.claims.into_claims()?;
        if claims.id.session != claims.session {
            return Err(TokenRefused::Malformed);
        }
        if now >= claims.expires_at || claims.issued_at - now > CLOCK_SKEW {
            return Err(TokenRefused::Expired);
        }
        Ok(claims)
    }

    fn key_set(&self) -> RawJson {
        self.key_set.clone()
    }
}

impl WireClaims {
    fn into_claims(self) -> Result<AccessClaims, TokenRefused> {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).ok_or(TokenRefused::Malformed);
        Ok(AccessClaims {
            user: self.sub.parse().map_err(|_| TokenRefused::Malformed)?,
            session: self.sid.parse().map_err(|_| TokenRefused::Malformed)?,
            epoch: self.epoch,
            workspace: self.wsp.parse().map_err(|_| TokenRefused::Malformed)?,
            authenticated_at: at(self.auth_time)?,
            issued_at: at(self.iat)?,
            expires_at: at(self.exp)?,
            id: self.jti.parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use cape_domain::{
        access::TokenId,
        ids::{SessionId, UserId, WorkspaceId},
    };
    use serde_json::Value;
    use uuid::Uuid;

    use super::*;

    const SEED: [u8; 32] = [7; 32];

    fn options() -> JwtOptions {
        JwtOptions { issuer: "https://cape.example".to_owned(), audience: "cape".to_owned() }
    }

    fn tokens() -> JwtTokens {
        JwtTokens::new(options(), &SEED).expect("tokens")
    }

    fn at(seconds: i64) -> Timestamp {
        DateTime::from_timestamp(1_900_000_000 + seconds, 0).expect("a time")
    }

    fn claims() -> AccessClaims {
        let session = SessionId::new(Uuid::from_u128(2));
        AccessClaims {
            user: UserId::new(Uuid::from_u128(1)),
            session,
            epoch: 3,
            workspace: WorkspaceId::new(Uuid::from_u128(4)),
            authenticated_at: at(-100),
            issued_at: at(0),
            expires_at: at(900),
            id: TokenId { session, generation: 5 },
        }
    }

    fn part(json: &Value) -> String {
        URL_SAFE_NO_PAD.encode(json.to_string())
    }

    fn header(tokens: &JwtTokens) -> Value {
        json!({ "typ": "JWT", "alg": "EdDSA", "kid": tokens.key_id() })
    }

    fn body() -> Value {
        json!({
            "iss": "https://cape.example", "aud": "cape", "typ": "access", "epoch": 3,
            "sub": "usr_00000000000000000000000000000001",
            "sid": "ses_00000000000000000000000000000002",
            "wsp": "wsp_00000000000000000000000000000004",
            "jti": "ses_00000000000000000000000000000002.5",
            "auth_time": 1_899_999_900, "iat": 1_900_000_000, "exp": 1_900_000_900,
        })
    }

    /// Signs with the right key whatever it is given.
    fn signed(header: &Value, body: &Value) -> String {
        let message = format!("{}.{}", part(header), part(body));
        let pair = Ed25519KeyPair::from_seed_unchecked(&SEED).expect("a key");
        let signature = pair.sign(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }

    fn hmac_signed(header: &Value, key: &[u8]) -> String {
        let message = format!("{}.{}", part(header), part(&body()));
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
        let tag = aws_lc_rs::hmac::sign(&key, message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
    }

    fn with(mut json: Value, member: &str, value: Value) -> Value {
        json[member] = value;
        json
    }

    fn without(mut json: Value, member: &str) -> Value {
        json.as_object_mut().and_then(|members| members.remove(member)).expect("a member");
        json
    }

    #[test]
    fn what_was_signed_is_read_back_and_stands_in_the_token_by_its_documented_names() {
        let tokens = tokens();
        let token = tokens.sign(&claims());
        assert_eq!(tokens.verify(token.expose(), at(1)), Ok(claims()));
        let parts: Vec<Value> = token
            .expose()
            .split('.')
            .take(2)
            .map(|part| URL_SAFE_NO_PAD.decode(part).expect("base64"))
            .map(|part| serde_json::from_slice(&part).expect("JSON"))
            .collect();
        assert_eq!(parts, [header(&tokens), body()]);
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
    fn the_published_key_is_the_one_of_the_standard_and_verifies() {
        // RFC 8037, appendix A.
        let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
        let seed: [u8; 32] = seed.expect("base64").try_into().expect("32 bytes");
        let tokens = JwtTokens::new(options(), &seed).expect("tokens");
        assert_eq!(tokens.key_id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        let set: Value = serde_json::from_str(tokens.key_set().as_str()).expect("JSON");
        assert_eq!(
            set,
            json!({ "keys": [{
                "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
            }] })
        );
        let published: jsonwebtoken::jwk::JwkSet =
            serde_json::from_str(tokens.key_set().as_str()).expect("a key set");
        let key = published.find(tokens.key_id()).expect("the key");
        let key = DecodingKey::from_jwk(key).expect("a key");
        let token = tokens.sign(&claims());
        assert!(decode::<Value>(token.expose(), &key, &tokens.validation).is_ok());
    }

    #[test]
    fn a_token_that_is_not_exactly_ours_is_refused() {
        let ours = tokens();
        let (header, kid) = (header(&ours), ours.key_id().to_owned());
        let stranger = JwtTokens::new(options(), &[8; 32]).expect("tokens");
        let public = URL_SAFE_NO_PAD.encode(ours.verifying.try_get_as_bytes().expect("bytes"));
        let public_bytes = URL_SAFE_NO_PAD.decode(&public).expect("base64");
        let symmetric = json!({ "typ": "JWT", "alg": "HS256", "kid": kid });
        let unsigned =
            format!("{}.{}.", part(&with(header.clone(), "alg", json!("none"))), part(&body()));
        assert!(ours.verify(&signed(&header, &body()), at(1)).is_ok(), "the vectors are sound");
        let cases = [
            ("no signature, and says so", unsigned.clone()),
            ("no signature", format!("{}.{}.", part(&header), part(&body()))),
            ("alg none, signed", signed(&with(header.clone(), "alg", json!("none")), &body())),
            ("HS256 over the public key", hmac_signed(&symmetric, &public_bytes)),
            ("HS256 over the public key as text", hmac_signed(&symmetric, public.as_bytes())),
            ("HMAC that says EdDSA", hmac_signed(&header, &public_bytes)),
            (
                "another algorithm's name",
                signed(&with(header.clone(), "alg", json!("ES256")), &body()),
            ),
            ("another key", stranger.sign(&claims()).expose().to_owned()),
            ("another key id", signed(&with(header.clone(), "kid", json!("other")), &body())),
            ("no key id", signed(&without(header.clone(), "kid"), &body())),
            (
                "a key of its own",
                signed(&with(header.clone(), "jku", json!("https://evil")), &body()),
            ),
            (
                "a critical extension",
                signed(&with(header.clone(), "crit", json!(["b64"])), &body()),
            ),
            ("another header type", signed(&with(header.clone(), "typ", json!("at+jwt")), &body())),
            ("another kind", signed(&header, &with(body(), "typ", json!("refresh")))),
            ("no kind", signed(&header, &without(body(), "typ"))),
            ("another issuer", signed(&header, &with(body(), "iss", json!("https://evil")))),
            (
                "several issuers",
                signed(&header, &with(body(), "iss", json!(["https://cape.example"]))),
            ),
            ("no issuer", signed(&header, &without(body(), "iss"))),
            ("another audience", signed(&header, &with(body(), "aud", json!("other")))),
            ("several audiences", signed(&header, &with(body(), "aud", json!(["cape", "other"])))),
            ("no audience", signed(&header, &without(body(), "aud"))),
            ("no end", signed(&header, &without(body(), "exp"))),
            ("an end beyond time", signed(&header, &with(body(), "exp", json!(i64::MAX)))),
            ("an end that is a text", signed(&header, &with(body(), "exp", json!("1900000900")))),
            ("a user that is none", signed(&header, &with(body(), "sub", json!("ses_1")))),
            (
                "another session's id",
                signed(
                    &header,
                    &with(body(), "jti", json!("ses_00000000000000000000000000000009.5")),
                ),
            ),
            ("an epoch below zero", signed(&header, &with(body(), "epoch", json!(-1)))),
            ("nothing", String::new()),
            ("dots", "..".to_owned()),
            ("a part too many", format!("{}.e30", signed(&header, &body()))),
            ("white space", format!(" {}", signed(&header, &body()))),
            ("padding", format!("{}=", signed(&header, &body()))),
            ("no token at all", "\u{1F511} cape_sk_1_2".to_owned()),
        ];
        for (what, token) in cases {
            assert_eq!(ours.verify(&token, at(1)), Err(TokenRefused::Malformed), "{what}");
        }
    }

    #[test]
    fn one_changed_letter_anywhere_and_the_token_is_refused() {
        let tokens = tokens();
        let token = tokens.sign(&claims()).expose().to_owned();
        for position in 0..token.len() {
            let mut letters = token.clone().into_bytes();
            letters[position] = if letters[position] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(letters).expect("letters");
            assert_eq!(tokens.verify(&changed, at(1)), Err(TokenRefused::Malformed), "{position}");
            let cut = &token[..position];
            assert_eq!(tokens.verify(cut, at(1)), Err(TokenRefused::Malformed), "{position}");
        }
    }

    #[test]
    fn the_key_is_not_printed() {
        let printed = format!("{:?}", tokens());
        assert!(printed.contains("https://cape.example"));
        assert!(!printed.contains(&format!("{:?}", [7_u8; 4])[1..10]), "{printed}");
    }
}
