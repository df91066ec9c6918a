//! The main job: register, pay, call a model, see exactly what it cost.
//!
//! Expected figures are worked out by hand. A credit is a cent, and the mark-up is a fifth: `n`
//! tokens at `p` dollars per million are charged `120 n p` millionths of a credit, all classes of
//! tokens together rounded up once. The sandbox counts the words of all messages and 3 for each
//! message as input, and answers with 20 words.
use std::sync::Arc;

use serde_json::{Value, json};

use crate::app::{
    Place, TestApp,
    caller::{Credits, micros, saying, send},
    on_both_databases,
};

on_both_databases!(
    a_newcomer_registers_pays_calls_a_model_and_sees_exactly_what_it_cost,
    every_provider_answers_whole_and_in_pieces_at_its_own_price,
    every_provider_asks_for_functions_and_reads_their_results,
    what_a_stream_may_cost_is_set_aside_while_it_runs,
    a_stream_is_paid_for_before_its_last_byte_is_sent,
    what_the_provider_tells_is_what_is_charged,
);

/// The answer of every provider to "hello".
const ANSWER: &str = "This is a sandbox answer to: hello. alpha bravo charlie delta echo foxtrot \
    golf hotel india juliett kilo lima mike";

/// What 4 tokens in and 20 out cost: in dollars, and in credits.
const HELLO: [(&str, &str, &str); 3] = [
    // 4 x 0.15 + 20 x 0.60 = 12.6
    ("gpt-4o-mini", "0.000012600000", "0.001512"),
    // 4 x 0.25 + 20 x 1.25 = 26
    ("claude-3-haiku", "0.000026000000", "0.003120"),
    // 4 x 0.075 + 20 x 0.30 = 6.3
    ("gemini-1.5-flash", "0.000006300000", "0.000756"),
];

const WELCOME: i64 = 100_000_000;

