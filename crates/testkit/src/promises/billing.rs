//! Money, orders and the ledger of credits.
//!
//! # Panics
//!
//! Every promise panics when the backend breaks it.
mod catalogue;
mod grants;
mod history;
mod holds;
mod ledger;
mod orders;
mod receipts;
mod scope;
mod steps;
mod subscriptions;
mod webhooks;

pub use catalogue::*;
pub use grants::*;
pub use history::*;
pub use holds::*;
pub use ledger::*;
pub use orders::*;
pub use receipts::*;
pub use scope::*;
pub use subscriptions::*;
pub use webhooks::*;

/// The promises of the area `billing`, one test each.
#[doc(hidden)]
#[macro_export]
macro_rules! billing_promises {
    ($fresh:expr) => {
        $crate::each_promise!(billing, $fresh;
            exactly_these_plans_and_packs_are_sold
            a_plan_is_made_once_and_sold_after_those_that_were_there
            a_price_that_is_not_asked_any_more_is_still_known
            a_stale_change_of_a_plan_is_a_conflict
            a_plan_that_was_withdrawn_is_not_sold_and_is_still_there
            what_a_provider_called_a_plan_or_a_price_first_stands
            nobody_has_credit_before_it_is_granted
            what_is_posted_is_in_the_balance
            the_same_key_is_never_posted_twice
            of_eight_who_post_the_same_key_one_succeeds
            of_several_transactions_all_are_posted_or_none
            of_several_workspaces_all_are_served_or_none
            a_transaction_that_makes_no_sense_is_refused
            a_balance_never_wraps_around
            transactions_of_every_kind_are_read_back
            transactions_are_listed_newest_first_page_by_page
            whoever_locks_a_balance_loses_no_update
            lots_are_read_back_until_nothing_remains
            lots_of_which_something_was_used_are_found_until_it_came_back
            a_lot_never_goes_below_zero
            expired_lots_are_found_the_longest_ago_first
            what_is_held_of_an_expired_lot_is_not_lost_before_it_returns
            a_hold_takes_from_what_is_available
            a_hold_beyond_the_credit_is_short_and_takes_nothing
            of_sixty_four_holds_on_credit_for_ten_ten_are_admitted
            a_hold_ends_once
            of_eight_who_end_a_hold_one_succeeds
            what_was_used_beyond_the_hold_is_owed
            open_holds_of_a_process_are_found_the_oldest_first
            overdue_holds_are_found_the_oldest_first
            what_paid_for_a_call_is_found_afterwards
            a_clean_history_has_no_violations
            a_ledger_that_does_not_add_up_is_found_out
            an_order_is_read_back_in_each_state
            an_order_is_placed_once
            a_stale_change_of_an_order_is_a_conflict
            of_two_writers_of_an_order_one_is_told
            a_payment_reference_is_stored_once
            an_order_is_paid_once
            of_eight_who_store_the_same_payment_one_succeeds
            the_first_customer_stands
            of_customers_the_one_that_is_named_is_forgotten
            a_workspace_has_one_current_subscription
            a_subscription_is_read_back_in_each_state
            a_stale_change_of_a_subscription_is_a_conflict
            a_subscription_is_found_by_what_its_provider_calls_it
            subscriptions_are_listed_newest_first
            a_quote_is_read_back_by_whom_it_was_made_for
            a_message_is_received_once_and_the_first_stays
            of_fifty_deliveries_of_one_message_one_is_new
            a_message_is_handled_once
            another_workspace_sees_no_credit_and_no_hold
            another_workspace_sees_no_order_and_no_subscription
            a_write_of_billing_out_of_scope_is_refused
        );
    };
}
