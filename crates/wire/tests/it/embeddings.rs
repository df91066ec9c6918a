//! Embeddings, as callers ask for them and as vendors answer.
use cape_wire::{
    gemini::{BatchEmbedContentsRequest, BatchEmbedContentsResponse, EmbedContentRequest},
    openai::{
        Embedding, EmbeddingInput, EmbeddingObject, EmbeddingRequest, EmbeddingResponse,
        EmbeddingUsage, EncodingFormat, ListObject, Vector,
    },
};
use serde_json::{Value, json};

use crate::golden::{read, written};

fn input(json: &Value) -> EmbeddingInput {
    let body = json!({ "model": "m", "input": json }).to_string();
    EmbeddingRequest::read(body.as_bytes()).expect("a request").input
}

#[test]
fn what_goes_in_is_one_text_or_several_as_it_is_or_as_tokens() {
    use EmbeddingInput as I;
    for (json, expected) in [
        (json!("a"), I::Text("a".to_owned())),
        (json!(["a", "b"]), I::Texts(vec!["a".to_owned(), "b".to_owned()])),
        (json!([]), I::Texts(vec![])),
        (json!([1, 4_294_967_295_u32]), I::Tokens(vec![1, u32::MAX])),
        (json!([[1], [2, 3], []]), I::TokenLists(vec![vec![1], vec![2, 3], vec![]])),
    ] {
        assert_eq!(input(&json), expected);
        assert_eq!(read::<Value>(&written(&expected)), json);
    }
}

#[test]
fn a_request_that_is_none_names_what_is_wrong() {
    let refused = |json: &str| EmbeddingRequest::read(json.as_bytes()).expect_err("no request");
    for (json, param) in [
        (r#"{"input":"a"}"#, Some("model")),
        (r#"{"model":"m"}"#, Some("input")),
        (r#"{"model":1,"input":"a"}"#, Some("model")),
        (r#"{"model":"m","input":null}"#, Some("input")),
        (r#"{"model":"m","input":1}"#, Some("input")),
        (r#"{"model":"m","input":{"a":1}}"#, Some("input")),
        (r#"{"model":"m","input":["a",1]}"#, Some("input")),
        (r#"{"model":"m","input":[1,"a"]}"#, Some("input")),
        (r#"{"model":"m","input":[-1]}"#, Some("input")),
        (r#"{"model":"m","input":[1.5]}"#, Some("input")),
        (r#"{"model":"m","input":[4294967296]}"#, Some("input")),
        (r#"{"model":"m","input":[1,4294967296]}"#, Some("input")),
        (r#"{"model":"m","input":[[]]}"#, Some("input")),
        (r#"{"model":"m","input":[[1],["a"]]}"#, Some("input")),
        (r#"{"model":"m","input":"a","dimensions":-1}"#, Some("dimensions")),
        (r#"{"model":"m","input":"a","encoding_format":1}"#, Some("encoding_format")),
        ("[]", None),
        ("{", None),
    ] {
        assert_eq!(refused(json).param.as_deref(), param, "{json}");
    }
}

#[test]
fn what_is_not_known_is_kept() {
    let body = br#"{"model":"m","input":"a","encoding_format":"int8","speed":9,"x":null}"#;
    let request = EmbeddingRequest::read(body).expect("a request");
    assert_eq!(request.encoding_format, Some(EncodingFormat::Other("int8".to_owned())));
    assert_eq!(request.unknown_paths(), ["speed"]);
}

#[test]
fn an_answer_is_written_as_openai_writes_it_and_read_tolerantly() {
    let embedding = |index, embedding| Embedding { object: EmbeddingObject, index, embedding };
    let answer = EmbeddingResponse {
        object: ListObject,
        data: vec![embedding(0, Vector::Parts(vec![0.5, -1.0])), embedding(1, Vector::from("AA"))],
        model: "m".to_owned(),
        usage: EmbeddingUsage { prompt_tokens: Some(3), total_tokens: Some(3) },
    };
    let expected = r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-1.0]},{"object":"embedding","index":1,"embedding":"AA"}],"model":"m","usage":{"prompt_tokens":3,"total_tokens":3}}"#;
    assert_eq!(written(&answer), expected);
    assert_eq!(read::<EmbeddingResponse>(expected), answer);
    for usage in ["null", "7", r#"{"prompt_tokens":"many"}"#] {
        let told: EmbeddingResponse = read(&format!(r#"{{"data":[],"usage":{usage}}}"#));
        assert_eq!(told.usage, EmbeddingUsage::default(), "{usage}");
    }
    assert_eq!(read::<EmbeddingResponse>(r#"{"data":[]}"#), EmbeddingResponse::default());
}

#[test]
fn google_is_asked_for_several_at_once() {
    let of = |dimensions| EmbedContentRequest {
        output_dimensionality: dimensions,
        ..EmbedContentRequest::of("m-1", "a")
    };
    let request = BatchEmbedContentsRequest { requests: vec![of(None), of(Some(8))] };
    let expected = r#"{"requests":[{"model":"models/m-1","content":{"parts":[{"text":"a"}]}},{"model":"models/m-1","content":{"parts":[{"text":"a"}]},"outputDimensionality":8}]}"#;
    assert_eq!(written(&request), expected);
    let told = r#"{"embeddings":[{"values":[0.5,-1]}],"usageMetadata":{"promptTokenCount":5,
        "promptTokenDetails":[{"modality":"TEXT","tokenCount":5}]}}"#;
    let told: BatchEmbedContentsResponse = read(told);
    assert_eq!(told.embeddings[0].values, [0.5, -1.0]);
    assert_eq!(told.usage_metadata.prompt_token_count, Some(5));
    let untold: BatchEmbedContentsResponse = read(r#"{"embeddings":[]}"#);
    assert_eq!(untold.usage_metadata.prompt_token_count, None);
}
