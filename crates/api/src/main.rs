//! The command line of the platform.
use std::{collections::BTreeMap, env, process::ExitCode};

use cape_api::{cli::Invocation, commands};
use mimalloc::MiMalloc;

/// A request allocates some hundred times, and this takes less time for it than the system's.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let invocation = match Invocation::read(env::args_os()) {
        Ok(invocation) => invocation,
        Err(error) => error.exit(),
    };
    match run(invocation) {
        Ok(code) => code,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(invocation: Invocation) -> anyhow::Result<ExitCode> {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let environment: BTreeMap<String, String> = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    commands::run(invocation, &environment).await
}

#[expect(clippy::print_stderr, reason = "whoever started the program reads it")]
fn report(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}
