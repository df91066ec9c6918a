//! Argon2 in memory that goes back to the system after each hash.
//!
//! The library takes memory from the allocator, which keeps it, in pieces that the next hash does
//! not fit into: a process would grow by the memory of a hash with nearly every one.
//!
//! Not here: which parameters are good, and how many hashes there are at a time.
use argon2::{
    Algorithm, Argon2, Block, CustomizedPasswordHasher, Error, Params, Version,
    password_hash::{
        self,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};

/// What allocators ask the system for by itself, and give back to it at once: glibc's never keeps
/// more than 32 MiB in one piece. It is room and not memory: only what is written to takes any.
const ROOM: usize = 33 * 1024 * 1024;

/// Hashes with any variant, Argon2id if none is named.
#[derive(Clone, Copy, Debug)]
pub(super) struct Argon2id;

impl CustomizedPasswordHasher<PasswordHash> for Argon2id {
    type Params = Params;

    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<u32>,
        params: Params,
    ) -> Result<PasswordHash, password_hash::Error> {
        let algorithm = algorithm.map(Algorithm::try_from).transpose()?.unwrap_or_default();
        let version = version.map(Version::try_from).transpose()?.unwrap_or_default();
        let (salt, told) = (Salt::new(salt)?, ParamsString::try_from(&params)?);
        let mut output = [0; Output::MAX_LENGTH];
        let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        let output = output.get_mut(..length).ok_or(password_hash::Error::OutputSize)?;
        let mut memory = memory(params.block_count())?;
        Argon2::new(algorithm, version, params).hash_password_into_with_memory(
            password,
            &salt,
            output,
            &mut memory,
        )?;
        Ok(PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: told,
            salt: Some(salt),
            hash: Some(Output::new(output)?),
        })
    }
}

fn memory(blocks: usize) -> Result<Vec<Block>, Error> {
    let mut memory = Vec::new();
    let room = blocks.max(ROOM / Block::SIZE);
    memory.try_reserve_exact(room).map_err(|_| Error::OutOfMemory)?;
    memory.resize(blocks, Block::new());
    Ok(memory)
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordHasher as _, PasswordVerifier as _};

    use super::*;

    const SALT: &[u8] = b"sixteen bytes ok";

    #[test]
    fn a_hash_is_the_library_s_own() {
        let params = Params::new(64, 2, 2, Some(24)).expect("parameters");
        for algorithm in [Algorithm::Argon2d, Algorithm::Argon2i, Algorithm::Argon2id] {
            for version in [Version::V0x10, Version::V0x13] {
                let library = Argon2::new(algorithm, version, params.clone());
                let expected = library.hash_password_with_salt(b"secret", SALT).expect("a hash");
                let (algorithm, version) = (Some(algorithm.as_str()), Some(version.into()));
                let (password, params) = (b"secret", params.clone());
                let hash = Argon2id
                    .hash_password_customized(password, SALT, algorithm, version, params)
                    .expect("a hash");
                assert_eq!(hash, expected);
                Argon2id.verify_password(b"secret", &expected).expect("the right password");
                assert!(Argon2id.verify_password(b"secreu", &expected).is_err());
            }
        }
    }

    #[test]
    fn the_default_is_argon2id() {
        let params = Params::new(8, 1, 1, None).expect("parameters");
        let hash = Argon2id.hash_password_with_params(b"secret", SALT, params).expect("a hash");
        assert!(hash.to_string().starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{hash}");
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn memory_goes_back_after_each_hash() {
        let resident = || {
            let status = std::fs::read_to_string("/proc/self/status").expect("the kernel tells");
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
            let number = line.split_whitespace().next().expect("a number");
            number.parse::<usize>().expect("a number") / 1024
        };
        let before = resident();
        let mut small = Vec::new();
        for _ in 0..16 {
            let params = Params::new(19 * 1024, 1, 1, None).expect("parameters");
            let hash = Argon2id.hash_password_with_params(b"secret", SALT, params).expect("a hash");
            // Small things that stay are what keeps large ones from their old place.
            small.push(hash.to_string());
        }
        // Other tests run beside this one. Without, it would be 300 MiB.
        assert!(resident() < before + 150, "{before} MiB before, {} MiB after", resident());
    }
}
