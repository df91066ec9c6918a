//! What was claimed was an estimate.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the promises")]
use cape_domain::{
    time::Timestamp,
    usage::{Claim, Limiter, Rule},
};

use super::steps::{MICRO, ask, forgotten, odd, tokens_per_hour, used, window};

const RULE: Rule = tokens_per_hour(100);

/// More, less, the same, or nothing.
pub async fn a_correction_counts_what_was_really_used(limiter: &dyn Limiter) {
    let mut total = 0;
    for (second, (claimed, really)) in (0..).zip([(10, 40), (20, 5), (7, 7), (30, 0), (1, 9)]) {
        let then = odd(second * 30);
        ask(limiter, RULE, claimed, then).await.expect("admitted");
        assert_eq!(used(limiter, RULE, then).await, total + claimed);
        correct(limiter, claimed, then, really, odd(second * 30 + 10)).await;
        total += really;
        assert_eq!(used(limiter, RULE, odd(second * 30 + 10)).await, total);
    }
    let last = forgotten(RULE, odd(120));
    assert_eq!(used(limiter, RULE, last).await, 0);
}

/// It cannot be undone, but it has to be waited for.
pub async fn a_correction_beyond_the_limit_refuses_until_it_is_forgotten(limiter: &dyn Limiter) {
    ask(limiter, RULE, 10, odd(0)).await.expect("admitted");
    correct(limiter, 10, odd(0), 150, odd(5)).await;
    for now in [odd(5), odd(600), odd(0) + window(RULE) - MICRO] {
        let refusal = ask(limiter, RULE, 1, now).await.expect_err("refused");
        assert_eq!((refusal.standing.used, refusal.standing.remaining()), (150, 0));
        assert!(refusal.retry_after.is_some(), "it will fit");
    }
    ask(limiter, RULE, 100, forgotten(RULE, odd(0))).await.expect("admitted");
}

/// Not those of the same instant, nor those before and after it.
pub async fn a_correction_concerns_its_own_claim_alone(limiter: &dyn Limiter) {
    for then in [odd(0), odd(600), odd(600), odd(1_200)] {
        ask(limiter, RULE, 10, then).await.expect("admitted");
    }
    correct(limiter, 10, odd(600), 0, odd(1_300)).await;
    assert_eq!(used(limiter, RULE, odd(1_300)).await, 30);
    assert_eq!(used(limiter, RULE, forgotten(RULE, odd(0))).await, 20);
    assert_eq!(used(limiter, RULE, odd(600) + window(RULE) - MICRO).await, 20);
    assert_eq!(used(limiter, RULE, forgotten(RULE, odd(600))).await, 10);
    assert_eq!(used(limiter, RULE, forgotten(RULE, odd(1_200))).await, 0);
}

/// What is forgotten stays forgotten, whatever it was.
pub async fn a_correction_after_the_window_does_nothing(limiter: &dyn Limiter) {
    ask(limiter, RULE, 10, odd(0)).await.expect("admitted");
    ask(limiter, RULE, 10, odd(1)).await.expect("admitted");
    let late = forgotten(RULE, odd(1));
    correct(limiter, 10, odd(0), 90, late).await;
    assert_eq!(used(limiter, RULE, late).await, 0);
    ask(limiter, RULE, 100, late).await.expect("admitted");
    correct(limiter, 10, odd(1), 0, late).await;
    let refusal = ask(limiter, RULE, 1, late).await.expect_err("refused");
    assert_eq!(refusal.standing.used, 100);
}

async fn correct(limiter: &dyn Limiter, amount: u64, then: Timestamp, really: u64, now: Timestamp) {
    let claim = Claim { rule: RULE, amount };
    limiter.correct(claim, then, really, now).await.expect("a limiter that can tell");
}
