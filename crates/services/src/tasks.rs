//! Work that goes on when whoever asked for it has left.
use std::future::Future;

use tokio::{runtime::Handle, task::JoinHandle};
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

/// Runs tasks that a stop waits for. A clone is another handle to the same tasks.
#[derive(Clone)]
pub struct Tasks {
    tracker: TaskTracker,
    runtime: Handle,
}

impl Tasks {
    /// Tasks on this runtime, which must outlive the web server's own.
    #[must_use]
    pub fn new(runtime: Handle) -> Self {
        Self { tracker: TaskTracker::new(), runtime }
    }

    /// Begins a task.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tracker.spawn_on(task, &self.runtime)
    }

    /// Counts as a task until it is dropped: for work that cannot move to our runtime.
    pub fn token(&self) -> TaskTrackerToken {
        self.tracker.token()
    }

    /// Comes back when no task is left. New ones may still begin.
    pub async fn finish(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// How many tasks are running.
    #[must_use]
    pub fn running(&self) -> usize {
        self.tracker.len()
    }
}
