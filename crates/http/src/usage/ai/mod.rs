//! The models there are, who runs them, and how well they answer.
pub mod catalogue;
pub mod performance;
