use std::{sync::Arc, time::Duration};

use cape_domain::{
    ids::WorkspaceId,
    usage::{Measure, Rule, Standing, Window},
};
use chrono::{DateTime, TimeDelta};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::*;

fn limiter(max_keys: usize) -> InProcessLimiter {
    InProcessLimiter::new(InProcessLimiterOptions { max_keys })
}

fn at(milliseconds: i64) -> Timestamp {
    DateTime::from_timestamp_millis(1_900_000_020_000 + milliseconds).expect("a time")
}

fn requests(workspace: u128, limit: u64) -> Rule {
    let subject = Subject::Workspace(WorkspaceId::new(Uuid::from_u128(workspace)));
    Rule {
        id: None,
        name: None,
        subject,
        measure: Measure::Requests,
        window: Window::Minute,
        limit,
    }
}

fn claim(rule: Rule, amount: u64) -> Claim {
    Claim { rule, amount }
}

async fn admitted(limiter: &InProcessLimiter, claims: &[Claim], now: Timestamp) -> bool {
    match limiter.admit(claims, now).await.expect("a decision") {
        Decision::Admitted(_) => true,
        Decision::Refused(_) => false,
    }
}

async fn refusal(limiter: &InProcessLimiter, claims: &[Claim], now: Timestamp) -> Refusal {
    match limiter.admit(claims, now).await.expect("a decision") {
        Decision::Refused(refusal) => refusal,
        Decision::Admitted(standings) => panic!("admitted: {standings:?}"),
    }
}

/// Numbers that look random and are the same in every run (Knuth's constants).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

#[tokio::test]
async fn no_window_ever_holds_more_than_the_limit_and_nothing_is_refused_without_need() {
    const LIMIT: u64 = 20;
    let mut numbers = Numbers(1);
    let limiter = limiter(64);
    let rule = requests(1, LIMIT);
    let mut log: Vec<(i64, u64)> = Vec::new();
    let mut now = 0;
    let (mut yes, mut no) = (0, 0);
    for _ in 0..20_000 {
        now += i64::try_from(numbers.below(4_000)).expect("small");
        let amount = 1 + numbers.below(3);
        let within = |window: i64| -> u64 {
            log.iter().rev().take_while(|(at, _)| *at > now - window).map(|(_, n)| n).sum()
        };
        if admitted(&limiter, &[claim(rule, amount)], at(now)).await {
            assert!(within(60_000) + amount <= LIMIT, "{amount} more at {now}");
            log.push((now, amount));
            yes += 1;
        } else {
            assert!(within(61_000) + amount > LIMIT, "{amount} refused at {now}");
            no += 1;
        }
    }
    assert!(yes > 2_000 && no > 2_000, "{yes} admitted, {no} refused");
}

#[tokio::test]
async fn a_refusal_says_when_the_same_claim_succeeds_and_not_a_moment_before() {
    let mut numbers = Numbers(2);
    let limiter = limiter(64);
    let rule = requests(1, 10);
    let mut now = 0;
    for _ in 0..300 {
        now += i64::try_from(numbers.below(5_000)).expect("small");
        let wanted = [claim(rule, 1 + numbers.below(10))];
        let Decision::Refused(refusal) = limiter.admit(&wanted, at(now)).await.expect("a decision")
        else {
            continue;
        };
        assert_eq!(refusal.wanted, wanted[0].amount);
        assert_eq!(refusal.standing.rule, rule);
        let wait =
            TimeDelta::from_std(refusal.retry_after.expect("room will come")).expect("short");
        assert!(wait > TimeDelta::zero() && wait <= TimeDelta::seconds(61), "{wait}");
        let then = at(now) + wait;
        assert!(!admitted(&limiter, &wanted, then - TimeDelta::microseconds(1)).await);
        assert!(admitted(&limiter, &wanted, then).await);
        now += wait.num_milliseconds() + 1;
    }
}

#[tokio::test]
async fn a_claim_above_the_limit_never_succeeds_and_one_of_nothing_always_does() {
    let limiter = limiter(64);
    let refused = refusal(&limiter, &[claim(requests(1, 10), 11)], at(0)).await;
    assert_eq!((refused.retry_after, refused.standing.used, refused.wanted), (None, 0, 11));
    let refused = refusal(&limiter, &[claim(requests(1, 10), u64::MAX)], at(0)).await;
    assert_eq!(refused.retry_after, None);
    assert!(admitted(&limiter, &[claim(requests(1, 10), 10)], at(0)).await);
    assert!(admitted(&limiter, &[claim(requests(1, 10), 0)], at(0)).await);
    assert!(admitted(&limiter, &[claim(requests(2, 0), 0)], at(0)).await);
    assert!(!admitted(&limiter, &[claim(requests(2, 0), 1)], at(0)).await);
    assert!(admitted(&limiter, &[], at(0)).await);
}

