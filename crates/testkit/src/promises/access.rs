//! API keys and the control feed.
//!
//! # Panics
//!
//! Every promise panics when the backend breaks it.
mod api_keys;
mod control;
mod rules;

pub use api_keys::*;
pub use control::*;
pub use rules::*;

/// The promises of the area `access`, one test each.
#[doc(hidden)]
#[macro_export]
macro_rules! access_promises {
    ($fresh:expr) => {
        $crate::each_promise!(access, $fresh;
            a_key_is_read_back_as_it_was
            the_same_key_is_not_stored_twice
            another_workspace_sees_no_key
            keys_are_listed_newest_first_page_by_page
            keys_of_one_instant_are_listed_by_id
            a_page_goes_on_after_a_key_that_was_revoked_meanwhile
            a_revoked_key_is_found_and_no_longer_listed
            a_key_is_revoked_once
            a_key_that_is_not_there_or_not_ours_is_not_revoked
            the_rules_of_a_key_come_back_as_they_were
            a_key_is_told_when_it_stops_being_good
            a_key_that_is_revoked_or_not_ours_is_not_told_when_it_stops
            notes_of_use_of_keys_never_move_back
            notes_of_use_pass_over_keys_that_are_gone_or_not_ours
            the_keys_of_an_owner_are_found_in_all_its_workspaces
            the_control_feed_begins_at_the_asked_moment_with_the_oldest
            the_same_control_entry_is_not_added_twice
            the_control_feed_is_pruned_up_to_a_moment
        );
    };
}
