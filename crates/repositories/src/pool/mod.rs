//! Connections for statements that go by themselves. Between two of them a connection is simply
//! put aside: nothing is asked of it, and no other thread is woken.
//!
//! A connection to a server is best used in the runtime that it was opened in; in another one,
//! every answer would wake two threads. So each runtime gets back what it opened, as long as
//! there are such; all of them together have no more than there may be.
//!
//! Not here: transactions. Those begin and end, which has to be seen to.
mod connection;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sea_orm::{ConnAcquireErr, DbErr, ExecResult, QueryResult, RuntimeErr, Statement};
use tokio::{
    runtime::{Handle, Id},
    sync::{
        Semaphore, TryAcquireError,
        oneshot::{Sender, channel},
    },
    time::timeout,
};

use self::connection::Connection;
pub(crate) use self::connection::Opening;

/// A connection is not used for longer than this.
const LIFE: Duration = Duration::from_mins(30);
/// One that nobody needed for so long is closed when another is put aside.
const IDLE: Duration = Duration::from_mins(10);
/// One that was not used for so long has to show that its server is still there.
const QUIET: Duration = Duration::from_secs(30);
/// How long a connection gets to show that it is sound.
const PROOF: Duration = Duration::from_secs(5);

/// Connections of all runtimes.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Shared>);

struct Shared {
    opening: Opening,
    most: usize,
    patience: Duration,
    /// Whoever uses a connection has one of these. They are handed out first come, first served.
    permits: Semaphore,
    /// Those that nobody uses, the last used last.
    idle: Mutex<Vec<Kept>>,
}

impl Pool {
    /// At most `most` connections, which are opened when they are needed. Callers wait for one as
    /// long as `patience`.
    pub(crate) fn new(opening: Opening, most: u32, patience: Duration) -> Self {
        let most = usize::try_from(most).unwrap_or(Semaphore::MAX_PERMITS).max(1);
        let (permits, idle) = (Semaphore::new(most), Mutex::default());
        Self(Arc::new(Shared { opening, most, patience, permits, idle }))
    }

    pub(crate) async fn execute(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let mut used = self.0.take().await?;
        let done = used.connection()?.execute(statement).await;
        used.done(done).map_err(|error| DbErr::Exec(runtime(error)))
    }

    pub(crate) async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let mut used = self.0.take().await?;
        let done = used.connection()?.execute_unprepared(sql.to_owned()).await;
        used.done(done).map_err(|error| DbErr::Exec(runtime(error)))
    }

    pub(crate) async fn query_one(
        &self,
        statement: Statement,
    ) -> Result<Option<QueryResult>, DbErr> {
        let mut used = self.0.take().await?;
        let row = used.connection()?.query_one(statement).await;
        used.done(row).map_err(|error| DbErr::Query(runtime(error)))
    }

    pub(crate) async fn query_all(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut used = self.0.take().await?;
        let rows = used.connection()?.query_all(statement).await;
        used.done(rows).map_err(|error| DbErr::Query(runtime(error)))
    }

    /// Waits for statements to end, and closes every connection. Nothing is begun after it.
    pub(crate) async fn close(&self) {
        let all = u32::try_from(self.0.most).unwrap_or(u32::MAX);
        let none = self.0.permits.acquire_many(all).await;
        self.0.permits.close();
        drop(none);
        let idle = std::mem::take(&mut *self.0.idle());
        for kept in idle {
            // One that cannot say goodbye is gone already.
            drop(timeout(PROOF, kept.connection.close()).await);
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("most", &self.0.most).finish_non_exhaustive()
    }
}

impl Shared {
    /// A connection that can be used here, and is nobody else's.
    async fn take(self: &Arc<Self>) -> Result<Used, DbErr> {
        let slot = self.slot().await?;
        let here = Handle::current();
        if let Some(mut kept) = self.pick(here.id())
            && (!self.is_doubtful(&kept) || kept.is_sound().await)
        {
            return Ok(Used(Some((kept, slot))));
        }
        let opened = timeout(self.patience, self.opening.open()).await;
        let opened = opened.map_err(|_| waited_too_long())?;
        let connection = opened.map_err(|error| DbErr::Conn(runtime(error)))?;
        let kept = Kept::new(connection, self.opening.binds_to_runtime().then_some(&here));
        Ok(Used(Some((kept, slot))))
    }

