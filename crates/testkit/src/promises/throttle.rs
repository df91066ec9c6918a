//! Promises that every [`Throttle`](cape_domain::access::Throttle) keeps.
//!
//! A throttle instantiates all of them with [`throttle_promises!`](crate::throttle_promises).
//! Time is given with every call, so no promise waits. At one door fewer than thirty attempts
//! fail in each of them: that guesses fail everywhere at once is never the case.
//!
//! # Panics
//!
//! Every promise panics when the throttle breaks it.
mod axes;
mod steps;
mod waits;

pub use axes::*;
pub use waits::*;

/// Makes a test of every promise, in a module of this name. `$fresh` is an expression that is
/// evaluated once for each test, inside of its async function, and yields a throttle that has
/// counted nothing. The caller depends on `tokio`.
///
/// ```text
/// cape_testkit::throttle_promises!(in_process, Tallies::default());
/// ```
#[macro_export]
macro_rules! throttle_promises {
    ($throttle:ident, $fresh:expr) => {
        mod $throttle {
            use super::*;
            $crate::throttle_promises!(@each $fresh;
                a_few_failures_are_free_and_then_each_waits_longer
                who_has_to_wait_counts_nothing
                a_check_counts_nothing_and_tells_the_same
                a_failure_counts_that_was_not_claimed
                of_sixty_four_claims_at_once_the_free_ones_are_let_in
                a_quarter_of_an_hour_of_quiet_is_enough_to_forget
                success_takes_back_its_claim_and_forgets_the_account
                success_leaves_what_the_network_failed_elsewhere
                an_account_is_counted_wherever_the_guesses_come_from
                a_network_is_counted_whatever_the_account
                whoever_waits_for_two_reasons_waits_for_the_longer
                each_door_counts_for_itself
                a_familiar_network_is_counted_apart_from_strangers
                each_familiar_network_is_counted_for_itself
                about_nobody_and_from_nowhere_everybody_is_let_in
            );
        }
    };
    (@each $fresh:expr; $($promise:ident)*) => {
        $(#[tokio::test]
        async fn $promise() {
            let throttle = $fresh;
            $crate::promises::in_time($crate::promises::throttle::$promise(&throttle)).await;
        })*
    };
}
