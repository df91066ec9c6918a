//! What runs beside requests, again and again, until it is told to stop.
use std::{fmt::Display, future::Future, time::Duration};

use tokio::{task::JoinHandle, time::sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::compose::Platform;

/// How long the control feed rests between polls. Paid calls close when the last one began more
/// than a second ago, so there is room for a poll that takes its time.
const FEED: Duration = Duration::from_millis(200);
/// How often this process says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How long a worker that found nothing to do rests.
const IDLE: Duration = Duration::from_millis(200);
/// How often dead processes are looked for.
const SWEEP: Duration = Duration::from_secs(5);
/// How often expired credits are looked for.
const EXPIRE: Duration = Duration::from_mins(1);
/// How often it is written down when keys were used.
const KEY_USES: Duration = Duration::from_secs(10);
/// How often it is written down what limits refused.
const VIOLATIONS: Duration = Duration::from_secs(1);
/// How often the control feed, and the answers that were kept, are cleared of what nobody needs any
/// more.
const PRUNE: Duration = Duration::from_mins(10);

/// Loops that are running.
pub struct Background {
    stop: CancellationToken,
    loops: TaskTracker,
}

impl Background {
    /// Begins every loop.
    #[must_use]
    pub fn begin(platform: &Platform) -> Self {
        let this = Self { stop: CancellationToken::new(), loops: TaskTracker::new() };
        let Platform { feed, process, jobs, sweeper, expiry, keys, .. } = platform.clone();
        let old = feed.clone();
        let requests = platform.services.idempotency.clone();
        let violations = platform.services.violations.clone();
        this.every("control feed", FEED, move || {
            let feed = feed.clone();
            async move { feed.poll().await.map(|()| 0) }
        });
        this.every("heartbeat", HEARTBEAT, move || {
            let process = process.clone();
            async move { process.beat().await.map(|()| 0) }
        });
        this.every("jobs", IDLE, move || {
            let jobs = jobs.clone();
            async move { jobs.run_due().await }
        });
        this.every("sweeper", SWEEP, move || {
            let sweeper = sweeper.clone();
            async move { sweeper.run_due().await }
        });
        this.every("expiry", EXPIRE, move || {
            let expiry = expiry.clone();
            async move { expiry.run_due().await }
        });
        this.every("key uses", KEY_USES, move || {
            let keys = keys.clone();
            async move { keys.write_uses().await.map(|_| 0) }
        });
        let (refused, refused_long_ago) = (violations.clone(), violations);
        this.every("refused calls", VIOLATIONS, move || {
            let violations = refused.clone();
            async move { violations.write().await.map(|_| 0) }
        });
        this.every("pruning of refused calls", PRUNE, move || {
            let violations = refused_long_ago.clone();
            async move { violations.prune().await }
        });
        this.every("pruning", PRUNE, move || {
            let feed = old.clone();
            async move { feed.prune().await.map(|()| 0) }
        });
        this.every("pruning of answers", PRUNE, move || {
            let requests = requests.clone();
            async move { requests.prune().await }
        });
        this
    }

    /// Tells every loop to stop after what it is doing, and waits for that.
    pub async fn stop(self) {
        self.stop.cancel();
        self.loops.close();
        self.loops.wait().await;
    }

    /// Repeats work: at once where there was some, after a rest where there was none.
    fn every<F, E>(
        &self,
        what: &'static str,
        rest: Duration,
        mut work: impl FnMut() -> F + Send + 'static,
    ) -> JoinHandle<()>
    where
        F: Future<Output = Result<usize, E>> + Send,
        E: Display + Send,
    {
        let stop = self.stop.clone();
        self.loops.spawn(async move {
            while !stop.is_cancelled() {
                match work().await {
                    Ok(0) => {}
                    Ok(_) => continue,
                    Err(error) => tracing::error!(what, %error, "background work failed"),
                }
                tokio::select! {
                    () = sleep(rest) => {}
                    () = stop.cancelled() => {}
                }
            }
        })
    }
}