    /// The right to use a connection.
    async fn slot(self: &Arc<Self>) -> Result<Slot, DbErr> {
        let permit = match self.permits.try_acquire() {
            Ok(permit) => permit,
            Err(TryAcquireError::Closed) => return Err(closed()),
            Err(TryAcquireError::NoPermits) => {
                let waited = timeout(self.patience, self.permits.acquire()).await;
                waited.map_err(|_| waited_too_long())?.map_err(|_| closed())?
            }
        };
        permit.forget();
        Ok(Slot(self.clone()))
    }

    /// One that lies idle: of this runtime if there is one; if there is none, and no other may be
    /// opened, of another that has not ended. To be called by who has a slot.
    fn pick(&self, here: Id) -> Option<Kept> {
        let mut idle = self.idle();
        if let Some(place) = idle.iter().rposition(|kept| kept.belongs_to(here)) {
            return Some(idle.remove(place));
        }
        idle.retain(Kept::has_a_runtime);
        // Of those who have a slot, everybody but the caller may have a connection, too.
        let others = self.most.saturating_sub(self.permits.available_permits()).saturating_sub(1);
        let full = idle.len() + others >= self.most;
        if full && !idle.is_empty() { Some(idle.remove(0)) } else { None }
    }

    /// Whether it may have died since it was last used, with its server, or is to be replaced.
    fn is_doubtful(&self, kept: &Kept) -> bool {
        let quiet = self.opening.binds_to_runtime() && kept.used.elapsed() >= QUIET;
        quiet || kept.opened.elapsed() >= LIFE
    }

    /// Puts a sound connection aside.
    fn put(&self, mut kept: Kept) {
        kept.used = Instant::now();
        let mut idle = self.idle();
        let longest = idle.first().is_some_and(|first| kept.used - first.used >= IDLE);
        let superfluous = if longest { Some(idle.remove(0)) } else { None };
        idle.push(kept);
        drop(idle);
        drop(superfluous);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Kept>> {
        // A list is sound after every step, even of somebody who panicked.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection, and what has to be known of it.
struct Kept {
    connection: Connection,
    runtime: Option<Bond>,
    opened: Instant,
    used: Instant,
}

/// The runtime that a connection is bound to. A task of that one holds the other end: with the
/// runtime's end comes the task's.
struct Bond {
    runtime: Id,
    alive: Sender<()>,
}

impl Kept {
    fn new(connection: Connection, runtime: Option<&Handle>) -> Self {
        let now = Instant::now();
        let bond = |runtime: &Handle| {
            let (alive, ended) = channel();
            runtime.spawn(ended);
            Bond { runtime: runtime.id(), alive }
        };
        Self { connection, runtime: runtime.map(bond), opened: now, used: now }
    }

    fn belongs_to(&self, here: Id) -> bool {
        self.runtime.as_ref().is_none_or(|bond| bond.runtime == here)
    }

    fn has_a_runtime(&self) -> bool {
        self.runtime.as_ref().is_none_or(|bond| !bond.alive.is_closed())
    }

    /// Whether it can be used: nothing is under way on it, and its end has not come.
    async fn is_sound(&mut self) -> bool {
        self.opened.elapsed() < LIFE
            && timeout(PROOF, self.connection.ping()).await.is_ok_and(|ping| ping.is_ok())
    }
}

/// The right to use a connection. It is given back with this.
struct Slot(Arc<Shared>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.permits.add_permits(1);
    }
}

/// A connection in use.
struct Used(Option<(Kept, Slot)>);

impl Used {
    fn connection(&mut self) -> Result<&mut Connection, DbErr> {
        self.0.as_mut().map(|(kept, _)| &mut kept.connection).ok_or_else(closed)
    }

    /// Puts the connection aside if all went well.
    fn done<T>(mut self, done: sqlx::Result<T>) -> sqlx::Result<T> {
        if done.is_ok()
            && let Some((kept, slot)) = self.0.take()
        {
            slot.0.put(kept);
        }
        done
    }
}

impl Drop for Used {
    /// Something went wrong, or nobody waits any more for what is under way: the connection is put
    /// aside when it is sound again, and counts as used until then.
    fn drop(&mut self) {
        if let Some((mut kept, slot)) = self.0.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(async move {
                if kept.is_sound().await {
                    slot.0.put(kept);
                }
            });
        }
    }
}

fn runtime(error: sqlx::Error) -> RuntimeErr {
    RuntimeErr::SqlxError(error.into())
}

fn waited_too_long() -> DbErr {
    DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)
}

fn closed() -> DbErr {
    DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)
}
