//! Calls, found by what is known of them.
use std::sync::Arc;

use serde_json::{Value, json};

use super::{FLASH, HAIKU, MINI, given_calls, given_more_like, list, models};
use crate::app::{Place, TestApp, on_both_databases};

on_both_databases!(
    calls_are_found_by_who_made_them_with_what_of_what_and_when,
    a_filtered_list_goes_on_page_by_page_and_a_cursor_of_another_shows_nothing_foreign,
    what_is_no_filter_is_refused_by_name,
    nobody_sees_what_another_workspace_used,
);

async fn calls_are_found_by_who_made_them_with_what_of_what_and_when(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, [first, second]) = given_calls(&app).await;
    let found = async |query: &str| {
        let answer = ada.get(&format!("/api/usage/records?{query}")).await.with(200);
        models(&answer).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let all = ada.get("/api/usage/records").await.with(200);
    assert_eq!(models(&all), [MINI, FLASH, HAIKU, MINI]);
    let user = all["data"][0]["user_id"].as_str().expect("a user");
    let (key, other) = (&first.id, &second.id);
    for (query, expected) in [
        (format!("user={user}"), &[MINI, FLASH, HAIKU, MINI][..]),
        (format!("user=usr_{}", "0".repeat(32)), &[]),
        (format!("key={key}"), &[FLASH, HAIKU, MINI]),
        (format!("key={other}"), &[MINI]),
        (format!("model={MINI}"), &[MINI, MINI]),
        ("model=fast".to_owned(), &[]),
        ("provider=anthropic".to_owned(), &[HAIKU]),
        ("provider=nobody".to_owned(), &[]),
        ("state=settled".to_owned(), &[MINI, HAIKU, MINI]),
        ("state=failed".to_owned(), &[FLASH]),
        ("state=running".to_owned(), &[]),
        (format!("key={key}&model={MINI}&state=settled&provider=openai&user={user}"), &[MINI]),
        (format!("key={other}&state=failed"), &[]),
    ] {
        assert_eq!(found(&query).await, expected, "{query}");
    }
    let moments: Vec<_> = list(&all, "data").iter().map(|row| row["started_at"].clone()).collect();
    let moment = |place: usize| moments[place].as_str().expect("a time");
    for (query, expected) in [
        (format!("from={}", moment(1)), &[MINI, FLASH][..]),
        (format!("until={}", moment(1)), &[HAIKU, MINI]),
        (format!("from={}&until={}", moment(2), moment(1)), &[HAIKU]),
        (
            format!("from={}&until={}", moment(3), "2999-01-01T00:00:00%2B02:00"),
            &[MINI, FLASH, HAIKU, MINI],
        ),
    ] {
        assert_eq!(found(&query).await, expected, "{query}");
    }
    app.finish().await;
}

