//! Pages of a list, in the query and in the answer.
use std::collections::BTreeMap;

use cape_domain::page::{Page, PageRequest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::error::ApiError;

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Where to go on: `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// How many rows, 1 to 100; 20 unless said.
    pub limit: Option<u32>,
}

/// A page of a list, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListView<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}

impl PageQuery {
    /// What is asked for.
    pub(crate) fn request(&self) -> Result<PageRequest, ApiError> {
        let wrong =
            |field: &str, why: String| ApiError::fields(BTreeMap::from([(field.to_owned(), why)]));
        let cursor = self.cursor.as_deref().map(str::parse).transpose();
        let cursor = cursor.map_err(|error| wrong("cursor", format!("{error}")))?;
        let limit = self.limit.unwrap_or(PageRequest::USUAL);
        PageRequest::new(cursor, limit).map_err(|error| wrong("limit", error.to_string()))
    }
}

impl<T> ListView<T> {
    /// The page, row by row.
    pub(crate) fn of<R>(page: Page<R>, view: impl Fn(R) -> T) -> Self {
        let next_cursor = page.next.map(|cursor| cursor.to_string());
        Self { data: page.rows.into_iter().map(view).collect(), next_cursor }
    }
}
