//! What wraps every request.
mod finish;
mod observe;

pub use finish::finish;
pub use observe::{Observer, observe};
