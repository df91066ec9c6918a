//! What a caller of the limiter does, as promises need it.
use std::time::Duration;

use cape_domain::{
    time::Timestamp,
    usage::{Claim, Decision, Limiter, Measure, Refusal, Rule, Standing, Subject, Window},
};
use chrono::TimeDelta;

use crate::fixtures::{ACME, at};

/// The finest step of time.
pub(super) const MICRO: TimeDelta = TimeDelta::microseconds(1);

/// So many of ACME's requests in any minute.
pub(super) const fn per_minute(limit: u64) -> Rule {
    acmes(Measure::Requests, Window::Minute, limit)
}

/// So many of ACME's tokens in any hour.
pub(super) const fn tokens_per_hour(limit: u64) -> Rule {
    acmes(Measure::Tokens, Window::Hour, limit)
}

/// So much of something of ACME's in any such window.
pub(super) const fn acmes(measure: Measure, window: Window, limit: u64) -> Rule {
    Rule { id: None, name: None, subject: Subject::Workspace(ACME), measure, window, limit }
}

/// Claims so much of one rule.
pub(super) async fn ask(
    limiter: &dyn Limiter,
    rule: Rule,
    amount: u64,
    now: Timestamp,
) -> Result<Standing, Refusal> {
    let asked = all(limiter, &[Claim { rule, amount }], now).await;
    asked.map(|standings| {
        let [standing] = standings[..] else { panic!("a standing for each claim") };
        standing
    })
}

/// Claims all of this at once.
pub(super) async fn all(
    limiter: &dyn Limiter,
    claims: &[Claim],
    now: Timestamp,
) -> Result<Vec<Standing>, Refusal> {
    match limiter.admit(claims, now).await.expect("a limiter that can tell") {
        Decision::Refused(refusal) => Err(refusal),
        Decision::Admitted(standings) => {
            let rules = standings.iter().map(|standing| standing.rule);
            assert!(rules.eq(claims.iter().map(|claim| claim.rule)), "in the order of the claims");
            Ok(standings)
        }
    }
}

/// What is used of a rule that is not over its limit. Claiming nothing tells it.
pub(super) async fn used(limiter: &dyn Limiter, rule: Rule, now: Timestamp) -> u64 {
    ask(limiter, rule, 0, now).await.expect("nothing is always there").used
}

/// How long a window is.
pub(super) fn window(rule: Rule) -> TimeDelta {
    TimeDelta::from_std(rule.window.length()).expect("short")
}

/// How much longer than a window something may count: a sixtieth, and what that is rounded up by,
/// sixty times.
pub(super) fn slack(rule: Rule) -> TimeDelta {
    let micros = rule.window.length().as_micros();
    let slack = micros.div_ceil(60) * 61 - micros;
    TimeDelta::microseconds(i64::try_from(slack).expect("short"))
}

/// When what was claimed at `then` is certainly forgotten.
pub(super) fn forgotten(rule: Rule, then: Timestamp) -> Timestamp {
    then + window(rule) + slack(rule) + MICRO
}

/// Whether a duration is at least so many seconds and at most a sixtieth of the window more.
pub(super) fn is_about(rule: Rule, found: Duration, seconds: u64) -> bool {
    let least = Duration::from_secs(seconds);
    least <= found && found <= least + rule.window.length() / 60
}

/// So many seconds, and then some: instants in the middle of everything.
pub(super) fn odd(seconds: i64) -> Timestamp {
    at(seconds) + TimeDelta::microseconds(654_321)
}
