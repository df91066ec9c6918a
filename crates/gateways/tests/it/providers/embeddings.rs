//! Vectors, as the providers are asked for them and as they answer.
use cape_domain::usage::{
    EmbeddingInput, EmbeddingProvider, EmbeddingRequest, Embeddings, FailureKind,
    ModelProviderError,
};
use cape_gateways::usage::providers::{OpenAiDialect, OpenAiFormat, OpenAiProvider};
use serde_json::{Value, json};
use tokio::join;

use super::{
    client, gemini, openai, options,
    vendor::{Asked, Vendor, whole},
};

const NOWHERE: &str = "http://127.0.0.1:9";

fn text(text: &str) -> EmbeddingInput {
    EmbeddingInput::Text(text.to_owned())
}

fn request(inputs: Vec<EmbeddingInput>) -> EmbeddingRequest {
    EmbeddingRequest {
        model: "m-1".to_owned(),
        inputs,
        dimensions: Some(2),
        end_user: Some("ada".to_owned()),
    }
}

async fn embedded(
    provider: &dyn EmbeddingProvider,
    vendor: &Vendor,
    answer: &Value,
) -> (Asked, Result<Embeddings, FailureKind>) {
    let asked = request(vec![text("a"), text("b")]);
    let script = whole("200 OK", "", &answer.to_string());
    let (asked, answer) = join!(vendor.play(&script), provider.embed(&asked));
    (asked, answer.map_err(|error| error.kind()))
}

fn one(index: u64, embedding: &Value) -> Value {
    json!({ "object": "embedding", "index": index, "embedding": embedding })
}

#[tokio::test]
async fn openai_is_asked_in_base64_and_understood_in_either_form() {
    let vendor = Vendor::open().await;
    let provider = openai(&vendor.url());
    let usage = json!({ "prompt_tokens": 5, "total_tokens": 5 });
    // Out of order, and in both forms: 1.0 and -2.0.
    let data = json!([one(1, &json!([0.5, -0.25])), one(0, &json!("AACAPwAAAMA="))]);
    let answer = json!({ "object": "list", "data": data, "model": "m-1", "usage": usage });
    let (asked, answer) = embedded(&provider, &vendor, &answer).await;
    assert_eq!(asked.line(), "POST /embeddings");
    assert_eq!(asked.header("authorization"), Some("Bearer sk-test-123"));
    let expected = json!({ "model": "m-1", "input": ["a", "b"], "dimensions": 2,
        "encoding_format": "base64", "user": "ada" });
    assert_eq!(asked.body, expected);
    let vectors = vec![vec![1.0, -2.0], vec![0.5, -0.25]];
    assert_eq!(answer, Ok(Embeddings { vectors, input_tokens: Some(5) }));

    let tokens = request(vec![EmbeddingInput::Tokens(vec![7, 8]), EmbeddingInput::Tokens(vec![9])]);
    let refusal = whole("500 Failure", "", "");
    let (asked, _) = join!(vendor.play(&refusal), provider.embed(&tokens));
    assert_eq!(asked.body["input"], json!([[7, 8], [9]]));
}

#[tokio::test]
async fn azure_is_asked_at_the_deployment() {
    let vendor = Vendor::open().await;
    let format = OpenAiFormat::of(OpenAiDialect::azure("2024-10-21"));
    let provider = OpenAiProvider::speaking(format, &client(), options(&vendor.url()));
    let provider = provider.expect("sound options");
    let (asked, _) = embedded(&provider, &vendor, &json!({})).await;
    assert_eq!(asked.line(), "POST /deployments/m-1/embeddings?api-version=2024-10-21");
    assert_eq!(asked.header("api-key"), Some("sk-test-123"));
}

#[tokio::test]
async fn google_is_asked_for_all_at_once() {
    let vendor = Vendor::open().await;
    let provider = gemini(&vendor.url());
    let mut answer = json!({ "embeddings": [{ "values": [1, -2] }, { "values": [0.5, 0.25] }] });
    let vectors = vec![vec![1.0, -2.0], vec![0.5, 0.25]];
    let (asked, told) = embedded(&provider, &vendor, &answer).await;
    assert_eq!(asked.line(), "POST /v1beta/models/m-1:batchEmbedContents");
    assert_eq!(asked.header("x-goog-api-key"), Some("sk-test-123"));
    let one = |text: &str| {
        json!({ "model": "models/m-1", "content": { "parts": [{ "text": text }] },
            "outputDimensionality": 2 })
    };
    assert_eq!(asked.body, json!({ "requests": [one("a"), one("b")] }));
    assert_eq!(told, Ok(Embeddings { vectors: vectors.clone(), input_tokens: None }));
    answer["usageMetadata"] = json!({ "promptTokenCount": 4 });
    let (_, told) = embedded(&provider, &vendor, &answer).await;
    assert_eq!(told, Ok(Embeddings { vectors, input_tokens: Some(4) }));
}

