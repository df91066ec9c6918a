//! Many at once: what is there once is given once.
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cape_api::system::UuidV7;
use cape_domain::{
    access::{Permit, UseAi},
    ids::RequestId,
    usage::{ChatRequest, Message},
};
use cape_services::{
    access::Origin,
    usage::{ChatError, NewCall},
};
use serde_json::{Value, json};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::app::{
    Place, TestApp,
    caller::{Credits, Program, saying, send},
    eventually, on_both_databases, soon,
    webhook::{SECRET, now, post, sign},
};

on_both_databases!(
    a_thousand_calls_at_once_on_credit_for_ten_admit_exactly_ten,
    a_thousand_requests_on_credit_for_ten_are_answered_ten_times,
    a_hundred_messages_of_one_payment_grant_its_credits_once,
    a_hundred_refreshes_at_once_leave_one_live_successor,
    a_refresh_token_that_should_be_gone_ends_its_session,
    a_key_that_was_taken_back_is_refused_within_a_second,
    a_session_that_was_ended_is_refused_within_a_second,
);

/// What a revocation may take until it is known everywhere.
const SECOND: Duration = Duration::from_secs(1);

/// What a busy machine may take on top of that to ask and to answer.
const BUSY: Duration = Duration::from_secs(2);

/// The question of which ten fit into a credit, and no eleventh after them.
///
/// At worst one, with eight answers, costs 120 x ((29 + 32) x 0.30 + 8 x 40 x 2.50) = 98 196. It
/// comes close: 2 words and 3 go in, and all 320 tokens come out, for 96 180. What is left of ten,
/// 38 200 at most, is too little even for eight answers of 16 tokens, which would hold 40 596.
const MODEL: &str = "gemini-2.5-flash";
const QUESTION: &str = "[[sandbox: output_tokens=40]]";
const ANSWERS: u32 = 8;
const OUTPUT: u64 = 40;
const LEFT: i64 = 1_000_000 - 10 * 96_180;

/// A workspace with a credit, and no limits.
async fn with_credit_for_ten(place: Arc<Place>) -> TestApp {
    let one = ("CAPE_ACCOUNTS__WELCOME_CREDITS", "1");
    TestApp::at(place, &[one, ("CAPE_USAGE__LIMITS", "off")]).await
}

