//! Calls to models, how many of them a workspace has, what keys have spent, what is stopped, and
//! keys at providers.
//!
//! # Panics
//!
//! Every promise panics when the backend breaks it.
mod calls;
mod credentials;
mod key_spending;
mod limit_rules;
mod listing;
mod model_entries;
mod performance;
mod quotas;
mod series;
mod steps;
mod summary;
mod switches;
mod violations;

pub use calls::*;
pub use credentials::*;
pub use key_spending::*;
pub use limit_rules::*;
pub use listing::*;
pub use model_entries::*;
pub use performance::*;
pub use quotas::*;
pub use series::*;
pub use summary::*;
pub use switches::*;
pub use violations::*;

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
            an_estimate_is_corrected_once
            of_eight_who_correct_an_estimate_one_succeeds
            a_checkpoint_replaces_what_was_used_so_far
            a_checkpoint_does_not_touch_a_call_that_has_ended
            calls_are_listed_newest_first_page_by_page
            another_workspace_sees_no_call
            a_write_of_usage_out_of_scope_is_refused
            usage_is_summed_by_model_and_the_dearest_is_first
            usage_is_of_calls_admitted_in_the_period
            calls_are_listed_and_counted_by_what_is_asked
            a_cursor_of_one_filter_is_a_place_in_the_list_of_another
            another_workspace_sees_no_report
            every_group_adds_up_to_its_calls
            every_part_of_a_series_adds_up_to_its_calls
            a_part_begins_with_its_first_instant_and_ends_before_its_last
            performance_is_that_of_the_calls_that_came_back
            percentiles_are_values_that_were_measured
            calls_are_counted_up_to_the_limit
            of_a_hundred_calls_at_once_ten_are_counted
            what_is_given_back_is_never_below_zero
            each_period_and_each_workspace_counts_for_itself
            a_key_spends_up_to_its_cap
            of_a_hundred_who_spend_at_once_ten_fit
            what_a_key_spent_is_corrected
            a_key_that_was_never_counted_stays_uncounted
            what_is_stopped_is_read_back_as_it_was
            a_target_has_one_switch_and_the_last_word_stands
            what_is_released_is_gone_and_the_rest_stays
            what_is_stopped_is_the_platforms_whoever_looks
            a_limit_is_read_back_as_it_was
            two_limits_are_not_called_the_same
            a_limit_is_replaced_by_its_next_version_alone
            a_limit_is_removed_once
            what_is_refused_in_a_minute_is_counted_in_one_row
            refused_calls_are_listed_for_their_workspace
            refused_calls_of_long_ago_are_forgotten
            keys_at_providers_are_read_back_as_they_were
            a_workspace_has_one_key_at_a_provider_and_the_last_one_stands
            a_key_that_is_removed_is_gone_and_the_rest_stays
            another_workspace_sees_no_key_at_a_provider
            a_write_of_a_key_at_a_provider_out_of_scope_is_refused
            what_is_said_of_models_is_read_back_as_it_was
            what_is_said_again_of_a_model_replaces_all_but_its_prices
            a_model_has_one_price_of_a_version_and_of_an_instant
            those_who_change_what_is_said_take_turns
        );
    };
}
