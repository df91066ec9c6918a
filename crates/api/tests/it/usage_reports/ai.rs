//! The models there are, who runs them, and how well they answer.
use std::sync::Arc;

use serde_json::{Value, json};

use super::{FLASH, HAIKU, HELLO_MINI, MINI, given_calls, given_more_like, list};
use crate::app::{
    Place, TestApp,
    caller::{micros, saying},
    on_both_databases,
};

on_both_databases!(how_well_models_answered_is_told_by_model_and_by_provider);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_catalogue_tells_what_every_model_costs_and_whether_the_plan_reaches_it() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let catalogue = ada.get("/api/ai/models").await.with(200);
    let models = list(&catalogue, "data");
    let find = |id: &str| models.iter().find(|model| model["id"] == id).expect("a model");
    let mini = find(MINI);
    assert_eq!((&mini["provider"], &mini["class"]), (&json!("openai"), &json!("small")));
    assert_eq!((&mini["context_window"], &mini["output_cap"]), (&json!(128_000), &json!(16_384)));
    assert_eq!((&mini["in_plan"], &mini["available"]), (&json!(true), &json!(true)));
    let price = &mini["price"];
    assert_eq!((&price["free"], &price["markup_basis_points"]), (&json!(false), &json!(2_000)));
    let tiers = json!([{ "up_to_input_tokens": null, "usd": {
        "input_per_million": "0.150000",
        "cached_input_per_million": "0.075000",
        "cache_write_per_million": "0.150000",
        "output_per_million": "0.600000",
        "per_call": "0.000000000000",
    } }]);
    assert_eq!(price["tiers"], tiers);
    program.say(MINI, "hello").await.with(200);
    let record = ada.get("/api/usage/records").await.with(200)["data"][0].clone();
    assert_eq!(record["price_version"], price["version"], "as receipts name it");
    let large = find("gpt-4o");
    assert_eq!((&large["in_plan"], &large["available"]), (&json!(false), &json!(false)));
    assert!(large["price"]["tiers"][0]["usd"].is_object(), "it is told all the same");

    let open = program.models().await.with(200);
    let open: Vec<_> = list(&open, "data").iter().map(|model| &model["id"]).collect();
    let available: Vec<_> =
        models.iter().filter(|it| it["available"] == true).map(|it| &it["id"]).collect();
    assert_eq!(open, available, "what is available can be called");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_not_configured_is_told_to_be_out_of_reach() {
    let app = TestApp::on_sqlite(&[]).await;
    let ada = app.person("ada").await;
    let providers = ada.get("/api/ai/providers").await.with(200);
    let names: Vec<_> =
        list(&providers, "data").iter().filter_map(|it| it["provider"].as_str()).collect();
    assert!(
        names.is_sorted() && ["anthropic", "gemini", "openai"].iter().all(|n| names.contains(n))
    );
    for provider in list(&providers, "data") {
        assert_eq!((&provider["configured"], &provider["enabled"]), (&json!(true), &json!(true)));
        let (all, reached) = (provider["models"].as_u64(), provider["models_in_plan"].as_u64());
        assert!(reached > Some(0) && reached <= all, "{provider}");
    }
    app.finish().await;

    let alone = [("CAPE_SANDBOX__ENABLED", "false"), ("CAPE_USAGE__OPENAI__API_KEY", "sk-alone")];
    let app = TestApp::on_sqlite(&alone).await;
    let ada = app.person("ada").await;
    let providers = ada.get("/api/ai/providers").await.with(200);
    for provider in list(&providers, "data") {
        let reached = provider["provider"] == "openai";
        assert_eq!(provider["configured"], reached, "{provider}");
        assert_eq!(provider["enabled"], reached, "{provider}");
        assert!(!provider.to_string().contains("sk-alone"));
    }
    let models = ada.get("/api/ai/models").await.with(200);
    let haiku = list(&models, "data").iter().find(|it| it["id"] == HAIKU).expect("it is known");
    assert_eq!((&haiku["in_plan"], &haiku["available"]), (&json!(true), &json!(false)));
    app.finish().await;
}

async fn how_well_models_answered_is_told_by_model_and_by_provider(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, [first, _]) = given_calls(&app).await;
    let shown = ada.get("/api/ai/performance").await.with(200);
    assert_eq!(shown["group_by"], "model");
    let groups = list(&shown, "groups");
    let of = |model: &str| groups.iter().find(|it| it["model"] == model).expect("a model");
    let mini = of(MINI);
    assert_eq!((&mini["provider"], &mini["calls"]), (&json!("openai"), &json!(2)));
    assert_eq!((&mini["failed"], &mini["error_rate"]), (&json!(0), &json!("0.000000")));
    assert_eq!((&mini["errors"], micros(&mini["charge"])), (&json!({}), 2 * HELLO_MINI));
    assert_eq!(mini["cost_usd"], "0.000025200000");
    assert_eq!(mini["first_token"], Value::Null, "none came in pieces");
    let flash = of(FLASH);
    assert_eq!((&flash["calls"], &flash["failed"]), (&json!(1), &json!(1)));
    assert_eq!(
        (&flash["error_rate"], &flash["errors"]),
        (&json!("1.000000"), &json!({ "rejected": 1 }))
    );
    assert_eq!((&flash["total"], &flash["provider_time"]), (&Value::Null, &Value::Null));

    let mut asked = saying(HAIKU, "hello");
    asked["stream"] = true.into();
    let stream = first.stream(&asked).await;
    let call = stream.call.clone();
    stream.rest().await;
    let receipt = ada.ended(&call).await;
    given_more_like(&app, &call, 40).await;
    let shown = ada.get("/api/ai/performance?group_by=provider&provider=anthropic").await.with(200);
    let [anthropic] = &list(&shown, "groups")[..] else { panic!("{shown}") };
    assert_eq!((&anthropic["provider"], &anthropic["calls"]), (&json!("anthropic"), &json!(42)));
    assert!(anthropic.get("model").is_none());
    let times = |of: &str, samples: u64| {
        let found = &anthropic[of];
        assert_eq!(found["samples"], samples);
        ["p50_ms", "p95_ms", "p99_ms"].map(|name| found[name].as_u64().expect("a duration"))
    };
    // 41 of 42 took what the one took that came in pieces.
    let [p50, p95, p99] = times("first_token", 41);
    let first_token = receipt["timing"]["first_token_ms"].as_u64().expect("a duration");
    assert_eq!([p50, p95, p99], [first_token; 3]);
    assert_eq!(times("total", 42)[0], receipt["timing"]["total_ms"].as_u64().expect("a duration"));
    let times = times("provider_time", 42);
    assert!(times.is_sorted(), "{times:?}");
    let narrow = ada.get("/api/ai/performance?state=failed&group_by=key").await.with(200);
    let [one] = &list(&narrow, "groups")[..] else { panic!("{narrow}") };
    assert_eq!((&one["key_id"], &one["calls"]), (&json!(first.id), &json!(1)));
    app.finish().await;
}
