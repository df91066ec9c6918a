//! The programs that are measured: the platform, and the sandbox that it calls.
use std::{
    net::SocketAddr,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    connection::{Target, ask},
    place::Place,
    process::Process,
    webhooks::Message,
};

/// Who calls. Plans let one workspace make a few hundred calls a minute: where there are hundreds
/// a second, there are many workspaces.
const CALLERS: u32 = 16;
/// What everybody signs in with.
pub const PASSWORD: &str = "correct horse battery";
/// With what the sandbox's Stripe signs its messages.
pub const WEBHOOK_SECRET: &str = "whsec_sandbox";
/// Enough for every call of the longest run.
const CREDITS: &str = "1000000";

/// What is asked again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// A short answer, whole.
    Whole,
    /// The same answer, piece by piece, without pauses.
    Streamed,
    /// An answer whose pieces come slowly.
    Slow,
}

impl Call {
    fn body(self) -> String {
        let (say, more) = match self {
            Self::Whole => ("", ""),
            Self::Streamed => ("", r#","stream":true"#),
            Self::Slow => (SLOWLY, r#","stream":true"#),
        };
        format!(
            r#"{{"model":"gpt-4o-mini","max_tokens":64,"messages":[{{"role":"user","content":"Say something short about the sea.{say}"}}]{more}}}"#
        )
    }

    /// The call, made to the sandbox, or to what stands in its place.
    pub fn to_sandbox(self, address: SocketAddr) -> Target {
        Target::post(address, "/openai/v1/chat/completions", "sk-bench", &self.body())
    }
}

/// How long a slow answer takes at least: more than it takes to begin all that are to run together.
pub const SLOW: Duration = Duration::from_millis(39 * 500);
const SLOWLY: &str = " [[sandbox: output_tokens=40, chunk_delay=500ms]]";

/// The sandbox, in the place of every provider.
pub struct Sandbox {
    /// Where it listens.
    pub address: SocketAddr,
    _process: Process,
}

impl Sandbox {
    /// Starts it on a free port.
    pub fn start(binary: &Path, place: &Place) -> anyhow::Result<Self> {
        let args = ["sandbox", "--port", "0"];
        let (process, url) = Process::start(binary, &args, &[], place.directory(), "sandbox at ")
            .context("the sandbox")?;
        Ok(Self { address: address(&url)?, _process: process })
    }

    /// The call, made directly.
    pub fn calls(&self, call: Call) -> Vec<Target> {
        vec![call.to_sandbox(self.address)]
    }
}

/// The platform.
pub struct Platform {
    /// The process.
    pub process: Process,
    /// How long it took from the start of the process until it said that it is ready.
    pub ready_after: Duration,
    address: SocketAddr,
}

impl Platform {
    /// Starts it on a free port, and waits until it is ready.
    pub fn start(binary: &Path, place: &Place, sandbox: SocketAddr) -> anyhow::Result<Self> {
        let mut environment = environment(place);
        environment.push(("CAPE_SANDBOX__URL", format!("http://{sandbox}")));
        let begun = Instant::now();
        let (process, url) =
            Process::start(binary, &[], &environment, place.directory(), "address ")
                .context("the platform")?;
        let address = address(&url)?;
        ask(&Target::get(address, "/healthz/ready", "")).context("the platform is not ready")?;
        Ok(Self { process, ready_after: begun.elapsed(), address })
    }

    /// An API key for each of several workspaces.
    pub fn keys(&self) -> anyhow::Result<Vec<String>> {
        let key = |caller| {
            let token = self.sign_in(caller)?.access_token;
            let key = self.post("/api/keys", &token, r#"{"name":"bench"}"#)?;
            text(&key, "/key")
        };
        (0..CALLERS).map(key).collect()
    }

    /// The call, made through the platform: once for each key.
    pub fn calls(&self, call: Call, keys: &[String]) -> Vec<Target> {
        let body = call.body();
        let call = |key: &String| Target::post(self.address, "/v1/chat/completions", key, &body);
        keys.iter().map(call).collect()
    }

    /// Registers somebody, who may be registered already, and signs in.
    pub fn sign_in(&self, number: u32) -> anyhow::Result<Person> {
        let who = who(number);
        self.post("/api/auth/register", "", &who)?;
        let signed_in = self.post("/api/auth/login", "", &who)?;
        let id = text(&signed_in, "/user/id")?;
        let id = id.split_once('_').context("an id of another kind")?.1.parse()?;
        Ok(Person { id, access_token: text(&signed_in, "/access_token")? })
    }

    /// The question for somebody's own profile.
    pub fn profile(&self, person: &Person) -> Target {
        Target::get(self.address, "/api/user/profile", &person.access_token)
    }

    /// Signing in, with nothing but the password.
    pub fn login(&self, number: u32) -> Target {
        Target::post(self.address, "/api/auth/login", "", &who(number))
    }

    /// Places an order of somebody's, and says under which id Stripe knows it.
    pub fn order(&self, number: u32) -> anyhow::Result<String> {
        let token = self.sign_in(number)?.access_token;
        let path = "/api/payment/credits/purchase";
        let opened = self.post(path, &token, r#"{"pack":"medium"}"#)?;
        let url = text(&opened, "/checkout_url")?;
        url.rsplit('/').next().map(ToOwned::to_owned).context("no id")
    }

    /// A message of Stripe's to the platform.
    pub fn webhook(&self, message: &Message) -> Target {
        let Message { body, signature } = message;
        let headers = [("Stripe-Signature", signature.as_str())];
        Target::post_with(self.address, "/api/payment/webhook", &headers, body)
    }

    fn post(&self, path: &str, bearer: &str, body: &str) -> anyhow::Result<Value> {
        let answer = ask(&Target::post(self.address, path, bearer, body));
        Ok(serde_json::from_slice(&answer.context(path.to_owned())?)?)
    }

    /// Stops it.
    pub fn stop(self) -> anyhow::Result<()> {
        self.process.stop().context("the platform")
    }
}

/// Somebody who is signed in.
pub struct Person {
    /// Who it is, without the prefix.
    pub id: Uuid,
    /// For `/api`.
    pub access_token: String,
}

fn who(number: u32) -> String {
    format!(r#"{{"email":"bench{number}@example.com","password":"{PASSWORD}"}}"#)
}

fn text(answer: &Value, place: &str) -> anyhow::Result<String> {
    let text = answer.pointer(place).and_then(Value::as_str);
    text.map(ToOwned::to_owned).with_context(|| format!("no {place}"))
}

/// Proves that everything that was called is in the books.
pub fn check_ledger(binary: &Path, place: &Place) -> anyhow::Result<()> {
    let checked = Command::new(binary)
        .args(["ledger", "check"])
        .env_clear()
        .envs(environment(place))
        .current_dir(place.directory())
        .output()?;
    let said = String::from_utf8_lossy(&checked.stdout);
    anyhow::ensure!(checked.status.success(), "the ledger is unsound: {said}");
    Ok(())
}

/// The defaults, but for what a load test needs.
fn environment(place: &Place) -> Vec<(&'static str, String)> {
    vec![
        ("PORT", "0".to_owned()),
        ("DATABASE_URL", place.platform_url()),
        ("CAPE_USAGE__LIMITS", "off".to_owned()),
        ("CAPE_HTTP__FLOOD__ENABLED", "false".to_owned()),
        ("CAPE_ACCOUNTS__THROTTLE", "off".to_owned()),
        ("CAPE_ACCOUNTS__WELCOME_CREDITS", CREDITS.to_owned()),
        ("CAPE_TELEMETRY__LOG", "warn".to_owned()),
    ]
}

/// The address in a URL.
pub fn address(url: &str) -> anyhow::Result<SocketAddr> {
    let address = url.strip_prefix("http://").and_then(|address| address.parse().ok());
    address.with_context(|| format!("`{url}` is no address"))
}