async fn a_newcomer_registers_pays_calls_a_model_and_sees_exactly_what_it_cost(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let registered = json!({ "user": { "email": "ada@example.com", "user_type": "customer", "is_verified": false } });
    for address in ["ada@example.com", "Ada@Example.com"] {
        assert_eq!(app.http.register(address).await.with(201), registered);
    }
    let signed_in = app.http.login("ada@example.com").await.with(200);
    assert_eq!(
        (&signed_in["token_type"], &signed_in["expires_in"]),
        (&json!("Bearer"), &json!(900))
    );
    let ada = app.http.sign_in("ada@example.com").await;
    let profile = ada.get("/api/user/profile").await.with(200);
    assert_eq!(profile["user"], signed_in["user"]);
    assert_eq!(profile["profile"]["full_name"], Value::Null);
    let pricing = app.http.get("/api/payment/pricing").await.with(200);
    assert_eq!(codes(&pricing["plans"]), ["free", "basic", "pro", "enterprise"]);
    assert_eq!(codes(&pricing["credit_packs"]), ["small", "medium", "large"]);
    assert_eq!(ada.credits().await, Credits::free(WELCOME));

    let program = ada.program().await;
    assert!(program.key.starts_with("cape_sk_"));
    let keys = ada.get("/api/keys").await;
    assert!(keys.with(200)["data"][0]["id"] == program.id && !keys.text.contains(&program.key));
    let models = program.models().await.with(200);
    let models: Vec<_> =
        models["data"].as_array().expect("a list").iter().map(|it| &it["id"]).collect();
    assert!(models.contains(&&json!("gpt-4o-mini")) && !models.contains(&&json!("gpt-4o")));

    for name in ["gpt-4o-mini", "fast"] {
        let found = send(program.request("GET", &format!("/v1/models/{name}"))).await.with(200);
        assert_eq!((&found["id"], &found["object"]), (&json!("gpt-4o-mini"), &json!("model")));
    }
    for name in ["gpt-4o", "nothing"] {
        let refused = send(program.request("GET", &format!("/v1/models/{name}"))).await;
        refused.error(404, "model_not_found");
    }

    let first = program.say("gpt-4o-mini", "hello").await;
    assert_eq!(first.with(200)["choices"][0]["message"]["content"], ANSWER);
    let call = first.header("x-cape-call-id").expect("a call");
    let receipt = ada.record(call).await;
    assert_eq!(receipt["request_id"].as_str(), first.header("x-request-id"));
    assert_eq!(
        (receipt["key_id"].as_str(), &receipt["user_id"]),
        (Some(&*program.id), &signed_in["user"]["id"])
    );
    assert_receipt(&receipt, HELLO[0], (4, 20));
    let streamed = program.stream(&saying("claude-3-haiku", "hello")).await;
    let second = streamed.call.clone();
    assert_eq!(streamed.rest().await.text(), ANSWER);
    let spent = 1_512 + 3_120;
    assert_eq!(ada.credits().await, Credits::free(WELCOME - spent));

    app.http.pay(&ada.order("medium").await).await;
    ada.has(WELCOME - spent + 2_100_000_000).await;
    let moved = ada.get("/api/payment/credits").await.with(200);
    let moved: Vec<_> = moved["recent_transactions"].as_array().expect("a list").iter().collect();
    let amount =
        |kind: &str| moved.iter().find(|one| one["type"] == kind).map(|one| micros(&one["amount"]));
    assert_eq!(amount("purchase"), Some(2_000_000_000));
    assert_eq!(amount("bonus"), Some(100_000_000));
    assert_eq!(amount("promotion"), Some(WELCOME));

    let summary = ada.get("/api/usage/summary").await.with(200);
    assert_eq!((&summary["calls"], &summary["charge"]), (&json!(2), &json!("0.004632")));
    let used: Vec<_> = summary["groups"].as_array().expect("a list").iter().collect();
    assert_eq!(
        (&used[0]["model"], &used[0]["charge"]),
        (&json!("claude-3-haiku"), &json!("0.003120"))
    );
    assert_eq!(
        (&used[1]["model"], &used[1]["charge"]),
        (&json!("gpt-4o-mini"), &json!("0.001512"))
    );
    let newest = ada.get("/api/usage/records?limit=1").await.with(200);
    assert_is_record_of(&newest["data"], &ada.record(&second).await);
    let cursor = newest["next_cursor"].as_str().expect("a cursor");
    let oldest = ada.get(&format!("/api/usage/records?limit=1&cursor={cursor}")).await.with(200);
    assert_is_record_of(&oldest["data"], &receipt);
    assert_eq!(oldest["next_cursor"], Value::Null);
    let quota = ada.get("/api/usage/quota").await.with(200);
    assert_eq!((&quota["plan"], &quota["monthly_quota"]), (&json!("free"), &json!(100)));
    assert_eq!((&quota["used"], &quota["remaining"]), (&json!(2), &json!(98)));
    app.finish().await;
}

fn codes(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().filter_map(|item| item["code"].as_str()).collect()
}

/// The one row of a list says what the receipt says, of which it is a part.
#[track_caller]
fn assert_is_record_of(rows: &Value, receipt: &Value) {
    let rows = rows.as_array().expect("a list");
    let [Value::Object(row)] = &rows[..] else { panic!("one row: {rows:?}") };
    assert!(row.len() > 15, "{row:?}");
    for (name, value) in row {
        assert_eq!(receipt[name], *value, "{name}");
    }
}

#[track_caller]
fn assert_receipt(
    receipt: &Value,
    (model, cost, charge): (&str, &str, &str),
    (input, output): (u64, u64),
) {
    assert_eq!(receipt["state"], "settled", "{receipt}");
    assert_eq!((&receipt["model_asked"], &receipt["model"]), (&json!(model), &json!(model)));
    let tokens = json!({ "input": input, "cached_input": 0, "cache_write": 0, "output": output, "reasoning": 0 });
    assert_eq!(receipt["tokens"], tokens, "{receipt}");
    assert_eq!((&receipt["cost_usd"], &receipt["charge"]), (&json!(cost), &json!(charge)));
    assert_eq!(
        (&receipt["estimated"], &receipt["markup_basis_points"]),
        (&json!(false), &json!(2_000))
    );
    assert!(receipt["transaction_id"].as_str().is_some_and(|id| id.starts_with("txn_")));
    assert!(receipt["timing"]["total_ms"].is_u64() && receipt["failure"].is_null());
}

