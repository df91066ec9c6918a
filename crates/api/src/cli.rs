//! The command line: what can be asked for. What is *not* here: doing it.
use std::{ffi::OsString, path::PathBuf};

use cape_domain::accounts::Email;
#[cfg(feature = "sandbox")]
use cape_domain::secret::Secret;
use clap::{Args, CommandFactory as _, Parser, Subcommand, error::ErrorKind};

/// One self-hosted platform that joins accounts, money and AI usage.
#[derive(Debug, Parser)]
#[command(name = "cape-api", version)]
struct CommandLine {
    /// Configuration file; otherwise the one that `CAPE_CONFIG` names, or cape.toml
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    serve: ServeArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The configuration file that was named.
    pub config: Option<PathBuf>,
    /// What to do.
    pub command: Command,
}

/// What the program can do.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Serve requests and run jobs (the default)
    Serve(ServeArgs),
    /// Run jobs alone, beside others that serve; needs PostgreSQL
    Worker,
    /// Emulate Stripe, OpenAI, Anthropic, Gemini and a mail server on this machine
    #[cfg(feature = "sandbox")]
    Sandbox(SandboxArgs),
    /// Print the OpenAPI document
    Openapi,
    /// Print the effective configuration, with secrets masked
    Config,
    /// Ask the instance on the configured port whether it lives
    Health,
    /// Look after the ledger
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Do what nobody can do over HTTP
    #[command(subcommand)]
    Admin(AdminCommand),
}

/// How to serve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
pub struct ServeArgs {
    /// Bring the schema of the database up to date before serving
    #[arg(long)]
    pub migrate: bool,
}

/// How to emulate.
#[cfg(feature = "sandbox")]
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct SandboxArgs {
    /// The loopback port to listen on; 0 takes any free one
    #[arg(long, default_value_t = 8090)]
    pub port: u16,
    /// The loopback port on which mails are taken; 0 takes any free one
    #[arg(long, default_value_t = 0)]
    pub smtp_port: u16,
    /// Receives all of Stripe's events
    #[arg(long, value_name = "URL", requires = "webhook_secret")]
    pub webhook_url: Option<String>,
    /// The secret that those events are signed with
    #[arg(long, value_name = "SECRET", requires = "webhook_url", value_parser = secret)]
    pub webhook_secret: Option<Secret>,
}

/// What can be done about the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum LedgerCommand {
    /// Check every invariant; ends with 1 and the offending ids if one is broken
    Check,
}

/// What an operator can do.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum AdminCommand {
    /// Take somebody's address as verified, so that they can sign in
    Verify {
        /// The address
        email: Email,
    },
    /// Close somebody's account: all sessions end, and all keys are refused
    Deactivate {
        /// The address
        email: Email,
    },
    /// Open a closed account again
    Reactivate {
        /// The address
        email: Email,
    },
    /// Make somebody an operator of the platform
    Promote {
        /// The address, which has to be verified
        email: Email,
    },
    /// Take that back: within a second nothing of the platform's is open to them
    Demote {
        /// The address
        email: Email,
    },
}

impl Invocation {
    /// What these arguments ask for; the first is the program's own name.
    ///
    /// # Errors
    ///
    /// What to print instead, and the exit code: also where help or the version is asked for.
    pub fn read<T>(args: impl IntoIterator<Item = T>) -> Result<Self, clap::Error>
    where
        T: Into<OsString> + Clone,
    {
        let CommandLine { config, serve, command } = CommandLine::try_parse_from(args)?;
        let command = match command {
            None => Command::Serve(serve),
            Some(Command::Serve(args)) => {
                Command::Serve(ServeArgs { migrate: args.migrate || serve.migrate })
            }
            Some(_) if serve.migrate => {
                let message = "`--migrate` is for `serve`";
                return Err(CommandLine::command().error(ErrorKind::ArgumentConflict, message));
            }
            Some(command) => command,
        };
        Ok(Self { config, command })
    }
}

#[cfg(feature = "sandbox")]
#[expect(clippy::unnecessary_wraps, reason = "a parser of values may fail")]
fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Invocation, ErrorKind> {
        Invocation::read(line.split_whitespace()).map_err(|error| error.kind())
    }

    fn command(line: &str) -> Command {
        read(line).expect("a sound command line").command
    }

    #[test]
    fn the_command_line_is_sound() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn serving_is_what_is_done_unless_something_else_is_asked_for() {
        let serve = |migrate| Command::Serve(ServeArgs { migrate });
        assert_eq!(command("cape-api"), serve(false));
        assert_eq!(command("cape-api serve"), serve(false));
        for line in ["cape-api --migrate", "cape-api serve --migrate", "cape-api --migrate serve"] {
            assert_eq!(command(line), serve(true), "{line}");
        }
    }

    #[test]
    fn every_command_has_its_words() {
        for (line, expected) in [
            ("cape-api worker", Command::Worker),
            ("cape-api openapi", Command::Openapi),
            ("cape-api config", Command::Config),
            ("cape-api health", Command::Health),
            ("cape-api ledger check", Command::Ledger(LedgerCommand::Check)),
        ] {
            assert_eq!(command(line), expected, "{line}");
        }
        let email: Email = "ada@example.com".parse().expect("an address");
        let verify = Command::Admin(AdminCommand::Verify { email });
        assert_eq!(command("cape-api admin verify Ada@Example.com"), verify);
        let email: Email = "ada@example.com".parse().expect("an address");
        let deactivate = Command::Admin(AdminCommand::Deactivate { email });
        assert_eq!(command("cape-api admin deactivate ada@example.com"), deactivate);
        let email: Email = "ada@example.com".parse().expect("an address");
        let promote = Command::Admin(AdminCommand::Promote { email: email.clone() });
        assert_eq!(command("cape-api admin promote ada@example.com"), promote);
        let demote = Command::Admin(AdminCommand::Demote { email });
        assert_eq!(command("cape-api admin demote ada@example.com"), demote);
    }

    #[test]
    fn a_file_can_be_named_before_and_after_the_command() {
        for line in ["cape-api --config x.toml config", "cape-api config --config x.toml"] {
            assert_eq!(read(line).expect("sound").config, Some(PathBuf::from("x.toml")), "{line}");
        }
    }

    #[cfg(feature = "sandbox")]
    #[test]
    fn a_webhook_needs_an_address_and_a_secret() {
        let line = "cape-api sandbox --port 9 --webhook-url http://127.0.0.1:1 --webhook-secret s";
        let expected = SandboxArgs {
            port: 9,
            smtp_port: 0,
            webhook_url: Some("http://127.0.0.1:1".to_owned()),
            webhook_secret: Some(Secret::new("s")),
        };
        assert_eq!(command(line), Command::Sandbox(expected));
        for half in ["--webhook-url http://127.0.0.1:1", "--webhook-secret s"] {
            let refused = read(&format!("cape-api sandbox {half}"));
            assert_eq!(refused, Err(ErrorKind::MissingRequiredArgument), "{half}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (line, kind) in [
            ("cape-api worker --migrate", ErrorKind::UnknownArgument),
            ("cape-api --migrate worker", ErrorKind::ArgumentConflict),
            ("cape-api ledger", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
            ("cape-api admin verify nobody", ErrorKind::ValueValidation),
            ("cape-api dance", ErrorKind::InvalidSubcommand),
        ] {
            assert_eq!(read(line), Err(kind), "{line}");
        }
    }
}
