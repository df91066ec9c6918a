//! A process that this one started, watched through `/proc` and ended by its handle.
use std::{
    fs,
    io::{self, BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;

/// How long a process may take to end when it is told to.
const PATIENCE: Duration = Duration::from_secs(40);
const PAUSE: Duration = Duration::from_millis(5);
/// Ticks of the kernel's clock in a second, as it counts them for others.
const TICKS: u64 = 100;

/// A running process. It is killed when it is dropped.
pub struct Process {
    child: Child,
}

/// Memory that a process has in RAM, in KiB.
#[derive(Clone, Copy, Debug)]
pub struct Resident {
    /// At this moment.
    pub now: u64,
    /// The most there was.
    pub peak: u64,
}

impl Process {
    /// Starts a program with this environment and no other, and waits for the line of its output
    /// that holds an address: what follows `mark` there.
    pub fn start(
        binary: &Path,
        args: &[&str],
        environment: &[(&str, String)],
        directory: &Path,
        mark: &str,
    ) -> anyhow::Result<(Self, String)> {
        let child = Command::new(binary)
            .args(args)
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} cannot be started", binary.display()))?;
        let mut this = Self { child };
        let output = this.child.stdout.take().context("no output")?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        loop {
            line.clear();
            anyhow::ensure!(output.read_line(&mut line)? > 0, "it ended before it was ready");
            if let Some((_, address)) = line.split_once(mark) {
                let address = address.trim().to_owned();
                // What else it says is read, so that it never waits for its reader.
                thread::spawn(move || io::copy(&mut output, &mut io::sink()));
                return Ok((this, address));
            }
        }
    }

    /// The memory that it has.
    pub fn memory(&self) -> anyhow::Result<Resident> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next());
            number.and_then(|number| number.parse().ok()).with_context(|| format!("no {name}"))
        };
        Ok(Resident { now: field("VmRSS:")?, peak: field("VmHWM:")? })
    }

    /// Takes what it has now as the most there was.
    pub fn forget_peak(&self) -> anyhow::Result<()> {
        Ok(fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5")?)
    }

    /// The time of the processor that it has used, in its own code and in the kernel's.
    pub fn cpu_time(&self) -> anyhow::Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name, in parentheses, may hold anything.
        let (_, fields) = stat.rsplit_once(')').context("malformed")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks = |place: usize| fields.get(place).and_then(|field| field.parse::<u64>().ok());
        let ticks = ticks(11).zip(ticks(12)).map(|(user, system)| user + system);
        Ok(Duration::from_millis(ticks.context("malformed")? * 1000 / TICKS))
    }

    /// Tells it to stop, and waits until it has; then it must have ended well.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let stop = format!("kill -TERM {}", self.child.id());
        Command::new("sh").args(["-c", &stop]).status().context("`sh` cannot be run")?;
        let told = Instant::now();
        while told.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                anyhow::ensure!(status.success(), "it ended with {status}");
                return Ok(());
            }
            thread::sleep(PAUSE);
        }
        anyhow::bail!("it does not stop")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill().and_then(|()| self.child.wait()));
    }
}
