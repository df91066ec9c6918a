//! Transactions, one row per transfer. A transaction is the rows that bear its id, and they are
//! written by one statement, so there is never half of one.
use cape_domain::{
    billing::{Account, Transaction, TransactionKind, Transfer},
    ids::{TransactionId, WorkspaceId},
    page::{Cursor, Page, PageRequest},
    store::StoreError,
};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, QueryTrait as _, sea_query::Expr,
};

use crate::{error, page::newest_first, store::SqlWork};

pub(in crate::billing) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "ledger_transfers")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub transaction_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub line: i16,
        pub workspace_id: Uuid,
        pub kind: String,
        pub key: String,
        pub at: DateTimeUtc,
        pub from_account: String,
        pub to_account: String,
        pub unit: String,
        pub amount: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

pub(super) const WHAT: &str = "transaction";

/// The first row of every transaction. In these words the index over them is of use.
fn is_first() -> Expr {
    Expr::col(Column::Line).eq(Expr::Constant(0.into()))
}

pub(super) async fn insert(work: &SqlWork, transactions: &[Transaction]) -> Result<(), StoreError> {
    let rows = transactions.iter().map(to_rows).collect::<Result<Vec<_>, _>>()?;
    let rows = rows.into_iter().flatten().map(row::Model::into_active_model);
    row::Entity::insert_many(rows)
        .exec_without_returning(&work.transaction)
        .await
        .map_err(error::on(WHAT))?;
    Ok(())
}

/// Whether there is a transaction with the key of one of these.
pub(super) async fn any_known(
    work: &SqlWork,
    transactions: &[Transaction],
) -> Result<bool, StoreError> {
    let known = row::Entity::find()
        .filter(Column::Key.is_in(transactions.iter().map(|each| each.key.as_str())))
        .filter(is_first())
        .one(&work.transaction)
        .await
        .map_err(error::on(WHAT))?;
    Ok(known.is_some())
}

pub(super) async fn find(
    work: &SqlWork,
    id: TransactionId,
) -> Result<Option<Transaction>, StoreError> {
    let rows = row::Entity::find()
        .filter(work.within(Column::WorkspaceId))
        .filter(Column::TransactionId.eq(id.raw()))
        .order_by_asc(Column::Line)
        .all(&work.transaction)
        .await
        .map_err(error::on(WHAT))?;
    (!rows.is_empty()).then(|| from_rows(&rows)).transpose()
}

pub(super) async fn list(
    work: &SqlWork,
    workspace: WorkspaceId,
    page: PageRequest,
) -> Result<Page<Transaction>, StoreError> {
    let newest = row::Entity::find()
        .select_only()
        .column(Column::TransactionId)
        .filter(work.within(Column::WorkspaceId))
        .filter(Column::WorkspaceId.eq(workspace.raw()))
        .filter(is_first());
    let newest = newest_first(newest, page, Column::At, Column::TransactionId).into_query();
    let rows = row::Entity::find()
        .filter(Column::TransactionId.in_subquery(newest))
        .order_by_desc(Column::At)
        .order_by_desc(Column::TransactionId)
        .order_by_asc(Column::Line)
        .all(&work.transaction)
        .await
        .map_err(error::on(WHAT))?;
    let transactions = rows
        .chunk_by(|left, right| left.transaction_id == right.transaction_id)
        .map(from_rows)
        .collect::<Result<_, _>>()?;
    Ok(page.page(transactions, |newer| Cursor { at: newer.at, id: newer.id.raw() }))
}

fn from_rows(rows: &[row::Model]) -> Result<Transaction, StoreError> {
    let first = rows.first().ok_or_else(|| error::corrupt(WHAT, "has no rows"))?;
    let kind = TransactionKind::ALL.into_iter().find(|kind| kind.name() == first.kind);
    Ok(Transaction {
        id: TransactionId::new(first.transaction_id),
        workspace: WorkspaceId::new(first.workspace_id),
        kind: kind.ok_or_else(|| error::unknown(WHAT, "kind", &first.kind))?,
        key: first.key.clone(),
        at: first.at,
        transfers: rows.iter().map(transfer).collect::<Result<_, _>>()?,
    })
}

fn transfer(row: &row::Model) -> Result<Transfer, StoreError> {
    let workspace = WorkspaceId::new(row.workspace_id);
    let from = account(&row.from_account, workspace)?;
    let to = account(&row.to_account, workspace)?;
    if from.unit().name() != row.unit {
        return Err(error::corrupt(WHAT, format!("`{}` is not in {}", row.from_account, row.unit)));
    }
    Transfer::new(from, to, row.amount).map_err(|e| error::corrupt(WHAT, e))
}

fn account(name: &str, workspace: WorkspaceId) -> Result<Account, StoreError> {
    [
        Account::Available(workspace),
        Account::Held(workspace),
        Account::Receivable(workspace),
        Account::Issued,
        Account::Promotions,
        Account::Revenue,
        Account::Breakage,
        Account::ProviderCost,
        Account::ProviderPayable,
    ]
    .into_iter()
    .find(|account| account.name() == name)
    .ok_or_else(|| error::unknown(WHAT, "account", name))
}

fn to_rows(transaction: &Transaction) -> Result<Vec<row::Model>, StoreError> {
    let row = |(line, transfer): (usize, &Transfer)| {
        Ok(row::Model {
            transaction_id: transaction.id.raw(),
            line: i16::try_from(line).map_err(|e| error::corrupt(WHAT, e))?,
            workspace_id: transaction.workspace.raw(),
            kind: transaction.kind.name().to_owned(),
            key: transaction.key.clone(),
            at: transaction.at,
            from_account: transfer.from().name().to_owned(),
            to_account: transfer.to().name().to_owned(),
            unit: transfer.from().unit().name().to_owned(),
            amount: transfer.amount(),
        })
    };
    transaction.transfers.iter().enumerate().map(row).collect()
}
