//! What becomes of claims.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the promises")]
use std::time::Duration;

use cape_domain::{
    ids::{ApiKeyId, LimitRuleId, UserId},
    usage::{Claim, Limiter, Measure, Rule, Subject, Window},
};
use chrono::TimeDelta;
use futures_util::future::join_all;
use uuid::Uuid;

use super::steps::{MICRO, all, ask, is_about, odd, per_minute, tokens_per_hour, used};
use crate::fixtures::{ACME, RIVAL};

/// A call that is refused for its tokens was not made, so its request does not count.
pub async fn all_claims_are_counted_or_none(limiter: &dyn Limiter) {
    let (requests, tokens) = (per_minute(10), tokens_per_hour(100));
    let both = |amount| [Claim { rule: requests, amount: 1 }, Claim { rule: tokens, amount }];
    let standings = all(limiter, &both(60), odd(0)).await.expect("admitted");
    assert_eq!(standings.iter().map(|s| s.used).collect::<Vec<_>>(), [1, 60]);
    let refusal = all(limiter, &both(41), odd(1)).await.expect_err("refused");
    assert_eq!((refusal.standing.rule, refusal.wanted), (tokens, 41));
    let [request, token] = both(41);
    let refusal = all(limiter, &[token, request], odd(1)).await.expect_err("in any order");
    assert_eq!(refusal.standing.rule, tokens);
    assert_eq!(used(limiter, requests, odd(2)).await, 1);
    assert_eq!(used(limiter, tokens, odd(2)).await, 60);
    assert_eq!(all(limiter, &both(40), odd(3)).await.expect("admitted")[1].used, 100);
    assert_eq!(all(limiter, &[], odd(3)).await, Ok(vec![]), "who claims nothing gets it");
}

/// A list of claims is no way around the limit.
pub async fn two_claims_of_one_rule_add_up(limiter: &dyn Limiter) {
    let rule = per_minute(5);
    let three = Claim { rule, amount: 3 };
    assert!(all(limiter, &[three, three], odd(0)).await.is_err());
    assert_eq!(used(limiter, rule, odd(0)).await, 0);
    assert!(all(limiter, &[three, Claim { rule, amount: 2 }], odd(0)).await.is_ok());
    assert_eq!(used(limiter, rule, odd(0)).await, 5);
}

/// However often it is made, nothing gets fuller or stays full for longer.
pub async fn a_refused_claim_counts_nowhere(limiter: &dyn Limiter) {
    let rule = per_minute(3);
    ask(limiter, rule, 3, odd(0)).await.expect("admitted");
    for second in 0..60 {
        let refusal = ask(limiter, rule, 1, odd(second)).await.expect_err("refused");
        assert_eq!(refusal.standing.used, 3);
    }
    assert_eq!(used(limiter, rule, odd(62)).await, 0);
    ask(limiter, rule, 3, odd(62)).await.expect("admitted");
}

/// Used, with this claim; remaining; and how long until nothing of it is used any more.
pub async fn a_standing_says_what_is_used_and_until_when(limiter: &dyn Limiter) {
    for (start, rule) in [(0, per_minute(10)), (10_000, tokens_per_hour(1_000))] {
        let odd = |seconds: i64| odd(start + seconds);
        let length = rule.window.length().as_secs();
        let fresh = ask(limiter, rule, 0, odd(0)).await.expect("admitted");
        assert_eq!((fresh.used, fresh.remaining(), fresh.reset), (0, rule.limit, Duration::ZERO));
        let first = ask(limiter, rule, 4, odd(0)).await.expect("admitted");
        assert_eq!((first.used, first.remaining()), (4, rule.limit - 4));
        assert!(is_about(rule, first.reset, length), "{first:?}");
        let second = ask(limiter, rule, 1, odd(20)).await.expect("admitted");
        assert_eq!((second.used, second.remaining()), (5, rule.limit - 5));
        assert!(is_about(rule, second.reset, length), "the newest is forgotten last: {second:?}");
        let look = ask(limiter, rule, 0, odd(50)).await.expect("admitted");
        assert_eq!((look.used, look.remaining()), (5, rule.limit - 5));
        assert!(is_about(rule, look.reset, length - 30), "{look:?}");
        let refusal = ask(limiter, rule, rule.limit, odd(50)).await.expect_err("refused").standing;
        assert_eq!((refusal.used, refusal.remaining()), (5, rule.limit - 5));
        assert!(is_about(rule, refusal.reset, length - 30), "{refusal:?}");
    }
}

/// As soon as enough is forgotten, and at most a sixtieth of the window later. It holds.
pub async fn a_refusal_says_when_to_come_again(limiter: &dyn Limiter) {
    let rule = per_minute(6);
    ask(limiter, rule, 2, odd(0)).await.expect("admitted");
    ask(limiter, rule, 3, odd(20)).await.expect("admitted");
    ask(limiter, rule, 1, odd(40)).await.expect("admitted");
    let now = odd(45);
    for (wanted, seconds) in [(1, 15), (2, 15), (3, 35), (5, 35), (6, 55)] {
        let refusal = ask(limiter, rule, wanted, now).await.expect_err("refused");
        let wait = refusal.retry_after.expect("it will fit");
        assert!(is_about(rule, wait, seconds), "{wanted}: {wait:?}");
        assert_eq!((refusal.wanted, refusal.standing.used), (wanted, 6));
    }
    let early = odd(60) - MICRO;
    let refusal = ask(limiter, rule, 2, early).await.expect_err("too early");
    let wait = TimeDelta::from_std(refusal.retry_after.expect("it will fit")).expect("short");
    ask(limiter, rule, 2, early + wait).await.expect("as was said");
}

