//! Posting to the ledger, and counting what was posted.
use cape_domain::{
    billing::{Posted, Transaction},
    store::{StoreError, UnitOfWork},
};

/// Posts transactions, all or none, and counts them by kind.
pub(crate) async fn post(
    work: &mut dyn UnitOfWork,
    transactions: &[Transaction],
) -> Result<Posted, StoreError> {
    let posted = work.ledger().post(transactions).await?;
    if posted == Posted::Done {
        for transaction in transactions {
            let kind = transaction.kind.name();
            metrics::counter!("cape_ledger_transactions_total", "kind" => kind).increment(1);
        }
    }
    Ok(posted)
}
