//! Statements whose text is built once, for what is asked very often: building one costs more
//! than many an answer.
use std::sync::OnceLock;

use sea_orm::{
    DbBackend, Statement, Value,
    sea_query::{SelectStatement, Values},
};

/// A query whose text is always the same. What it depends on are its values.
pub(crate) struct Prepared {
    /// What it asks, with any values: they are replaced, in the order in which they are bound.
    query: fn() -> SelectStatement,
    sqlite: OnceLock<Box<str>>,
    postgres: OnceLock<Box<str>>,
}

impl Prepared {
    pub(crate) const fn new(query: fn() -> SelectStatement) -> Self {
        Self { query, sqlite: OnceLock::new(), postgres: OnceLock::new() }
    }

    /// The statement, with these values.
    pub(crate) fn with(&self, backend: DbBackend, values: Vec<Value>) -> Statement {
        let built = match backend {
            DbBackend::Sqlite => &self.sqlite,
            _ => &self.postgres,
        };
        let text = built.get_or_init(|| backend.build(&(self.query)()).sql.into());
        Statement { sql: text.to_string(), values: Some(Values(values)), db_backend: backend }
    }
}
