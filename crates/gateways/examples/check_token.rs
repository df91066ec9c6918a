//! How another service of the operator's checks access tokens by itself: with the public keys of
//! the platform, and nothing else of it.
//!
//! ```sh
//! cargo run -p cape-gateways --example check_token -- https://cape.example.com TOKEN
//! cargo run -p cape-gateways --example check_token -- http://127.0.0.1:8080 TOKEN capecontrol
//! ```
//!
//! Who signs is `CAPE_HTTP__PUBLIC_URL`, exactly as the platform is told: the first argument. Where
//! it is not told, `capecontrol` signs, and that is the third argument.
//!
//! What a service cannot know this way is that a token was taken back: whoever signed out, was
//! removed from the workspace or lost its role within the last fifteen minutes still holds one that
//! looks good here. Where that matters, ask `POST /api/auth/introspect`, which knows within a
//! second, and knows API keys too. A platform that signs with HS256 publishes no keys: there is no
//! other way.
use std::{
    env,
    error::Error,
    time::{Duration, Instant},
};

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{JwkSet, KeyAlgorithm},
};
use serde_json::Value;
use tokio::sync::Mutex;

/// For whom the platform signs.
const AUDIENCE: &str = "cape-api";
/// What tells an access token from whatever else may be signed with the same key one day.
const KIND: &str = "access";
/// How many seconds clocks may differ by.
const LEEWAY: u64 = 10;
/// How long keys are believed: the platform shows each a day before it signs with it.
const FRESH: Duration = Duration::from_mins(5);
/// How soon keys are asked for again because of a key that nobody knows. Anybody can invent one.
const PATIENCE: Duration = Duration::from_mins(1);

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Checks tokens. One is shared by everything that does in a process.
struct Checker {
    client: reqwest::Client,
    key_set: String,
    rules: Validation,
    known: Mutex<KnownKeys>,
}

/// The keys, and when they were last asked for.
struct KnownKeys {
    set: JwkSet,
    asked: Option<Instant>,
}

impl Checker {
    fn new(base: &str, issuer: &str) -> Outcome<Self> {
        // What a token says of its algorithm changes nothing: it is this one.
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        rules.set_issuer(&[issuer]);
        rules.set_audience(&[AUDIENCE]);
        rules.leeway = LEEWAY;
        Ok(Self {
            client: reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?,
            key_set: format!("{base}/.well-known/jwks.json"),
            rules,
            known: Mutex::new(KnownKeys { set: JwkSet { keys: Vec::new() }, asked: None }),
        })
    }

    /// What a good token says.
    async fn claims(&self, token: &str) -> Outcome<Value> {
        let id = decode_header(token)?.kid.ok_or("the token does not name its key")?;
        let key = self.key(&id).await?;
        let claims = decode::<Value>(token, &key, &self.rules)?.claims;
        if claims["typ"] != KIND {
            return Err("this is no access token".into());
        }
        Ok(claims)
    }

    /// The key of that name. One caller asks for keys, the others wait for what it hears.
    async fn key(&self, id: &str) -> Outcome<DecodingKey> {
        let mut known = self.known.lock().await;
        let good_for = if known.set.find(id).is_some() { FRESH } else { PATIENCE };
        if known.asked.is_none_or(|asked| asked.elapsed() >= good_for) {
            // Whoever cannot ask knows no keys: what is old may have been taken away.
            *known = KnownKeys { set: JwkSet { keys: Vec::new() }, asked: Some(Instant::now()) };
            known.set = self.fetch().await?;
        }
        let key = known.set.find(id).ok_or("the platform has no such key")?;
        if key.common.key_algorithm != Some(KeyAlgorithm::EdDSA) {
            return Err("the key is of another kind".into());
        }
        Ok(DecodingKey::from_jwk(key)?)
    }

    async fn fetch(&self) -> Outcome<JwkSet> {
        let answer = self.client.get(&self.key_set).send().await?.error_for_status()?;
        Ok(answer.json().await?)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (base, token, issuer) = match &arguments[..] {
        [base, token] => (base, token, base),
        [base, token, issuer] => (base, token, issuer),
        _ => return Err("wanted: the address of the platform, a token, and who signs".into()),
    };
    let claims = Checker::new(base, issuer)?.claims(token).await?;
    println!("{claims:#}");
    Ok(())
}
