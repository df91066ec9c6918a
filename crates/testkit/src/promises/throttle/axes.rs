//! What is counted apart, and what success forgets.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the promises")]
use cape_domain::access::{Attempt, Door, Throttle};

use super::steps::{fail, familiar, from_anywhere, guess, let_in, odd, waits};

/// Whoever knows the password after a few mistakes has as many free ones as before them.
pub async fn success_takes_back_its_claim_and_forgets_the_account(throttle: &dyn Throttle) {
    let guess = guess("ada", 7);
    for _ in 0..2 {
        fail(throttle, &guess, 4, odd(0)).await;
        assert_eq!(throttle.claim(&guess, odd(0)).await, Ok(()));
        throttle.succeed(&guess, odd(0)).await;
    }
    assert_eq!(let_in(throttle, &guess, odd(0)).await, 5);
}

/// Nobody clears it by signing in to an account of its own, and nobody fills it so.
pub async fn success_leaves_what_the_network_failed_elsewhere(throttle: &dyn Throttle) {
    for name in ["bob", "cleo", "dora", "emil"] {
        fail(throttle, &guess(name, 7), 4, odd(0)).await;
    }
    let own = guess("mallory", 7);
    for _ in 0..8 {
        assert_eq!(throttle.claim(&own, odd(0)).await, Ok(()));
        throttle.succeed(&own, odd(0)).await;
    }
    assert_eq!(let_in(throttle, &guess("ada", 7), odd(0)).await, 4, "twenty in all");
    waits(throttle.check(&own, odd(0)).await, odd(0), 1);
}

/// And no other account is.
pub async fn an_account_is_counted_wherever_the_guesses_come_from(throttle: &dyn Throttle) {
    let mut guess_of = from_anywhere("ada");
    for _ in 0..5 {
        throttle.fail(&guess_of(), odd(0)).await;
    }
    waits(throttle.check(&guess_of(), odd(0)).await, odd(0), 1);
    let nowhere = Attempt { network: None, ..guess_of() };
    waits(throttle.check(&nowhere, odd(0)).await, odd(0), 1);
    assert_eq!(let_in(throttle, &guess("bob", 7), odd(0)).await, 5);
}

/// And no other network is.
pub async fn a_network_is_counted_whatever_the_account(throttle: &dyn Throttle) {
    for name in ["bob", "cleo", "dora", "emil"] {
        fail(throttle, &guess(name, 7), 4, odd(0)).await;
    }
    let nobody = Attempt { account: None, ..guess("ada", 7) };
    assert_eq!(let_in(throttle, &nobody, odd(0)).await, 4);
    for attempt in [&guess("ada", 7), &familiar("ada", 7)] {
        waits(throttle.check(attempt, odd(0)).await, odd(0), 1);
    }
    assert_eq!(throttle.check(&guess("ada", 8), odd(0)).await, Ok(()));
}

/// Whichever of them it is.
pub async fn whoever_waits_for_two_reasons_waits_for_the_longer(throttle: &dyn Throttle) {
    fail(throttle, &guess("ada", 7), 7, odd(0)).await;
    let others = Attempt { account: None, ..guess("ada", 7) };
    fail(throttle, &others, 13, odd(0)).await;
    waits(throttle.check(&others, odd(0)).await, odd(0), 1);
    waits(throttle.check(&guess("ada", 7), odd(0)).await, odd(0), 4);
    fail(throttle, &others, 4, odd(0)).await;
    waits(throttle.check(&guess("ada", 7), odd(0)).await, odd(0), 16);
}

/// Who is slowed down at the password can still ask for a code.
pub async fn each_door_counts_for_itself(throttle: &dyn Throttle) {
    for door in Door::ALL {
        let attempt = Attempt { door, ..guess("ada", 7) };
        assert_eq!(let_in(throttle, &attempt, odd(0)).await, 5, "{door:?}");
    }
    let login = guess("ada", 7);
    throttle.succeed(&login, odd(0)).await;
    assert_eq!(throttle.check(&login, odd(0)).await, Ok(()));
    let code = Attempt { door: Door::Code, ..login };
    waits(throttle.check(&code, odd(0)).await, odd(0), 1);
}

/// What strangers do does not keep an owner out, and its own mistakes are no help to them.
pub async fn a_familiar_network_is_counted_apart_from_strangers(throttle: &dyn Throttle) {
    fail(throttle, &guess("ada", 8), 7, odd(0)).await;
    assert_eq!(let_in(throttle, &familiar("ada", 7), odd(0)).await, 10);
    waits(throttle.check(&familiar("ada", 7), odd(0)).await, odd(0), 1);
    waits(throttle.check(&guess("ada", 9), odd(0)).await, odd(0), 4);
    assert_eq!(let_in(throttle, &guess("bob", 7), odd(0)).await, 5);
}

/// Nor is one of them kept out by another.
pub async fn each_familiar_network_is_counted_for_itself(throttle: &dyn Throttle) {
    fail(throttle, &familiar("ada", 7), 10, odd(0)).await;
    waits(throttle.check(&familiar("ada", 7), odd(0)).await, odd(0), 1);
    assert_eq!(let_in(throttle, &familiar("ada", 8), odd(0)).await, 10);
    throttle.succeed(&familiar("ada", 8), odd(0)).await;
    assert_eq!(throttle.check(&familiar("ada", 8), odd(0)).await, Ok(()));
    waits(throttle.check(&familiar("ada", 7), odd(0)).await, odd(0), 1);
}

/// There is nothing to count it by.
pub async fn about_nobody_and_from_nowhere_everybody_is_let_in(throttle: &dyn Throttle) {
    let nobody = Attempt { account: None, network: None, ..guess("ada", 7) };
    for _ in 0..25 {
        assert_eq!(throttle.claim(&nobody, odd(0)).await, Ok(()));
    }
    throttle.succeed(&nobody, odd(0)).await;
    assert_eq!(throttle.claim(&guess("ada", 7), odd(0)).await, Ok(()));
}
