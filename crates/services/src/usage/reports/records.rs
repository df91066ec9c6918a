//! Calls, and what paid for them.
use std::collections::HashMap;

use cape_domain::{
    access::{Permit, ViewUsage},
    billing::{Allocation, Correction, Hold, OutOfRange, Overage, Transaction},
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
        let (paid, corrected) = transactions_of(&call);
        let overage = match paid {
            Some(id) => Overage::of(&posted(&mut *work, id).await?).map_err(corrupt)?,
            None => Overage::default(),
        };
        let correction = match corrected {
            Some(id) => Correction::of(&posted(&mut *work, id).await?).map_err(corrupt)?,
            None => Correction::default(),
        };
        let prices = call.prices(&self.book.current());
        Ok(Receipt { call, prices, hold, lots, overage, correction })
    }
}

/// What paid for a call, and what corrected that.
const fn transactions_of(call: &Call) -> (Option<TransactionId>, Option<TransactionId>) {
    match call.state {
        CallState::Settled { transaction, correction, .. } => (transaction, correction),
        CallState::Running { .. } | CallState::Failed { .. } => (None, None),
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

/// A transaction that a call names.
async fn posted(work: &mut dyn ReadWork, id: TransactionId) -> Result<Transaction, StoreError> {
    work.ledger().transaction(id).await?.ok_or_else(|| missing("transaction"))
}

/// A call names something that is not there.
fn missing(what: &'static str) -> StoreError {
    StoreError::Corrupt { what: "receipt", source: format!("there is no such {what}").into() }
}

fn corrupt(source: OutOfRange) -> StoreError {
    let source: BoxError = source.into();
    StoreError::Corrupt { what: "receipt", source }
}
