//! What is stopped in one process ends in another, within a second.
//!
//! The calls run here, and the switches are flipped in a process of its own.
use std::time::Instant;

use tokio::task::JoinSet;

use super::{MODEL, SECOND, UNLIMITED, all, refusal, release, stop, tells};
use crate::{
    app::{
        Place, TestApp,
        caller::{Http, Person, Program, saying},
        eventually, soon,
    },
    kill::program::Program as Process,
};

/// Twenty seconds of it.
const SAY: &str = "Count. [[sandbox: chunk_delay=50ms, output_tokens=400]]";
/// Half a minute of nothing.
const SILENT: &str = "Think. [[sandbox: latency=30s]]";
/// So many pieces show that a stream runs.
const PIECES: usize = 5;

/// Two processes on one database, and an operator at the one that runs no calls.
struct Places {
    here: TestApp,
    there: Process,
    ada: Person,
    program: Program,
    operator: Person,
}

async fn given_two_processes() -> Option<Places> {
    let here = TestApp::at(Place::postgres().await?, &UNLIMITED).await;
    let there = Process::with(&here.place, &[("CAPE_SANDBOX__URL", here.sandbox())]);
    let (ada, program) = here.program("ada").await;
    let operator = here.operator("grace").await;
    let operator = Person { http: Http::to(there.url().to_owned()), ..operator };
    Some(Places { here, there, ada, program, operator })
}

impl Places {
    /// Nothing is stopped any more, and that is known here.
    async fn let_through(&self, target: &str) {
        assert_eq!(release(&self.operator, target).await.status, 204);
        eventually("it calls again", async || self.program.say(MODEL, "hello").await.status == 200)
            .await;
    }

    async fn finish(self) {
        self.there.stop();
        self.here.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_byte_of_a_stream_comes_within_a_second_of_the_switch() {
    let Some(places) = given_two_processes().await else { return };
    let Places { ada, program, operator, .. } = &places;
    for target in all(ada, program).await {
        let mut stream = program.stream(&saying(MODEL, SAY)).await;
        let call = stream.call.clone();
        for _ in 0..PIECES {
            stream.next_json().await;
        }
        let mut reading = JoinSet::new();
        reading.spawn(async move {
            let (mut last, mut at) = (String::new(), Instant::now());
            while let Some(data) = stream.next().await {
                (last, at) = (data, Instant::now());
            }
            (last, at)
        });
        stop(operator, &target).await.with(200);
        let switched = Instant::now();
        let (last, at) = soon(reading.join_next()).await.expect("a stream").expect("no panic");
        let took = at.saturating_duration_since(switched);
        assert!(took <= SECOND, "{target}: {took:?}");
        let last: serde_json::Value = serde_json::from_str(&last).expect("JSON");
        tells(&last["error"], &target);
        let record = ada.ended(&call).await;
        assert_eq!(record["state"], "settled");
        let output = record["tokens"]["output"].as_u64().expect("a count");
        assert!((1..400).contains(&output), "{record}");
        places.let_through(&target).await;
    }
    places.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_in_one_piece_is_given_up_within_a_second_of_the_switch() {
    let Some(places) = given_two_processes().await else { return };
    let Places { here, ada, program, operator, .. } = &places;
    for target in all(ada, program).await {
        let before = ada.credits().await;
        let asking = program.clone();
        let mut call = JoinSet::new();
        call.spawn(async move {
            let answer = asking.say(MODEL, SILENT).await;
            (answer, Instant::now())
        });
        eventually("it runs", async || {
            here.place.count("SELECT count(*) FROM calls WHERE state = 'running'").await == 1
        })
        .await;
        stop(operator, &target).await.with(200);
        let switched = Instant::now();
        let (answer, at) = soon(call.join_next()).await.expect("a call").expect("no panic");
        let took = at.saturating_duration_since(switched);
        assert!(took <= SECOND, "{target}: {took:?}");
        let (status, code) = refusal(&target);
        tells(&answer.error(status, code), &target);
        assert_eq!(ada.credits().await, before, "nothing came, and nothing is charged");
        places.let_through(&target).await;
    }
    let failed = "SELECT count(*) FROM calls WHERE state = 'failed' AND failure = 'stopped'";
    assert_eq!(here.place.count(failed).await, 4);
    places.finish().await;
}
