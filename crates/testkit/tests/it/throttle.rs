//! The promises of throttles hold for the simple one that services are tested with.
use cape_testkit::fakes::PlainThrottle;

cape_testkit::throttle_promises!(plain, PlainThrottle::default());
