//! The keys of all periods, derived from one root key.
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use aws_lc_rs::{
    hkdf::{HKDF_SHA256, Salt},
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use cape_domain::secret::Secret;
use jsonwebtoken::{DecodingKey, EncodingKey, Header, encode};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Algorithm, claims::WireClaims};

/// What an Ed25519 private key looks like in PKCS#8 before its seed (RFC 8410, section 7).
const PKCS8_BEFORE_SEED: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// What is derived, so that nothing else is ever equal to it: seeds of Ed25519, keys of HMAC,
/// and what those are called, which must not tell anything of them.
const SEED: &[u8] = b"cape access token key";
const MAC_KEY: &[u8] = b"cape access token key, HS256";
const MAC_KEY_ID: &[u8] = b"cape access token key id, HS256";

/// Keys are remembered this many periods before and after the one that was last made.
const REMEMBERED: u64 = 2;

/// Makes keys, each once.
pub(super) struct Keys {
    root: [u8; 32],
    algorithm: Algorithm,
    made: RwLock<BTreeMap<i64, Arc<Key>>>,
}

impl Keys {
    pub fn new(root: [u8; 32], algorithm: Algorithm) -> Self {
        Self { root, algorithm, made: RwLock::default() }
    }

    /// The key of a period.
    pub fn of(&self, period: i64) -> Arc<Key> {
        let made = self.made.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = made.get(&period) {
            return Arc::clone(key);
        }
        drop(made);
        let key = Arc::new(self.make(period));
        let mut made = self.made.write().unwrap_or_else(PoisonError::into_inner);
        made.retain(|other, _| other.abs_diff(period) <= REMEMBERED);
        Arc::clone(made.entry(period).or_insert(key))
    }

    /// How many keys are kept.
    #[cfg(test)]
    pub fn remembered(&self) -> usize {
        self.made.read().expect("no test has failed").len()
    }

    fn make(&self, period: i64) -> Key {
        let derived = |what| derive(&self.root, what, period);
        match self.algorithm {
            Algorithm::EdDsa => Key::ed25519(period, &derived(SEED)),
            Algorithm::Hs256 => Key::hmac(period, &derived(MAC_KEY), &derived(MAC_KEY_ID)),
        }
    }
}

/// HKDF with SHA-256 (RFC 5869) of the root key, without salt. The info is what the result is
/// for and the period, in network order.
pub(super) fn derive(root: &[u8; 32], what: &[u8], period: i64) -> [u8; 32] {
    let info: [&[u8]; 2] = [what, &period.to_be_bytes()];
    let mut derived = [0; 32];
    Salt::new(HKDF_SHA256, &[])
        .extract(root)
        .expand(&info, HKDF_SHA256.hmac_algorithm())
        .and_then(|block| block.fill(&mut derived))
        .expect("one block is never too much to derive");
    derived
}

/// A key, ready to sign and to verify with.
pub(super) struct Key {
    period: i64,
    header: Header,
    /// How every token under this key begins: with its header, encoded, and the dot after it.
    beginning: String,
    signing: EncodingKey,
    verifying: DecodingKey,
    public: Option<String>,
}

impl Key {
    /// The Ed25519 key with this seed. Any seed is one.
    pub fn ed25519(period: i64, seed: &[u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("a seed of 32 bytes");
        let public = pair.public_key().as_ref();
        let x = URL_SAFE_NO_PAD.encode(public);
        let id = thumbprint(&x);
        let jwk = json!({
            "kty": "OKP", "crv": "Ed25519", "x": x, "use": "sig", "alg": "EdDSA", "kid": id,
        });
        let signing = EncodingKey::from_ed_der(&[&PKCS8_BEFORE_SEED[..], &seed[..]].concat());
        let verifying = DecodingKey::from_ed_der(public);
        Self::new(period, Algorithm::EdDsa, id, signing, verifying, Some(jwk.to_string()))
    }

    fn hmac(period: i64, key: &[u8; 32], id: &[u8; 32]) -> Self {
        let id = URL_SAFE_NO_PAD.encode(id);
        let (signing, verifying) = (EncodingKey::from_secret(key), DecodingKey::from_secret(key));
        Self::new(period, Algorithm::Hs256, id, signing, verifying, None)
    }

    fn new(
        period: i64,
        algorithm: Algorithm,
        id: String,
        signing: EncodingKey,
        verifying: DecodingKey,
        public: Option<String>,
    ) -> Self {
        let mut header = Header::new(algorithm.pinned());
        header.kid = Some(id);
        let empty = encode(&header, &json!({}), &signing).expect("a key of its algorithm");
        let end = empty.find('.').map_or(empty.len(), |dot| dot + 1);
        let beginning = empty[..end].to_owned();
        Self { period, header, beginning, signing, verifying, public }
    }

    /// When it signs.
    pub const fn period(&self) -> i64 {
        self.period
    }

    /// Whether a token says that it is signed with this key, exactly as we say it. Anything else
    /// in a header might change what the rest means.
    pub fn begins(&self, token: &str) -> bool {
        token.starts_with(&self.beginning)
    }

    /// What signatures are verified with.
    pub const fn verifying(&self) -> &DecodingKey {
        &self.verifying
    }

    /// The public key as a JSON Web Key (RFC 7517), if there is one.
    pub fn public(&self) -> Option<&str> {
        self.public.as_deref()
    }

    /// A token with these claims.
    pub fn sign(&self, claims: &WireClaims) -> Secret {
        let token = encode(&self.header, claims, &self.signing);
        Secret::new(token.expect("a key that has signed before signs again"))
    }

    /// The id, as it stands in the header of every token and in the key set.
    #[cfg(test)]
    pub fn id(&self) -> &str {
        self.header.kid.as_deref().unwrap_or_default()
    }
}

/// SHA-256 of the required members of the key, in order, without white space (RFC 7638;
/// RFC 8037, appendix A.3).
fn thumbprint(x: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)))
}
