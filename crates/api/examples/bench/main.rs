//! Measures a release build of the platform: what a call costs beyond calling the provider
//! directly, how many calls it carries, what memory it takes, and how soon it is ready; and what
//! knowing people costs.
//!
//! The platform, the sandbox in the provider's place and this load generator are processes of
//! their own, on loopback and on the same cores. What is compared was measured in the same run,
//! in turns, so that a busy machine is busy for both sides.
//!
//! What is *not* here: building what is measured. `just bench` does.
mod accounts;
mod bare;
mod commits;
mod connection;
mod figures;
mod hashes;
mod latency;
mod load;
mod machine;
mod place;
mod platform;
mod process;
mod report;
mod verifications;

use std::{fs, path::PathBuf, thread, time::Duration};

use anyhow::Context as _;
use clap::{Parser, Subcommand, ValueEnum};
use mimalloc::MiMalloc;

use self::{
    commits::CommitRates,
    connection::Target,
    figures::{Added, Figures, Memory, Starts, Sustained},
    latency::Latencies,
    machine::Machine,
    place::Place,
    platform::{Platform, Sandbox},
};

/// The platform's: what is compared with it is not to lose time that it saves.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Measure a release build of the platform
#[derive(Debug, Parser)]
struct Args {
    /// The binary that is measured
    #[arg(long, default_value = "target/release/cape-api")]
    binary: PathBuf,
    /// Where the run's own directory is made, and removed at the end: the disk that is measured
    #[arg(long, default_value = "target")]
    directory: PathBuf,
    /// A PostgreSQL server to measure on instead of SQLite; needs `psql`. Databases of the run's
    /// own are made there, and dropped at the end
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Seconds of load for each rate, and each side
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(4..=20))]
    seconds: u32,
    /// The date to write down; today's, if not given
    #[arg(long)]
    date: Option<String>,
    /// Measure this part alone
    #[arg(long)]
    only: Option<Part>,
    #[command(subcommand)]
    serve: Option<Serve>,
}

/// What can be measured alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Calls of models
    Calls,
    /// Tokens, profiles and logins
    Accounts,
}

/// What this program is for itself, in a process of its own.
#[derive(Debug, Subcommand)]
enum Serve {
    /// Serve the bare route on this database
    #[command(hide = true)]
    Bare {
        /// The database
        url: String,
    },
}

/// Requests a second whose latency is measured.
const RATES: [u32; 2] = [100, 500];
/// How many callers at once are tried for the highest rate.
const CALLERS: [usize; 5] = [4, 8, 16, 32, 64];
/// Turns that the two sides take at each rate.
const TURNS: u32 = 6;
/// How often the platform is started anew.
const STARTS: usize = 9;
/// How long the platform is left alone before its memory is read.
const REST: Duration = Duration::from_secs(3);

fn main() -> anyhow::Result<()> {
    let mut args = Args::parse();
    if let Some(Serve::Bare { url }) = &args.serve {
        return bare::serve(url);
    }
    args.binary = fs::canonicalize(&args.binary)
        .with_context(|| format!("{} is not there", args.binary.display()))?;
    let machine = Machine::look(args.date.clone())?;
    let place = Place::make(&args.directory, args.database_url.as_deref())?;
    report::print_machine(&machine);
    if args.only != Some(Part::Accounts) {
        report::print_calls(&place, &measure(&args, &place)?);
    }
    if args.only != Some(Part::Calls) {
        report::print_accounts(&place, &accounts::measure(&args, &place)?);
    }
    Ok(())
}

fn measure(args: &Args, place: &Place) -> anyhow::Result<Figures> {
    let sandbox = Sandbox::start(&args.binary, place)?;
    let begin = || Platform::start(&args.binary, place, sandbox.address);

    let platform = begin()?;
    let first_start = platform.ready_after;
    thread::sleep(REST);
    let fresh = platform.process.memory()?.now;
    let (direct, through) = (sandbox.calls(), platform.calls()?);
    // Passwords were hashed: that is no part of the load.
    platform.process.forget_peak()?;
    for targets in [&direct, &through] {
        load::open_loop(targets, 200, Duration::from_secs(2))?;
    }
    let lasting = Duration::from_secs(args.seconds.into());
    let added = RATES.map(|rate| added(rate, lasting, &direct, &through));
    let commits = CommitRates::measure(place)?;
    let one_workspace = sustained(16, lasting / 3, &platform, &through[..1])?;
    let sustained = CALLERS.map(|callers| sustained(callers, lasting / 2, &platform, &through));
    let sandbox_alone = load::closed_loop(&direct, 16, lasting / 3)?.rate;
    let loaded = platform.process.memory()?.peak;
    thread::sleep(REST);
    let rested = platform.process.memory()?.now;
    platform.stop()?;

    let mut ready = Latencies::default();
    for _ in 0..STARTS {
        let platform = begin()?;
        ready.add(platform.ready_after);
        platform.stop()?;
    }
    platform::check_ledger(&args.binary, place)?;
    Ok(Figures {
        added: added.into_iter().collect::<anyhow::Result<_>>()?,
        one_workspace,
        sustained: sustained.into_iter().collect::<anyhow::Result<_>>()?,
        commits,
        sandbox_alone,
        memory: Memory { fresh, loaded, rested },
        starts: Starts { first: first_start, again: ready },
    })
}

/// Both sides at the same rate, in short turns.
fn added(
    rate: u32,
    lasting: Duration,
    direct: &[Target],
    through: &[Target],
) -> anyhow::Result<Added> {
    let mut sides = [Latencies::default(), Latencies::default()];
    for _ in 0..TURNS {
        for (targets, side) in [direct, through].into_iter().zip(&mut sides) {
            side.append(load::open_loop(targets, rate, lasting / TURNS)?);
        }
    }
    let [direct, through] = sides;
    Ok(Added { rate, direct, through })
}

fn sustained(
    callers: usize,
    lasting: Duration,
    platform: &Platform,
    through: &[Target],
) -> anyhow::Result<Sustained> {
    let before = platform.process.cpu_time()?;
    let outcome = load::closed_loop(through, callers, lasting)?;
    let cpu = platform.process.cpu_time()?.saturating_sub(before);
    Ok(Sustained {
        callers,
        rate: outcome.rate,
        cpu_per_call: cpu / u32::try_from(outcome.latencies.count().max(1))?,
        latencies: outcome.latencies,
    })
}
