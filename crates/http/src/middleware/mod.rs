//! What wraps every request.
mod finish;
mod flood;
mod observe;
mod timings;

pub use finish::finish;
pub use flood::{FloodGate, FloodRules, flood};
pub use observe::{Observer, observe};
