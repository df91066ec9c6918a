//! The rate of bare commits: units of work with one tiny write each, through the same store, on
//! the same kind of database in the same place. No call can be cheaper than its commits.
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cape_domain::{
    ids::ProcessId,
    processes::Process,
    store::{Durability, Scope, Store as _, StoreError},
    time::Timestamp,
};
use cape_repositories::{Options, SqlStore};
use chrono::TimeDelta;
use tokio::{runtime::Runtime, task::JoinSet};
use uuid::Uuid;

use crate::place::Place;

/// How long each kind is measured.
const LASTING: Duration = Duration::from_secs(2);
/// How many write at once: as many as the store has writers.
const WRITERS: u128 = 8;

/// Commits a second.
#[derive(Clone, Copy, Debug)]
pub struct CommitRates {
    /// That survive the end of the process, as those of calls do.
    pub process: f64,
    /// That survive a power cut.
    pub power: f64,
}

impl CommitRates {
    /// Measures both kinds, on a database of their own.
    pub fn measure(place: &Place) -> anyhow::Result<Self> {
        let url = place.commits_url();
        Runtime::new()?.block_on(async {
            cape_migration::up(&url).await?;
            let store = Arc::new(SqlStore::connect(&url, Options::default()).await?);
            let process = rate(&store, Durability::Process).await?;
            let power = rate(&store, Durability::Power).await?;
            store.close().await?;
            Ok(Self { process, power })
        })
    }
}

async fn rate(store: &Arc<SqlStore>, durability: Durability) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let store = Arc::clone(store);
        let id = ProcessId::new(Uuid::from_u128(writer));
        writers.spawn(async move {
            let mut commits = 0_u32;
            while begun.elapsed() < LASTING {
                // Every commit changes its row: one that changes nothing might write nothing.
                let heartbeat_at = Timestamp::UNIX_EPOCH + TimeDelta::seconds(commits.into());
                commit(&store, durability, Process { id, heartbeat_at }).await?;
                commits += 1;
            }
            Ok::<_, StoreError>(commits)
        });
    }
    let mut commits = 0;
    while let Some(writer) = writers.join_next().await {
        commits += writer??;
    }
    Ok(f64::from(commits) / begun.elapsed().as_secs_f64())
}

async fn commit(store: &SqlStore, durability: Durability, row: Process) -> Result<(), StoreError> {
    let mut work = store.begin(Scope::Platform, durability).await?;
    work.processes().beat(&row).await?;
    work.commit().await
}
