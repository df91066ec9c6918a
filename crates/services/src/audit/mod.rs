//! Entering what somebody did, in the unit of work that does it.
mod trail;
pub use trail::{Fact, Trail};
