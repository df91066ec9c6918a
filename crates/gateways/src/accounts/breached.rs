//! Passwords that leaked, as a filter that is part of the program: nobody is asked, and nothing
//! about a password leaves the process.
//!
//! The filter forgets what it was made of and keeps sixteen bits of each: it knows every password
//! of the lists, in whatever case, and takes one text in 65 536 for one of them that is not. What
//! the lists were is written in `docs/decisions/0010-leaked-passwords.md`, and
//! `examples/breached.rs` makes the file from them. What follows from a leak is *not* decided here.
use sha2::{Digest as _, Sha256};
use xorf::{BinaryFuse16, BinaryFuse16Ref, DmaSerializable as _, Filter as _, FilterRef as _};

const _: () = assert!(cfg!(target_endian = "little"), "the fingerprints lie lowest byte first");

/// How many bytes the file has.
const SIZE: usize = 9_601_044;

/// The fingerprints are read where they lie, as numbers of two bytes: a page that is not asked
/// for takes no memory.
#[repr(align(2))]
struct Aligned([u8; SIZE]);

static FILE: Aligned = Aligned(*include_bytes!("../../breached.bin"));

/// What stands for a password in the filter: the first 64 bits of the SHA-256 of its lower-case
/// form. Another case is the first thing that is tried after the password itself.
#[must_use]
pub fn key(password: &str) -> u64 {
    let hash = Sha256::digest(password.to_lowercase());
    hash.iter().take(8).fold(0, |key, byte| key << 8 | u64::from(*byte))
}

/// Whether a password leaked, in whatever case.
#[must_use]
pub fn is_breached(password: &str) -> bool {
    let (descriptor, fingerprints) = FILE.0.split_at(BinaryFuse16::DESCRIPTOR_LEN);
    BinaryFuse16Ref::from_dma(descriptor, fingerprints).contains(&key(password))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::{SHA256, digest};

    use super::*;

    const DECISION: &str = include_str!("../../../../docs/decisions/0010-leaked-passwords.md");

    #[test]
    fn what_leaked_is_known_in_whatever_case() {
        for leaked in [
            "password",
            "12345678",
            "iloveyou",
            "qwertyuiop",
            "1qaz2wsx3edc",
            "passwordpassword",
            "correcthorsebatterystaple",
            "Password123",
            "PASSWORD123",
            "pAsSwOrD123",
            "realmadrid2013",
            "йцукенгшщзхъ",
        ] {
            assert!(is_breached(leaked), "{leaked}");
        }
    }

    #[test]
    fn what_did_not_leak_is_not_taken_for_it() {
        for fresh in ["", "tR7#qLw9", "nine purple trams in March", "password\n", "пароль-не-тот"]
        {
            assert!(!is_breached(fresh), "{fresh}");
        }
    }

    #[test]
    fn one_random_text_in_65_536_is_taken_for_a_leaked_one() {
        let random = |number: u32| hex::encode(Sha256::digest(number.to_be_bytes()));
        let taken = (0..100_000).map(random).filter(|text| is_breached(text)).count();
        // 1.5 are expected, and more than seven in less than one filter of a thousand.
        assert!(taken <= 7, "{taken}");
    }

    #[test]
    fn the_file_is_the_one_that_is_written_about() {
        let checksum = hex::encode(digest(&SHA256, &FILE.0));
        assert!(DECISION.contains(&checksum), "{checksum}");
        assert!(DECISION.contains("9 601 044 bytes"));
    }
}