#[tokio::test]
async fn all_claims_of_a_call_are_counted_or_none_is() {
    let limiter = limiter(4_096);
    let per_minute = requests(1, 5);
    let tokens = Rule { measure: Measure::Tokens, window: Window::Hour, limit: 100, ..per_minute };
    let other = requests(2, 5);
    let call = |amount| [claim(per_minute, 1), claim(other, 1), claim(tokens, amount)];
    let Decision::Admitted(standings) = limiter.admit(&call(60), at(0)).await.expect("a decision")
    else {
        panic!("refused")
    };
    let minute = Duration::from_secs(61);
    assert_eq!(
        standings,
        [
            Standing { rule: per_minute, used: 1, reset: minute },
            Standing { rule: other, used: 1, reset: minute },
            Standing { rule: tokens, used: 60, reset: minute * 60 },
        ]
    );
    for _ in 0..100 {
        let refused = refusal(&limiter, &call(41), at(0)).await;
        assert_eq!((refused.standing.rule, refused.standing.used), (tokens, 60));
    }
    assert!(admitted(&limiter, &[claim(per_minute, 4), claim(other, 4)], at(0)).await);
}

#[tokio::test]
async fn claims_of_one_call_on_the_same_rule_add_up() {
    let limiter = limiter(64);
    let rule = requests(1, 10);
    let refused = refusal(&limiter, &[claim(rule, 6), claim(rule, 5)], at(0)).await;
    assert_eq!((refused.wanted, refused.retry_after), (5, None));
    assert!(admitted(&limiter, &[claim(rule, 6), claim(rule, 4)], at(0)).await);
    assert!(!admitted(&limiter, &[claim(rule, 1)], at(0)).await);
}

#[tokio::test]
async fn of_several_refusals_the_one_that_lasts_longest_is_told() {
    let limiter = limiter(64);
    let minute = requests(1, 1);
    let hour = Rule { window: Window::Hour, ..minute };
    assert!(admitted(&limiter, &[claim(minute, 1), claim(hour, 1)], at(0)).await);
    let refused = refusal(&limiter, &[claim(minute, 1), claim(hour, 1)], at(0)).await;
    assert_eq!(refused.standing.rule, hour);
    let refused = refusal(&limiter, &[claim(minute, 2), claim(hour, 1)], at(0)).await;
    assert_eq!((refused.standing.rule, refused.retry_after), (minute, None));
}

#[tokio::test]
async fn a_correction_changes_what_is_counted_at_the_time_of_the_claim() {
    let limiter = limiter(64);
    let rule = requests(1, 100);
    let wanted = claim(rule, 50);
    assert!(admitted(&limiter, &[wanted], at(0)).await);
    for (used, left) in [(10, 90), (100, 0)] {
        limiter.correct(wanted, at(0), used, at(30_000)).await.expect("corrected");
        let refused = refusal(&limiter, &[claim(rule, left + 1)], at(30_000)).await;
        assert_eq!(refused.standing.remaining(), left);
        limiter.correct(claim(rule, used), at(0), 50, at(30_000)).await.expect("corrected");
    }
    limiter.correct(wanted, at(0), 5_000, at(60_999)).await.expect("corrected");
    assert_eq!(refusal(&limiter, &[claim(rule, 1)], at(60_999)).await.standing.used, 5_000);
    assert!(admitted(&limiter, &[claim(rule, 100)], at(61_000)).await, "forgotten as a claim is");
    limiter.correct(wanted, at(0), 5_000, at(61_000)).await.expect("corrected");
    limiter.correct(wanted, at(0), 0, at(61_000)).await.expect("corrected");
    let refused = refusal(&limiter, &[claim(rule, 1)], at(61_000)).await;
    assert_eq!(refused.standing.used, 100, "what is forgotten is not corrected");
}

#[tokio::test]
async fn more_use_than_claimed_is_counted_even_if_the_claim_is_not_known_here() {
    let limiter = limiter(64);
    let rule = requests(1, 100);
    limiter.correct(claim(rule, 10), at(0), 0, at(1_000)).await.expect("corrected");
    limiter.correct(claim(rule, 10), at(0), 70, at(1_000)).await.expect("corrected");
    assert_eq!(refusal(&limiter, &[claim(rule, 41)], at(1_000)).await.standing.used, 60);
}

