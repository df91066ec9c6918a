//! Personal data under AES-256-GCM: each person's under a key of its own, and those keys under
//! the platform's. Secrets of workspaces, likewise, each under a key that lies beside it.
//!
//! Destroying a person's key makes everything sealed under it unreadable; that is *not* done
//! here, where nothing is stored. Nonces are 96 random bits: one key may seal 2^32 texts before
//! a repetition is worth a thought (NIST SP 800-38D, 8.3), far more than are told of one person
//! or than there are persons.
use std::{fmt, sync::Arc};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use cape_domain::{
    audit::{PersonalKey, SealError, Sealed, SealedSecret, Vault},
    ids::{CredentialId, UserId, WorkspaceId},
    secret::{Secret, SecretSource},
};

const KEY_LENGTH: usize = 32;

/// A key that lies beside what it seals: nonce, ciphertext and tag.
const WRAPPED_LENGTH: usize = NONCE_LEN + KEY_LENGTH + TAG_LENGTH;
const TAG_LENGTH: usize = 16;

/// Encrypts with AES-256-GCM. The person's id is authenticated with everything, so that nothing
/// sealed for one person passes for another's.
pub struct AesVault {
    platform_key: LessSafeKey,
    secrets: Arc<dyn SecretSource>,
}

impl AesVault {
    /// A vault under the platform's key of 256 random bits. With another key, nothing that was
    /// sealed can be read.
    ///
    /// # Errors
    ///
    /// [`SealError`] when the cryptographic library does not take the key.
    pub fn new(
        platform_key: &[u8; KEY_LENGTH],
        secrets: Arc<dyn SecretSource>,
    ) -> Result<Self, SealError> {
        Ok(Self { platform_key: key(platform_key)?, secrets })
    }

    fn encrypt(
        &self,
        key: &LessSafeKey,
        about: &[u8],
        mut text: Vec<u8>,
    ) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_LEN];
        self.secrets.fill(&mut nonce);
        let unique = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(unique, Aad::from(about), &mut text).map_err(|_| SealError)?;
        Ok([&nonce[..], &text].concat())
    }

    fn unwrap(&self, wrapped: &PersonalKey) -> Result<LessSafeKey, SealError> {
        let bytes = decrypt(&self.platform_key, &person(wrapped.person), &wrapped.wrapped)?;
        key(bytes.as_slice().try_into().map_err(|_| SealError)?)
    }
}

fn key(bytes: &[u8; KEY_LENGTH]) -> Result<LessSafeKey, SealError> {
    UnboundKey::new(&AES_256_GCM, bytes).map(LessSafeKey::new).map_err(|_| SealError)
}

/// What is authenticated with everything that is sealed for a person.
fn person(id: UserId) -> [u8; 16] {
    id.raw().into_bytes()
}

/// What is authenticated with a secret of a workspace.
fn place(workspace: WorkspaceId, credential: CredentialId) -> [u8; 32] {
    let mut place = [0; 32];
    place[..16].copy_from_slice(workspace.raw().as_bytes());
    place[16..].copy_from_slice(credential.raw().as_bytes());
    place
}

fn decrypt(key: &LessSafeKey, about: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let (nonce, ciphertext) = sealed.split_first_chunk().ok_or(SealError)?;
    let mut text = ciphertext.to_vec();
    let length = key
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(about), &mut text)
        .map_err(|_| SealError)?
        .len();
    text.truncate(length);
    Ok(text)
}

impl fmt::Debug for AesVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AesVault(…)")
    }
}

impl Vault for AesVault {
    fn make_key(&self, person: UserId) -> Result<PersonalKey, SealError> {
        let mut fresh = vec![0; KEY_LENGTH];
        self.secrets.fill(&mut fresh);
        let wrapped = self.encrypt(&self.platform_key, &self::person(person), fresh)?;
        Ok(PersonalKey { person, wrapped })
    }

    fn seal(&self, key: &PersonalKey, text: &str) -> Result<Sealed, SealError> {
        let own = self.unwrap(key)?;
        let ciphertext = self.encrypt(&own, &person(key.person), text.as_bytes().to_vec())?;
        Ok(Sealed { person: key.person, ciphertext })
    }

    fn open(&self, key: &PersonalKey, sealed: &Sealed) -> Result<String, SealError> {
        if key.person != sealed.person {
            return Err(SealError);
        }
        let own = self.unwrap(key)?;
        let text = decrypt(&own, &person(sealed.person), &sealed.ciphertext)?;
        String::from_utf8(text).map_err(|_| SealError)
    }

    fn enclose(
        &self,
        workspace: WorkspaceId,
        credential: CredentialId,
        secret: &Secret,
    ) -> Result<SealedSecret, SealError> {
        let mut fresh = [0; KEY_LENGTH];
        self.secrets.fill(&mut fresh);
        let place = place(workspace, credential);
        let wrapped = self.encrypt(&self.platform_key, &place, fresh.to_vec())?;
        let sealed = self.encrypt(&key(&fresh)?, &place, secret.expose().as_bytes().to_vec())?;
        Ok(SealedSecret([wrapped, sealed].concat()))
    }

