//! The schema, from the command line.
use std::{error::Error as _, process::ExitCode};

use cape_migration::{MigrationError, check, down, fresh, status, up};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Brings the database to the schema this program was written for")]
struct Arguments {
    /// The database: `sqlite://path/to/file` or `postgres://user:password@host/name`.
    #[arg(
        long,
        env = "DATABASE_URL",
        hide_env_values = true,
        default_value = "sqlite://data/cape.db",
        global = true
    )]
    database_url: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Applies what is not applied yet.
    Up,
    /// Takes the last step back, and its data with it.
    Down {
        /// Takes everything back.
        #[arg(long)]
        all: bool,
    },
    /// Shows every step.
    Status,
    /// Drops everything and applies everything. All data is lost.
    Fresh,
    /// Fails unless the schema is exactly the one this program was written for.
    Check,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Err(error) = run(Arguments::parse()).await else { return ExitCode::SUCCESS };
    eprintln!("error: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        eprintln!("  because {cause}");
        source = cause.source();
    }
    ExitCode::FAILURE
}

async fn run(arguments: Arguments) -> Result<(), MigrationError> {
    let url = &arguments.database_url;
    match arguments.command {
        Command::Up => up(url).await,
        Command::Down { all } => down(url, (!all).then_some(1)).await,
        Command::Fresh => fresh(url).await,
        Command::Check => check(url).await,
        Command::Status => {
            for step in status(url).await? {
                println!("{:<8} {}", step.state, step.name);
            }
            Ok(())
        }
    }
}
