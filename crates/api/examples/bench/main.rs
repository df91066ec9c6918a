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
mod calls;
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
mod proxy;
mod report;
mod streams;
mod verifications;
mod webhooks;

use std::{fs, path::PathBuf};

use anyhow::Context as _;
use clap::{Parser, Subcommand, ValueEnum};
use mimalloc::MiMalloc;

use self::{machine::Machine, place::Place};

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
    /// Messages of Stripe
    Webhooks,
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
    /// Hand requests on to this address
    #[command(hide = true)]
    Proxy {
        /// The address
        url: String,
    },
}

fn main() -> anyhow::Result<()> {
    let mut args = Args::parse();
    match &args.serve {
        Some(Serve::Bare { url }) => return bare::serve(url),
        Some(Serve::Proxy { url }) => return proxy::serve(url),
        None => {}
    }
    args.binary = fs::canonicalize(&args.binary)
        .with_context(|| format!("{} is not there", args.binary.display()))?;
    let machine = Machine::look(args.date.clone())?;
    let place = Place::make(&args.directory, args.database_url.as_deref())?;
    report::print_machine(&machine);
    let wanted = |part| args.only.is_none_or(|only| only == part);
    if wanted(Part::Calls) {
        report::print_calls(&place, &calls::measure(&args, &place)?);
    }
    if wanted(Part::Accounts) {
        report::print_accounts(&place, &accounts::measure(&args, &place)?);
    }
    if wanted(Part::Webhooks) {
        report::print_webhooks(&place, &webhooks::measure(&args, &place)?);
    }
    Ok(())
}