#[tokio::test]
async fn a_clock_that_steps_back_neither_gives_nor_takes() {
    let limiter = limiter(64);
    let rule = requests(1, 10);
    assert!(admitted(&limiter, &[claim(rule, 10)], at(0)).await);
    for back in [1_000, 60_000, 100_000_000] {
        let refused = refusal(&limiter, &[claim(rule, 1)], at(-back)).await;
        assert_eq!(refused.retry_after, Some(Duration::from_secs(61)));
    }
    assert!(!admitted(&limiter, &[claim(rule, 1)], at(60_999)).await);
    assert!(admitted(&limiter, &[claim(rule, 1)], at(61_000)).await);
}

#[tokio::test]
async fn when_memory_is_full_of_live_counters_a_stranger_is_refused_and_nobody_is_forgotten() {
    let limiter = limiter(3);
    let call = |workspace, now| {
        let limiter = &limiter;
        async move { limiter.admit(&[claim(requests(workspace, 1), 1)], at(now)).await }
    };
    for workspace in 1..=3 {
        assert!(matches!(call(workspace, 0).await, Ok(Decision::Admitted(_))));
    }
    for now in [0, 1_000, 60_999] {
        assert!(call(4, now).await.is_err(), "{now}");
        let correction = limiter.correct(claim(requests(4, 1), 1), at(now), 2, at(now)).await;
        assert!(correction.is_err());
    }
    for workspace in 1..=3 {
        assert!(matches!(call(workspace, 60_999).await, Ok(Decision::Refused(_))));
    }
    // They were asked about a moment ago, so they are kept for one more window.
    assert!(call(4, 61_000).await.is_err());
    assert!(matches!(call(1, 61_000).await, Ok(Decision::Admitted(_))));
    assert!(matches!(call(4, 121_000).await, Ok(Decision::Admitted(_))));
    assert!(matches!(call(1, 121_000).await, Ok(Decision::Refused(_))));
    assert!(matches!(call(5, 121_000).await, Ok(Decision::Admitted(_))));
    assert!(call(6, 121_000).await.is_err());
}

#[tokio::test]
async fn whoever_only_looks_takes_no_room_and_keeps_none() {
    let limiter = limiter(1);
    let (one, other) = (requests(1, 9), requests(2, 9));
    for workspace in 2..100 {
        let look = limiter.standings(&[requests(workspace, 9)], at(0)).await.expect("told");
        assert_eq!((look[0].used, look[0].reset), (0, Duration::ZERO));
    }
    assert!(admitted(&limiter, &[claim(one, 4)], at(0)).await);
    for now in [1_000, 30_000, 60_999] {
        let look = limiter.standings(&[one], at(now)).await.expect("told");
        let left = Duration::from_millis(u64::try_from(61_000 - now).expect("later"));
        assert_eq!((look[0].used, look[0].reset), (4, left));
    }
    assert_eq!(limiter.standings(&[one], at(61_000)).await.expect("told")[0].used, 0);
    assert!(admitted(&limiter, &[claim(other, 1)], at(61_000)).await, "its room is free");
}

#[tokio::test]
async fn a_call_that_needs_more_room_than_there_is_counts_nothing() {
    let limiter = limiter(2);
    let rules = [requests(1, 9), requests(2, 9), requests(3, 9)];
    assert!(limiter.admit(&rules.map(|rule| claim(rule, 1)), at(0)).await.is_err());
    let Ok(Decision::Admitted(standings)) = limiter.admit(&[claim(rules[0], 1)], at(0)).await
    else {
        panic!("not admitted")
    };
    assert_eq!(standings[0].used, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_share_one_limit_exactly() {
    let limiter = Arc::new(limiter(4_096));
    let mut tasks = JoinSet::new();
    for caller in 0..64_u128 {
        let limiter = Arc::clone(&limiter);
        tasks.spawn(async move {
            // Every caller names two workspaces, in an order of its own.
            let mut claims = [claim(requests(1, 500), 1), claim(requests(2, 10_000), 1)];
            if caller % 2 == 0 {
                claims.reverse();
            }
            let mut count = 0;
            for _ in 0..50 {
                count += u64::from(admitted(&limiter, &claims, at(0)).await);
            }
            count
        });
    }
    assert_eq!(tasks.join_all().await.into_iter().sum::<u64>(), 500);
    let refused = refusal(&limiter, &[claim(requests(2, 0), 1)], at(0)).await;
    assert_eq!(refused.standing.used, 500, "a refused call is counted nowhere");
}
