//! What a run was made on.
use std::{fs, process::Command, thread};

use anyhow::Context as _;

/// The machine, the compiler and the day.
pub struct Machine {
    cores: usize,
    processor: String,
    kernel: String,
    compiler: String,
    load: String,
    date: String,
}

impl Machine {
    /// Looks around. `date` is today's, if not given.
    pub fn look(date: Option<String>) -> anyhow::Result<Self> {
        let processors = fs::read_to_string("/proc/cpuinfo")?;
        let model = processors.lines().find(|line| line.starts_with("model name"));
        let model = model.and_then(|line| line.split_once(": ")).map(|(_, model)| model);
        let date = match date {
            Some(date) => date,
            None => said("date", &["-u", "+%F"])?,
        };
        Ok(Self {
            cores: thread::available_parallelism()?.get(),
            processor: model.unwrap_or("an unnamed processor").to_owned(),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            compiler: said("rustc", &["--version"])?,
            load: fs::read_to_string("/proc/loadavg")?.split(' ').next().unwrap_or("?").to_owned(),
            date,
        })
    }

    /// All of it, in one line.
    pub fn line(&self) -> String {
        let Self { cores, processor, kernel, compiler, load, date } = self;
        format!(
            "{date} · {cores} cores, {processor} · Linux {kernel} · {compiler} · load before {load}"
        )
    }
}

fn said(program: &str, args: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program).args(args).output();
    let output = output.with_context(|| format!("`{program}` cannot be run"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
