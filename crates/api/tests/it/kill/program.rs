//! The built program, as a process of its own.
use std::{
    io::{self, BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::app::{PATIENCE, Place};

const PAUSE: Duration = Duration::from_millis(20);
const BINARY: &str = env!("CARGO_BIN_EXE_cape-api");

/// A process that serves. It is killed when it is dropped.
pub(crate) struct Program {
    child: Child,
    url: String,
}

impl Program {
    /// The sandbox, alone.
    pub(crate) fn sandbox(place: &Place) -> Self {
        let mut command = command(place);
        command.args(["sandbox", "--port", "0"]);
        Self::start(command, "sandbox at ")
    }

    /// The platform, with limits off.
    pub(crate) fn platform(place: &Place, sandbox: &Self) -> Self {
        let mut command = command(place);
        command
            .env("PORT", "0")
            .env("CAPE_SANDBOX__URL", &sandbox.url)
            .env("CAPE_USAGE__LIMITS", "off")
            .env("CAPE_TELEMETRY__LOG", "error");
        Self::start(command, "address ")
    }

    /// The platform, configured by these variables and no others.
    pub(crate) fn with(place: &Place, variables: &[(&str, &str)]) -> Self {
        let mut command = command(place);
        command.env("PORT", "0").env("CAPE_TELEMETRY__LOG", "error");
        command.envs(variables.iter().copied());
        Self::start(command, "address ")
    }

    /// Starts it, and waits for the line that says where it is, after `mark`.
    fn start(mut command: Command, mark: &str) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("a process");
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let mut this = Self { child, url: String::new() };
        let mut line = String::new();
        while this.url.is_empty() {
            line.clear();
            let read = output.read_line(&mut line).expect("text");
            assert!(read > 0, "it ended before it was ready");
            if let Some((_, url)) = line.split_once(mark) {
                url.trim().clone_into(&mut this.url);
            }
        }
        // What else it says is read, so that it never waits for its reader.
        thread::spawn(move || io::copy(&mut output, &mut io::sink()));
        this
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Ends it with SIGKILL: it gets to do nothing more.
    pub(super) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }

    /// Tells it to stop, with SIGTERM, and waits until it has.
    pub(crate) fn stop(mut self) {
        let id = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().expect("kill");
        assert!(told.success());
        let begun = Instant::now();
        let ended = loop {
            if let Some(ended) = self.child.try_wait().expect("its state") {
                break ended;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not stop");
            thread::sleep(PAUSE);
        };
        assert!(ended.success(), "it ended with {ended}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill().and_then(|()| self.child.wait()));
    }
}

/// Has a command done by a process of its own, and says what it answered.
pub(crate) fn done(place: &Place, args: &[&str]) -> String {
    let answered = command(place).args(args).output().expect("an answer");
    let said = String::from_utf8_lossy(&answered.stdout).into_owned();
    assert!(answered.status.success(), "{said}{}", String::from_utf8_lossy(&answered.stderr));
    said
}

/// Proves that the books of a platform that has stopped are sound.
pub(crate) fn check_ledger(place: &Place) {
    let checked = command(place).args(["ledger", "check"]).output().expect("an answer");
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}{}", String::from_utf8_lossy(&checked.stderr));
}

/// The program at this place, with no environment but what it is given.
fn command(place: &Place) -> Command {
    let mut command = Command::new(BINARY);
    command
        .env_clear()
        .env("DATABASE_URL", place.url())
        .env("CAPE_SECRETS__FILE", place.file("secrets.toml"))
        .stdin(Stdio::null());
    command
}
