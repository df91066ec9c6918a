//! What every throttle promises.
use cape_gateways::access::{InProcessThrottle, InProcessThrottleOptions};

cape_testkit::throttle_promises!(
    in_process,
    InProcessThrottle::new(InProcessThrottleOptions::default())
);
