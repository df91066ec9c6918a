//! The whole platform for one test: composed as it runs, with sandboxed vendors, on free ports.
//!
//! What is *not* here: anything that stands in for a part of it.
pub(crate) mod answer;
pub(crate) mod caller;
pub(crate) mod mailbox;
pub(crate) mod place;
pub(crate) mod stream;
pub(crate) mod webhook;

use std::{
    collections::BTreeMap,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use cape_api::{
    config::Config,
    instance::{Duty, Instance},
    telemetry,
};

pub(crate) use self::{answer::Answer, caller::Http, place::Place};

/// What nobody has to wait for. Secrets are generated, beside the database.
const USUAL: [(&str, &str); 11] = [
    ("CAPE_HTTP__FLOOD__ENABLED", "false"),
    ("CAPE_HTTP__PORT", "0"),
    ("CAPE_HTTP__WORKERS", "1"),
    ("CAPE_HTTP__SHUTDOWN_TIMEOUT", "5s"),
    ("CAPE_DATABASE__READERS", "3"),
    ("CAPE_DATABASE__WRITERS", "4"),
    ("CAPE_ACCOUNTS__HASH__MEMORY_KIB", "8"),
    ("CAPE_ACCOUNTS__HASH__ITERATIONS", "1"),
    ("CAPE_TELEMETRY__LOG", "off"),
    ("CAPE_SANDBOX__PORT", "0"),
    ("CAPE_DATABASE__MIGRATE", "false"),
];

/// How long something may take that happens beside a request, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running platform of one test.
pub(crate) struct TestApp {
    pub(crate) instance: Instance,
    pub(crate) http: Http,
    pub(crate) place: Arc<Place>,
}

impl TestApp {
    /// A platform on a file of its own.
    pub(crate) async fn on_sqlite(variables: &[(&str, &str)]) -> Self {
        Self::at(Place::sqlite().await, variables).await
    }

    /// A platform at this place, configured as usual but for these variables.
    pub(crate) async fn at(place: Arc<Place>, variables: &[(&str, &str)]) -> Self {
        let config = config(&place, variables);
        let metrics = telemetry::metrics().expect("metrics");
        let page = Arc::new(move || metrics.render());
        let instance = Instance::start(&config, Duty::Serve, page).await.expect("an instance");
        let http = Http::to(format!("http://{}", instance.address));
        Self { instance, http, place }
    }

    /// Another platform at the same place: it has the same database, keys and vendors.
    pub(crate) async fn beside(&self) -> Self {
        Self::at(Arc::clone(&self.place), &[("CAPE_SANDBOX__URL", self.sandbox())]).await
    }

    /// Where the vendors are.
    pub(crate) fn sandbox(&self) -> &str {
        self.instance.sandbox.as_deref().expect("a sandbox")
    }

    /// Waits until every message was acted on that came so far. None may have been given up.
    pub(crate) async fn jobs_are_done(&self) {
        eventually("every job is done", async || {
            let of = async |state: &str| {
                let all = "SELECT count(*) FROM jobs WHERE kind = 'webhook.handle'";
                self.place.count(&format!("{all} AND state = '{state}'")).await
            };
            assert_eq!(of("dead").await, 0, "jobs were given up");
            of("pending").await == 0
        })
        .await;
    }

    /// Waits until every mail was sent that was asked for so far.
    pub(crate) async fn mails_are_sent(&self) {
        eventually("every mail is sent", async || {
            self.place.count("SELECT count(*) FROM mails").await == 0
        })
        .await;
    }

    /// Proves the ledger.
    pub(crate) async fn ledger_is_sound(&self) {
        let violations = self.instance.platform.ledger.run().await.expect("a check");
        assert!(violations.is_empty(), "{violations:#?}");
    }

    /// Ends the test: nothing is open, the ledger is sound, and the platform stops in peace.
    pub(crate) async fn finish(self) {
        eventually("every call is over", async || self.instance.platform.tasks.running() == 0)
            .await;
        self.ledger_is_sound().await;
        self.instance.stop().await.expect("it stops");
    }
}

/// The configuration of a platform at this place.
pub(crate) fn config(place: &Place, variables: &[(&str, &str)]) -> Config {
    let url = place.url();
    let secrets = place.file("secrets.toml").display().to_string();
    let own = [("DATABASE_URL", &*url), ("CAPE_SECRETS__FILE", &*secrets)];
    let all = USUAL.iter().chain(&own).chain(variables);
    let all: BTreeMap<String, String> =
        all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::read(None, &all).expect("a configuration")
}

/// Waits until something is true. It looks again and again, and gives up after a while.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut check: impl FnMut() -> F) {
    let begun = Instant::now();
    while !check().await {
        assert!(begun.elapsed() < PATIENCE, "it did not happen that {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits for something that must not take for ever.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it takes too long")
}

/// The same sentences on each database. The server is that of `TEST_DATABASE_URL`.
macro_rules! on_both_databases {
    ($($test:ident),* $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$test($crate::app::Place::sqlite().await).await;
                }
            )*
        }

        mod on_postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    if let Some(place) = $crate::app::Place::postgres().await {
                        super::$test(place).await;
                    }
                }
            )*
        }
    };
}
pub(crate) use on_both_databases;
