//! Promises that every [`Limiter`](cape_domain::usage::Limiter) keeps.
//!
//! A limiter instantiates all of them with [`limiter_promises!`](crate::limiter_promises). Time
//! is given with every call, so no promise waits.
//!
//! # Panics
//!
//! Every promise panics when the limiter breaks it.
mod corrections;
mod decisions;
mod standings;
mod steps;
mod windows;

pub use corrections::*;
pub use decisions::*;
pub use standings::*;
pub use windows::*;

/// Makes a test of every promise, in a module of this name. `$fresh` is an expression that is
/// evaluated once for each test, inside of its async function, and yields a limiter that has
/// counted nothing. The caller depends on `tokio`.
///
/// ```text
/// cape_testkit::limiter_promises!(in_process, SlidingWindows::default());
/// ```
#[macro_export]
macro_rules! limiter_promises {
    ($limiter:ident, $fresh:expr) => {
        mod $limiter {
            use super::*;
            $crate::limiter_promises!(@each $fresh;
                all_claims_are_counted_or_none
                two_claims_of_one_rule_add_up
                a_refused_claim_counts_nowhere
                a_standing_says_what_is_used_and_until_when
                whoever_looks_where_rules_stand_counts_nothing
                a_refusal_says_when_to_come_again
                what_never_fits_need_not_come_again
                nothing_is_always_admitted_and_counts_nothing
                two_subjects_do_not_share
                two_rules_about_the_same_do_not_share
                requests_and_tokens_minutes_and_hours_do_not_share
                a_changed_limit_keeps_what_is_used
                an_enormous_claim_does_not_wrap_around
                sixty_four_at_once_get_exactly_the_limit
                no_window_ever_holds_more_than_the_limit
                what_was_admitted_counts_for_a_window_and_is_then_forgotten
                a_clock_that_steps_back_frees_nothing
                a_correction_counts_what_was_really_used
                a_correction_beyond_the_limit_refuses_until_it_is_forgotten
                a_correction_concerns_its_own_claim_alone
                a_correction_after_the_window_does_nothing
            );
        }
    };
    (@each $fresh:expr; $($promise:ident)*) => {
        $(#[tokio::test]
        async fn $promise() {
            let limiter = $fresh;
            $crate::promises::in_time($crate::promises::limiter::$promise(&limiter)).await;
        })*
    };
}
