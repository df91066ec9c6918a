//! What was used, added up: over a period, and part by part.
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{HAIKU, HELLO_HAIKU, HELLO_MINI, MINI, given_calls, list};
use crate::app::{Place, TestApp, caller::micros, on_both_databases};

on_both_databases!(
    a_summary_adds_up_by_user_key_model_and_provider,
    a_series_adds_up_to_the_summary_of_the_same_period,
    a_series_has_a_bound,
);

async fn a_summary_adds_up_by_user_key_model_and_provider(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, [first, second]) = given_calls(&app).await;
    let user = ada.get("/api/user/profile").await.with(200)["user"]["id"].clone();
    let total = 2 * HELLO_MINI + HELLO_HAIKU;
    let by = async |by: &str| {
        let summary = ada.get(&format!("/api/usage/summary?group_by={by}")).await.with(200);
        assert_eq!(summary["group_by"], by);
        assert_eq!((&summary["calls"], &summary["failed"]), (&json!(3), &json!(1)));
        assert_eq!((&summary["running"], micros(&summary["charge"])), (&json!(0), total));
        assert_eq!(summary["tokens"]["input"], 3 * 4);
        assert_eq!(summary["tokens"]["output"], 3 * 20);
        // 2 x 12.6 + 26 dollars per million
        assert_eq!(summary["cost_usd"], "0.000051200000");
        let groups = list(&summary, "groups").clone();
        let charges: Vec<_> = groups.iter().map(|group| micros(&group["charge"])).collect();
        assert!(charges.is_sorted_by(|a, b| a >= b), "the dearest first");
        assert_eq!(charges.iter().sum::<i64>(), total, "nothing is missing");
        groups
    };
    let calls = |group: &Value| (group["calls"].clone(), group["failed"].clone());
    let users = by("user").await;
    assert_eq!((users.len(), &users[0]["user_id"]), (1, &user));
    let keys = by("key").await;
    let ids: Vec<_> = keys.iter().map(|group| &group["key_id"]).collect();
    assert_eq!(ids, [&json!(first.id), &json!(second.id)]);
    assert_eq!((calls(&keys[0]), calls(&keys[1])), ((json!(2), json!(1)), (json!(1), json!(0))));
    let models = by("model").await;
    let names: Vec<_> =
        models.iter().map(|it| (it["provider"].as_str(), it["model"].as_str())).collect();
    assert_eq!(names[0], (Some("anthropic"), Some(HAIKU)));
    assert_eq!((names[1], calls(&models[1])), ((Some("openai"), Some(MINI)), (json!(2), json!(0))));
    assert_eq!(calls(&models[2]), (json!(0), json!(1)), "what came to nothing is a group too");
    assert!(models.iter().all(|it| it.get("key_id").is_none() && it.get("user_id").is_none()));
    let providers = by("provider").await;
    let names: Vec<_> = providers.iter().filter_map(|it| it["provider"].as_str()).collect();
    assert_eq!(names, ["anthropic", "openai", "gemini"]);
    assert!(providers.iter().all(|it| it.get("model").is_none()));

    let usual = ada.get("/api/usage/summary").await.with(200);
    assert_eq!((&usual["group_by"], list(&usual, "groups")), (&json!("model"), &models));
    let narrow = format!("/api/usage/summary?key={}&state=settled&provider=openai", first.id);
    let narrow = ada.get(&narrow).await.with(200);
    assert_eq!((&narrow["calls"], &narrow["failed"]), (&json!(1), &json!(0)));
    let past = ada.get("/api/usage/summary?from=2020-01-01T00:00:00Z&until=2020-02-01T00:00:00Z");
    let past = past.await.with(200);
    assert_eq!(
        past["period"],
        json!({ "start": "2020-01-01T00:00:00Z", "end": "2020-02-01T00:00:00Z" })
    );
    assert_eq!((&past["calls"], &past["groups"]), (&json!(0), &json!([])));
    app.finish().await;
}

