//! Unguessable bytes from the operating system, through the cryptographic library.
use aws_lc_rs::rand;
use cape_domain::secret::SecretSource;

/// The operating system's random bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsSecrets;

impl SecretSource for OsSecrets {
    /// # Panics
    ///
    /// When the system has no random bytes: nothing that needs a secret may go on then.
    fn fill(&self, buffer: &mut [u8]) {
        rand::fill(buffer).expect("the system's random bytes");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_filled_and_never_the_same_way() {
        let draw = || {
            let mut buffer = [0; 64];
            OsSecrets.fill(&mut buffer);
            buffer
        };
        let drawn: Vec<[u8; 64]> = (0..32).map(|_| draw()).collect();
        for position in 0..64 {
            assert!(drawn.iter().any(|buffer| buffer[position] != 0), "byte {position}");
        }
        for (index, buffer) in drawn.iter().enumerate() {
            assert!(!drawn[..index].contains(buffer));
        }
        OsSecrets.fill(&mut []);
    }
}
