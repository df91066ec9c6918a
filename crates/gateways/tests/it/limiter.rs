//! What every limiter promises.
use cape_gateways::usage::limiter::{InProcessLimiter, InProcessLimiterOptions};

cape_testkit::limiter_promises!(
    in_process,
    InProcessLimiter::new(InProcessLimiterOptions::default())
);
