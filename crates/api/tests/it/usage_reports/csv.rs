//! Reports as tables.
use std::{fs, sync::Arc};

use serde_json::Value;

use super::{FLASH, HAIKU, MINI, column, given_calls, given_more_like, lines, list};
use crate::app::{Place, TestApp, caller::send, on_both_databases};

on_both_databases!(
    a_table_of_calls_says_what_the_list_says,
    a_table_of_many_calls_is_whole,
    sums_are_tables_too,
);

/// A price book with a model that is called like a formula.
const HOSTILE: &str = r#"
[[models]]
id = "=cmd|' /C calc'!A0"
aliases = ["@SUM(1,\"2\")"]
provider = "openai"
upstream = "gpt-4o-mini"
class = "small"
context_window = 128_000
output_cap = 16_384
released = 2024-07-18

[[models.prices]]
version = "2024-10-01"
effective = 2024-10-01
input = "0.15"
cached_input = "0.075"
cache_write = "0.15"
output = "0.60"
"#;

/// A value of JSON as a cell.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

async fn a_table_of_calls_says_what_the_list_says(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, [first, _]) = given_calls(&app).await;
    let listed = ada.get("/api/usage/records").await.with(200);
    let answer = ada.get("/api/usage/records?format=csv").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let kind = "text/csv; charset=utf-8; header=present";
    assert_eq!(answer.header("content-type"), Some(kind));
    let attachment = "attachment; filename=\"usage-records.csv\"";
    assert_eq!(answer.header("content-disposition"), Some(attachment));
    let table = lines(&answer.text);
    for name in [
        "id",
        "state",
        "started_at",
        "ended_at",
        "user_id",
        "key_id",
        "request_id",
        "model_asked",
        "model",
        "provider",
        "streamed",
        "estimated",
        "price_version",
        "markup_basis_points",
        "cost_usd",
        "charge",
        "transaction_id",
        "failure",
    ] {
        let expected: Vec<_> = list(&listed, "data").iter().map(|row| cell(&row[name])).collect();
        assert_eq!(column(&table, name), expected, "{name}");
    }
    for (group, names) in [
        ("tokens", &["input", "cached_input", "cache_write", "output", "reasoning"][..]),
        ("timing", &["total_ms", "provider_ms", "own_ms", "first_token_ms", "settlement_ms"]),
    ] {
        for name in names {
            let rows = list(&listed, "data").iter();
            let expected: Vec<_> = rows.map(|row| cell(&row[group][*name])).collect();
            assert_eq!(column(&table, name), expected, "{name}");
        }
    }

    let path = format!("/api/usage/records?key={}", first.id);
    let accepted = send(ada.request("GET", &path).header("accept", "text/csv")).await;
    assert_eq!(column(&lines(&accepted.text), "model"), [FLASH, HAIKU, MINI]);
    let both = ada.request("GET", "/api/usage/records?format=json").header("accept", "text/csv");
    assert_eq!(send(both).await.with(200), listed, "what is asked for by name goes first");
    for paged in ["cursor=x", "limit=10"] {
        let field = paged.split('=').next().expect("a name");
        ada.get(&format!("/api/usage/records?format=csv&{paged}")).await.blames(field);
    }
    app.finish().await;
}

async fn a_table_of_many_calls_is_whole(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, _) = given_calls(&app).await;
    let listed = ada.get("/api/usage/records").await.with(200);
    given_more_like(&app, listed["data"][0]["id"].as_str().expect("an id"), 321).await;
    let table = lines(&ada.get("/api/usage/records?format=csv").await.text);
    let mut ids = column(&table, "id");
    assert_eq!(ids.len(), 321 + 4);
    assert!(column(&table, "started_at").windows(2).all(|pair| {
        let at = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().expect("a time");
        at(&pair[0]) >= at(&pair[1])
    }));
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 321 + 4, "none twice");
    app.finish().await;
}

async fn sums_are_tables_too(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, _) = given_calls(&app).await;
    let summary = ada.get("/api/usage/summary?group_by=model").await.with(200);
    let answer = ada.get("/api/usage/summary?group_by=model&format=csv").await;
    let attachment = "attachment; filename=\"usage-summary.csv\"";
    assert_eq!(answer.header("content-disposition"), Some(attachment));
    let table = lines(&answer.text);
    for name in ["model", "provider", "calls", "failed", "running", "cost_usd", "charge"] {
        let expected: Vec<_> =
            list(&summary, "groups").iter().map(|group| cell(&group[name])).collect();
        assert_eq!(column(&table, name), expected, "{name}");
    }
    let series = ada.get("/api/usage/timeseries?group_by=provider").await.with(200);
    let request = ada.request("GET", "/api/usage/timeseries?group_by=provider");
    let table = lines(&send(request.header("accept", "text/csv")).await.text);
    let mut expected = vec![];
    for part in list(&series, "buckets") {
        let groups = list(part, "groups");
        let line = |of: &Value| [&part["start"], &of["provider"], &of["calls"]].map(cell);
        expected.extend(groups.iter().map(line));
        if groups.is_empty() {
            expected.push([cell(&part["start"]), String::new(), "0".to_owned()]);
        }
    }
    let found = ["start", "provider", "calls"].map(|name| column(&table, name));
    let found: Vec<_> = (0..found[0].len())
        .map(|place| [0, 1, 2].map(|name: usize| found[name][place].clone()))
        .collect();
    assert_eq!(found, expected);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_a_formula_is_a_text_in_a_table() {
    let place = Place::sqlite().await;
    let book = place.file("prices.toml");
    fs::write(&book, HOSTILE).expect("a price book");
    let book = book.display().to_string();
    let app = TestApp::at(place, &[("CAPE_USAGE__PRICE_BOOK", &book)]).await;
    let (ada, program) = app.program("ada").await;
    let (model, alias) = ("=cmd|' /C calc'!A0", "@SUM(1,\"2\")");
    program.say(model, "hello").await.with(200);
    program.say(alias, "hello").await.with(200);
    let table = lines(&ada.get("/api/usage/records?format=csv").await.text);
    assert_eq!(column(&table, "model"), [format!("'{model}"), format!("'{model}")]);
    assert_eq!(column(&table, "model_asked"), [format!("'{alias}"), format!("'{model}")]);
    let summary = lines(&ada.get("/api/usage/summary?format=csv").await.text);
    assert_eq!(column(&summary, "model"), [format!("'{model}")]);
    let listed = ada.get("/api/usage/records").await.with(200);
    assert_eq!(listed["data"][0]["model"], model, "JSON has it as it is");
    app.finish().await;
}
