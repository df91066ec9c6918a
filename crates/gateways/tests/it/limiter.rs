//! What every limiter promises.
use std::{
    process,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::SystemTime,
};

use cape_domain::{
    ids::WorkspaceId,
    secret::Secret,
    usage::{Claim, Decision, Limiter as _, Measure, Rule, Subject, Window},
};
use cape_gateways::{
    redis_link::RedisLink,
    usage::limiter::{InProcessLimiter, InProcessLimiterOptions, RedisLimiter},
};
use chrono::DateTime;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::redis::test_url;

cape_testkit::limiter_promises!(
    in_process,
    InProcessLimiter::new(InProcessLimiterOptions::default())
);

cape_testkit::limiter_promises!(
    on_redis,
    match test_url() {
        Some(url) => on_redis(&url, &unused_prefix()),
        None => return,
    }
);

fn on_redis(url: &Secret, prefix: &str) -> RedisLimiter {
    RedisLimiter::new(Arc::new(RedisLink::new(url).expect("an address")), prefix)
}

/// Of keys that no other test has, nor had before.
fn unused_prefix() -> String {
    static TESTS: AtomicU32 = AtomicU32::new(0);
    let begun = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_nanos();
    format!("test:{}:{begun}:{}:", process::id(), TESTS.fetch_add(1, Ordering::Relaxed))
}

/// Three that share nothing but the server, as processes do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_requests_each_of_three_get_exactly_one_limit() {
    const LIMIT: u64 = 4_321;
    let Some(url) = test_url() else { return };
    let prefix = unused_prefix();
    let now = DateTime::UNIX_EPOCH;
    let rule = Rule {
        id: None,
        name: None,
        subject: Subject::Workspace(WorkspaceId::new(Uuid::nil())),
        measure: Measure::Requests,
        window: Window::Minute,
        limit: LIMIT,
    };
    let mut asking = JoinSet::new();
    for _ in 0..3 {
        let limiter = Arc::new(on_redis(&url, &prefix));
        for _ in 0..100 {
            let limiter = Arc::clone(&limiter);
            asking.spawn(async move {
                let mut admitted = 0;
                for _ in 0..100 {
                    let decision = limiter.admit(&[Claim { rule, amount: 1 }], now).await;
                    match decision.expect("a server that answers") {
                        Decision::Admitted(_) => admitted += 1,
                        Decision::Refused(refusal) => assert_eq!(refusal.standing.used, LIMIT),
                    }
                }
                admitted
            });
        }
    }
    let admitted: u64 = asking.join_all().await.into_iter().sum();
    assert_eq!(admitted, LIMIT);
}
