//! Users, workspaces, memberships and sessions.
//!
//! # Panics
//!
//! Every promise panics when the backend breaks it.
mod sessions;
mod users;
mod workspaces;

pub use sessions::*;
pub use users::*;
pub use workspaces::*;

/// The promises of the area `accounts`, one test each.
#[doc(hidden)]
#[macro_export]
macro_rules! accounts_promises {
    ($fresh:expr) => {
        $crate::each_promise!(accounts, $fresh;
            a_user_is_read_back_by_id_and_by_address
            who_is_not_there_is_not_found
            an_address_belongs_to_one_user
            of_two_newcomers_with_one_address_one_is_told
            a_user_is_changed
            a_stale_user_is_not_stored
            a_user_does_not_change_to_an_address_that_is_taken
            a_workspace_is_seen_within_its_scope_alone
            a_workspace_is_stored_once_and_within_its_scope
            a_membership_is_given_once_and_within_its_scope
            memberships_are_listed_oldest_first_within_scope
            a_session_is_read_back_in_every_state
            a_session_is_changed
            a_stale_session_is_not_stored
            a_note_of_use_never_moves_back
            a_note_of_use_is_no_change_and_survives_one
        );
    };
}
