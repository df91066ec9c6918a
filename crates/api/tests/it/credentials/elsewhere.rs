//! What is said in one process is so in another, within a second.
//!
//! The calls run here, and keys are stored and removed in a process of its own.
use std::time::{Duration, Instant};

use super::{BAD, GOOD, made_under, remove, store};
use crate::{
    app::{
        Place, TestApp,
        caller::{Http, Person},
        eventually,
    },
    kill::program::Program as Process,
};

/// What it may take until what was said is known everywhere.
const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_used_replaced_and_no_longer_used_within_a_second_in_another_process() {
    let Some(place) = Place::postgres().await else { return };
    let here = TestApp::at(place, &[("CAPE_USAGE__LIMITS", "off")]).await;
    let there = Process::with(&here.place, &[("CAPE_SANDBOX__URL", here.sandbox())]);
    let (ada, program) = here.program("ada").await;
    let (eve, other) = here.program("eve").await;
    let ada_there = Person { http: Http::to(there.url().to_owned()), ..ada.clone() };
    assert_eq!(made_under(&ada, &program).await, "platform");
    let soon = async |under: &str| {
        let said = Instant::now();
        // A call that begins a second later is made as was said, however long it takes.
        eventually(under, async || {
            let began = said.elapsed();
            let done = made_under(&ada, &program).await == under;
            assert!(done || began <= SECOND, "{under}: {began:?}");
            done
        })
        .await;
        // What is known stays known.
        for _ in 0..3 {
            assert_eq!(made_under(&ada, &program).await, under);
        }
        assert_eq!(made_under(&eve, &other).await, "platform", "it is nobody else's");
    };
    for _ in 0..2 {
        store(&ada_there, "openai", GOOD).await.with(200);
        soon("workspace").await;
        store(&ada_there, "openai", BAD).await.with(200);
        soon("provider.credential_refused").await;
        assert_eq!(remove(&ada_there, "openai").await.status, 204);
        soon("platform").await;
    }
    there.stop();
    here.finish().await;
}
