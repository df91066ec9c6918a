//! What is taken back at one platform is refused at another one on the same database.
use std::time::{Duration, Instant};

use serde_json::json;

use super::{is_done, is_in, is_locked_out, is_put_out, joined};
use crate::app::{
    Place, TestApp,
    caller::{Person, send},
    eventually,
};

const BOB: &str = "bob@example.com";

/// How long it may take everywhere, on a busy machine.
const SOON: Duration = Duration::from_secs(5);

/// Two platforms. The second one begins when the mails of the first are sent: it has no mailbox.
async fn two(app: &TestApp) -> TestApp {
    app.mails_are_sent().await;
    app.beside().await
}

/// Waits until somebody's access token is refused there too, which does not take long.
async fn is_put_out_at(there: &TestApp, person: &Person) {
    let begun = Instant::now();
    is_put_out(&person.at(there)).await;
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_signed_out_everywhere_is_out_everywhere() {
    let Some(place) = Place::postgres().await else { return };
    let here = TestApp::at(place, &[]).await;
    let (ada, program) = here.program("ada").await;
    let phone = here.http.sign_in("ada@example.com").await;
    let there = two(&here).await;
    for person in [&ada, &phone] {
        assert!(is_in(&person.at(&there)).await);
    }
    is_done(&send(ada.request("POST", "/api/auth/logout-all")).await);
    for person in [&ada, &phone] {
        is_put_out_at(&there, person).await;
    }
    program.at(&there).models().await.with(200);
    there.finish().await;
    here.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_role_was_changed_has_the_new_one_everywhere() {
    let Some(place) = Place::postgres().await else { return };
    let here = TestApp::at(place, &[]).await;
    let ada = here.person("ada").await;
    let bob = joined(&here, &ada, "bob", "owner").await;
    let program = bob.program().await;
    let there = two(&here).await;
    bob.at(&there).get("/api/keys").await.with(200);
    let id = super::claims(&here, &bob).user;
    let member = format!("/api/workspace/members/{id}");
    let change = ada.request("PATCH", &member).json(&json!({ "role": "member" }));
    is_done(&send(change).await);
    is_put_out_at(&there, &bob).await;
    let next = Person::of(there.http.clone(), &there.http.refresh(&bob.refresh).await.with(200));
    assert!(is_in(&next).await, "the session goes on");
    next.get("/api/keys").await.problem(403, "access.forbidden");

    is_done(&ada.delete(&member).await);
    is_put_out_at(&there, &next).await;
    is_locked_out(&program.at(&there)).await;
    let home = Person::of(there.http.clone(), &there.http.refresh(&next.refresh).await.with(200));
    assert_ne!(super::claims(&there, &home).workspace, super::claims(&here, &ada).workspace);
    there.finish().await;
    here.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_closed_its_account_is_out_everywhere_until_it_is_opened_again() {
    let Some(place) = Place::postgres().await else { return };
    let here = TestApp::at(place, &[]).await;
    let (bob, program) = here.program("bob").await;
    let there = two(&here).await;
    assert!(is_in(&bob.at(&there)).await);
    program.at(&there).models().await.with(200);
    is_done(&bob.delete("/api/user/profile").await);
    is_put_out_at(&there, &bob).await;
    is_locked_out(&program.at(&there)).await;
    there.http.login(BOB).await.problem(403, "auth.deactivated");
    there.http.refresh(&bob.refresh).await.problem(401, "auth.invalid_refresh_token");

    let email = BOB.parse().expect("an address");
    here.instance.platform.services.closing.reactivate(&email).await.expect("opened again");
    let bob = there.http.sign_in(BOB).await;
    assert!(is_in(&bob).await);
    let program = program.at(&there);
    eventually("the key is good", async || program.models().await.status == 200).await;
    there.finish().await;
    here.finish().await;
}