async fn every_provider_answers_whole_and_in_pieces_at_its_own_price(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, program) = app.program("ada").await;
    let mut balance = WELCOME;
    for told in HELLO {
        let (model, _, charge) = told;
        let whole = program.say(model, "hello").await;
        let answer = whole.with(200);
        assert_eq!(
            answer["choices"][0]["message"],
            json!({ "role": "assistant", "content": ANSWER, "refusal": null, "annotations": [] })
        );
        assert_eq!(
            (&answer["model"], &answer["choices"][0]["finish_reason"]),
            (&json!(model), &json!("stop"))
        );
        let usage = &answer["usage"];
        assert_eq!(
            (&usage["prompt_tokens"], &usage["completion_tokens"], &usage["total_tokens"]),
            (&json!(4), &json!(20), &json!(24))
        );
        let call = whole.header("x-cape-call-id").expect("a call");
        assert_receipt(&ada.record(call).await, told, (4, 20));

        let stream = program.stream(&saying(model, "hello")).await;
        let call = stream.call.clone();
        let pieces = stream.rest().await;
        assert!(pieces.done && pieces.events.len() > 20, "{pieces:?}");
        assert_eq!((pieces.text().as_str(), pieces.finish()), (ANSWER, Some("stop")));
        assert_eq!(pieces.usage(), Some((4, 20)));
        let receipt = ada.record(&call).await;
        assert_receipt(&receipt, told, (4, 20));
        assert_eq!(receipt["streamed"], true);

        balance -= 2 * micros(&json!(charge));
        assert_eq!(ada.credits().await, Credits::free(balance));
    }
    app.finish().await;
}

async fn every_provider_asks_for_functions_and_reads_their_results(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, program) = app.program("ada").await;
    // 3 + 4 words in; the name and three pieces of the arguments out.
    for told in [
        // 7 x 0.15 + 4 x 0.60 = 3.45
        ("gpt-4o-mini", "0.000003450000", "0.000414"),
        // 7 x 0.25 + 4 x 1.25 = 6.75
        ("claude-3-haiku", "0.000006750000", "0.000810"),
        // 7 x 0.075 + 4 x 0.30 = 1.725
        ("gemini-1.5-flash", "0.000001725000", "0.000207"),
    ] {
        let mut asked = saying(told.0, "How is the weather?");
        asked["tools"] = json!([{ "type": "function", "function": {
            "name": "weather",
            "description": "The weather of a city",
            "parameters": {
                "type": "object",
                "properties": { "city": { "type": "string" } },
                "required": ["city"],
            },
        } }]);
        let whole = program.chat(&asked).await;
        let message = whole.with(200)["choices"][0]["message"].clone();
        let function = &message["tool_calls"][0]["function"];
        assert_eq!(
            (&function["name"], &function["arguments"]),
            (&json!("weather"), &json!("{\"city\":\"sandbox\"}"))
        );
        assert_eq!(whole.json()["choices"][0]["finish_reason"], "tool_calls");
        let call = whole.header("x-cape-call-id").expect("a call");
        assert_receipt(&ada.record(call).await, told, (7, 4));

        let stream = program.stream(&asked).await;
        let call = stream.call.clone();
        let pieces = stream.rest().await;
        assert_eq!(pieces.function(), ("weather".to_owned(), "{\"city\":\"sandbox\"}".to_owned()));
        assert_eq!((pieces.finish(), pieces.done), (Some("tool_calls"), true));
        assert_receipt(&ada.record(&call).await, told, (7, 4));

        // Three messages and five words: the question, and what the function said.
        let result = json!({ "role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "sunny" });
        let messages = asked["messages"].as_array_mut().expect("a list");
        messages.extend([message, result]);
        let answered = program.chat(&asked).await.with(200);
        assert!(
            answered["choices"][0]["message"]["content"]
                .as_str()
                .is_some_and(|text| text.starts_with("This is a sandbox answer to: How is"))
        );
        assert_eq!(
            (&answered["usage"]["prompt_tokens"], &answered["usage"]["completion_tokens"]),
            (&json!(14), &json!(20))
        );
    }
    app.finish().await;
}

async fn what_a_stream_may_cost_is_set_aside_while_it_runs(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, program) = app.program("ada").await;
    let text = "hello [[sandbox: chunk_delay=2s, output_tokens=2]]";
    let mut asked = saying("gpt-4o-mini", text);
    asked["max_tokens"] = 100.into();
    let mut stream = program.stream(&asked).await;
    let call = stream.call.clone();
    stream.next_json().await;
    // 50 bytes and 32 around them in, 100 tokens out: 120 x (82 x 0.15 + 100 x 0.60)
    let held = 8_676;
    assert_eq!(ada.credits().await, Credits { balance: WELCOME - held, held, owed: 0 });
    let running = ada.record(&call).await;
    assert_eq!((&running["state"], &running["streamed"]), (&json!("running"), &json!(true)));
    assert_eq!((&running["estimated"], &running["ended_at"]), (&json!(true), &Value::Null));
    assert!(stream.rest().await.done);
    // 120 x (7 x 0.15 + 2 x 0.60)
    assert_eq!(ada.credits().await, Credits::free(WELCOME - 270));
    app.finish().await;
}

