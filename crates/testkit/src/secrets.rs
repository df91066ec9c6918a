//! Bytes that look random and are the same in every run.
use std::sync::atomic::{AtomicU64, Ordering};

use cape_domain::secret::SecretSource;

/// Fills every buffer differently, from a counter. Anybody can guess it.
#[derive(Debug, Default)]
pub struct CountingSecrets(AtomicU64);

impl SecretSource for CountingSecrets {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let number = self.0.fetch_add(1, Ordering::Relaxed);
            chunk.copy_from_slice(&spread(number).to_be_bytes()[..chunk.len()]);
        }
    }
}

/// Neighbouring numbers become distant ones (the finaliser of `SplitMix64`).
const fn spread(number: u64) -> u64 {
    let mixed = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(source: &CountingSecrets) -> [u8; 13] {
        let mut buffer = [0; 13];
        source.fill(&mut buffer);
        buffer
    }

    #[test]
    fn every_buffer_is_filled_differently_and_every_run_alike() {
        let (first, second) = (CountingSecrets::default(), CountingSecrets::default());
        let secret = filled(&first);
        assert_ne!(secret[..8], secret[5..]);
        assert_ne!(filled(&first), secret);
        assert_eq!(filled(&second), secret);
    }
}