async fn a_thousand_calls_at_once_on_credit_for_ten_admit_exactly_ten(place: Arc<Place>) {
    let app = with_credit_for_ten(place).await;
    let (ada, program) = app.program("ada").await;
    let permit = permit(&app, &program).await;
    let mut calls = JoinSet::new();
    for _ in 0..1_000 {
        let (chat, permit) = (app.instance.platform.services.chat.clone(), permit.clone());
        calls.spawn(async move {
            loop {
                match chat.complete(permit.clone(), question()).await {
                    // The machine is too busy: whoever is told so comes back.
                    Err(ChatError::Closed) => tokio::task::yield_now().await,
                    outcome => return outcome,
                }
            }
        });
    }
    let (mut admitted, mut refused) = (0, 0);
    while let Some(outcome) = soon(calls.join_next()).await {
        match outcome.expect("no panic") {
            Ok(_) => admitted += 1,
            Err(ChatError::InsufficientCredits { .. }) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((admitted, refused), (10, 990));
    assert_eq!(ada.credits().await, Credits::free(LEFT));
    assert_eq!(ada.get("/api/usage/summary").await.with(200)["calls"], 10);
    app.finish().await;
}

async fn permit(app: &TestApp, program: &Program) -> Permit<UseAi> {
    let origin = Origin { request: RequestId::next(&UuidV7), address: None };
    let door = &app.instance.platform.services.authenticator;
    let caller = door.program(&program.key, origin).await.expect("a good key");
    door.permit(caller).expect("a key is good for spending")
}

fn question() -> NewCall {
    let messages = vec![Message::user(QUESTION)];
    let chat = ChatRequest { choices: ANSWERS, ..ChatRequest::new(MODEL, messages, 0) };
    NewCall { chat, max_output_tokens: Some(OUTPUT), streamed: false }
}

async fn a_thousand_requests_on_credit_for_ten_are_answered_ten_times(place: Arc<Place>) {
    let app = with_credit_for_ten(place).await;
    let (ada, program) = app.program("ada").await;
    let seats = Arc::new(Semaphore::new(100));
    let mut requests = JoinSet::new();
    for number in 0..1_000 {
        let (program, seats) = (program.clone(), seats.clone());
        requests.spawn(async move {
            let _seat = seats.acquire_owned().await.expect("it is never closed");
            let mut asked = saying(MODEL, QUESTION);
            asked["max_tokens"] = OUTPUT.into();
            asked["n"] = ANSWERS.into();
            asked["stream"] = (number % 2 == 0).into();
            program.chat(&asked).await
        });
    }
    let mut answered = 0;
    while let Some(answer) = soon(requests.join_next()).await {
        let answer = answer.expect("no panic");
        if answer.status == 200 {
            answered += 1;
        } else {
            answer.error(402, "insufficient_credits");
        }
    }
    assert_eq!(answered, 10);
    assert_eq!(ada.credits().await, Credits::free(LEFT));
    assert_eq!(ada.get("/api/usage/summary").await.with(200)["calls"], 10);
    app.finish().await;
}

async fn a_hundred_messages_of_one_payment_grant_its_credits_once(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.person("ada").await;
    let checkout = ada.order("medium").await;
    let (_, session) = checkout.rsplit_once('/').expect("a session");
    // A message that comes too early is not believed.
    let early = json!({
        "id": "evt_early", "object": "event", "type": "checkout.session.completed",
        "data": { "object": { "id": session, "object": "checkout.session", "payment_status": "paid" } },
    });
    let early = early.to_string();
    post(&app.http, &early, Some(&sign(SECRET, now(), &early))).await.with(200);
    app.jobs_are_done().await;
    assert_eq!(ada.credits().await, Credits::free(100_000_000));

    app.http.pay(&checkout).await;
    let events = app.http.request("GET", &format!("{}/stripe/v1/events?limit=100", app.sandbox()));
    let events = send(events.bearer_auth("sk_test_x")).await.with(200);
    let events = events["data"].as_array().expect("a list");
    assert_eq!(events.len(), 3, "intent, charge and session");
    let mut deliveries = JoinSet::new();
    for message in shuffled(messages(events)) {
        let http = app.http.clone();
        deliveries.spawn(async move {
            let signature = sign(SECRET, now(), &message);
            post(&http, &message, Some(&signature)).await.with(200);
        });
    }
    assert_eq!(deliveries.len(), 100);
    while let Some(delivered) = soon(deliveries.join_next()).await {
        delivered.expect("it is taken in");
    }
    ada.has(2_200_000_000).await;
    app.jobs_are_done().await;
    assert_eq!(ada.credits().await, Credits::free(2_200_000_000));
    let paid = "SELECT count(*) FROM payments";
    assert_eq!(app.place.count(paid).await, 1);
    app.finish().await;
}

/// A hundred messages: each of these fifteen times as it is, and the others as news of their own.
fn messages(events: &[Value]) -> Vec<String> {
    let message = |number: usize| {
        let mut event = events[number % events.len()].clone();
        if number >= 45 {
            event["id"] = format!("evt_again_{number}").into();
        }
        event.to_string()
    };
    (0..100).map(message).collect()
}

/// The same in another order, which is always the same one.
fn shuffled(mut all: Vec<String>) -> Vec<String> {
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    for last in (1..all.len()).rev() {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let other = random % (last as u64 + 1);
        all.swap(last, usize::try_from(other).expect("small"));
    }
    all
}

async fn a_hundred_refreshes_at_once_leave_one_live_successor(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.person("ada").await;
    let mut refreshes = JoinSet::new();
    for _ in 0..100 {
        let (http, token) = (app.http.clone(), ada.refresh.clone());
        refreshes.spawn(async move { http.refresh(&token).await });
    }
    let mut successors = Vec::new();
    while let Some(answer) = soon(refreshes.join_next()).await {
        let pair = answer.expect("no panic").with(200);
        successors.push(pair["refresh_token"].as_str().expect("a token").to_owned());
        let access = pair["access_token"].as_str().expect("a token");
        let profile = app.http.request("GET", "/api/user/profile").bearer_auth(access);
        send(profile).await.with(200);
    }
    successors.sort_unstable();
    successors.dedup();
    let [successor] = &successors[..] else { panic!("{} successors", successors.len()) };
    assert_ne!(*successor, ada.refresh);
    let next = app.http.refresh(successor).await.with(200);
    assert_ne!(next["refresh_token"], *successor);
    ada.get("/api/user/profile").await.with(200);
    let ended = "SELECT count(*) FROM sessions WHERE state <> 'live'";
    assert_eq!(app.place.count(ended).await, 0, "nothing was taken for a theft");
    app.finish().await;
}

async fn a_refresh_token_that_should_be_gone_ends_its_session(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.person("ada").await;
    let second = app.http.refresh(&ada.refresh).await.with(200);
    let second = second["refresh_token"].as_str().expect("a token").to_owned();
    let third = app.http.refresh(&second).await.with(200);
    let access = third["access_token"].as_str().expect("a token");
    let third = third["refresh_token"].as_str().expect("a token");
    // Two generations old: somebody has kept it.
    app.http.refresh(&ada.refresh).await.problem(401, "auth.invalid_refresh_token");
    let stolen = Instant::now();
    app.http.refresh(third).await.problem(401, "auth.invalid_refresh_token");
    eventually("the access token is refused", async || {
        let profile = app.http.request("GET", "/api/user/profile").bearer_auth(access);
        send(profile).await.status == 401
    })
    .await;
    assert!(stolen.elapsed() < SECOND + BUSY);
    app.finish().await;
}

async fn a_key_that_was_taken_back_is_refused_within_a_second(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, program) = app.program("ada").await;
    let kept = ada.program().await;
    program.models().await.with(200);
    assert_eq!(ada.delete(&format!("/api/keys/{}", program.id)).await.status, 204);
    let revoked = Instant::now();
    eventually("the key is refused", async || program.models().await.status == 401).await;
    assert!(revoked.elapsed() < SECOND + BUSY);
    program.say("gpt-4o-mini", "hello").await.error(401, "invalid_api_key");
    kept.models().await.with(200);
    app.finish().await;
}

async fn a_session_that_was_ended_is_refused_within_a_second(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.person("ada").await;
    let elsewhere = app.http.sign_in("ada@example.com").await;
    assert_eq!(ada.log_out().await.status, 204);
    let ended = Instant::now();
    app.http.refresh(&ada.refresh).await.problem(401, "auth.invalid_refresh_token");
    eventually("the token is refused", async || ada.get("/api/user/profile").await.status == 401)
        .await;
    assert!(ended.elapsed() < SECOND + BUSY);
    elsewhere.get("/api/user/profile").await.with(200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_replica_takes_back_another_refuses_within_a_second() {
    let Some(place) = Place::postgres().await else { return };
    let here = TestApp::at(place, &[]).await;
    let there = here.beside().await;
    let (ada, program) = here.program("ada").await;
    let (ada_there, program_there) = (ada.at(&there), program.at(&there));
    ada_there.get("/api/user/profile").await.with(200);
    program_there.models().await.with(200);
    assert_eq!(ada.delete(&format!("/api/keys/{}", program.id)).await.status, 204);
    assert_eq!(ada.log_out().await.status, 204);
    let ended = Instant::now();
    eventually("both are refused", async || {
        let key = program_there.models().await.status;
        let token = ada_there.get("/api/user/profile").await.status;
        (key, token) == (401, 401)
    })
    .await;
    assert!(ended.elapsed() < SECOND + BUSY);
    there.finish().await;
    here.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_share_credits_and_quotas() {
    let Some(place) = Place::postgres().await else { return };
    let here = TestApp::at(place, &[]).await;
    let there = here.beside().await;
    let (ada, program) = here.program("ada").await;
    let mut calls = JoinSet::new();
    for number in 0..16 {
        let program = if number % 2 == 0 { program.clone() } else { program.at(&there) };
        calls.spawn(async move { program.say("gpt-4o-mini", "hello").await.with(200) });
    }
    while let Some(call) = soon(calls.join_next()).await {
        call.expect("it is answered");
    }
    for ada in [ada.clone(), ada.at(&there)] {
        assert_eq!(ada.credits().await, Credits::free(100_000_000 - 16 * 1_512));
        assert_eq!(ada.get("/api/usage/quota").await.with(200)["used"], 16);
        assert_eq!(ada.get("/api/usage/summary").await.with(200)["calls"], 16);
    }
    // What is ordered here is paid for at the sandbox of this one, and granted for all.
    here.http.pay(&ada.order("small").await).await;
    ada.at(&there).has(600_000_000 - 16 * 1_512).await;
    there.finish().await;
    here.finish().await;
}
