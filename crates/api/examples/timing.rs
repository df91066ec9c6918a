//! Measures whether the time that an answer takes tells who has an account.
//!
//! As many known addresses as unknown ones are presented, in an order that is shuffled, at every
//! route that must not tell them apart. What is compared are medians of the same run, so that a
//! busy machine is busy for both sides. It ends with 1 if one side stays slower than the other.
//!
//! What is *not* here: building what is measured. `just timing` does.
use std::{
    fs,
    io::{self, BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{self, Child, Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use clap::Parser;
use reqwest::{Client, redirect::Policy};
use serde_json::{Value, json};

/// Measure whether the time that an answer takes tells who has an account
#[derive(Debug, Parser)]
struct Args {
    /// The binary that is measured
    #[arg(long, default_value = "target/release/cape-api")]
    binary: PathBuf,
    /// Where the run's own directory is made, and removed at the end
    #[arg(long, default_value = "target")]
    directory: PathBuf,
    /// How many pairs there are at each route
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    pairs: u32,
    /// What the order comes from
    #[arg(long, default_value_t = 20_260_101)]
    seed: u64,
}

/// How much slower or faster a known address may be answered than an unknown one.
const BOUNDS: (f64, f64) = (0.95, 1.05);
/// How often a figure that tells something is taken anew: what the machine did beside it passes,
/// and what the platform does stays.
const TRIES: u32 = 3;
/// How many known addresses there are.
const KNOWN: u64 = 40;
/// Pairs at the beginning of each route that are not counted: connections, caches, pages.
const WARM_UP: u32 = 20;
const PASSWORD: &str = "nine purple trams in March";
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where an address is presented.
struct Route {
    path: &'static str,
    /// The same for every address.
    expected: u16,
    body: fn(&str) -> Value,
}

const ROUTES: [Route; 5] = [
    Route {
        path: "/api/auth/login",
        expected: 401,
        body: |email| json!({ "email": email, "password": "not the password of anybody" }),
    },
    Route {
        path: "/api/auth/password/forgot",
        expected: 202,
        body: |email| json!({ "email": email }),
    },
    Route {
        path: "/api/auth/code/request",
        expected: 202,
        body: |email| json!({ "email": email }),
    },
    Route {
        path: "/api/auth/verify/resend",
        expected: 202,
        body: |email| json!({ "email": email }),
    },
    Route {
        path: "/api/auth/register",
        expected: 201,
        body: |email| json!({ "email": email, "password": PASSWORD }),
    },
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let binary = fs::canonicalize(&args.binary)
        .with_context(|| format!("{} is not there", args.binary.display()))?;
    let directory = Directory::make(&args.directory)?;
    let platform = Platform::start(&binary, &directory.0)?;
    let mut trial = Trial::begin(&platform.url, args.seed).await?;
    let mut told = false;
    writeln!(io::stdout(), "{:<28}{:>12}{:>12}{:>8}", "", "known", "unknown", "ratio")?;
    for route in &ROUTES {
        let mut tries = 0..TRIES;
        while tries.next().is_some() {
            let medians = trial.medians(route, args.pairs).await?;
            if is_silent(route, medians)? {
                break;
            }
            told |= tries.is_empty();
        }
    }
    Ok(if told { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Shows a figure. Whether it is one that tells nothing.
fn is_silent(route: &Route, (known, unknown): (Duration, Duration)) -> io::Result<bool> {
    let ratio = known.as_secs_f64() / unknown.as_secs_f64();
    let silent = (BOUNDS.0..=BOUNDS.1).contains(&ratio);
    let [known, unknown] = [known, unknown].map(|side| side.as_secs_f64() * 1_000.0);
    let verdict = if silent { "" } else { "  it tells" };
    let path = route.path;
    writeln!(io::stdout(), "{path:<28}{known:>9.3} ms{unknown:>9.3} ms{ratio:>8.3}{verdict}")?;
    Ok(silent)
}

/// Somebody who presents addresses, one after the other.
struct Trial {
    client: Client,
    url: String,
    random: u64,
    strangers: u64,
}

impl Trial {
    /// Signs those up who are known.
    async fn begin(url: &str, seed: u64) -> anyhow::Result<Self> {
        let client = Client::builder().no_proxy().redirect(Policy::none()).tls_certs_only([]);
        let client = client.timeout(PATIENCE).build()?;
        // The generator stays at zero for ever if it begins there.
        let this = Self { client, url: url.to_owned(), random: seed.max(1), strangers: 0 };
        for number in 0..KNOWN {
            let body = json!({ "email": known(number), "password": PASSWORD });
            this.present("/api/auth/register", &body, 201).await?;
        }
        Ok(this)
    }

    /// What known and unknown addresses take at a route.
    async fn medians(&mut self, route: &Route, pairs: u32) -> anyhow::Result<(Duration, Duration)> {
        let (mut known_ones, mut unknown_ones) = (Vec::new(), Vec::new());
        for (turn, is_known) in self.order(WARM_UP + pairs).into_iter().enumerate() {
            let email = if is_known { self.acquaintance() } else { self.stranger() };
            let body = (route.body)(&email);
            let took = self.present(route.path, &body, route.expected).await?;
            if turn >= 2 * WARM_UP as usize {
                if is_known { &mut known_ones } else { &mut unknown_ones }.push(took);
            }
        }
        Ok((median(known_ones), median(unknown_ones)))
    }

    async fn present(&self, path: &str, body: &Value, expected: u16) -> anyhow::Result<Duration> {
        let request = self.client.post(format!("{}{path}", self.url)).json(body).build()?;
        let begun = Instant::now();
        let answer = self.client.execute(request).await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        let took = begun.elapsed();
        anyhow::ensure!(status == expected, "{path} answers with {status}: {text}");
        Ok(took)
    }

    /// Known and unknown addresses, so many of each. All are shuffled together: within pairs, an
    /// unknown one would come after a known one more often than after its like, and with it
    /// whatever goes on when an answer is out.
    fn order(&mut self, pairs: u32) -> Vec<bool> {
        let mut order: Vec<bool> = [true, false].repeat(pairs as usize);
        for last in (1..order.len()).rev() {
            let other = self.random() % (last as u64 + 1);
            order.swap(last, usize::try_from(other).expect("not larger than the last"));
        }
        order
    }

    /// An address of somebody who signed up.
    fn acquaintance(&mut self) -> String {
        known(self.random() % KNOWN)
    }

    /// An address that nobody has, and that nobody has asked about. It is as long as a known one.
    fn stranger(&mut self) -> String {
        self.strangers += 1;
        format!("other{:06}@example.com", self.strangers)
    }

    /// xorshift64: the same order for the same seed.
    const fn random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random >> 32
    }
}

fn known(number: u64) -> String {
    format!("known{number:06}@example.com")
}

fn median(mut durations: Vec<Duration>) -> Duration {
    durations.sort_unstable();
    durations[durations.len() / 2]
}

/// A directory of the run's own.
struct Directory(PathBuf);

impl Directory {
    fn make(parent: &Path) -> anyhow::Result<Self> {
        let path = parent.join(format!("cape_timing_{}", process::id()));
        fs::create_dir_all(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        Ok(Self(fs::canonicalize(path)?))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What cannot be removed is left to `cargo clean`.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// The platform, as a process that is killed when this is dropped.
struct Platform {
    child: Child,
    url: String,
}

impl Platform {
    /// The defaults, but that nobody is made to wait for asking often.
    fn start(binary: &Path, directory: &Path) -> anyhow::Result<Self> {
        let child = Command::new(binary)
            .env_clear()
            .envs([
                ("PORT", "0"),
                ("CAPE_SANDBOX__PORT", "0"),
                ("CAPE_HTTP__FLOOD__ENABLED", "false"),
                ("CAPE_ACCOUNTS__THROTTLE", "off"),
                // Where customers are, nothing is given away to begin with.
                ("CAPE_ACCOUNTS__WELCOME_CREDITS", "0"),
                ("CAPE_TELEMETRY__LOG", "error"),
            ])
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} cannot be started", binary.display()))?;
        let mut this = Self { child, url: String::new() };
        let output = this.child.stdout.take().context("no output")?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        while this.url.is_empty() {
            line.clear();
            anyhow::ensure!(output.read_line(&mut line)? > 0, "it ended before it was ready");
            if let Some((_, url)) = line.split_once("address ") {
                url.trim().clone_into(&mut this.url);
            }
        }
        // What else it says is read, so that it never waits for its reader.
        thread::spawn(move || io::copy(&mut output, &mut io::sink()));
        Ok(this)
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill().and_then(|()| self.child.wait()));
    }
}
