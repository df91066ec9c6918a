//! Keys that programs sign in with: `cape_sk_<id>_<secret><crc>`, in base 62.
//!
//! The id is public and finds the row; of the secret only a hash is stored. The checksum lets
//! scanners of source code tell a key from noise, and us refuse a typo without a look-up.
use std::{collections::BTreeSet, fmt, net::IpAddr, str::FromStr};

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    access::Network,
    billing::Credits,
    ids::{ApiKeyId, UserId, WorkspaceId},
    secret::{Secret, SecretSource},
    text::Name,
    time::Timestamp,
};

const PREFIX: &str = "cape_sk_";
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID_DIGITS: usize = 22;
const SECRET_DIGITS: usize = 44;
const CHECK_DIGITS: usize = 6;

/// A key, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its identity.
    pub id: ApiKeyId,
    /// The tenant whose credits it spends.
    pub workspace: WorkspaceId,
    /// Who made it.
    pub owner: UserId,
    /// What its maker calls it.
    pub name: Name,
    /// SHA-256 of the secret. 256 random bits need no slow hash.
    pub secret_hash: [u8; 32],
    /// What it is good for.
    pub rules: KeyRules,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Whether it is good.
    pub state: KeyState,
}

/// What a key is good for, as its maker decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRules {
    /// What may be done with it.
    pub scopes: BTreeSet<KeyScope>,
    /// When it stops being good.
    pub expires_at: Option<Timestamp>,
    /// The models it may call; none named means all that the plan allows.
    pub models: BTreeSet<Name>,
    /// The networks it may be used from; none named means anywhere.
    pub networks: Vec<Network>,
    /// The most that may be spent with it, in all.
    pub spending_cap: Option<Credits>,
    /// Whether it dies when its maker's password changes.
    pub ends_with_password: bool,
}

/// What may be done with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyScope {
    /// Call models.
    Chat,
    /// See which models there are.
    Models,
}

impl KeyScope {
    /// Every scope.
    pub const ALL: [Self; 2] = [Self::Chat, Self::Models];

    /// The stable name, as stored and as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Models => "models",
        }
    }
}

/// A name that is no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be one of `chat`, `models`")]
pub struct UnknownScope;

impl FromStr for KeyScope {
    type Err = UnknownScope;

    fn from_str(name: &str) -> Result<Self, UnknownScope> {
        Self::ALL.into_iter().find(|scope| scope.name() == name).ok_or(UnknownScope)
    }
}

impl KeyRules {
    /// Everything that a key can do, for ever, from anywhere.
    #[must_use]
    pub fn unlimited() -> Self {
        Self {
            scopes: KeyScope::ALL.into(),
            expires_at: None,
            models: BTreeSet::new(),
            networks: Vec::new(),
            spending_cap: None,
            ends_with_password: false,
        }
    }

    /// Whether the key may call a model.
    #[must_use]
    pub fn allows_model(&self, model: &str) -> bool {
        self.models.is_empty() || self.models.iter().any(|allowed| allowed.as_str() == model)
    }

    /// Whether the key may be used from an address. One that is not known is nowhere.
    #[must_use]
    pub fn allows_address(&self, address: Option<IpAddr>) -> bool {
        self.networks.is_empty()
            || address.is_some_and(|address| self.networks.iter().any(|n| n.contains(address)))
    }
}

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Good.
    Active,
    /// Taken back.
    Revoked {
        /// When.
        at: Timestamp,
    },
}

impl ApiKey {
    /// Whether a presented key is this one, and good. Comparing hashes tells a guesser nothing
    /// about the secret, however long it takes.
    #[must_use]
    pub fn accepts(&self, presented: &PresentedKey, now: Timestamp) -> bool {
        self.is_good(now) && self.id == presented.id && self.secret_hash == presented.hash()
    }

    /// Whether it was neither taken back nor has it expired.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        match self.state {
            KeyState::Active => self.rules.expires_at.is_none_or(|expiry| now < expiry),
            KeyState::Revoked { .. } => false,
        }
    }

    /// Lets the key run out, because another one takes its place. It never lives longer for it.
    #[must_use]
    pub fn run_out(mut self, at: Timestamp) -> Self {
        let expires_at = self.rules.expires_at.map_or(at, |expiry| expiry.min(at));
        self.rules.expires_at = Some(expires_at);
        self
    }

    /// What may be shown of the key: enough to recognise it.
    #[must_use]
    pub fn prefix(&self) -> String {
        let id = base62(self.id.raw().as_u128(), ID_DIGITS);
        format!("{PREFIX}{id}")
    }

    /// Takes the key back. A key that is revoked stays revoked since the first time.
    #[must_use]
    pub fn revoke(self, now: Timestamp) -> Self {
        match self.state {
            KeyState::Active => Self { state: KeyState::Revoked { at: now }, ..self },
            KeyState::Revoked { .. } => self,
        }
    }
}

/// A key as a caller presents it, or as its maker sees it once.
#[derive(Clone, PartialEq, Eq)]
pub struct PresentedKey {
    /// The public part.
    pub id: ApiKeyId,
    /// The secret part.
    pub secret: Secret,
}

/// A text that is not one of our keys. It does not say why: that would help a guesser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an API key of this platform")]
pub struct InvalidApiKey;

impl PresentedKey {
    /// A key with a fresh secret of 256 bits.
    #[must_use]
    pub fn generate(id: ApiKeyId, source: &dyn SecretSource) -> Self {
        let secret = [(); 2].map(|()| {
            let mut half = [0; 16];
            source.fill(&mut half);
            base62(u128::from_be_bytes(half), ID_DIGITS)
        });
        Self { id, secret: Secret::new(secret.concat()) }
    }