async fn a_stream_is_paid_for_before_its_last_byte_is_sent(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, program) = app.program("ada").await;
    let mut balance = WELCOME;
    for (model, charge) in [
        // Four words and 3 in, five out: 120 x (7 x 0.15 + 5 x 0.60)
        ("gpt-4o-mini", 486),
        // 120 x (7 x 0.25 + 5 x 1.25)
        ("claude-3-haiku", 960),
        // 120 x (7 x 0.075 + 5 x 0.30)
        ("gemini-1.5-flash", 243),
    ] {
        let text = "count [[sandbox: chunk_delay=10ms, output_tokens=5]]";
        let mut stream = program.stream(&saying(model, text)).await;
        while stream.next_json().await["choices"][0]["finish_reason"].is_null() {}
        let receipt = ada.record(&stream.call).await;
        assert_eq!((&receipt["state"], micros(&receipt["charge"])), (&json!("settled"), charge));
        balance -= charge;
        assert_eq!(ada.credits().await, Credits::free(balance));
        assert!(stream.rest().await.done);
    }
    app.finish().await;
}

async fn what_the_provider_tells_is_what_is_charged(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, program) = app.program("ada").await;
    let mut balance = WELCOME;
    for (directive, tokens, estimated, charge) in [
        // Three words and 3 in, four of them from the cache: 2 x 0.15 + 4 x 0.075 + 20 x 0.60
        ("cached_tokens=4", (2, 4, 20), false, 1_512),
        // 6 x 0.15 + 40 x 0.60
        ("usage=double", (6, 0, 40), false, 2_988),
        // An explicit nothing is not missing.
        ("usage=zero", (0, 0, 0), false, 0),
        // A token for every four bytes: 32 and 2 in, 114 out. 10 x 0.15 + 29 x 0.60
        ("usage=missing", (10, 0, 29), true, 2_268),
    ] {
        for streamed in [false, true] {
            let asked = saying("gpt-4o-mini", &format!("hello [[sandbox: {directive}]]"));
            let call = if streamed {
                let stream = program.stream(&asked).await;
                let call = stream.call.clone();
                assert_eq!(stream.rest().await.text(), ANSWER);
                call
            } else {
                let answer = program.chat(&asked).await;
                assert_eq!(answer.with(200)["choices"][0]["message"]["content"], ANSWER);
                answer.header("x-cape-call-id").expect("a call").to_owned()
            };
            let receipt = ada.record(&call).await;
            let told = |field: &str| receipt["tokens"][field].as_i64().expect("a count");
            assert_eq!(
                (told("input"), told("cached_input"), told("output")),
                tokens,
                "{directive}"
            );
            assert_eq!(receipt["estimated"], estimated, "{directive}");
            assert_eq!(micros(&receipt["charge"]), charge, "{directive}");
            balance -= charge;
            assert_eq!(ada.credits().await, Credits::free(balance));
        }
    }
    app.finish().await;
}
