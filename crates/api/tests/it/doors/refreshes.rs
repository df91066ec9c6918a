//! Refresh tokens that come twice, too late, or many at once: each is judged as documented
//! (`Session::judge`), and there is no other outcome.
use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;

use super::at_once;
use crate::app::{
    Answer, Place, TestApp,
    caller::{Http, Person},
    eventually, on_both_databases,
};

on_both_databases!(
    whoever_loses_answers_stays_signed_in,
    each_generation_that_comes_back_is_judged_by_its_age_and_use,
    a_storm_of_old_and_new_tokens_has_no_other_outcome,
    once_a_theft_is_seen_no_token_of_the_session_is_good,
);

/// So many refreshes at once.
const STORM: usize = 100;
/// So often an answer is lost.
const LOSSES: u64 = 24;

async fn platform(place: Arc<Place>) -> TestApp {
    TestApp::at(place, &[("CAPE_ACCOUNTS__THROTTLE", "off")]).await
}

/// The same database, another process as far as it knows.
async fn beside(app: &TestApp) -> TestApp {
    let variables = [("CAPE_ACCOUNTS__THROTTLE", "off"), ("CAPE_SANDBOX__URL", app.sandbox())];
    TestApp::at(Arc::clone(&app.place), &variables).await
}

/// The next pair, for a token that is good.
async fn next(http: &Http, token: &str) -> Person {
    Person::of(http.clone(), &http.refresh(token).await.with(200))
}

/// Uses the access token of a pair, which shows that the pair arrived.
async fn arrived(person: &Person) {
    person.get("/api/user/profile").await.with(200);
}

/// What became of a refresh: a pair, or the one refusal that there is.
fn outcome(answer: &Answer) -> Option<String> {
    if answer.status == 200 {
        return Some(answer.json()["refresh_token"].as_str().expect("a token").to_owned());
    }
    answer.problem(401, "auth.invalid_refresh_token");
    None
}

async fn live_sessions(app: &TestApp) -> i64 {
    app.place.count("SELECT count(*) FROM sessions WHERE state = 'live'").await
}

/// Lets time pass for the sessions: their last rotation was so long ago.
async fn age(app: &TestApp, rotated: Duration) {
    let seconds = rotated.as_secs();
    let long_ago = if app.place.url().starts_with("sqlite:") {
        format!("strftime('%Y-%m-%d %H:%M:%f000+00:00', rotated_at, '-{seconds} seconds')")
    } else {
        format!("rotated_at - interval '{seconds} seconds'")
    };
    let aged = format!("UPDATE sessions SET rotated_at = {long_ago} RETURNING CAST(1 AS BIGINT)");
    assert_eq!(app.place.count(&aged).await, 1);
}

async fn whoever_loses_answers_stays_signed_in(place: Arc<Place>) {
    let app = platform(place).await;
    let mut ada = app.person("ada").await;
    for lost in 0..LOSSES {
        let (http, token) = (ada.http.clone(), ada.refresh.clone());
        let mut asked = JoinSet::new();
        asked.spawn(async move { http.refresh(&token).await });
        if lost % 2 == 0 {
            // Perhaps the platform has heard of it, perhaps it has not, perhaps it is just now.
            tokio::time::sleep(Duration::from_micros(lost * 250)).await;
            asked.abort_all();
        } else {
            // It was answered, and nobody reads that.
            asked.join_next().await.expect("a refresh").expect("no panic").with(200);
        }
        ada = next(&app.http, &ada.refresh).await;
        // What is still under way with the old token has to be over before the new one is used:
        // two generations late, it would be a theft.
        let running = || app.instance.platform.tasks.running();
        eventually("nothing is under way", async || running() == 0).await;
    }
    arrived(&ada).await;
    next(&app.http, &ada.refresh).await;
    assert_eq!(live_sessions(&app).await, 1, "nothing was taken for a theft");
    app.finish().await;
}

async fn each_generation_that_comes_back_is_judged_by_its_age_and_use(place: Arc<Place>) {
    let app = platform(place).await;
    let first = app.person("ada").await;
    // Previous, whose successor was never used: repeated, however late.
    let second = next(&app.http, &first.refresh).await;
    age(&app, Duration::from_secs(100_000)).await;
    assert_eq!(next(&app.http, &first.refresh).await.refresh, second.refresh);
    // Current: rotated.
    let third = next(&app.http, &second.refresh).await;
    assert_ne!(third.refresh, second.refresh);
    // Previous, whose successor was used, a moment ago: repeated.
    arrived(&third).await;
    assert_eq!(next(&app.http, &second.refresh).await.refresh, third.refresh);
    // The same after the moment is over: a theft. What was good is no longer.
    age(&app, Duration::from_secs(11)).await;
    for token in [&second.refresh, &third.refresh, &first.refresh] {
        assert_eq!(outcome(&app.http.refresh(token).await), None);
    }
    assert_eq!(live_sessions(&app).await, 0);
    eventually("the access token is refused", async || {
        third.get("/api/user/profile").await.status == 401
    })
    .await;
    let told = app.mail("ada@example.com", "ended for your safety").await;
    assert!(told.text.contains("used from two places"), "{}", told.text);
    app.finish().await;
}

