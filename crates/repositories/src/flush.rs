//! Bounds what a power cut can take on `SQLite`: a commit that did not wait for the disk is on it
//! within ten milliseconds. However many commits there are meanwhile, they share one flush.
//!
//! Not here: commits that wait; those are flushed by `SQLite` itself.
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::mpsc::{SyncSender, sync_channel},
    thread,
    time::Duration,
};

/// How long commits gather. The disk needs the rest of the ten milliseconds.
const GATHERING: Duration = Duration::from_millis(5);

/// A thread that flushes when it is asked to. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Flusher {
    wake: SyncSender<()>,
}

impl Flusher {
    /// Flushes the write-ahead log of a database. That it fails is not told: the next commit that
    /// waits for the disk finds out, and says so.
    pub(crate) fn of_log(database: &Path) -> io::Result<Self> {
        let mut log = database.as_os_str().to_owned();
        log.push("-wal");
        let log = PathBuf::from(log);
        // Opened anew each time: SQLite may have replaced it. It holds no locks on this file, so
        // none are lost with closing it.
        Self::start(move || drop(File::open(&log).and_then(|log| log.sync_data())))
    }

    fn start(mut flush: impl FnMut() + Send + 'static) -> io::Result<Self> {
        let (wake, woken) = sync_channel(1);
        thread::Builder::new().name("cape-flush".to_owned()).spawn(move || {
            while woken.recv().is_ok() {
                thread::sleep(GATHERING);
                // Whoever asked until now is served by this flush; who asks later, by the next.
                _ = woken.try_recv();
                flush();
            }
        })?;
        Ok(Self { wake })
    }

    /// Asks for a flush of what is committed now. Does not wait.
    pub(crate) fn soon(&self) {
        // When it is full, somebody has asked already, and is not served yet.
        _ = self.wake.try_send(());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn many_commits_share_a_flush_and_none_is_forgotten() {
        let (done, flushes) = channel();
        let asked = Flusher::start(move || _ = done.send(())).expect("a thread");
        for _ in 0..10_000 {
            asked.soon();
        }
        let patience = Duration::from_secs(10);
        flushes.recv_timeout(patience).expect("a flush after the first");
        asked.soon();
        flushes.recv_timeout(patience).expect("a flush after the last");
        drop(asked);
        assert!(flushes.iter().count() < 100, "they do not share");
    }
}
