//! What is stopped is refused, and what cannot be stopped is told.
use std::sync::Arc;

use serde_json::json;

use super::{MODEL, UNLIMITED, all, refusal, release, stop, tells};
use crate::app::{
    Place, TestApp,
    caller::{saying, send},
    eventually, on_both_databases,
};

on_both_databases!(each_kind_is_refused_until_it_is_released, what_is_stopped_is_not_listed);

async fn what_is_stopped_is_not_listed(place: Arc<Place>) {
    let app = TestApp::at(place, &UNLIMITED).await;
    let (_, program) = app.program("ada").await;
    let operator = app.operator("grace").await;
    let listed = async || {
        let openai = program.models().await.with(200)["data"].to_string();
        let google = send(program.request("GET", "/v1beta/models?pageSize=1000")).await;
        let google = google.with(200)["models"].to_string();
        let one = send(program.request("GET", &format!("/v1/models/{MODEL}"))).await.status;
        let path = format!("/v1beta/models/{MODEL}");
        let other = send(program.request("GET", &path)).await.status;
        let quoted = format!("\"{MODEL}\"");
        let named = google.contains(&format!("models/{MODEL}\""));
        [openai.contains(&quoted), named, one == 200, other == 200]
    };
    for target in [format!("model/{MODEL}"), "provider/openai".to_owned()] {
        assert_eq!(listed().await, [true; 4]);
        stop(&operator, &target).await.with(200);
        eventually("it is hidden", async || listed().await == [false; 4]).await;
        let shown = program.models().await.with(200)["data"].to_string();
        assert!(shown.contains("gemini-2.5-flash"), "{shown}");
        assert_eq!(release(&operator, &target).await.status, 204);
        eventually("it is shown", async || listed().await == [true; 4]).await;
    }
    app.finish().await;
}

async fn each_kind_is_refused_until_it_is_released(place: Arc<Place>) {
    let app = TestApp::at(place, &UNLIMITED).await;
    let (ada, program) = app.program("ada").await;
    let operator = app.operator("grace").await;
    let before = ada.credits().await;
    for target in all(&ada, &program).await {
        let (kind, name) = target.split_once('/').expect("a kind");
        let switch = stop(&operator, &target).await.with(200);
        assert_eq!((&switch["kind"], &switch["target"]), (&json!(kind), &json!(name)));
        assert_eq!(switch["reason"], "found in the open");
        assert_eq!(
            operator.get("/api/admin/switches").await.with(200),
            json!({ "data": [switch] })
        );

        let (status, code) = refusal(&target);
        eventually("it is refused", async || program.say(MODEL, "hello").await.status == status)
            .await;
        let refused = program.say(MODEL, "hello").await;
        tells(&refused.error(status, code), &target);
        assert_eq!(refused.header("x-should-retry"), Some("false"));
        let mut body = saying(MODEL, "hello");
        body["max_tokens"] = 10.into();
        let refused = send(program.request("POST", "/v1/messages").json(&body)).await;
        let words = if status == 403 { "permission_error" } else { "overloaded_error" };
        let said = refused.anthropic_error(status, words);
        assert!(
            said.contains("found in the open") && said.ends_with(&format!("({code})")),
            "{said}"
        );

        assert_eq!(release(&operator, &target).await.status, 204);
        release(&operator, &target).await.problem(404, "switch.not_found");
        eventually("it is let through", async || program.say(MODEL, "hello").await.status == 200)
            .await;
    }
    assert_eq!(operator.get("/api/admin/switches").await.with(200), json!({ "data": [] }));
    // Once each time that it was let through: what was refused, or stopped on its way, cost nothing.
    let count = async |which: &str| {
        app.place.count(&format!("SELECT count(*) FROM calls WHERE {which}")).await
    };
    let (paid, stopped) = (count("state = 'settled'").await, count("failure = 'stopped'").await);
    assert_eq!(count("state IS NOT NULL").await, paid + stopped);
    assert_eq!(ada.credits().await.balance, before.balance - paid * 1_512);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_stopped_is_told_and_leaves_nothing_behind() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let operator = app.operator("grace").await;
    let [key, workspace, ..] = all(&ada, &program).await;
    let id = "0".repeat(32);
    for (target, code) in [
        ("user/x".to_owned(), "path.invalid_id"),
        ("key/nothing".to_owned(), "path.invalid_id"),
        (key.replace("key/key_", "key/wsp_"), "path.invalid_id"),
        (workspace.replace("workspace/", "key/"), "path.invalid_id"),
        ("provider/Open%20AI".to_owned(), "path.invalid_id"),
        (format!("key/key_{id}"), "switch.unknown_target"),
        (format!("workspace/wsp_{id}"), "switch.unknown_target"),
        ("model/gpt-40-mini".to_owned(), "switch.unknown_target"),
        ("model/a%2Fb".to_owned(), "switch.unknown_target"),
        ("provider/nobody".to_owned(), "switch.unknown_target"),
    ] {
        stop(&operator, &target).await.problem(404, code);
        let code = code.replace("unknown_target", "not_found");
        release(&operator, &target).await.problem(404, &code);
    }
    let path = format!("/api/admin/switches/{key}");
    for reason in ["", "  ", "a\nb", &"x".repeat(201)] {
        let body = json!({ "reason": reason });
        send(operator.request("PUT", &path).json(&body)).await.blames("reason");
    }
    for body in [json!({}), json!({ "reason": "x", "until": "tomorrow" })] {
        let refused = send(operator.request("PUT", &path).json(&body)).await;
        refused.problem(400, "request.wrong_shape");
    }
    assert_eq!(app.place.count("SELECT count(*) FROM switches").await, 0);
    let news = "SELECT count(*) FROM control_changes WHERE kind = 'switches_changed'";
    assert_eq!(app.place.count(news).await, 0);
    program.say(MODEL, "hello").await.with(200);
    app.finish().await;
}