async fn a_storm_of_old_and_new_tokens_has_no_other_outcome(place: Arc<Place>) {
    let app = platform(place).await;
    let first = app.person("ada").await;
    let second = next(&app.http, &first.refresh).await;
    arrived(&second).await;
    let answers = at_once(STORM, |number| {
        let token = if number % 10 == 0 { &first.refresh } else { &second.refresh };
        let (http, token) = (app.http.clone(), token.clone());
        async move { (number % 10 == 0, http.refresh(&token).await) }
    });
    let (mut stolen, mut rotated) = (false, Vec::new());
    for (is_old, answer) in answers.await {
        match (is_old, outcome(&answer)) {
            // The first that came with the current token made the old one two generations old.
            (_, None) => stolen = true,
            (true, Some(token)) => assert_eq!(token, second.refresh, "it is repeated"),
            (false, Some(token)) => rotated.push(token),
        }
    }
    rotated.sort_unstable();
    rotated.dedup();
    assert!(rotated.len() <= 1, "{} successors", rotated.len());
    assert_eq!(live_sessions(&app).await, i64::from(!stolen));
    app.finish().await;
}

async fn once_a_theft_is_seen_no_token_of_the_session_is_good(place: Arc<Place>) {
    let app = platform(place).await;
    let first = app.person("ada").await;
    let elsewhere = app.http.sign_in("ada@example.com").await;
    let second = next(&app.http, &first.refresh).await;
    let third = next(&app.http, &second.refresh).await;
    let answers = at_once(STORM, |_| {
        let (http, token) = (app.http.clone(), first.refresh.clone());
        async move { http.refresh(&token).await }
    });
    for answer in answers.await {
        assert_eq!(outcome(&answer), None);
    }
    for token in [&first.refresh, &second.refresh, &third.refresh] {
        assert_eq!(outcome(&app.http.refresh(token).await), None);
    }
    next(&app.http, &elsewhere.refresh).await;
    assert_eq!(live_sessions(&app).await, 1, "another session is another matter");
    app.mails_are_sent().await;
    let mails = app.mails("ada@example.com").await;
    let told = mails.iter().filter(|mail| mail.subject.contains("ended for your safety"));
    assert_eq!(told.count(), 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_are_asked_at_once_hand_out_one_successor() {
    let Some(place) = Place::postgres().await else { return };
    let here = platform(place).await;
    let there = beside(&here).await;
    let mut ada = here.person("ada").await;
    for _ in 0..3 {
        let answers = at_once(STORM, |number| {
            let app = if number % 2 == 0 { &here } else { &there };
            let (http, token) = (app.http.clone(), ada.refresh.clone());
            async move { http.refresh(&token).await }
        });
        let mut successors: Vec<String> =
            answers.await.iter().map(|answer| outcome(answer).expect("no theft")).collect();
        successors.sort_unstable();
        successors.dedup();
        let [successor] = &successors[..] else { panic!("{} successors", successors.len()) };
        assert_ne!(*successor, ada.refresh);
        ada.refresh.clone_from(successor);
    }
    assert_eq!(live_sessions(&here).await, 1);
    there.finish().await;
    here.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_one_replica_lost_another_gives_again() {
    let Some(place) = Place::postgres().await else { return };
    let here = platform(place).await;
    let there = beside(&here).await;
    let mut ada = here.person("ada").await;
    for number in 0..10 {
        let (one, other) = if number % 2 == 0 { (&here, &there) } else { (&there, &here) };
        let lost = next(&one.http, &ada.refresh).await;
        let again = next(&other.http, &ada.refresh).await;
        assert_eq!(again.refresh, lost.refresh);
        // What was used there is known here.
        arrived(&again).await;
        ada = again;
    }
    age(&here, Duration::from_secs(11)).await;
    let last = next(&here.http, &ada.refresh).await;
    arrived(&last.at(&there)).await;
    age(&here, Duration::from_secs(11)).await;
    assert_eq!(outcome(&here.http.refresh(&ada.refresh).await), None, "a theft");
    assert_eq!(outcome(&there.http.refresh(&last.refresh).await), None);
    there.finish().await;
    here.finish().await;
}
