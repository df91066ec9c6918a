//! Calls, and what paid for them.
use std::collections::HashMap;

use cape_domain::{
    access::{Permit, ViewUsage},
    billing::{Allocation, Hold, OutOfRange, Overage},
    ids::{CallId, TransactionId},
    page::{Page, PageRequest},
    store::{BoxError, ReadWork, StoreError},
    usage::{Call, CallFilter, CallState, LotUse, Receipt},
};

use super::{ReportError, UsageReports};

impl UsageReports {
    /// Calls of the actor's workspace, newest first.
    ///
    /// # Errors
    ///
    /// See [`ReportError`].
    pub async fn calls(
        &self,
        permit: Permit<ViewUsage>,
        filter: CallFilter,
        page: PageRequest,
    ) -> Result<Page<Call>, ReportError> {
        filter.check()?;
        let mut work = self.base.store.look(permit.scope()).await?;
        Ok(work.reports().list(permit.actor().workspace, &filter, page).await?)
    }

    /// The receipt of a call of the actor's workspace.
    ///
    /// # Errors
    ///
    /// See [`ReportError`].
    pub async fn receipt(
        &self,
        permit: Permit<ViewUsage>,
        id: CallId,
    ) -> Result<Receipt, ReportError> {
        let mut work = self.base.store.read(permit.scope()).await?;
        let call = work.calls().find(id).await?.ok_or(ReportError::NotFound(id))?;
        let hold = match call.hold {
            Some(id) => Some(work.ledger().hold(id).await?.ok_or_else(|| missing("hold"))?),
            None => None,
        };
        let lots = match &hold {
            Some(hold) => lots(&mut *work, hold).await?,
            None => vec![],
        };
        let overage = match transaction_of(&call) {
            Some(id) => overage(&mut *work, id).await?,
            None => Overage::default(),
        };
        let prices = call.prices(&self.book);
        Ok(Receipt { call, prices, hold, lots, overage })
    }
}

const fn transaction_of(call: &Call) -> Option<TransactionId> {
    match call.state {
        CallState::Settled { transaction, .. } => transaction,
        CallState::Running { .. } | CallState::Failed { .. } => None,
    }
}

/// What each lot paid out of a hold.
async fn lots(work: &mut dyn ReadWork, hold: &Hold) -> Result<Vec<LotUse>, StoreError> {
    let paid = hold.paid().map_err(corrupt)?;
    let ids: Vec<_> = paid.iter().map(|part| part.grant).collect();
    let known = work.ledger().lots(&ids).await?;
    let known: HashMap<_, _> = known.into_iter().map(|lot| (lot.id, lot.source)).collect();
    let with_source = |Allocation { grant, amount }: Allocation| {
        let source = *known.get(&grant).ok_or_else(|| missing("lot"))?;
        Ok(LotUse { grant, source, amount })
    };
    paid.into_iter().map(with_source).collect()
}

/// What was taken beyond a hold.
async fn overage(work: &mut dyn ReadWork, id: TransactionId) -> Result<Overage, StoreError> {
    let transaction = work.ledger().transaction(id).await?;
    let transaction = transaction.ok_or_else(|| missing("transaction"))?;
    Overage::of(&transaction).map_err(corrupt)
}

/// A call names something that is not there.
fn missing(what: &'static str) -> StoreError {
    StoreError::Corrupt { what: "receipt", source: format!("there is no such {what}").into() }
}

fn corrupt(source: OutOfRange) -> StoreError {
    let source: BoxError = source.into();
    StoreError::Corrupt { what: "receipt", source }
}
