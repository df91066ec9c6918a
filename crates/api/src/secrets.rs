//! The keys that are signed and sealed with: as configured, or generated once and kept in a file.
//!
//! What is *not* here: what they are used for. Where customers may be, nothing is generated.
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use cape_domain::secret::SecretSource;
use serde::Deserialize;

use crate::config::{Config, Environment, values::Key};

/// Everything that is signed and sealed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Signs access tokens.
    pub signing: Key,
    /// What the secrets of refresh tokens are derived from.
    pub refresh: Key,
    /// What personal data is sealed under.
    pub vault: Key,
}

/// Why there are no keys. No message repeats one.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// A key is not set where none is generated.
    #[error("a key in section `secrets` is not set, and {0} uses no generated keys")]
    Missing(Environment),
    /// The file cannot be written or read.
    #[error("the secrets in {} cannot be kept: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Other users of this machine can read the file, or write it.
    #[error("{} is open to other users of this machine; close it with `chmod 600`", .0.display())]
    Exposed(PathBuf),
    /// The file does not hold the keys.
    #[error("{} does not hold the keys: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
}

#[derive(Deserialize)]
struct Stored {
    #[serde(rename = "signing_key")]
    signing: Key,
    #[serde(rename = "refresh_key")]
    refresh: Key,
    #[serde(rename = "vault_key")]
    vault: Key,
}

impl Keys {
    /// The keys that are configured, and for those that are not, the ones in the file of section
    /// `secrets`. It is made if it is not there; of several processes that make it at the same
    /// time, one does, and all have the same keys.
    ///
    /// # Errors
    ///
    /// [`SecretsError::Missing`] in staging and production, when a key is not configured; others
    /// when the file is not there for us alone.
    pub fn resolve(config: &Config, source: &dyn SecretSource) -> Result<Self, SecretsError> {
        let section = &config.secrets;
        let configured = (&section.signing_key, &section.refresh_key, &section.vault_key);
        if let (Some(signing), Some(refresh), Some(vault)) = configured {
            let (signing, refresh, vault) = (signing.clone(), refresh.clone(), vault.clone());
            return Ok(Self { signing, refresh, vault });
        }
        if config.environment.is_guarded() {
            return Err(SecretsError::Missing(config.environment));
        }
        let stored = stored(&section.file, source)?;
        Ok(Self {
            signing: section.signing_key.clone().unwrap_or(stored.signing),
            refresh: section.refresh_key.clone().unwrap_or(stored.refresh),
            vault: section.vault_key.clone().unwrap_or(stored.vault),
        })
    }
}

fn stored(path: &Path, source: &dyn SecretSource) -> Result<Stored, SecretsError> {
    let failed = |source| SecretsError::File { path: path.to_owned(), source };
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            generate(path, source).and_then(|()| File::open(path)).map_err(failed)?
        }
        opened => opened.map_err(failed)?,
    };
    if is_exposed(&file).map_err(failed)? {
        return Err(SecretsError::Exposed(path.to_owned()));
    }
    let mut text = String::new();
    (&file).read_to_string(&mut text).map_err(failed)?;
    toml::from_str(&text).map_err(|error| SecretsError::Malformed {
        path: path.to_owned(),
        message: error.message().to_owned(),
    })
}

/// Writes the file under another name, and gives it its own only if nobody else has it by then:
/// nobody ever reads half a file, and nobody's keys are overwritten.
fn generate(path: &Path, source: &dyn SecretSource) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let draft = path.with_extension(format!("{}.draft", random::<8>(source)));
    let written = write(&draft, &generated(source)).and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft)?;
    match written {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        written => written,
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn generated(source: &dyn SecretSource) -> String {
    format!(
        "# Made for this machine. Without these keys, everybody has to sign in again, and personal\n\
         # data in the audit trail cannot be read any more.\n\
         signing_key = \"{}\"\n\
         refresh_key = \"{}\"\n\
         vault_key = \"{}\"\n",
        random::<32>(source),
        random::<32>(source),
        random::<32>(source),
    )
}

fn random<const N: usize>(source: &dyn SecretSource) -> String {
    let mut bytes = [0; N];
    source.fill(&mut bytes);
    hex::encode(bytes)
}

#[cfg(unix)]
fn is_exposed(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(file.metadata()?.permissions().mode() & 0o077 != 0)
}

/// Elsewhere the directory decides who reads it.
#[cfg(not(unix))]
fn is_exposed(_: &File) -> io::Result<bool> {
    Ok(false)
}
