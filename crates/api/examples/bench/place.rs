//! Where a run keeps its files and databases. They go with it.
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
};

use anyhow::Context as _;

/// A directory of the run's own, and on a server two databases.
pub struct Place {
    directory: PathBuf,
    server: Option<Server>,
}

/// A server, and what the run's databases on it are called.
struct Server {
    url: String,
    name: String,
}

const KINDS: [&str; 2] = ["platform", "commits"];

impl Place {
    /// Makes a directory below `parent`, and databases on the server at `server`, if there is one.
    pub fn make(parent: &Path, server: Option<&str>) -> anyhow::Result<Self> {
        let name = format!("cape_bench_{}", process::id());
        let directory = env::current_dir()?.join(parent).join(&name);
        fs::create_dir_all(&directory)
            .with_context(|| format!("{} cannot be made", directory.display()))?;
        let server = server.map(|url| Server { url: url.to_owned(), name });
        let this = Self { directory, server };
        if let Some(server) = &this.server {
            for kind in KINDS {
                server.run(&format!("CREATE DATABASE {}_{kind}", server.name))?;
            }
        }
        Ok(this)
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The kind of database that is measured.
    pub fn database(&self) -> &'static str {
        if self.server.is_some() { "PostgreSQL" } else { "SQLite" }
    }

    /// The platform's database.
    pub fn platform_url(&self) -> String {
        self.url(KINDS[0])
    }

    /// The database for bare commits: the same kind, in the same place.
    pub fn commits_url(&self) -> String {
        self.url(KINDS[1])
    }

    fn url(&self, kind: &str) -> String {
        match &self.server {
            None => format!("sqlite://{}", self.directory.join(format!("{kind}.db")).display()),
            Some(server) => named(&server.url, &format!("{}_{kind}", server.name)),
        }
    }
}

impl Server {
    fn run(&self, statement: &str) -> anyhow::Result<()> {
        let done = Command::new("psql")
            .args(["--no-psqlrc", "--quiet", "--dbname", &self.url, "--command", statement])
            .status()
            .context("`psql` cannot be run")?;
        anyhow::ensure!(done.success(), "`{statement}` failed");
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What cannot be removed is left, under a name that says whose it was.
        drop(fs::remove_dir_all(&self.directory));
        if let Some(server) = &self.server {
            for kind in KINDS {
                let name = format!("{}_{kind}", server.name);
                drop(server.run(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")));
            }
        }
    }
}

/// The same server's address, with another database.
fn named(url: &str, database: &str) -> String {
    let (address, options) = url.split_once('?').unwrap_or((url, ""));
    let after_scheme = address.find("://").map_or(0, |place| place + "://".len());
    let end = address[after_scheme..].find('/').map_or(address.len(), |slash| after_scheme + slash);
    let separator = if options.is_empty() { "" } else { "?" };
    format!("{}/{database}{separator}{options}", &address[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_named_in_the_address_of_its_server() {
        for (url, expected) in [
            ("postgres://cape:secret@host:5432/cape", "postgres://cape:secret@host:5432/b"),
            ("postgres://host/cape?sslmode=require", "postgres://host/b?sslmode=require"),
            ("postgres://host", "postgres://host/b"),
        ] {
            assert_eq!(named(url, "b"), expected);
        }
    }
}