async fn a_series_adds_up_to_the_summary_of_the_same_period(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, _) = given_calls(&app).await;
    let listed = ada.get("/api/usage/records").await.with(200);
    let newest = listed["data"][0]["started_at"].as_str().expect("a time");
    let newest: DateTime<Utc> = newest.parse().expect("a time");
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    // Neither begins nor ends at a full hour.
    let (from, until) =
        (time(newest - TimeDelta::minutes(171)), time(newest + TimeDelta::minutes(91)));
    for (bucket, length) in [("hour", TimeDelta::hours(1)), ("day", TimeDelta::days(1))] {
        for group in ["", "&group_by=model", "&group_by=key", "&provider=openai"] {
            let period = format!("from={from}&until={until}{group}");
            let series = ada.get(&format!("/api/usage/timeseries?bucket={bucket}&{period}")).await;
            let series = series.with(200);
            let summary = ada.get(&format!("/api/usage/summary?{period}")).await.with(200);
            assert_eq!(
                (&series["bucket"], &series["period"]),
                (&json!(bucket), &summary["period"])
            );
            let parts = list(&series, "buckets");
            let at = |value: &Value| {
                value.as_str().expect("a time").parse::<DateTime<Utc>>().expect("a time")
            };
            assert_eq!(parts[0]["start"], series["period"]["start"]);
            assert_eq!(parts[parts.len() - 1]["end"], series["period"]["end"]);
            for pair in parts.windows(2) {
                assert_eq!(pair[0]["end"], pair[1]["start"], "without a gap");
                let edge = at(&pair[1]["start"]);
                assert_eq!(edge.timestamp() % length.num_seconds(), 0, "{edge}");
            }
            for name in ["calls", "failed", "running"] {
                let sum: u64 = parts.iter().filter_map(|part| part[name].as_u64()).sum();
                assert_eq!(summary[name], sum, "{name}");
            }
            let charged: i64 = parts.iter().map(|part| micros(&part["charge"])).sum();
            assert_eq!(micros(&summary["charge"]), charged);
            let input: u64 = parts.iter().filter_map(|part| part["tokens"]["input"].as_u64()).sum();
            assert_eq!(summary["tokens"]["input"], input);
            let empty = parts.iter().filter(|part| part["calls"] == 0 && part["failed"] == 0);
            for part in empty {
                assert_eq!(part["cost_usd"], "0.000000000000");
                assert_eq!(part["charge"], "0.000000");
            }
            if bucket == "hour" {
                assert!(parts.len() >= 5, "parts without calls are there");
            }
            let grouped = group.contains("group_by");
            for part in parts {
                assert_eq!(part.get("groups").is_some(), grouped);
                if grouped {
                    let of_groups = list(part, "groups").iter().map(|it| micros(&it["charge"]));
                    assert_eq!(of_groups.sum::<i64>(), micros(&part["charge"]));
                }
            }
        }
    }
    let usual = ada.get("/api/usage/timeseries").await.with(200);
    assert_eq!((&usual["bucket"], &usual["group_by"]), (&json!("day"), &Value::Null));
    let days = list(&usual, "buckets").len();
    assert!((28..=31).contains(&days), "this month");
    let hours = ada.get("/api/usage/timeseries?bucket=hour").await.with(200);
    assert_eq!(list(&hours, "buckets").len(), days * 24);
    app.finish().await;
}

async fn a_series_has_a_bound(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.person("ada").await;
    for (bucket, from, until, many) in [
        ("hour", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", Some(744)),
        ("hour", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00.000001Z", None),
        ("hour", "2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z", None),
        ("day", "2028-01-01T00:00:00Z", "2029-01-01T00:00:00Z", Some(366)),
        ("day", "2028-01-01T12:00:00Z", "2029-01-01T12:00:00Z", None),
    ] {
        let path = format!("/api/usage/timeseries?bucket={bucket}&from={from}&until={until}");
        let answer = ada.get(&path).await;
        match many {
            Some(many) => assert_eq!(list(&answer.with(200), "buckets").len(), many, "{path}"),
            None => drop(answer.problem(400, "usage.too_many_buckets")),
        }
    }
    app.finish().await;
}