#[tokio::test]
async fn google_is_asked_for_a_hundred_at_a_time() {
    let vendor = Vendor::open().await;
    let provider = gemini(&vendor.url());
    let asked = request(vec![text("a"); 201]);
    let batch = |number: usize| {
        let embeddings = vec![json!({ "values": [number] }); if number < 2 { 100 } else { 1 }];
        let usage = json!({ "promptTokenCount": 10 });
        whole(
            "200 OK",
            "",
            &json!({ "embeddings": embeddings, "usageMetadata": usage }).to_string(),
        )
    };
    let play = async {
        let mut sizes = Vec::new();
        for number in 0..3 {
            let asked = vendor.play(&batch(number)).await;
            sizes.push(asked.body["requests"].as_array().map_or(0, Vec::len));
        }
        sizes
    };
    let (sizes, answer) = join!(play, provider.embed(&asked));
    assert_eq!(sizes, [100, 100, 1]);
    let answer = answer.expect("an answer");
    let firsts: Vec<_> = answer.vectors.iter().map(|vector| vector[0]).collect();
    assert_eq!((firsts[0], firsts[99], firsts[100], firsts[200]), (0.0, 0.0, 1.0, 2.0));
    assert_eq!((firsts.len(), answer.input_tokens), (201, Some(30)));
}

#[tokio::test]
async fn a_batch_that_fails_fails_all() {
    let vendor = Vendor::open().await;
    let provider = gemini(&vendor.url());
    let asked = request(vec![text("a"); 101]);
    let first = json!({ "embeddings": vec![json!({ "values": [1] }); 100] }).to_string();
    let play = async {
        vendor.play(&whole("200 OK", "", &first)).await;
        vendor.play(&whole("429 Too Many Requests", "retry-after: 3\r\n", "")).await
    };
    let (_, answer) = join!(play, provider.embed(&asked));
    assert!(matches!(answer, Err(ModelProviderError::RateLimited { .. })), "{answer:?}");
}

#[tokio::test]
async fn an_answer_that_is_no_vector_for_each_input_cannot_be_read() {
    let vendor = Vendor::open().await;
    let (openai, gemini) = (openai(&vendor.url()), gemini(&vendor.url()));
    let list = json!([1.0, 2.0]);
    for data in [
        json!([one(0, &list)]),
        json!([one(0, &list), one(0, &list)]),
        json!([one(0, &list), one(2, &list)]),
        json!([one(0, &list), one(1, &json!([1.0]))]),
        json!([one(0, &list), one(1, &json!("AACAPw"))]),
        json!([one(0, &list), one(1, &json!("AADAfwAAwH8="))]),
        json!([one(0, &list), one(1, &json!(null))]),
    ] {
        let (_, answer) = embedded(&openai, &vendor, &json!({ "data": data })).await;
        assert_eq!(answer, Err(FailureKind::Malformed), "{data}");
    }
    for values in [json!([]), json!([1]), json!(["1", "2"])] {
        let embeddings = json!([{ "values": [1, 2] }, { "values": values }]);
        let (_, answer) = embedded(&gemini, &vendor, &json!({ "embeddings": embeddings })).await;
        assert_eq!(answer, Err(FailureKind::Malformed), "{embeddings}");
    }
}

#[test]
fn what_a_provider_has_no_word_for_is_named() {
    let parameter = |checked: Result<(), cape_domain::usage::UnsupportedParameter>| {
        checked.map_err(|unsupported| unsupported.parameter)
    };
    let tokens = || EmbeddingInput::Tokens(vec![7]);
    let input = Err("input".to_owned());
    let (openai, gemini) = (openai(NOWHERE), gemini(NOWHERE));
    assert_eq!(parameter(openai.check_inputs(vec![text("a"), text("b")])), Ok(()));
    assert_eq!(parameter(openai.check_inputs(vec![tokens()])), Ok(()));
    assert_eq!(parameter(openai.check_inputs(vec![text("a"), tokens()])), input);
    assert_eq!(parameter(gemini.check_inputs(vec![text("a")])), Ok(()));
    assert_eq!(parameter(gemini.check_inputs(vec![tokens()])), input);
}

/// Both a chat and vectors can be checked: this is the latter.
trait CheckInputs: EmbeddingProvider {
    fn check_inputs(
        &self,
        inputs: Vec<EmbeddingInput>,
    ) -> Result<(), cape_domain::usage::UnsupportedParameter> {
        EmbeddingProvider::check(self, &request(inputs))
    }
}

impl<P: EmbeddingProvider> CheckInputs for P {}
