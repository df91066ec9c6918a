//! A limiter that is away or slow, and comes back.
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::server::RedisServer;
use crate::app::{
    Answer, Place, TestApp,
    caller::{Person, Program, micros},
    on_both_databases,
};

/// By when a call is refused that cannot be counted.
const CLOSED: Duration = Duration::from_secs(1);
/// By when calls are let through again.
const OPEN: Duration = Duration::from_secs(5);
/// What a workspace begins with, in millionths of a credit.
const WELCOME: i64 = 100_000_000;

on_both_databases!(calls_close_while_nobody_can_count_them_and_open_again);

async fn calls_close_while_nobody_can_count_them_and_open_again(place: Arc<Place>) {
    let Some(mut redis) = RedisServer::start() else { return };
    let app = TestApp::at(place, &[("REDIS_URL", redis.url())]).await;
    let (ada, program) = app.program("ada").await;
    let mut paid = charge(&ada, &call(&program).await).await;

    redis.kill();
    for _ in 0..3 {
        is_closed(&program).await;
    }
    app.http.get("/healthz/ready").await.with(503);
    ada.has(WELCOME - paid).await;
    redis.start_again();
    paid += charge(&ada, &opens(&program).await).await;

    redis.pause(2 * CLOSED);
    is_closed(&program).await;
    paid += charge(&ada, &opens(&program).await).await;
    app.http.get("/healthz/ready").await.with(200);
    ada.has(WELCOME - paid).await;
    app.finish().await;
}

async fn call(program: &Program) -> Answer {
    program.say("gpt-4o-mini", "hello").await
}

async fn is_closed(program: &Program) {
    let begun = Instant::now();
    call(program).await.error(503, "limiter_unavailable");
    assert!(begun.elapsed() < CLOSED, "{:?}", begun.elapsed());
}

/// Asks until calls are let through.
async fn opens(program: &Program) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = call(program).await;
        if answer.status == 200 {
            return answer;
        }
        answer.error(503, "limiter_unavailable");
        assert!(begun.elapsed() < OPEN, "it stays closed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What a call was charged, in millionths of a credit.
async fn charge(ada: &Person, answer: &Answer) -> i64 {
    answer.with(200);
    let record = ada.record(answer.header("x-cape-call-id").expect("a call")).await;
    micros(&record["charge"])
}
