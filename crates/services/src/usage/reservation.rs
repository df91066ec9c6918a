//! Setting the worst case of calls aside, and writing the calls down: each together or not at all.
//! What is asked for at the same time is written in one unit of work.
use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use async_trait::async_trait;
use cape_domain::{
    billing::{
        self, Allocation, Credits, GrantMove, Hold, HoldState, NotEnough, Plan, Posted, Purse,
        Transaction, merge_moves,
    },
    ids::{ApiKeyId, HoldId, ProcessId, TransactionId, WorkspaceId},
    store::{BoxError, Durability, Scope, StoreError, UnitOfWork},
    usage::{Call, Quota, QuotaPeriod},
};
use chrono::TimeDelta;

use super::{Admission, ChatError};
use crate::{
    Base, Tasks,
    batch::{Batches, Write, away},
    billing::post,
    retry::retry,
};

/// Reserves what calls need.
pub(super) struct Reserver(Arc<Batches<Desk>>);

/// What one call needs.
#[derive(Clone)]
struct Wanted {
    call: Call,
    amount: Credits,
    key_cap: Option<Credits>,
    /// The period that it counts in, and how many calls that has.
    quota: Option<(QuotaPeriod, u64)>,
}

type Outcome = Result<Option<Hold>, ChatError>;

impl Reserver {
    /// Reserves for calls that this process makes, each of which may take so long. Workspaces
    /// are dealt out to so many lanes, which write beside each other.
    pub(super) fn new(
        base: Base,
        tasks: Tasks,
        process: ProcessId,
        longest_call: TimeDelta,
        lanes: usize,
    ) -> Self {
        Self(Batches::new(Desk { base, process, longest_call }, tasks, lanes))
    }

    /// Quota, hold and record, together or not at all. Without a hold there is nothing that could
    /// be swept: such a call is recorded when it ends.
    ///
    /// # Errors
    ///
    /// See [`ChatError`].
    pub(super) async fn reserve<A>(&self, plan: &Plan, draft: &Admission<A>) -> Outcome {
        let limit = plan.limits.requests_per_month;
        let wanted = Wanted {
            call: draft.call.clone(),
            amount: draft.worst(),
            key_cap: draft.key_cap,
            quota: draft.quota.map(|period| (period, limit)),
        };
        let lane = lane_of(wanted.call.workspace);
        let outcome = self.0.submit(lane, wanted).await;
        outcome.map_err(|lost| StoreError::Unavailable(lost.into()))?
    }
}

/// Calls of one workspace are always written in the same lane: they would wait for each other.
pub(super) fn lane_of(workspace: WorkspaceId) -> u64 {
    let (high, low) = workspace.raw().as_u64_pair();
    high ^ low
}

/// What belongs to one attempt to write calls together.
struct Desk {
    base: Base,
    process: ProcessId,
    longest_call: TimeDelta,
}

/// What is to be written, of all calls that get what they want.
#[derive(Default)]
struct Entries {
    transactions: Vec<Transaction>,
    moves: Vec<GrantMove>,
    holds: Vec<Hold>,
    calls: Vec<Call>,
    quotas: BTreeMap<(WorkspaceId, QuotaPeriod), Counting<u64>>,
    keys: BTreeMap<ApiKeyId, Counting<Credits>>,
}

/// Something that is counted up to a limit.
struct Counting<T> {
    /// What was counted before.
    before: T,
    /// What is counted now.
    now: T,
    limit: T,
}

#[async_trait]
impl Write for Desk {
    type Item = Wanted;
    type Outcome = Outcome;

    async fn write(&self, all: Vec<Wanted>) -> Vec<Outcome> {
        if let [alone] = all.as_slice() {
            return vec![retry!(self.write_one(alone))];
        }
        match retry!(self.write_all(&all)) {
            Ok(outcomes) => return outcomes,
            // Each would be waited for as long again.
            Err(StoreError::Unavailable(error)) => {
                return all.iter().map(|_| Err(away(&error).into())).collect();
            }
            Err(StoreError::Conflict { .. } | StoreError::Corrupt { .. }) => {}
        }
        // What goes wrong for one of them is nothing to the others.
        let mut outcomes = Vec::new();
        for wanted in &all {
            outcomes.push(retry!(self.write_one(wanted)));
        }
        outcomes
    }
}

impl Desk {
    async fn write_one(&self, wanted: &Wanted) -> Outcome {
        let outcomes = self.write_all(std::slice::from_ref(wanted)).await?;
        outcomes.into_iter().next().unwrap_or(Err(ChatError::Stopping))
    }

    /// One unit of work for all of them. Workspaces are in the order of their ids: in another
    /// one, two processes could wait for each other.
    async fn write_all(&self, all: &[Wanted]) -> Result<Vec<Outcome>, StoreError> {
        let mut workspaces: Vec<WorkspaceId> = all.iter().map(|w| w.call.workspace).collect();
        workspaces.sort_unstable();
        workspaces.dedup();
        let scope = match workspaces.as_slice() {
            [workspace] => Scope::Workspace(*workspace),
            _ => Scope::Platform,
        };
        let mut work = self.base.store.begin(scope, Durability::Process).await?;
        let mut entries = Entries::default();
        let mut outcomes: Vec<Option<Outcome>> = all.iter().map(|_| None).collect();
        for workspace in workspaces {
            let mut purse = self.purse(&mut *work, workspace, all).await?;
            for (wanted, outcome) in all.iter().zip(&mut outcomes) {
                if wanted.call.workspace == workspace {
                    let decided = self.decide(&mut *work, wanted, &mut purse, &mut entries).await;
                    *outcome = Some(match decided {
                        Err(ChatError::Store(error)) => return Err(error),
                        decided => decided,
                    });
                }
            }
        }
        entries.write(&mut *work).await?;
        work.commit().await?;
        Ok(outcomes.into_iter().flatten().collect())
    }

