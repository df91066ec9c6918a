//! The words in which steps describe tables, beside those of `sea_orm_migration::schema`.
//!
//! Everything gets a name, the same on both databases, so that a later step can drop it.
use sea_orm_migration::sea_query::{
    Alias, Check, ColumnDef, Expr, ExprTrait as _, ForeignKey, ForeignKeyAction,
    ForeignKeyCreateStatement, Index, IndexCreateStatement, IntoIden, Table, TableAlterStatement,
    TableCreateStatement, TableDropStatement,
};

/// A table without columns yet.
pub(crate) fn table(name: &'static str) -> TableCreateStatement {
    Table::create().table(name).take()
}

/// The end of a table.
pub(crate) fn drop(name: &'static str) -> TableDropStatement {
    Table::drop().table(name).take()
}

/// One more column. Rows that are there need a default, unless it may be null.
pub(crate) fn add(table: &'static str, column: ColumnDef) -> TableAlterStatement {
    Table::alter().table(table).add_column(column).take()
}

/// The end of a column.
pub(crate) fn drop_column(table: &'static str, column: impl IntoIden) -> TableAlterStatement {
    Table::alter().table(table).drop_column(column).take()
}

/// An index over `columns`.
pub(crate) fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(format!("ix_{table}_{}", columns.join("_"))).table(table);
    for column in columns {
        index.col(*column);
    }
    index
}

/// An index over `columns` of which no two rows have the same.
pub(crate) fn unique(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = index(table, columns);
    index.name(format!("uq_{table}_{}", columns.join("_"))).unique();
    index
}

/// The value of `column` is the id of a row of `target`, which cannot go before this one.
pub(crate) fn refers(
    table: &'static str,
    column: &'static str,
    target: &'static str,
) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("fk_{table}_{column}"))
        .from(table, column)
        .to(target, "id")
        .on_delete(ForeignKeyAction::Restrict)
        .to_owned()
}

/// The value of `column` is one of `names`, or null.
pub(crate) fn one_of(table: &'static str, column: &'static str, names: &[&'static str]) -> Check {
    let known = Expr::col(column).is_in(names.iter().copied());
    Check::named(Alias::new(format!("ck_{table}_{column}")), known)
}

/// The value of `column` is zero or more, or null.
pub(crate) fn not_negative(table: &'static str, column: &'static str) -> Check {
    Check::named(Alias::new(format!("ck_{table}_{column}")), Expr::col(column).gte(0))
}
