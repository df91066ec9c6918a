//! Heavy work, so much of it at a time and no more.
//!
//! What the work is, is *not* known here.
use std::{sync::Arc, time::Instant};

use cape_domain::store::BoxError;
use tokio::{sync::Semaphore, task::spawn_blocking};

/// Runs heavy work on threads of its own. Whoever finds them busy waits for a turn, first come,
/// first served; how long is counted.
pub(super) struct Turns(Arc<Semaphore>);

impl Turns {
    pub(super) fn new(concurrent: usize) -> Self {
        Self(Arc::new(Semaphore::new(concurrent.min(Semaphore::MAX_PERMITS))))
    }

    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, BoxError> {
        let asked = Instant::now();
        let turn = Arc::clone(&self.0).acquire_owned().await?;
        metrics::histogram!("cape_password_queue_seconds").record(asked.elapsed().as_secs_f64());
        let done = spawn_blocking(move || {
            let result = work();
            // Given back by the work, not by who waits for it: a caller that leaves does not
            // make room for work that is still going on.
            drop(turn);
            result
        });
        Ok(done.await?)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Mutex,
            atomic::{AtomicUsize, Ordering},
        },
        time::Duration,
    };

    use metrics::{
        Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString,
        Unit,
    };
    use tokio::{task::JoinSet, time::timeout};

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn of_five_hundred_at_once_two_run_at_a_time_and_all_get_their_turn() {
        const CONCURRENT: usize = 2;
        let turns = Arc::new(Turns::new(CONCURRENT));
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut tasks = JoinSet::new();
        for _ in 0..500 {
            let (turns, running, most) =
                (Arc::clone(&turns), Arc::clone(&running), Arc::clone(&most));
            tasks.spawn(async move {
                turns
                    .run(move || {
                        let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        std::thread::sleep(Duration::from_millis(1));
                        running.fetch_sub(1, Ordering::SeqCst);
                    })
                    .await
                    .expect("a turn");
            });
        }
        assert_eq!(tasks.join_all().await.len(), 500);
        assert_eq!(most.load(Ordering::SeqCst), CONCURRENT);
    }

    #[tokio::test]
    async fn a_caller_that_leaves_does_not_give_its_turn_away_before_the_work_is_done() {
        let turns = Turns::new(1);
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let left = turns.run(move || wait.recv());
        assert!(timeout(Duration::from_millis(50), left).await.is_err(), "the caller left");
        assert_eq!(turns.0.available_permits(), 0);
        release.send(()).expect("the work is still going on");
        timeout(Duration::from_secs(10), turns.run(|| ())).await.expect("in time").expect("a turn");
    }
    /// Keeps what the one histogram was told.
    #[derive(Default)]
    struct Waits(Mutex<Vec<f64>>);

    impl HistogramFn for Waits {
        fn record(&self, seconds: f64) {
            self.0.lock().expect("sound").push(seconds);
        }
    }

    struct Told(Arc<Waits>);

    impl Recorder for Told {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
            Counter::noop()
        }

        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }

        fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
            assert_eq!(key.name(), "cape_password_queue_seconds");
            Histogram::from_arc(Arc::clone(&self.0))
        }
    }

    #[test]
    fn how_long_each_waited_for_its_turn_is_counted() {
        let waits = Arc::new(Waits::default());
        metrics::with_local_recorder(&Told(Arc::clone(&waits)), || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(async {
                let turns = Turns::new(1);
                let work = || std::thread::sleep(Duration::from_millis(20));
                let (first, second) = tokio::join!(turns.run(work), turns.run(work));
                first.and(second).expect("two turns");
            });
        });
        let waits = waits.0.lock().expect("sound");
        let [first, second] = waits[..] else { panic!("{waits:?}") };
        assert!(first < second && second >= 0.02, "{waits:?}");
    }
}
