//! Sealed texts that nobody reads by accident.
use std::sync::atomic::{AtomicU64, Ordering};

use cape_domain::{
    audit::{PersonalKey, SealError, Sealed, SealedSecret, Vault},
    ids::{CredentialId, UserId, WorkspaceId},
    secret::Secret,
};

use super::digest;

const WORD: usize = size_of::<u64>();

/// Masks texts with what everybody can compute, and notices every changed bit.
#[derive(Debug, Default)]
pub struct PlainVault(AtomicU64);

impl PlainVault {
    fn next(&self) -> [u8; WORD] {
        self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes()
    }
}

/// A key is `salt check`, a sealed text `nonce check masked`.
impl Vault for PlainVault {
    fn make_key(&self, person: UserId) -> Result<PersonalKey, SealError> {
        let salt = self.next();
        let wrapped = [salt, key_check(person, &salt)].concat();
        Ok(PersonalKey { person, wrapped })
    }

    fn seal(&self, key: &PersonalKey, text: &str) -> Result<Sealed, SealError> {
        usable(key)?;
        let nonce = self.next();
        let masked = mask(key, &nonce, text.as_bytes());
        let check = text_check(key, &nonce, &masked);
        let ciphertext = [&nonce[..], &check, &masked].concat();
        Ok(Sealed { person: key.person, ciphertext })
    }

    fn open(&self, key: &PersonalKey, sealed: &Sealed) -> Result<String, SealError> {
        usable(key)?;
        let (nonce, rest) = sealed.ciphertext.split_at_checked(WORD).ok_or(SealError)?;
        let (check, masked) = rest.split_at_checked(WORD).ok_or(SealError)?;
        if sealed.person != key.person || check != text_check(key, nonce, masked) {
            return Err(SealError);
        }
        String::from_utf8(mask(key, nonce, masked)).map_err(|_| SealError)
    }

    fn enclose(
        &self,
        workspace: WorkspaceId,
        credential: CredentialId,
        secret: &Secret,
    ) -> Result<SealedSecret, SealError> {
        let key = self.make_key(holder(workspace, credential))?;
        let sealed = self.seal(&key, secret.expose())?;
        Ok(SealedSecret([key.wrapped, sealed.ciphertext].concat()))
    }

    fn disclose(
        &self,
        workspace: WorkspaceId,
        credential: CredentialId,
        sealed: &SealedSecret,
    ) -> Result<Secret, SealError> {
        let person = holder(workspace, credential);
        let (wrapped, text) = sealed.0.split_at_checked(2 * WORD).ok_or(SealError)?;
        let key = PersonalKey { person, wrapped: wrapped.to_vec() };
        self.open(&key, &Sealed { person, ciphertext: text.to_vec() }).map(Secret::new)
    }
}

/// Stands for both, so that nothing is read as another's.
fn holder(workspace: WorkspaceId, credential: CredentialId) -> UserId {
    UserId::new(uuid::Uuid::from_u128(workspace.raw().as_u128() ^ credential.raw().as_u128()))
}

fn usable(key: &PersonalKey) -> Result<(), SealError> {
    let (salt, check) = key.wrapped.split_at_checked(WORD).ok_or(SealError)?;
    if check == key_check(key.person, salt) { Ok(()) } else { Err(SealError) }
}

fn key_check(person: UserId, salt: &[u8]) -> [u8; WORD] {
    digest([&b"key"[..], person.raw().as_bytes(), salt]).to_be_bytes()
}

fn text_check(key: &PersonalKey, nonce: &[u8], masked: &[u8]) -> [u8; WORD] {
    digest([&b"text"[..], &key.wrapped, nonce, masked]).to_be_bytes()
}

/// The text under the mask, or the mask taken off again.
fn mask(key: &PersonalKey, nonce: &[u8], text: &[u8]) -> Vec<u8> {
    let masks = (0_u64..).flat_map(|block| {
        digest([&b"mask"[..], &key.wrapped, nonce, &block.to_be_bytes()]).to_be_bytes()
    });
    text.iter().zip(masks).map(|(byte, mask)| byte ^ mask).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{ACME, ADA, EVE, RIVAL};

    #[test]
    fn the_same_text_is_never_sealed_alike_and_always_opened() {
        let vault = PlainVault::default();
        let key = vault.make_key(ADA).expect("key");
        let [first, second] = [(); 2].map(|()| vault.seal(&key, "192.0.2.1").expect("seal"));
        assert_ne!(first, second);
        assert!(!first.ciphertext.windows(3).any(|part| part == b"192"));
        for sealed in [first, second] {
            assert_eq!(vault.open(&key, &sealed), Ok("192.0.2.1".to_owned()));
        }
    }

    #[test]
    fn a_secret_is_opened_as_that_of_its_workspace_and_as_itself_alone() {
        let vault = PlainVault::default();
        let (secret, id) = (Secret::new("sk-proj-1"), CredentialId::new(crate::fixtures::id(5)));
        let other = CredentialId::new(crate::fixtures::id(6));
        let sealed = vault.enclose(ACME, id, &secret).expect("seal");
        assert_eq!(vault.disclose(ACME, id, &sealed), Ok(secret));
        assert_eq!(vault.disclose(RIVAL, id, &sealed), Err(SealError));
        assert_eq!(vault.disclose(ACME, other, &sealed), Err(SealError));
    }

    #[test]
    fn another_key_or_a_changed_bit_opens_nothing() {
        let vault = PlainVault::default();
        let key = vault.make_key(ADA).expect("key");
        let sealed = vault.seal(&key, "192.0.2.1").expect("seal");
        for other in [vault.make_key(EVE), vault.make_key(ADA)] {
            assert_eq!(vault.open(&other.expect("key"), &sealed), Err(SealError));
        }
        for place in 0..sealed.ciphertext.len() {
            let mut changed = sealed.clone();
            changed.ciphertext[place] ^= 1;
            assert_eq!(vault.open(&key, &changed), Err(SealError), "{place}");
        }
        for place in 0..key.wrapped.len() {
            let mut changed = key.clone();
            changed.wrapped[place] ^= 1;
            assert_eq!(vault.seal(&changed, ""), Err(SealError), "{place}");
        }
    }
}
