//! What paid for a call.
use std::sync::Arc;

use serde_json::{Value, json};

use super::{FLASH, HELLO_MINI, MINI, list};
use crate::app::{
    Place, TestApp,
    caller::{micros, saying},
    on_both_databases,
};

on_both_databases!(
    a_receipt_tells_the_prices_the_lots_and_the_transaction,
    a_call_that_came_to_nothing_has_a_receipt_of_nothing,
);

async fn a_receipt_tells_the_prices_the_lots_and_the_transaction(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, program) = app.program("ada").await;
    let answer = program.say("fast", "hello").await;
    let receipt = ada.record(answer.header("x-cape-call-id").expect("a call")).await;
    assert_eq!((&receipt["model_asked"], &receipt["model"]), (&json!("fast"), &json!(MINI)));
    assert_eq!(micros(&receipt["charge"]), HELLO_MINI);
    assert_eq!(receipt["markup_basis_points"], 2_000);
    let prices = json!({
        "input_per_million": "0.150000",
        "cached_input_per_million": "0.075000",
        "cache_write_per_million": "0.150000",
        "output_per_million": "0.600000",
        "per_call": "0.000000000000",
    });
    assert_eq!(receipt["unit_prices_usd"], prices);
    let [lot] = &list(&receipt, "paid_by")[..] else { panic!("{receipt}") };
    assert!(lot["grant_id"].as_str().is_some_and(|id| id.starts_with("grt_")), "{lot}");
    assert_eq!((&lot["source"], &lot["amount"]), (&json!("promotion"), &receipt["charge"]));
    let nothing = json!({ "from_available": "0.000000", "owed": "0.000000" });
    assert_eq!(receipt["beyond_hold"], nothing);
    let hold = &receipt["hold"];
    assert!(hold["id"].as_str().is_some_and(|id| id.starts_with("hld_")), "{hold}");
    assert_eq!((&hold["state"], &hold["placed_at"]), (&json!("settled"), &receipt["started_at"]));
    assert!(micros(&hold["amount"]) > HELLO_MINI, "the worst case");
    let transaction = receipt["transaction_id"].as_str().expect("a transaction");
    assert!(transaction.starts_with("txn_"));
    let account = ada.get("/api/payment/credits").await.with(200);
    let ids: Vec<_> =
        list(&account, "recent_transactions").iter().filter_map(|it| it["id"].as_str()).collect();
    assert!(ids.contains(&transaction), "{account}");
    let timing = |name: &str| receipt["timing"][name].as_u64().expect("a duration");
    let parts = timing("provider_ms") + timing("own_ms");
    assert!(timing("total_ms") - parts <= 1, "of whole milliseconds one may be lost");
    assert!(receipt["quota_period"]["start"].as_str() <= receipt["started_at"].as_str());

    let mut asked = saying(MINI, "hello");
    asked["stream"] = true.into();
    let stream = program.stream(&asked).await;
    let call = stream.call.clone();
    stream.rest().await;
    let receipt = ada.ended(&call).await;
    assert!(receipt["timing"]["first_token_ms"].is_u64(), "{receipt}");
    assert_eq!(list(&receipt, "paid_by")[0]["amount"], receipt["charge"]);
    app.finish().await;
}

async fn a_call_that_came_to_nothing_has_a_receipt_of_nothing(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, program) = app.program("ada").await;
    program.say(FLASH, "hello [[sandbox: status=400]]").await.error(400, "provider_rejected");
    let listed = ada.get("/api/usage/records").await.with(200);
    let row = &listed["data"][0];
    let receipt = ada.record(row["id"].as_str().expect("an id")).await;
    for (name, value) in row.as_object().expect("a row") {
        assert_eq!(receipt[name], *value, "a receipt has all of the record: {name}");
    }
    assert_eq!((&receipt["state"], &receipt["failure"]), (&json!("failed"), &json!("rejected")));
    assert_eq!((&receipt["paid_by"], &receipt["unit_prices_usd"]), (&json!([]), &Value::Null));
    assert_eq!(receipt["hold"]["state"], "released");
    assert_eq!(receipt["transaction_id"], Value::Null);
    app.finish().await;
}