/// There is no use in waiting for more than there ever is.
pub async fn what_never_fits_need_not_come_again(limiter: &dyn Limiter) {
    for (rule, wanted) in [(per_minute(5), 6), (tokens_per_hour(0), 1)] {
        let refusal = ask(limiter, rule, wanted, odd(0)).await.expect_err("refused");
        assert_eq!((refusal.retry_after, refusal.wanted), (None, wanted));
        assert_eq!((refusal.standing.rule, refusal.standing.used), (rule, 0));
    }
    ask(limiter, per_minute(5), 5, odd(0)).await.expect("admitted");
    let refusal = ask(limiter, per_minute(5), 6, odd(1)).await.expect_err("refused");
    assert_eq!((refusal.retry_after, refusal.standing.used), (None, 5));
}

/// Even where everything is used, and even of a rule that allows nothing.
pub async fn nothing_is_always_admitted_and_counts_nothing(limiter: &dyn Limiter) {
    ask(limiter, per_minute(2), 2, odd(0)).await.expect("admitted");
    for _ in 0..3 {
        assert_eq!(used(limiter, per_minute(2), odd(1)).await, 2);
        assert_eq!(used(limiter, tokens_per_hour(0), odd(1)).await, 0);
    }
}

/// One's noise is not another's silence.
pub async fn two_subjects_do_not_share(limiter: &dyn Limiter) {
    let own = per_minute(3);
    ask(limiter, own, 3, odd(0)).await.expect("admitted");
    // The same number may be that of a workspace, a person and a key.
    let number = ACME.raw();
    for subject in [
        Subject::Workspace(RIVAL),
        Subject::User(UserId::new(number)),
        Subject::Key(ApiKeyId::new(number)),
        Subject::Platform,
    ] {
        let foreign = Rule { subject, ..own };
        assert_eq!(used(limiter, foreign, odd(0)).await, 0, "{subject:?}");
        ask(limiter, foreign, 3, odd(0)).await.expect("admitted");
        assert!(ask(limiter, foreign, 1, odd(0)).await.is_err(), "{subject:?}");
    }
    assert!(ask(limiter, own, 1, odd(0)).await.is_err());
}

/// Whether they are rules of the plan or of the operators.
pub async fn two_rules_about_the_same_do_not_share(limiter: &dyn Limiter) {
    let ids = [None, Some(1), Some(2)].map(|id| id.map(|id| LimitRuleId::new(Uuid::from_u128(id))));
    let rules = ids.map(|id| Rule { id, ..per_minute(3) });
    let claims = rules.map(|rule| Claim { rule, amount: 2 });
    let standings = all(limiter, &claims, odd(0)).await.expect("admitted");
    assert_eq!(standings.iter().map(|standing| standing.used).collect::<Vec<_>>(), [2; 3]);
    for rule in rules {
        ask(limiter, rule, 1, odd(1)).await.expect("admitted");
        assert!(ask(limiter, rule, 1, odd(1)).await.is_err());
    }
}

/// Each rule counts for itself.
pub async fn requests_and_tokens_minutes_and_hours_do_not_share(limiter: &dyn Limiter) {
    let rule = |measure, window| Rule { measure, window, ..per_minute(100) };
    let rules = [Measure::Requests, Measure::Tokens]
        .map(|measure| [Window::Minute, Window::Hour].map(|window| rule(measure, window)));
    for (rule, amount) in rules.iter().flatten().zip(1..) {
        let standing = ask(limiter, *rule, amount, odd(0)).await.expect("admitted");
        assert_eq!(standing.used, amount, "{}", rule.name());
    }
    for (rule, amount) in rules.iter().flatten().zip(1..) {
        assert_eq!(used(limiter, *rule, odd(1)).await, amount, "{}", rule.name());
    }
}

/// Another plan has another limit, but what was used was used.
pub async fn a_changed_limit_keeps_what_is_used(limiter: &dyn Limiter) {
    ask(limiter, per_minute(3), 3, odd(0)).await.expect("admitted");
    assert!(ask(limiter, per_minute(3), 1, odd(1)).await.is_err());
    let more = ask(limiter, per_minute(5), 1, odd(2)).await.expect("a better plan");
    assert_eq!((more.used, more.remaining()), (4, 1));
    let less = ask(limiter, per_minute(2), 1, odd(3)).await.expect_err("a lesser plan");
    assert_eq!((less.standing.used, less.standing.remaining()), (4, 0));
}

/// Neither when it is claimed nor when it turns out to have been used.
pub async fn an_enormous_claim_does_not_wrap_around(limiter: &dyn Limiter) {
    let rule = tokens_per_hour(1_000);
    ask(limiter, rule, 3, odd(0)).await.expect("admitted");
    assert!(ask(limiter, rule, u64::MAX, odd(1)).await.is_err());
    assert_eq!(used(limiter, rule, odd(1)).await, 3);
    let second = Claim { rule, amount: 4 };
    ask(limiter, rule, 4, odd(2)).await.expect("admitted");
    limiter.correct(second, odd(2), u64::MAX, odd(3)).await.expect("correct");
    assert!(ask(limiter, rule, 1, odd(4)).await.is_err());
}

/// However many ask at once.
pub async fn sixty_four_at_once_get_exactly_the_limit(limiter: &dyn Limiter) {
    let asks = (0..64).map(|_| ask(limiter, per_minute(10), 1, odd(0)));
    let outcomes = join_all(asks).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 10, "{outcomes:?}");
    assert_eq!(used(limiter, per_minute(10), odd(0)).await, 10);
}
