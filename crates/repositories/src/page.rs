//! Pages of a list, as queries.
use cape_domain::page::PageRequest;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait as _, Order, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select, Value, sea_query::Expr,
};

/// The rows of one page and one more, newest first: by the columns of the moment and of the id.
/// An index over both, after those of the other conditions, lets the database begin right there.
pub(crate) fn newest_first<E: EntityTrait>(
    rows: Select<E>,
    page: PageRequest,
    at: impl ColumnTrait,
    id: impl ColumnTrait,
) -> Select<E> {
    rows.filter(after(page, at, id))
        .order_by(at, Order::Desc)
        .order_by(id, Order::Desc)
        .limit(u64::from(page.probe()))
}

/// The rows that come after those of the page before, newest first.
pub(crate) fn after(page: PageRequest, at: impl ColumnTrait, id: impl ColumnTrait) -> Condition {
    let Some(cursor) = page.after else { return Condition::all() };
    let place = Expr::tuple([Expr::col(at.as_column_ref()), Expr::col(id.as_column_ref())]);
    let last = [Value::from(cursor.at), Value::from(cursor.id)];
    Condition::all().add(place.lt(Expr::tuple(last.map(Expr::val))))
}
