//! Giving credits to a workspace. A debt is paid first.
use cape_domain::{
    billing::{
        self, Balance, CreditGrant, Credits, GrantSource, InvalidTransaction, OutOfRange, Posted,
        Transaction,
    },
    ids::{GrantId, OrderId, TransactionId, WorkspaceId},
    store::{StoreError, UnitOfWork},
};

use crate::Base;

/// Credits that are due to a workspace.
pub(crate) struct Gift {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Why.
    pub source: GrantSource,
    /// What was paid for; its id makes the gift happen once.
    pub order: Option<OrderId>,
    /// How much, above zero.
    pub amount: Credits,
}

/// Gives credits: posts them, pays what is owed, and keeps the rest as a lot of its own.
pub(crate) async fn give(
    base: &Base,
    work: &mut dyn UnitOfWork,
    gift: Gift,
) -> Result<CreditGrant, StoreError> {
    let owed = work.ledger().lock(gift.workspace).await?.receivable;
    let id = GrantId::next(&*base.ids);
    let repaid = owed.min(gift.amount);
    let transactions = transactions(base, &gift, id, repaid).map_err(corrupt)?;
    match super::post(work, &transactions).await? {
        Posted::Done => {}
        Posted::Short { balance } => return Err(short(balance)),
    }
    let grant = CreditGrant {
        id,
        workspace: gift.workspace,
        source: gift.source,
        order: gift.order,
        amount: gift.amount,
        remaining: gift.amount.minus(repaid).map_err(corrupt)?,
        held: Credits::ZERO,
        expires_at: None,
        created_at: base.now(),
    };
    work.ledger().insert_grant(&grant).await?;
    Ok(grant)
}

fn transactions(
    base: &Base,
    gift: &Gift,
    grant: GrantId,
    repaid: Credits,
) -> Result<Vec<Transaction>, InvalidTransaction> {
    let head = || (TransactionId::next(&*base.ids), gift.workspace, base.now());
    let given = match (gift.source, gift.order) {
        (GrantSource::Purchase, Some(order)) => billing::purchase(head(), order, gift.amount)?,
        (GrantSource::Bonus, Some(order)) => billing::bonus(head(), order, gift.amount)?,
        (GrantSource::Promotion | GrantSource::Purchase | GrantSource::Bonus, _) => {
            billing::promotion(head(), "welcome", gift.amount)?
        }
    };
    let mut all = vec![given];
    if repaid.is_positive() {
        all.push(billing::debt_repaid(head(), grant, repaid)?);
    }
    Ok(all)
}

fn corrupt(error: impl Into<InvalidTransaction>) -> StoreError {
    StoreError::Corrupt { what: "grant", source: error.into().into() }
}

/// What was just given cannot be short of itself.
fn short(_: Balance) -> StoreError {
    corrupt(OutOfRange)
}
