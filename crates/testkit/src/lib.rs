//! What tests stand on: a store in memory, a clock that stands still, fixtures, fakes of ports,
//! and the promises that every store keeps.
//!
//! Not here: anything that a running program needs, and tests of the product itself.
pub mod clock;
pub mod fakes;
pub mod fixtures;
pub mod ids;
pub mod memory;
pub mod promises;
pub mod secrets;
