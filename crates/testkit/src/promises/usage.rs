//! Calls to models, how many of them a workspace has, and what keys have spent.
//!
//! # Panics
//!
//! Every promise panics when the backend breaks it.
mod calls;
mod key_spending;
mod quotas;
mod summary;

pub use calls::*;
pub use key_spending::*;
pub use quotas::*;
pub use summary::*;

/// The promises of the area `usage`, one test each.
#[doc(hidden)]
#[macro_export]
macro_rules! usage_promises {
    ($fresh:expr) => {
        $crate::each_promise!(usage, $fresh;
            a_call_is_read_back_in_each_state
            a_call_is_admitted_once
            a_call_is_found_by_its_hold
            a_call_ends_once
            of_eight_who_end_a_call_one_succeeds
            a_checkpoint_replaces_what_was_used_so_far
            a_checkpoint_does_not_touch_a_call_that_has_ended
            calls_are_listed_newest_first_page_by_page
            another_workspace_sees_no_call
            a_write_of_usage_out_of_scope_is_refused
            usage_is_summed_by_model_and_the_dearest_is_first
            usage_is_of_calls_admitted_in_the_period
            calls_are_counted_up_to_the_limit
            of_a_hundred_calls_at_once_ten_are_counted
            what_is_given_back_is_never_below_zero
            each_period_and_each_workspace_counts_for_itself
            a_key_spends_up_to_its_cap
            of_a_hundred_who_spend_at_once_ten_fit
            what_a_key_spent_is_corrected
            a_key_that_was_never_counted_stays_uncounted
        );
    };
}
