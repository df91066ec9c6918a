//! Jobs: at least once, in order per subject, and never lost.
//!
//! # Panics
//!
//! Every promise panics when the backend breaks it.
mod attempts;
mod order;
mod queue;
mod steps;

pub use attempts::*;
pub use order::*;
pub use queue::*;

/// The promises about jobs, one test each.
#[doc(hidden)]
#[macro_export]
macro_rules! jobs_promises {
    ($fresh:expr) => {
        $crate::each_promise!(jobs, $fresh;
            a_claimed_job_is_what_was_enqueued
            a_job_leaves_with_its_unit_of_work
            a_job_of_one_kind_and_key_is_enqueued_once
            of_two_equal_jobs_enqueued_at_once_one_stands
            only_due_jobs_are_claimed
            no_more_jobs_are_claimed_than_asked_for
            a_leased_job_is_claimed_again_after_the_lease
            a_claim_that_is_dropped_leaves_the_job_free
            an_older_attempt_no_longer_ends_the_job
            jobs_of_one_subject_are_done_in_order
            a_failed_job_is_tried_again_when_it_is_due
            a_dead_job_blocks_its_subject_alone
            the_backlog_counts_what_is_left_to_do
            four_claimers_never_share_a_job
            four_claimers_keep_the_order_of_every_subject
        );
    };
}
