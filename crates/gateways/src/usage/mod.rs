//! Models of others, and the counting of what is asked of them.
//!
//! Not here: what a call costs and whether it may be made.
pub mod limiter;
pub mod price_book;
pub mod providers;
