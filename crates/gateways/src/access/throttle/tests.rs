//! What this throttle does beyond what every throttle promises.
use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use cape_domain::access::Network;
use chrono::DateTime;
use metrics::{
    Counter, Gauge, GaugeFn, Histogram, Key as MetricKey, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use tokio::task::JoinSet;

use super::*;

fn throttle() -> InProcessThrottle {
    InProcessThrottle::new(InProcessThrottleOptions::default())
}

fn small(max_tallies: usize) -> InProcessThrottle {
    InProcessThrottle::new(InProcessThrottleOptions { max_tallies, breaker: u32::MAX })
}

fn strict_after(breaker: u32) -> InProcessThrottle {
    InProcessThrottle::new(InProcessThrottleOptions { breaker, ..Default::default() })
}

fn at(milliseconds: i64) -> Timestamp {
    DateTime::from_timestamp_millis(1_900_000_000_000 + milliseconds).expect("a time")
}

fn network(number: u32) -> Network {
    Network::of_client(Ipv4Addr::from_bits(number).into())
}

/// Somebody at the password.
fn attempt(account: &str, from: u32) -> Attempt {
    Attempt {
        door: Door::Login,
        account: Some(format!("{account}@example.com").parse().expect("an address")),
        network: Some(network(from)),
        familiar: false,
    }
}

fn without_network(account: &str) -> Attempt {
    Attempt { network: None, ..attempt(account, 0) }
}

fn without_account(from: u32) -> Attempt {
    Attempt { account: None, ..attempt("nobody", from) }
}

fn until(milliseconds: i64) -> Result<(), Throttled> {
    Err(Throttled { opens_at: at(milliseconds) })
}

fn remembered(throttle: &InProcessThrottle) -> usize {
    throttle.shards.iter().map(|shard| locked(shard).len()).sum()
}

#[tokio::test]
async fn an_attempt_is_counted_on_all_axes_or_on_none() {
    let throttle = throttle();
    for _ in 0..5 {
        throttle.fail(&without_network("ada"), at(0)).await;
    }
    for _ in 0..100 {
        assert_eq!(throttle.claim(&attempt("ada", 1), at(0)).await, until(1_000));
    }
    for _ in 0..20 {
        assert_eq!(throttle.claim(&without_account(1), at(0)).await, Ok(()), "none was counted");
    }
    assert_eq!(throttle.claim(&attempt("eve", 1), at(0)).await, until(1_000));
    for _ in 0..5 {
        assert_eq!(throttle.claim(&without_network("eve"), at(0)).await, Ok(()));
    }
}

#[tokio::test]
async fn who_has_to_wait_on_two_axes_waits_for_the_later_one() {
    let throttle = throttle();
    for _ in 0..7 {
        throttle.fail(&without_network("ada"), at(0)).await;
    }
    for _ in 0..21 {
        throttle.fail(&without_account(1), at(1_500)).await;
    }
    assert_eq!(throttle.claim(&without_account(1), at(2_000)).await, until(3_500));
    assert_eq!(throttle.claim(&attempt("ada", 1), at(2_000)).await, until(4_000));
}

#[tokio::test]
async fn who_is_nobody_from_nowhere_never_waits() {
    let throttle = throttle();
    let nobody = Attempt { network: None, ..without_account(0) };
    for _ in 0..200 {
        assert_eq!(throttle.claim(&nobody, at(0)).await, Ok(()));
    }
    throttle.succeed(&nobody, at(0)).await;
    assert_eq!(remembered(&throttle), 0);
}

#[tokio::test]
async fn a_sign_in_that_succeeds_leaves_its_network_as_it_was() {
    let throttle = throttle();
    for _ in 0..21 {
        throttle.fail(&without_account(1), at(0)).await;
    }
    throttle.claim(&attempt("ada", 1), at(2_000)).await.expect("the wait is over");
    assert_eq!(throttle.check(&without_account(1), at(2_000)).await, until(6_000));
    throttle.succeed(&attempt("ada", 1), at(2_100)).await;
    assert_eq!(throttle.check(&without_account(1), at(2_100)).await, Ok(()));
    assert_eq!(throttle.claim(&without_account(1), at(2_100)).await, Ok(()));
    assert_eq!(throttle.check(&without_account(1), at(2_100)).await, until(6_100));
}

#[tokio::test]
async fn many_who_sign_in_from_one_network_at_once_leave_nothing_behind() {
    let throttle = throttle();
    for round in 0..50 {
        for number in 0..20 {
            let own = attempt(&format!("own{number}"), 1);
            throttle.claim(&own, at(round)).await.expect("nothing failed");
        }
        for number in 0..20 {
            throttle.succeed(&attempt(&format!("own{number}"), 1), at(round)).await;
        }
    }
    assert_eq!(remembered(&throttle), 0);
}

#[tokio::test]
async fn a_clock_that_steps_back_makes_nobody_wait_longer_than_the_rule_says() {
    let throttle = throttle();
    let guess = without_network("ada");
    throttle.fail(&guess, at(3_600_000)).await;
    assert_eq!(throttle.check(&guess, at(3_599_999)).await, Ok(()), "what is free stays free");
    for _ in 0..4 {
        throttle.fail(&guess, at(3_600_000)).await;
    }
    assert_eq!(throttle.claim(&guess, at(0)).await, until(1_000));
    assert_eq!(throttle.claim(&guess, at(1_000)).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixty_four_at_once_exactly_the_free_ones_are_let_in() {
    for (attempts, free) in [
        (vec![attempt("ada", 1)], 5),
        ((0..64).map(|number| attempt("ada", number)).collect(), 5),
        ((0..64).map(|number| attempt(&format!("own{number}"), 1)).collect(), 20),
        (vec![Attempt { familiar: true, ..attempt("ada", 1) }], 10),
    ] {
        let throttle = Arc::new(throttle());
        let mut claims = JoinSet::new();
        for number in 0..64 {
            let throttle = Arc::clone(&throttle);
            let attempt = attempts[number % attempts.len()].clone();
            claims.spawn(async move { throttle.claim(&attempt, at(0)).await.is_ok() });
        }
        let let_in = claims.join_all().await.into_iter().filter(|let_in| *let_in).count();
        assert_eq!(let_in, free, "{:?}", attempts[0]);
    }
}

#[tokio::test]
async fn while_too_much_fails_everywhere_one_failure_is_free() {
    let throttle = throttle();
    for number in 0..300 {
        let door = Door::ALL[number % 5];
        let victim = Attempt { door, ..without_network(&format!("victim{number}")) };
        throttle.claim(&victim, at(0)).await.expect("each for the first time");
    }
    let guess = attempt("ada", 1);
    throttle.fail(&guess, at(0)).await; // the 301st
    assert_eq!(throttle.claim(&guess, at(0)).await, until(1_000), "one is free");
    assert_eq!(throttle.claim(&without_account(1), at(0)).await, until(1_000), "on every axis");
    assert_eq!(throttle.claim(&attempt("eve", 2), at(0)).await, Ok(()), "the first is");
    assert_eq!(throttle.claim(&guess, at(59_999)).await, Ok(()), "the wait is over");
    assert_eq!(throttle.claim(&guess, at(60_000)).await, Ok(()), "and so is the minute");
}

#[tokio::test]
async fn three_hundred_failures_a_minute_are_not_too_many_and_what_succeeds_is_none() {
    let throttle = throttle();
    for number in 0..2_000 {
        let own = attempt(&format!("own{number}"), number);
        throttle.claim(&own, at(0)).await.expect("the first");
        throttle.succeed(&own, at(400)).await;
    }
    for number in 0..300 {
        throttle.fail(&without_network(&format!("victim{number}")), at(500)).await;
    }
    for _ in 0..5 {
        assert_eq!(throttle.check(&without_network("victim0"), at(500)).await, Ok(()));
    }
    throttle.fail(&without_network("victim0"), at(500)).await;
    assert_eq!(throttle.check(&without_network("victim1"), at(500)).await, until(1_500));
}

#[tokio::test]
async fn the_minute_slides_and_a_clock_that_steps_back_does_not_stretch_it() {
    let throttle = strict_after(2);
    let tried = without_network("ada");
    for now in [0, 20_000, 40_000] {
        throttle.fail(&without_network("victim"), at(now)).await;
    }
    throttle.fail(&tried, at(50_000)).await;
    assert_eq!(throttle.check(&tried, at(50_500)).await, until(51_000), "four");
    throttle.fail(&tried, at(79_000)).await;
    assert_eq!(throttle.check(&tried, at(79_000)).await, until(81_000), "four again");
    assert_eq!(throttle.check(&tried, at(100_000)).await, Ok(()), "two are left");
    throttle.fail(&without_network("eve"), at(100_000)).await;
    throttle.fail(&without_network("eve"), at(100_000)).await;
    assert_eq!(throttle.check(&without_network("eve"), at(100_000)).await, until(102_000));
    assert_eq!(throttle.check(&without_network("eve"), at(0)).await, Ok(()), "a new minute");
}

#[tokio::test]
async fn a_hundred_thousand_accounts_neither_fill_the_memory_nor_free_who_fails_now() {
    let throttle = small(1_000);
    for number in 0..100_000 {
        throttle.fail(&without_network(&format!("victim{number}")), at(number)).await;
    }
    assert!(remembered(&throttle) <= 1_000, "{}", remembered(&throttle));
    assert!(remembered(&throttle) >= 900, "{}", remembered(&throttle));
    let guess = without_network("ada");
    for _ in 0..5 {
        throttle.fail(&guess, at(100_000)).await;
    }
    for number in 0..100 {
        throttle.fail(&without_network(&format!("late{number}")), at(100_001)).await;
    }
    assert_eq!(throttle.check(&guess, at(100_001)).await, until(101_000));
}

#[tokio::test]
async fn where_there_is_no_room_those_that_are_over_go_first_and_then_the_oldest() {
    let throttle = small(3);
    for (account, now) in [("ada", 0), ("bob", 1), ("eve", 899_000)] {
        throttle.fail(&without_network(account), at(now)).await;
    }
    throttle.fail(&without_network("new"), at(900_001)).await;
    assert_eq!(remembered(&throttle), 2, "two were over");
    for now in 900_002..900_007 {
        throttle.fail(&without_network("eve"), at(now)).await;
    }
    throttle.fail(&without_network("newer"), at(900_008)).await;
    throttle.fail(&without_network("newest"), at(900_009)).await;
    assert_eq!(remembered(&throttle), 3);
    let eve = throttle.check(&without_network("eve"), at(900_009)).await;
    assert!(eve.is_err(), "others failed longer ago");
}

/// Adds up refusals, and keeps the breaker.
#[derive(Default)]
struct Seen {
    refused: Arc<AtomicU64>,
    breaker: Arc<AtomicU64>,
}

impl Recorder for Seen {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &MetricKey, _: &Metadata<'_>) -> Counter {
        assert_eq!(key.name(), "cape_throttled_total");
        let labels: Vec<_> = key.labels().map(|label| (label.key(), label.value())).collect();
        assert_eq!(labels, [("door", "login")]);
        Counter::from_arc(self.refused.clone())
    }

    fn register_gauge(&self, key: &MetricKey, _: &Metadata<'_>) -> Gauge {
        assert_eq!(key.name(), "cape_throttle_breaker");
        Gauge::from_arc(Arc::new(Shown(self.breaker.clone())))
    }

    fn register_histogram(&self, _: &MetricKey, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

struct Shown(Arc<AtomicU64>);

impl GaugeFn for Shown {
    fn increment(&self, _: f64) {}
    fn decrement(&self, _: f64) {}

    fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }
}

#[test]
fn refusals_are_counted_by_door_and_the_breaker_is_shown() {
    let seen = Seen::default();
    let shown = || f64::from_bits(seen.breaker.load(Ordering::Relaxed));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    metrics::with_local_recorder(&seen, || {
        let throttle = strict_after(6);
        let guess = without_network("ada");
        let mut states = Vec::new();
        for _ in 0..7 {
            let claimed = runtime.block_on(throttle.claim(&guess, at(0)));
            runtime.block_on(throttle.fail(&without_network("eve"), at(0)));
            states.push((claimed.is_ok(), shown()));
        }
        let (free, strict) = ((true, 0.0), (false, 1.0));
        assert_eq!(states, [free, free, free, (true, 1.0), strict, strict, strict]);
        assert_eq!(runtime.block_on(throttle.check(&guess, at(60_000))), Ok(()));
        assert_eq!(shown().to_bits(), 0_f64.to_bits());
    });
    assert_eq!(seen.refused.load(Ordering::Relaxed), 3);
}
