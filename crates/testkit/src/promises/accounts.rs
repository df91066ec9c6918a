//! Users, workspaces, memberships, sessions, and what is sent to people.
//!
//! # Panics
//!
//! Every promise panics when the backend breaks it.
mod devices;
mod invitations;
mod mails;
mod mfa;
mod one_time;
mod sessions;
mod users;
mod workspaces;

pub use devices::*;
pub use invitations::*;
pub use mails::*;
pub use mfa::*;
pub use one_time::*;
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
            whoever_locks_a_user_changes_it_without_a_conflict
            a_locked_user_is_the_one_that_is_stored
            a_profile_is_replaced
            a_workspace_is_seen_within_its_scope_alone
            a_workspace_is_stored_once_and_within_its_scope
            a_membership_is_given_once_and_within_its_scope
            memberships_are_listed_oldest_first_within_scope
            members_are_listed_oldest_first_within_scope
            what_a_member_is_is_changed
            a_member_is_removed_once_and_may_come_again
            of_two_owners_who_leave_at_once_one_stays
            an_invitation_is_read_back_with_every_role
            an_invitation_is_seen_within_its_scope_alone
            an_invitation_replaces_the_one_of_the_same_address
            invitations_are_listed_newest_first_page_by_page
            an_invitation_is_consumed_once
            of_eight_who_consume_an_invitation_one_succeeds
            a_session_is_read_back_in_every_state
            a_session_is_changed
            a_stale_session_is_not_stored
            a_note_of_use_never_moves_back
            a_note_of_use_is_no_change_and_survives_one
            live_sessions_are_listed_newest_first
            at_most_two_hundred_live_sessions_are_listed
            it_is_known_from_which_networks_a_user_came
            a_device_is_known_once_it_signed_in
            a_one_time_token_is_read_back_with_every_purpose
            a_one_time_token_replaces_the_one_for_the_same_purpose_alone
            attempts_are_counted_up_to_the_most
            of_twenty_attempts_at_once_five_are_let_in
            a_one_time_token_is_consumed_once
            of_eight_who_consume_a_one_time_token_one_succeeds
            clearing_one_time_tokens_leaves_other_users_alone
            an_app_is_read_back_and_replaced
            a_step_is_accepted_once_and_never_an_older_one
            of_eight_who_show_one_code_one_is_let_in
            recovery_codes_are_replaced_as_a_set
            a_recovery_code_is_used_once_and_by_its_user
            of_eight_who_use_one_recovery_code_one_succeeds
            clearing_a_second_factor_leaves_other_users_alone
            a_move_is_read_back_and_replaced
            a_move_is_removed_and_that_of_others_is_not
            a_mail_is_read_back_as_it_was
            a_mail_is_stored_once_and_removed
        );
    };
}
