//! Embeddings as the clients of their vendors see them.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::{Bench, read};

fn openai(bench: &Bench, body: &Value) -> RequestBuilder {
    bench.post("/openai/v1/embeddings").bearer_auth("sk-sandbox").json(body)
}

fn google(bench: &Bench, body: &Value) -> RequestBuilder {
    let path = "/gemini/v1beta/models/gemini-embedding-001:batchEmbedContents";
    bench.post(path).header("x-goog-api-key", "AIza-sandbox").json(body)
}

fn numbers(list: &Value) -> Vec<f32> {
    serde_json::from_value(list.clone()).expect("numbers")
}

fn request(text: &str, dimensions: Option<u64>) -> Value {
    let mut request = json!({
        "model": "models/gemini-embedding-001", "content": { "parts": [{ "text": text }] },
    });
    if let Some(dimensions) = dimensions {
        request["outputDimensionality"] = dimensions.into();
    }
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn openai_gives_a_vector_for_each_input_in_either_form() {
    let bench = Bench::start();
    let mut body = json!({ "model": "text-embedding-3-small", "input": ["hello there", "you"] });
    let (status, lists) = read(openai(&bench, &body)).await;
    assert_eq!((status, &lists["object"], &lists["model"]), (200, &json!("list"), &body["model"]));
    assert_eq!(lists["usage"], json!({ "prompt_tokens": 3, "total_tokens": 3 }));
    assert_eq!(lists["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(numbers(&lists["data"][0]["embedding"]).len(), 1_536);
    body["encoding_format"] = json!("base64");
    let (_, encoded) = read(openai(&bench, &body)).await;
    for place in 0..2 {
        let text = encoded["data"][place]["embedding"].as_str().expect("a text");
        let bytes = STANDARD.decode(text).expect("base64");
        let exact = bytes.chunks(4).map(|four| f32::from_le_bytes(four.try_into().expect("four")));
        assert_eq!(exact.collect::<Vec<_>>(), numbers(&lists["data"][place]["embedding"]));
    }
    let tokens = json!({ "model": "text-embedding-3-large", "input": [[1, 2, 3], [4]],
        "dimensions": 8 });
    let (_, body) = read(openai(&bench, &tokens)).await;
    assert_eq!(numbers(&body["data"][1]["embedding"]).len(), 8);
    assert_eq!(body["usage"]["prompt_tokens"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn openai_refuses_what_it_would_refuse_and_fails_on_command() {
    let bench = Bench::start();
    let with = |field: &str, value: Value| {
        let mut body = json!({ "model": "text-embedding-3-small", "input": "hello" });
        body[field] = value;
        body
    };
    for (field, value, status) in [
        ("model", json!("gpt-4o-mini"), 404),
        ("input", json!([]), 400),
        ("input", json!(""), 400),
        ("input", json!(["a", 1]), 400),
        ("input", json!(vec!["a"; 2_049]), 400),
        ("input", json!("a ".repeat(8_193)), 400),
        ("dimensions", json!(1_537), 400),
        ("dimensions", json!(0), 400),
        ("encoding_format", json!("int8"), 400),
        ("speed", json!(1), 400),
        ("input", json!("[[sandbox: status=503]]"), 503),
    ] {
        let (answered, body) = read(openai(&bench, &with(field, value))).await;
        assert_eq!(answered, status, "{field} {body}");
    }
    let (_, body) = read(openai(&bench, &with("input", json!("[[sandbox: usage=missing]]")))).await;
    assert_eq!(body.get("usage"), None);
    let stranger = bench.post("/openai/v1/embeddings").json(&with("user", json!("u")));
    assert_eq!(read(stranger).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn google_gives_a_vector_for_each_request() {
    let bench = Bench::start();
    let body = json!({ "requests": [request("hello there", None), request("you", Some(8))] });
    let (status, body) = read(google(&bench, &body)).await;
    assert_eq!(status, 200);
    assert_eq!(numbers(&body["embeddings"][0]["values"]).len(), 3_072);
    assert_eq!(numbers(&body["embeddings"][1]["values"]).len(), 8);
    assert_eq!(body["usageMetadata"]["promptTokenCount"], 3);
    for (requests, status) in [
        (vec![], 400),
        (vec![request("a", None); 101], 400),
        (vec![request("", None)], 400),
        (vec![request("a", Some(3_073))], 400),
        (vec![json!({ "model": "models/other", "content": {} })], 400),
        (vec![request("[[sandbox: status=429]]", None)], 429),
    ] {
        let (answered, body) = read(google(&bench, &json!({ "requests": requests }))).await;
        assert_eq!(answered, status, "{body}");
    }
    let untold = json!({ "requests": [request("[[sandbox: usage=missing]]", None)] });
    assert_eq!(read(google(&bench, &untold)).await.1.get("usageMetadata"), None);
}
