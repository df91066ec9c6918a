//! What was used and what it cost.
pub(super) mod filter;
pub mod limits;
mod receipt;
pub(super) mod record;
pub mod records;
pub mod series;
pub mod summary;
pub(super) mod views;
pub mod violations;