    /// SHA-256 of the secret, as stored.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.secret.expose()).into()
    }

    /// The whole key, as its maker is told once.
    #[must_use]
    pub fn reveal(&self) -> Secret {
        let id = base62(self.id.raw().as_u128(), ID_DIGITS);
        let body = format!("{PREFIX}{id}_{}", self.secret.expose());
        let check = checksum(&body);
        Secret::new(body + &check)
    }
}

impl FromStr for PresentedKey {
    type Err = InvalidApiKey;

    fn from_str(text: &str) -> Result<Self, InvalidApiKey> {
        let rest = text.strip_prefix(PREFIX).ok_or(InvalidApiKey)?;
        let (id, rest) = rest.split_once('_').ok_or(InvalidApiKey)?;
        let sound = id.len() == ID_DIGITS
            && rest.len() == SECRET_DIGITS + CHECK_DIGITS
            && rest.bytes().all(|byte| DIGITS.contains(&byte));
        if !sound {
            return Err(InvalidApiKey);
        }
        let (secret, check) = rest.split_at(SECRET_DIGITS);
        if checksum(&text[..text.len() - CHECK_DIGITS]) != check {
            return Err(InvalidApiKey);
        }
        let id = number(id).ok_or(InvalidApiKey)?;
        Ok(Self { id: ApiKeyId::new(Uuid::from_u128(id)), secret: Secret::new(secret) })
    }
}

impl fmt::Debug for PresentedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PresentedKey({})", self.id)
    }
}

fn checksum(body: &str) -> String {
    base62(crc32fast::hash(body.as_bytes()).into(), CHECK_DIGITS)
}

/// `number` in exactly so many digits; they must be enough.
fn base62(mut number: u128, digits: usize) -> String {
    let mut text = vec![b'0'; digits];
    for place in text.iter_mut().rev() {
        *place = DIGITS[(number % 62) as usize];
        number /= 62;
    }
    debug_assert_eq!(number, 0, "too few digits");
    text.into_iter().map(char::from).collect()
}

fn number(text: &str) -> Option<u128> {
    text.bytes().try_fold(0_u128, |number, byte| {
        let digit = DIGITS.iter().position(|known| *known == byte)?;
        number.checked_mul(62)?.checked_add(digit.try_into().ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;

    impl SecretSource for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            for (byte, count) in buffer.iter_mut().zip(200..) {
                *byte = count;
            }
        }
    }

    fn key() -> PresentedKey {
        PresentedKey::generate(ApiKeyId::new(Uuid::from_u128(u128::MAX)), &Counting)
    }

    #[test]
    fn a_key_that_was_shown_is_read_back() {
        let shown = key().reveal();
        assert_eq!(shown.expose().len(), "cape_sk_".len() + 22 + 1 + 44 + 6);
        assert_eq!(shown.expose().parse(), Ok(key()));
    }

    #[test]
    fn a_typo_anywhere_is_noticed() {
        let shown = key().reveal();
        for place in 0..shown.expose().len() {
            let mut typo = shown.expose().to_owned().into_bytes();
            typo[place] = if typo[place] == b'x' { b'y' } else { b'x' };
            let typo = String::from_utf8(typo).expect("ascii");
            assert_eq!(typo.parse::<PresentedKey>(), Err(InvalidApiKey), "{place}");
        }
        for cut in 0..shown.expose().len() {
            assert_eq!(shown.expose()[..cut].parse::<PresentedKey>(), Err(InvalidApiKey));
        }
        assert_eq!("cape_sk_é_ü".parse::<PresentedKey>(), Err(InvalidApiKey));
    }

    #[test]
    fn a_key_is_not_printed() {
        assert!(!format!("{:?}", key()).contains(key().secret.expose()));
    }

    #[test]
    fn a_key_is_good_from_where_for_what_and_as_long_as_its_maker_said() {
        let at = |seconds| Timestamp::UNIX_EPOCH + chrono::TimeDelta::seconds(seconds);
        let mut rules = KeyRules::unlimited();
        let (home, other) = ("192.0.2.7".parse().ok(), "192.0.2.8".parse().ok());
        assert!(rules.allows_model("gpt-4o") && rules.allows_address(None));
        rules.networks = vec!["192.0.2.7".parse().expect("a network")];
        rules.models = ["other".parse().expect("a model")].into();
        assert!(rules.allows_address(home) && !rules.allows_address(other));
        assert!(!rules.allows_address(None) && !rules.allows_model("gpt-4o"));
        let key = stored().run_out(at(10)).run_out(at(20));
        assert_eq!(key.rules.expires_at, Some(at(10)), "it never lives longer");
        assert!(key.is_good(at(9)) && !key.is_good(at(10)));
        assert!(!key.accepts(&self::key(), at(10)));
    }

    fn stored() -> ApiKey {
        ApiKey {
            id: key().id,
            workspace: WorkspaceId::new(Uuid::nil()),
            owner: UserId::new(Uuid::nil()),
            name: "ci".parse().expect("a name"),
            secret_hash: key().hash(),
            rules: KeyRules::unlimited(),
            created_at: Timestamp::UNIX_EPOCH,
            last_used_at: None,
            state: KeyState::Active,
        }
    }

    #[test]
    fn a_revoked_key_stays_revoked_since_the_first_time() {
        let (first, later) = (Timestamp::UNIX_EPOCH, Timestamp::MAX_UTC);
        let key = stored();
        let guess = PresentedKey { secret: Secret::new("guess"), ..self::key() };
        assert!(key.accepts(&self::key(), first) && !key.accepts(&guess, first));
        let revoked = key.revoke(first);
        assert!(!revoked.accepts(&self::key(), first));
        assert_eq!(revoked.state, KeyState::Revoked { at: first });
        assert_eq!(revoked.clone().revoke(later), revoked);
    }
}
