//! How long who fails has to wait.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the promises")]
use cape_domain::access::{Tally, Throttle};
use futures_util::future::join_all;

use super::steps::{MICRO, fail, from_anywhere, guess, let_in, odd, waits};

/// A second, and twice as long after every further failure, but never longer than a minute. It
/// holds: as soon as it is over, one is let in.
pub async fn a_few_failures_are_free_and_then_each_waits_longer(throttle: &dyn Throttle) {
    let mut guess = from_anywhere("ada");
    let mut now = odd(0);
    for _ in 0..5 {
        assert_eq!(throttle.claim(&guess(), now).await, Ok(()));
    }
    for seconds in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
        let opens_at = waits(throttle.claim(&guess(), now).await, now, seconds);
        waits(throttle.claim(&guess(), opens_at - MICRO * 2_000).await, now, seconds);
        now = opens_at;
        assert_eq!(throttle.claim(&guess(), now).await, Ok(()), "after {seconds} s");
    }
}

/// However often it knocks, nobody waits for longer.
pub async fn who_has_to_wait_counts_nothing(throttle: &dyn Throttle) {
    let guess = guess("ada", 7);
    assert_eq!(let_in(throttle, &guess, odd(0)).await, 5);
    for _ in 0..25 {
        waits(throttle.claim(&guess, odd(0)).await, odd(0), 1);
    }
    assert_eq!(throttle.claim(&guess, odd(2)).await, Ok(()));
    waits(throttle.claim(&guess, odd(2)).await, odd(2), 2);
}

/// Whoever looks is told what whoever tries would be.
pub async fn a_check_counts_nothing_and_tells_the_same(throttle: &dyn Throttle) {
    let guess = guess("ada", 7);
    for _ in 0..25 {
        assert_eq!(throttle.check(&guess, odd(0)).await, Ok(()));
    }
    assert_eq!(let_in(throttle, &guess, odd(0)).await, 5);
    for _ in 0..2 {
        waits(throttle.check(&guess, odd(0)).await, odd(0), 1);
    }
    assert_eq!(throttle.check(&guess, odd(2)).await, Ok(()));
}

/// As much as one that was, and even while its like have to wait.
pub async fn a_failure_counts_that_was_not_claimed(throttle: &dyn Throttle) {
    let guess = guess("ada", 7);
    fail(throttle, &guess, 3, odd(0)).await;
    assert_eq!(let_in(throttle, &guess, odd(0)).await, 2);
    fail(throttle, &guess, 2, odd(1)).await;
    waits(throttle.check(&guess, odd(1)).await, odd(1), 4);
}

/// An attempt counts before its outcome is known, so many at the same time are no way around.
pub async fn of_sixty_four_claims_at_once_the_free_ones_are_let_in(throttle: &dyn Throttle) {
    let guess = guess("ada", 7);
    let outcomes = join_all((0..64).map(|_| throttle.claim(&guess, odd(0)))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 5, "{outcomes:?}");
    waits(throttle.check(&guess, odd(0)).await, odd(0), 1);
}

/// Quiet means that nothing failed: each failure makes it begin anew.
pub async fn a_quarter_of_an_hour_of_quiet_is_enough_to_forget(throttle: &dyn Throttle) {
    let guess = guess("ada", 7);
    fail(throttle, &guess, 4, odd(0)).await;
    let later = odd(0) + Tally::MEMORY - MICRO;
    assert_eq!(let_in(throttle, &guess, later).await, 1, "the others are remembered");
    waits(throttle.claim(&guess, later).await, later, 1);
    assert_eq!(let_in(throttle, &guess, later + Tally::MEMORY).await, 5);
}