    fn disclose(
        &self,
        workspace: WorkspaceId,
        credential: CredentialId,
        sealed: &SealedSecret,
    ) -> Result<Secret, SealError> {
        let place = place(workspace, credential);
        let (wrapped, sealed) = sealed.0.split_at_checked(WRAPPED_LENGTH).ok_or(SealError)?;
        let own = decrypt(&self.platform_key, &place, wrapped)?;
        let own = key(own.as_slice().try_into().map_err(|_| SealError)?)?;
        let text = decrypt(&own, &place, sealed)?;
        String::from_utf8(text).map(Secret::new).map_err(|_| SealError)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::secrets::OsSecrets;

    fn vault_under(byte: u8) -> AesVault {
        AesVault::new(&[byte; 32], Arc::new(OsSecrets)).expect("a vault")
    }

    fn person(number: u128) -> UserId {
        UserId::new(Uuid::from_u128(number))
    }

    /// Every way of changing one bit.
    fn tampered(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
        (0..bytes.len() * 8).map(|bit| {
            let mut changed = bytes.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            changed
        })
    }

    #[test]
    fn what_is_sealed_can_be_opened_and_is_never_the_same_twice() {
        let vault = vault_under(1);
        let ada = vault.make_key(person(1)).expect("a key");
        for text in ["", "192.0.2.7", "Zoë\0\u{1F512}"] {
            let (one, two) = (vault.seal(&ada, text), vault.seal(&ada, text));
            let (one, two) = (one.expect("sealed"), two.expect("sealed"));
            assert_ne!(one.ciphertext, two.ciphertext);
            assert_eq!(one.ciphertext.len(), 12 + text.len() + 16);
            assert_eq!(vault.open(&ada, &one).as_deref(), Ok(text));
            assert_eq!(vault.open(&ada, &two).as_deref(), Ok(text));
        }
        assert_ne!(ada, vault.make_key(person(1)).expect("a key"));
        assert_eq!(format!("{vault:?}"), "AesVault(…)");
    }

    #[test]
    fn a_secret_is_read_as_that_of_its_workspace_and_as_itself_alone() {
        let vault = vault_under(1);
        let [acme, rival] = [1, 2].map(|n| WorkspaceId::new(Uuid::from_u128(n)));
        let [first, second] = [3, 4].map(|n| CredentialId::new(Uuid::from_u128(n)));
        let secret = Secret::new("sk-proj-1");
        let sealed = vault.enclose(acme, first, &secret).expect("sealed");
        assert_ne!(sealed, vault.enclose(acme, first, &secret).expect("sealed"));
        assert!(!sealed.0.windows(3).any(|part| part == b"sk-"));
        assert_eq!(vault.disclose(acme, first, &sealed), Ok(secret));
        assert_eq!(vault.disclose(rival, first, &sealed), Err(SealError));
        assert_eq!(vault.disclose(acme, second, &sealed), Err(SealError));
        assert_eq!(vault_under(2).disclose(acme, first, &sealed), Err(SealError));
        for changed in tampered(&sealed.0) {
            assert_eq!(vault.disclose(acme, first, &SealedSecret(changed)), Err(SealError));
        }
        for length in [0, 12, WRAPPED_LENGTH, sealed.0.len() - 1] {
            let cut = SealedSecret(sealed.0[..length].to_vec());
            assert_eq!(vault.disclose(acme, first, &cut), Err(SealError), "{length}");
        }
    }

    #[test]
    fn one_changed_bit_of_text_or_key_and_nothing_is_read() {
        let vault = vault_under(1);
        let ada = vault.make_key(person(1)).expect("a key");
        let sealed = vault.seal(&ada, "192.0.2.7").expect("sealed");
        for ciphertext in tampered(&sealed.ciphertext) {
            let sealed = Sealed { ciphertext, ..sealed.clone() };
            assert_eq!(vault.open(&ada, &sealed), Err(SealError));
        }
        for wrapped in tampered(&ada.wrapped) {
            let ada = PersonalKey { wrapped, ..ada.clone() };
            assert_eq!(vault.open(&ada, &sealed), Err(SealError));
            assert_eq!(vault.seal(&ada, "text"), Err(SealError));
        }
        for length in 0..sealed.ciphertext.len() {
            let cut = Sealed { ciphertext: sealed.ciphertext[..length].to_vec(), ..sealed };
            assert_eq!(vault.open(&ada, &cut), Err(SealError), "{length} bytes");
        }
    }

    #[test]
    fn neither_keys_nor_texts_nor_names_can_be_swapped() {
        let vault = vault_under(1);
        let (ada, bob) = (vault.make_key(person(1)), vault.make_key(person(2)));
        let (ada, bob) = (ada.expect("a key"), bob.expect("a key"));
        let of_ada = vault.seal(&ada, "Ada's").expect("sealed");
        let named_bob = Sealed { person: bob.person, ..of_ada.clone() };
        let bobs_name_on_adas_key = PersonalKey { person: bob.person, ..ada.clone() };
        let adas_name_on_bobs_key = PersonalKey { person: ada.person, ..bob.clone() };
        for (key, sealed) in [
            (&bob, &of_ada),
            (&bob, &named_bob),
            (&ada, &named_bob),
            (&bobs_name_on_adas_key, &named_bob),
            (&bobs_name_on_adas_key, &of_ada),
            (&adas_name_on_bobs_key, &of_ada),
        ] {
            assert_eq!(vault.open(key, sealed), Err(SealError));
        }
        assert_eq!(vault_under(2).open(&ada, &of_ada), Err(SealError));
        assert_eq!(vault.open(&ada, &of_ada).as_deref(), Ok("Ada's"));
    }
}