async fn a_filtered_list_goes_on_page_by_page_and_a_cursor_of_another_shows_nothing_foreign(
    place: Arc<Place>,
) {
    let app = TestApp::at(place, &[]).await;
    let (ada, [first, _]) = given_calls(&app).await;
    let all = ada.get("/api/usage/records").await.with(200);
    given_more_like(&app, all["data"][3]["id"].as_str().expect("an id"), 5).await;
    let filter = format!("key={}&model={MINI}&limit=2", first.id);
    let (mut seen, mut path) = (vec![], format!("/api/usage/records?{filter}"));
    for _ in 0..10 {
        let page = ada.get(&path).await.with(200);
        seen.extend(list(&page, "data").clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/usage/records?{filter}&cursor={cursor}");
    }
    assert_eq!(seen.len(), 6, "one was made, and five are like it");
    assert!(seen.iter().all(|row| row["model"] == MINI && row["key_id"] == json!(first.id)));
    let mut ids: Vec<_> = seen.iter().map(|row| row["id"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 6, "none twice");

    let newest = ada.get("/api/usage/records?limit=1").await.with(200);
    let cursor = newest["next_cursor"].as_str().expect("a cursor");
    let failed = format!("/api/usage/records?state=failed&cursor={cursor}");
    assert_eq!(models(&ada.get(&failed).await.with(200)), [FLASH], "older, and failed");
    let haiku = format!("/api/usage/records?model={HAIKU}&limit=1");
    let page = ada.get(&haiku).await.with(200);
    assert_eq!((models(&page), &page["next_cursor"]), (vec![HAIKU], &Value::Null));
    app.finish().await;
}

async fn what_is_no_filter_is_refused_by_name(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.person("ada").await;
    let nil = "0".repeat(32);
    for report in ["records", "summary", "timeseries"] {
        let path = format!("/api/usage/{report}");
        for (field, values) in [
            ("user", &["", "1", "usr_", &format!("key_{nil}")][..]),
            ("key", &["", "1", &format!("usr_{nil}")]),
            ("provider", &["", "OpenAI", "a%20b", &"p".repeat(32)]),
            ("state", &["", "done", "Settled"]),
            ("from", &["", "yesterday", "2026-11-21", "1780000000", "2026-11-21T05:00:00%00"]),
            ("until", &["", "2026-13-01T00:00:00Z", "2026-11-21T05:00:00 02:00"]),
            ("format", &["", "xml", "CSV"]),
        ] {
            for value in values {
                ada.get(&format!("{path}?{field}={value}")).await.blames(field);
            }
        }
        for query in ["workspace=x", "user=a&user=b", "order=asc"] {
            ada.get(&format!("{path}?{query}")).await.problem(400, "request.query");
        }
        let backwards = "from=2026-11-21T05:00:00Z&until=2026-11-21T05:00:00Z";
        ada.get(&format!("{path}?{backwards}")).await.blames("from");
    }
    for report in ["/api/usage/summary", "/api/usage/timeseries", "/api/ai/performance"] {
        for by in ["", "workspace", "Model", "model,key"] {
            ada.get(&format!("{report}?group_by={by}")).await.blames("group_by");
        }
        let year = "from=2024-01-01T00:00:00Z&until=2025-01-01T00:00:01Z";
        ada.get(&format!("{report}?{year}")).await.problem(400, "usage.period_too_long");
    }
    for bucket in ["", "week", "Day"] {
        ada.get(&format!("/api/usage/timeseries?bucket={bucket}")).await.blames("bucket");
    }
    // More than one is told at once, and a model may be called anything.
    let many = ada.get("/api/usage/records?user=1&state=done&model=%3D1%2B1").await;
    many.blames("user");
    many.blames("state");
    app.finish().await;
}

async fn nobody_sees_what_another_workspace_used(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, [first, _]) = given_calls(&app).await;
    let bob = app.person("bob").await;
    let all = ada.get("/api/usage/records").await.with(200);
    let user = all["data"][0]["user_id"].as_str().expect("a user");
    for filter in [String::new(), format!("&user={user}"), format!("&key={}", first.id)] {
        let listed = bob.get(&format!("/api/usage/records?limit=100{filter}")).await.with(200);
        assert_eq!(listed, json!({ "data": [], "next_cursor": null }), "{filter}");
        let table = bob.get(&format!("/api/usage/records?format=csv{filter}")).await;
        assert_eq!((table.status, table.text.lines().count()), (200, 1), "the columns alone");
        let summary = bob.get(&format!("/api/usage/summary?group_by=key{filter}")).await.with(200);
        assert_eq!((&summary["calls"], &summary["groups"]), (&json!(0), &json!([])));
        assert_eq!((&summary["failed"], &summary["charge"]), (&json!(0), &json!("0.000000")));
        let series = bob.get(&format!("/api/usage/timeseries?bucket=day{filter}")).await.with(200);
        assert!(list(&series, "buckets").iter().all(|part| part["calls"] == 0));
        let performance = format!("/api/ai/performance?group_by=user{filter}");
        assert_eq!(bob.get(&performance).await.with(200)["groups"], json!([]));
    }
    for row in list(&all, "data") {
        let id = row["id"].as_str().expect("an id");
        bob.get(&format!("/api/usage/records/{id}")).await.problem(404, "call.not_found");
    }
    app.finish().await;
}
