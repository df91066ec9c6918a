//! Writing what comes at the same time together.
//!
//! Nobody waits for company: what comes while nothing is being written is written at once, and
//! what comes meanwhile is written together afterwards.
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cape_domain::store::{BoxError, StoreError};
use tokio::sync::oneshot;

use crate::Tasks;

/// The most that is written together.
const MOST: usize = 64;

/// Writes several things together.
#[async_trait]
pub(crate) trait Write: Send + Sync + 'static {
    /// A thing.
    type Item: Send + 'static;
    /// What comes of it.
    type Outcome: Send + 'static;

    /// Writes things, and says what came of each, in their order.
    async fn write(&self, items: Vec<Self::Item>) -> Vec<Self::Outcome>;
}

/// What waits, lane by lane. Lanes write beside each other.
pub(crate) struct Batches<W: Write> {
    writer: W,
    tasks: Tasks,
    lanes: Vec<Mutex<Lane<W>>>,
}

/// Whoever waits for what comes of its thing.
type Waiting<W> = oneshot::Sender<<W as Write>::Outcome>;

/// Things that are written together, and who waits for each.
type Batch<W> = (Vec<<W as Write>::Item>, Vec<Waiting<W>>);

struct Lane<W: Write> {
    waiting: Vec<(W::Item, Waiting<W>)>,
    writing: bool,
}

/// The writer did not come back.
#[derive(Debug, thiserror::Error)]
#[error("what was to be written was lost")]
pub(crate) struct Lost;

/// That the store is away, for each of those who wanted it.
pub(crate) fn away(error: &BoxError) -> StoreError {
    StoreError::Unavailable(error.to_string().into())
}

impl<W: Write> Batches<W> {
    /// Writes by `writer`, in tasks of their own.
    pub(crate) fn new(writer: W, tasks: Tasks, lanes: usize) -> Arc<Self> {
        let lane = || Mutex::new(Lane { waiting: Vec::new(), writing: false });
        let lanes = (0..lanes.max(1)).map(|_| lane()).collect();
        Arc::new(Self { writer, tasks, lanes })
    }

    /// Has something written, in the lane that `key` falls to.
    ///
    /// # Errors
    ///
    /// [`Lost`].
    pub(crate) async fn submit(
        self: &Arc<Self>,
        key: u64,
        item: W::Item,
    ) -> Result<W::Outcome, Lost> {
        let lane = usize::try_from(key % self.lanes.len() as u64).unwrap_or_default();
        let (sender, outcome) = oneshot::channel();
        let first = {
            let mut lane = self.lane(lane);
            lane.waiting.push((item, sender));
            !std::mem::replace(&mut lane.writing, true)
        };
        if first {
            self.tasks.spawn(Drain { batches: Arc::clone(self), lane }.run());
        }
        outcome.await.map_err(|_| Lost)
    }

    fn lane(&self, lane: usize) -> MutexGuard<'_, Lane<W>> {
        self.lanes[lane].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a lane empty.
struct Drain<W: Write> {
    batches: Arc<Batches<W>>,
    lane: usize,
}

impl<W: Write> Drain<W> {
    async fn run(self) {
        while let Some((items, senders)) = self.next() {
            metrics::histogram!("cape_batch_size")
                .record(f64::from(u32::try_from(items.len()).unwrap_or(u32::MAX)));
            let outcomes = self.batches.writer.write(items).await;
            for (sender, outcome) in senders.into_iter().zip(outcomes) {
                // Who has left does not want to know.
                let _ = sender.send(outcome);
            }
        }
    }

    /// What is written next. With nothing to write, the lane is at rest again.
    fn next(&self) -> Option<Batch<W>> {
        let mut lane = self.batches.lane(self.lane);
        if lane.waiting.is_empty() {
            lane.writing = false;
            return None;
        }
        let most = lane.waiting.len().min(MOST);
        Some(lane.waiting.drain(..most).unzip())
    }
}

/// A writer that panicked leaves a lane in which somebody else can write.
impl<W: Write> Drop for Drain<W> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut lane = self.batches.lane(self.lane);
            lane.waiting.clear();
            lane.writing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        runtime::Handle,
        sync::{Notify, Semaphore},
        task::JoinHandle,
    };

    use super::*;

    /// Doubles numbers, when it may.
    struct Doubling {
        begun: Notify,
        turns: Semaphore,
        sizes: Mutex<Vec<usize>>,
    }

    #[async_trait]
    impl Write for Doubling {
        type Item = u64;
        type Outcome = u64;

        async fn write(&self, items: Vec<u64>) -> Vec<u64> {
            self.begun.notify_one();
            self.turns.acquire().await.expect("open").forget();
            assert!(!items.contains(&666), "not this one");
            self.sizes.lock().expect("sound").push(items.len());
            items.into_iter().map(|number| number * 2).collect()
        }
    }

    fn batches(lanes: usize) -> Arc<Batches<Doubling>> {
        let writer =
            Doubling { begun: Notify::new(), turns: Semaphore::new(0), sizes: Mutex::default() };
        Batches::new(writer, Tasks::new(Handle::current()), lanes)
    }

    fn sizes(batches: &Batches<Doubling>) -> Vec<usize> {
        batches.writer.sizes.lock().expect("sound").clone()
    }

    #[tokio::test]
    async fn what_comes_meanwhile_is_written_together_and_everybody_gets_its_own() {
        let batches = batches(1);
        let submit = |number: u64| -> JoinHandle<Result<u64, Lost>> {
            let batches = Arc::clone(&batches);
            let tasks = batches.tasks.clone();
            tasks.spawn(async move { batches.submit(number, number).await })
        };
        let first = submit(0);
        batches.writer.begun.notified().await;
        let others: Vec<_> = (1..100).map(submit).collect();
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        assert_eq!(batches.lane(0).waiting.len(), 99, "on one thread, each has had its turn");
        batches.writer.turns.add_permits(3);
        for (number, outcome) in (0..).zip([first].into_iter().chain(others)) {
            assert_eq!(outcome.await.expect("a task").expect("written"), number * 2);
        }
        assert_eq!(sizes(&batches), [1, 64, 35]);
    }

    #[tokio::test]
    async fn who_is_alone_is_written_at_once() {
        let batches = batches(2);
        batches.writer.turns.add_permits(2);
        assert_eq!(batches.submit(0, 1).await.expect("written"), 2);
        assert_eq!(batches.submit(1, 2).await.expect("written"), 4);
        assert_eq!(sizes(&batches), [1, 1]);
    }

    #[tokio::test]
    async fn a_writer_that_panics_takes_nobody_else_with_it() {
        let batches = batches(1);
        batches.writer.turns.add_permits(2);
        assert!(batches.submit(0, 666).await.is_err());
        assert_eq!(batches.submit(0, 2).await.expect("written"), 4);
    }
}
