//! The lock beside an `SQLite` database: one process at a time. The operating system gives it
//! back when the process ends, however it ends, so who gets it knows that the one before is dead.
use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// Held for as long as the process works with the database.
#[derive(Debug)]
pub struct ProcessLock {
    _file: File,
}

/// Why a process must not work with the database.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process works with it.
    #[error("another process is using this database: it holds {}", path.display())]
    Held {
        /// The lock file.
        path: PathBuf,
    },
    /// The lock file cannot be made.
    #[error("the lock file {} cannot be used", path.display())]
    Unusable {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl ProcessLock {
    /// Takes the lock of the database in the file `database`, at once or not at all. The lock
    /// file has the same name with `.lock` behind it, and stays there.
    ///
    /// # Errors
    ///
    /// [`LockError::Held`] when another process has it.
    pub fn acquire(database: &Path) -> Result<Self, LockError> {
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let file = match open(&path) {
            Ok(file) => file,
            Err(source) => return Err(LockError::Unusable { path, source }),
        };
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held { path }),
            Err(TryLockError::Error(source)) => Err(LockError::Unusable { path, source }),
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    File::options().create(true).append(true).open(path)
}
