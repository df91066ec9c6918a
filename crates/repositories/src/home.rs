//! Where connections live. A connection belongs to the runtime around whoever makes it, and is
//! cut when that one ends. A web server's workers have runtimes of their own, and those end
//! before the last unit of work: whatever opens a connection does so in the store's.
//!
//! Not here: what is done with connections. Once it is open, anybody may use one.
use std::{
    future::{Future, poll_fn},
    pin::pin,
};

use tokio::runtime::Handle;

/// The runtime in which a store was made, and which has to outlive it.
#[derive(Clone, Debug)]
pub(crate) struct Home(Handle);

impl Home {
    /// The runtime around the caller.
    pub(crate) fn here() -> Self {
        Self(Handle::current())
    }

    /// Awaits `work` where the caller is, but as if in this runtime.
    pub(crate) async fn open<F: Future>(&self, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|context| {
            let _entered = self.0.enter();
            work.as_mut().poll(context)
        })
        .await
    }
}
