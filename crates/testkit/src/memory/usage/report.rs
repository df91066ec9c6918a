use std::collections::BTreeMap;

use async_trait::async_trait;
use cape_domain::{
    billing::OutOfRange,
    ids::WorkspaceId,
    page::{Cursor, Page, PageRequest},
    store::StoreError,
    usage::{
        BucketUsage, Call, CallFilter, CallReports, CallState, FailureKind, Group, GroupBy,
        GroupPerformance, GroupUsage, Percentiles, QuotaPeriod, Timing, Usage,
    },
};

use super::{MemoryRead, newest_first};

const WHAT: &str = "call";

impl MemoryRead {
    fn matching<'a>(
        &'a self,
        workspace: WorkspaceId,
        filter: &'a CallFilter,
    ) -> impl Iterator<Item = &'a Call> {
        let calls = self.tables.usage.calls.values();
        let own = calls.filter(move |call| call.workspace == workspace && self.admits(workspace));
        own.filter(|call| filter.admits(call))
    }
}

#[async_trait]
impl CallReports for MemoryRead {
    async fn list(
        &mut self,
        workspace: WorkspaceId,
        filter: &CallFilter,
        page: PageRequest,
    ) -> Result<Page<Call>, StoreError> {
        let cursor = |call: &Call| Cursor { at: call.started_at, id: call.id.raw() };
        Ok(newest_first(page, self.matching(workspace, filter).cloned(), cursor))
    }

    async fn count(
        &mut self,
        workspace: WorkspaceId,
        filter: &CallFilter,
        most: u32,
    ) -> Result<u64, StoreError> {
        Ok(self.matching(workspace, filter).take(most as usize).count() as u64)
    }

    async fn totals(
        &mut self,
        workspace: WorkspaceId,
        filter: &CallFilter,
        by: GroupBy,
        most: u32,
    ) -> Result<Vec<GroupUsage>, StoreError> {
        let mut sums = BTreeMap::<Group, Usage>::new();
        for call in self.matching(workspace, filter) {
            add(sums.entry(group(call, by)).or_default(), call)?;
        }
        let groups = sums.into_iter().map(|(group, usage)| GroupUsage { group, usage });
        let mut groups: Vec<_> = groups.take(most as usize).collect();
        GroupUsage::dearest_first(&mut groups);
        Ok(groups)
    }

    async fn series(
        &mut self,
        workspace: WorkspaceId,
        filter: &CallFilter,
        parts: &[QuotaPeriod],
        by: Option<GroupBy>,
        most: u32,
    ) -> Result<Vec<BucketUsage>, StoreError> {
        let mut sums = BTreeMap::<(usize, Option<Group>), Usage>::new();
        for call in self.matching(workspace, filter) {
            let within =
                |part: &QuotaPeriod| part.start <= call.started_at && call.started_at < part.end;
            let Some(bucket) = parts.iter().position(within) else { continue };
            let group = by.map(|by| group(call, by));
            add(sums.entry((bucket, group)).or_default(), call)?;
        }
        let cells = sums.into_iter().take(most as usize);
        let cell = |((bucket, group), usage)| BucketUsage { bucket, group, usage };
        Ok(cells.map(cell).collect())
    }

    async fn performance(
        &mut self,
        workspace: WorkspaceId,
        filter: &CallFilter,
        by: GroupBy,
        most: u32,
    ) -> Result<Vec<GroupPerformance>, StoreError> {
        let mut groups = BTreeMap::<_, Vec<&Call>>::new();
        for call in self.matching(workspace, filter) {
            match call.state {
                CallState::Running { .. } => {}
                CallState::Settled { .. } | CallState::Failed { .. } => {
                    groups.entry(group(call, by)).or_default().push(call);
                }
            }
        }
        let groups = groups.into_iter().take(most as usize);
        groups.map(|(group, calls)| performance(group, &calls)).collect()
    }
}

fn group(call: &Call, by: GroupBy) -> Group {
    match by {
        GroupBy::User => Group::User(call.user),
        GroupBy::Key => Group::Key(call.key),
        GroupBy::Model => Group::Model { model: call.model.clone(), provider: call.provider },
        GroupBy::Provider => Group::Provider(call.provider),
    }
}

fn add(sum: &mut Usage, call: &Call) -> Result<(), StoreError> {
    *sum = sum.plus(Usage::of(&call.state)).map_err(corrupt)?;
    Ok(())
}

/// How the calls of one group were answered.
fn performance(group: Group, calls: &[&Call]) -> Result<GroupPerformance, StoreError> {
    let mut sum = Usage::default();
    let mut timings: Vec<Timing> = vec![];
    for call in calls {
        add(&mut sum, call)?;
        match &call.state {
            CallState::Settled { timing, .. } => timings.push(*timing),
            CallState::Failed { .. } | CallState::Running { .. } => {}
        }
    }
    let of = |wanted| {
        let failed = calls.iter().filter(|call| match call.state {
            CallState::Failed { kind, .. } => kind == wanted,
            CallState::Settled { .. } | CallState::Running { .. } => false,
        });
        (wanted, failed.count() as u64)
    };
    let Usage { settled, cost, charge, .. } = sum;
    Ok(GroupPerformance {
        group,
        settled,
        failures: FailureKind::ALL.map(of).into_iter().filter(|(_, count)| *count > 0).collect(),
        total: Percentiles::of(timings.iter().map(|timing| timing.total).collect()),
        provider_time: Percentiles::of(timings.iter().map(|timing| timing.provider).collect()),
        first_token: Percentiles::of(timings.iter().filter_map(|t| t.first_token).collect()),
        cost,
        charge,
    })
}

fn corrupt(source: OutOfRange) -> StoreError {
    StoreError::Corrupt { what: WHAT, source: source.into() }
}