    /// What is left of the credits of a workspace, which nobody else takes meanwhile. Calls that
    /// cost nothing do not ask.
    async fn purse(
        &self,
        work: &mut dyn UnitOfWork,
        workspace: WorkspaceId,
        all: &[Wanted],
    ) -> Result<Purse, StoreError> {
        let paid = |w: &&Wanted| w.call.workspace == workspace && w.amount.is_positive();
        let Some(first) = all.iter().find(paid) else {
            return Ok(Purse::new(Credits::ZERO, Vec::new(), self.base.now()));
        };
        let balance = work.ledger().lock(workspace).await?;
        let lots = work.ledger().grants(workspace).await?;
        Ok(Purse::new(balance.available, lots, first.call.started_at))
    }

    async fn decide(
        &self,
        work: &mut dyn UnitOfWork,
        wanted: &Wanted,
        purse: &mut Purse,
        entries: &mut Entries,
    ) -> Outcome {
        let amount = wanted.amount;
        let allocations = if amount.is_positive() {
            let short = |NotEnough { spendable: available }| ChatError::InsufficientCredits {
                needed: amount,
                available,
            };
            purse.look(amount).map_err(short)?
        } else {
            Vec::new()
        };
        let paid = !allocations.is_empty();
        if let (true, Some(cap)) = (paid, wanted.key_cap) {
            let key = entries.key(work, wanted.call.key, cap).await?;
            let spent = key.before.plus(key.now).map_err(corrupt)?;
            if spent.plus(amount).map_err(corrupt)? > cap {
                return Err(ChatError::KeyCapReached { cap, spent });
            }
        }
        if let Some((period, limit)) = wanted.quota {
            let workspace = wanted.call.workspace;
            let quota = entries.quota(work, workspace, period, limit).await?;
            let used = quota.before.saturating_add(quota.now);
            if used >= limit {
                let quota = Quota { workspace, period, limit, used };
                return Err(ChatError::QuotaExceeded { quota });
            }
        }
        purse.take(&allocations).map_err(corrupt)?;
        self.enter(wanted, allocations, entries)
    }

    fn enter(
        &self,
        wanted: &Wanted,
        allocations: Vec<Allocation>,
        entries: &mut Entries,
    ) -> Outcome {
        let (workspace, now) = (wanted.call.workspace, wanted.call.started_at);
        let period = wanted.quota.map(|(period, _)| (workspace, period));
        if let Some(quota) = period.and_then(|period| entries.quotas.get_mut(&period)) {
            quota.now += 1;
        }
        if allocations.is_empty() {
            return Ok(None);
        }
        if let Some(key) = entries.keys.get_mut(&wanted.call.key) {
            key.now = key.now.plus(wanted.amount).map_err(corrupt)?;
        }
        let id = HoldId::next(&*self.base.ids);
        let head = (TransactionId::next(&*self.base.ids), workspace, now);
        entries.transactions.push(billing::hold(head, id, wanted.amount).map_err(corrupt)?);
        for allocation in &allocations {
            entries.moves.push(allocation.reserve().map_err(corrupt)?);
        }
        let hold = Hold {
            id,
            workspace,
            amount: wanted.amount,
            allocations,
            process: self.process,
            created_at: now,
            deadline: now + self.longest_call,
            state: HoldState::Open,
        };
        entries.calls.push(Call { hold: Some(id), ..wanted.call.clone() });
        entries.holds.push(hold.clone());
        Ok(Some(hold))
    }
}

impl Entries {
    /// How a key stands. It is asked for once.
    async fn key(
        &mut self,
        work: &mut dyn UnitOfWork,
        key: ApiKeyId,
        limit: Credits,
    ) -> Result<&Counting<Credits>, StoreError> {
        match self.keys.entry(key) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(unknown) => {
                let before = work.key_spending().spent(key).await?;
                Ok(unknown.insert(Counting { before, now: Credits::ZERO, limit }))
            }
        }
    }

    /// How a quota stands. It is asked for once.
    async fn quota(
        &mut self,
        work: &mut dyn UnitOfWork,
        workspace: WorkspaceId,
        period: QuotaPeriod,
        limit: u64,
    ) -> Result<&Counting<u64>, StoreError> {
        match self.quotas.entry((workspace, period)) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(unknown) => {
                let before = work.quotas().used(workspace, period).await?;
                Ok(unknown.insert(Counting { before, now: 0, limit }))
            }
        }
    }

    async fn write(self, work: &mut dyn UnitOfWork) -> Result<(), StoreError> {
        let sooner = |what| Err(StoreError::Conflict { what });
        if !self.transactions.is_empty() {
            match post(work, &self.transactions).await? {
                Posted::Done => {}
                Posted::Short { .. } => return sooner("balance"),
            }
            let moves = merge_moves(self.moves);
            let moves = moves.map_err(|error| StoreError::Corrupt {
                what: "credit grant",
                source: error.into(),
            });
            work.ledger().move_grants(&moves?).await?;
            work.ledger().insert_holds(&self.holds).await?;
        }
        for (key, Counting { now, limit, .. }) in self.keys {
            if now.is_positive() && !work.key_spending().take(key, now, limit).await? {
                return sooner("key spending");
            }
        }
        for ((workspace, period), Counting { now, limit, .. }) in self.quotas {
            if now > 0 && !work.quotas().take(workspace, period, now, limit).await? {
                return sooner("quota");
            }
        }
        work.calls().insert_all(&self.calls).await
    }
}

fn corrupt<E: Into<BoxError>>(error: E) -> ChatError {
    StoreError::Corrupt { what: "hold", source: error.into() }.into()
}
