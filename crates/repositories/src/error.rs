//! Database errors, in the words of the domain.
use cape_domain::store::{BoxError, StoreError};
use sea_orm::{DbErr, RuntimeErr};
use sqlx::error::{DatabaseError, ErrorKind};

/// What a database error on `what` means.
pub(crate) fn on(what: &'static str) -> impl Fn(DbErr) -> StoreError {
    move |error| match verdict(&error) {
        Verdict::LostARace => StoreError::Conflict { what },
        Verdict::BrokenRule => StoreError::Corrupt { what, source: error.into() },
        Verdict::Trouble => StoreError::Unavailable(error.into()),
    }
}

/// A row of `what` breaks a rule.
pub(crate) fn corrupt(what: &'static str, source: impl Into<BoxError>) -> StoreError {
    StoreError::Corrupt { what, source: source.into() }
}

/// A row of `what` has a `value` in `column` that nobody knows.
pub(crate) fn unknown(what: &'static str, column: &str, value: &str) -> StoreError {
    corrupt(what, format!("unknown {column} `{value}`"))
}

/// A row of `what` is in a state that needs a fact in `column`, and there is none.
pub(crate) fn missing(what: &'static str, column: &str) -> StoreError {
    corrupt(what, format!("no {column}"))
}

/// A stored number, if it is one the domain can have.
pub(crate) fn number<T>(what: &'static str, stored: i64) -> Result<T, StoreError>
where
    T: TryFrom<i64, Error: Into<BoxError>>,
{
    T::try_from(stored).map_err(|error| corrupt(what, error))
}

enum Verdict {
    LostARace,
    BrokenRule,
    Trouble,
}

fn verdict(error: &DbErr) -> Verdict {
    let (DbErr::Conn(RuntimeErr::SqlxError(cause))
    | DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Query(RuntimeErr::SqlxError(cause))) = error
    else {
        return Verdict::Trouble;
    };
    cause.as_database_error().map_or(Verdict::Trouble, of_database)
}

/// Busy and stale snapshot on `SQLite`, serialization failure and deadlock on `PostgreSQL`, and
/// on both a key that is there already.
fn of_database(cause: &dyn DatabaseError) -> Verdict {
    match cause.kind() {
        ErrorKind::UniqueViolation => Verdict::LostARace,
        ErrorKind::ForeignKeyViolation
        | ErrorKind::NotNullViolation
        | ErrorKind::CheckViolation => Verdict::BrokenRule,
        _ => match cause.code().as_deref() {
            Some("5" | "517" | "40001" | "40P01") => Verdict::LostARace,
            _ => Verdict::Trouble,
        },
    }
}
