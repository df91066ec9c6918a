//! What is sent to Gemini and what it answers.
use std::time::Duration;

use cape_wire::{
    Raw,
    gemini::{
        BlockReason, CallingMode, Candidate, Content, CountTokensRequest, CountTokensResponse,
        ErrorBody, FinishReason, FunctionCall, FunctionCallingConfig, FunctionDeclaration,
        FunctionResponse, GenerateContentRequest, GenerateContentResponse, GenerationConfig,
        LogprobsResult, Misfit, Model, ModelList, Part, Role, StreamData, TokenCandidate, Tool,
        ToolConfig, TopCandidates, UsageMetadata,
    },
};

use crate::golden::{
    GEMINI_ERROR, GEMINI_REQUEST, GEMINI_RESPONSE, GEMINI_RESPONSE_BLOCKED, GEMINI_STREAM,
    assert_kept, data, read, written,
};

#[test]
fn a_request_is_read_and_written_without_loss() {
    assert_kept::<GenerateContentRequest>(GEMINI_REQUEST);
    let request: GenerateContentRequest = read(GEMINI_REQUEST);
    assert_eq!(read::<GenerateContentRequest>(&written(&request)), request);
    let declaration = &request.tools[0].function_declarations[0];
    let schema = declaration.parameters.as_ref().expect("a schema").as_str();
    assert!(schema.starts_with(r#"{"type": "object", "properties": {"zip""#), "{schema}");
}

#[test]
fn what_is_built_is_what_the_vendor_documents() {
    let raw = |json: &str| Raw::new(json).expect("json");
    let call = FunctionCall { id: None, name: "f".to_owned(), args: Some(raw(r#"{"b":1,"a":2}"#)) };
    let response = raw(r#"{"result":"r"}"#);
    let result = FunctionResponse { id: None, name: "f".to_owned(), response, parts: Vec::new() };
    let lookup = FunctionDeclaration {
        name: "f".to_owned(),
        parameters_json_schema: Some(raw(r#"{"type":"object"}"#)),
        ..FunctionDeclaration::default()
    };
    let calling =
        FunctionCallingConfig { mode: CallingMode::Auto, allowed_function_names: Vec::new() };
    let request = GenerateContentRequest {
        system_instruction: Some(Content { role: None, parts: vec![Part::text("s")] }),
        tools: vec![Tool { function_declarations: vec![lookup] }],
        tool_config: Some(ToolConfig { function_calling_config: Some(calling) }),
        generation_config: Some(GenerationConfig {
            max_output_tokens: Some(9),
            ..GenerationConfig::default()
        }),
        ..GenerateContentRequest::new(vec![
            Content::new(Role::User, vec![Part::text("a"), Part::inline_data("image/png", "eA==")]),
            Content::new(Role::Model, vec![Part::function_call(call)]),
            Content::new(Role::User, vec![Part::function_response(result)]),
        ])
    };
    assert_eq!(
        written(&request),
        concat!(
            r#"{"contents":[{"role":"user","parts":[{"text":"a"},{"inlineData":{"mimeType":"image/png","data":"eA=="}}]},"#,
            r#"{"role":"model","parts":[{"functionCall":{"name":"f","args":{"b":1,"a":2}}}]},"#,
            r#"{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"result":"r"}}}]}],"#,
            r#""systemInstruction":{"parts":[{"text":"s"}]},"#,
            r#""tools":[{"functionDeclarations":[{"name":"f","parametersJsonSchema":{"type":"object"}}]}],"#,
            r#""toolConfig":{"functionCallingConfig":{"mode":"AUTO"}},"generationConfig":{"maxOutputTokens":9}}"#,
        )
    );
}

#[test]
fn a_response_is_read_with_parts_that_are_not_known() {
    let response: GenerateContentResponse = read(GEMINI_RESPONSE);
    let candidate = &response.candidates[0];
    let parts = &candidate.content.as_ref().expect("content").parts;
    assert_eq!(parts[0].thought, Some(true));
    assert_eq!(parts[1], Part::text("Hello! How can I help you today?\n"));
    assert_eq!(parts[2], Part::default());
    let call = parts[3].function_call.as_ref().expect("a call");
    assert_eq!(call.args.as_ref().map(Raw::as_str), Some(r#"{"unit": "c", "city": "Cape Town"}"#));
    assert_eq!(candidate.finish_reason, Some(FinishReason::Stop));
    assert_eq!(
        response.usage_metadata,
        Some(UsageMetadata {
            prompt_token_count: Some(4),
            candidates_token_count: Some(11),
            total_token_count: Some(36),
            cached_content_token_count: Some(0),
            thoughts_token_count: Some(21),
            tool_use_prompt_token_count: None,
        })
    );
    assert_eq!(response.model_version.as_deref(), Some("gemini-2.5-flash"));
    assert_eq!(read::<GenerateContentResponse>(&written(&response)), response);
}

#[test]
fn a_refused_prompt_has_a_reason_and_no_answer() {
    let response: GenerateContentResponse = read(GEMINI_RESPONSE_BLOCKED);
    assert!(response.candidates.is_empty());
    let reason = response.prompt_feedback.and_then(|feedback| feedback.block_reason);
    assert_eq!(reason, Some(BlockReason::ProhibitedContent));
    let usage = response.usage_metadata.expect("told");
    assert_eq!((usage.prompt_token_count, usage.candidates_token_count), (Some(9), None));
}

#[test]
fn a_withheld_answer_has_a_reason_and_no_parts() {
    for json in [
        r#"{"candidates":[{"finishReason":"SAFETY"}]}"#,
        r#"{"candidates":[{"finishReason":"SAFETY","content":{}}]}"#,
        r#"{"candidates":[{"finishReason":"SAFETY","content":{"role":"model","parts":null}}]}"#,
    ] {
        let response: GenerateContentResponse = read(json);
        assert_eq!(response.candidates[0].finish_reason, Some(FinishReason::Safety));
    }
    for word in ["OTHER", "FINISH_REASON_UNSPECIFIED", "TIRED"] {
        let json = format!(r#"{{"candidates":[{{"finishReason":"{word}"}}]}}"#);
        let response: GenerateContentResponse = read(&json);
        assert_eq!(
            response.candidates[0].finish_reason,
            Some(FinishReason::Other(word.to_owned()))
        );
    }
}

#[test]
fn a_stream_adds_up_to_its_text_and_ends_with_its_usage() {
    let (mut text, mut reason, mut usage) = (String::new(), None, None);
    for json in data(GEMINI_STREAM) {
        let Ok(StreamData::Response(response)) = StreamData::read(json) else { panic!("{json}") };
        assert_eq!(written(&response).len(), json.len());
        usage = response.usage_metadata.or(usage);
        for candidate in response.candidates {
            for part in candidate.content.unwrap_or_default().parts {
                text.push_str(part.text.as_deref().unwrap_or_default());
            }
            reason = candidate.finish_reason.or(reason);
        }
    }
    assert_eq!((text.as_str(), reason), ("Molo, wêreld 🌍", Some(FinishReason::Stop)));
    let usage = usage.expect("told");
    assert_eq!((usage.prompt_token_count, usage.candidates_token_count), (Some(8), Some(6)));
}

#[test]
fn a_missing_counter_is_not_zero_and_a_zero_is_not_missing() {
    let usage = |json: &str| {
        let json = format!(r#"{{"usageMetadata":{json}}}"#);
        let usage = read::<GenerateContentResponse>(&json).usage_metadata;
        usage.map(|usage| (usage.prompt_token_count, usage.candidates_token_count))
    };
    assert_eq!(usage("null"), None);
    assert_eq!(usage("7"), None);
    assert_eq!(usage("{}"), Some((None, None)));
    assert_eq!(usage(r#"{"promptTokenCount":0}"#), Some((Some(0), None)));
    assert_eq!(
        usage(r#"{"promptTokenCount":4.0,"candidatesTokenCount":"4"}"#),
        Some((Some(4), None))
    );
}

#[test]
fn an_error_tells_its_kind_and_how_long_to_wait() {
    assert_kept::<ErrorBody>(GEMINI_ERROR);
    let body = ErrorBody::read(GEMINI_ERROR.as_bytes()).expect("an error");
    assert_eq!(body.error.code, Some(429));
    assert_eq!(body.error.status.as_deref(), Some("RESOURCE_EXHAUSTED"));
    assert_eq!(body.error.reason().as_deref(), Some("RATE_LIMIT_EXCEEDED"));
    assert_eq!(body.error.retry_delay(), Some(Duration::from_millis(19_500)));
    let listed = format!("\n[{GEMINI_ERROR}]");
    assert_eq!(ErrorBody::read(listed.as_bytes()).expect("an error"), body);
}

#[test]
fn a_delay_that_cannot_be_read_is_none() {
    for delay in ["", "s", "19", "-1s", "NaNs", "infs", "1e400s", "1e30s"] {
        let json = format!(r#"{{"error":{{"details":[7,{{"retryDelay":"{delay}"}}]}}}}"#);
        assert_eq!(read::<ErrorBody>(&json).error.retry_delay(), None, "{delay}");
    }
}

#[test]
fn a_failure_in_the_middle_of_a_stream_is_told_from_a_response() {
    let json = r#"{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}"#;
    let Ok(StreamData::Error(body)) = StreamData::read(json) else { panic!("no error") };
    assert_eq!(body.error.status.as_deref(), Some("UNAVAILABLE"));
    for data in ["", "{", "null", "7", "[DONE]", r#"{"candidates":7}"#, r#"{"error":7}"#] {
        assert!(StreamData::read(data).is_err(), "{data}");
    }
    for body in ["", "[]", "{}", "<html>", r#"[{"error":{}},{"error":{}}]"#] {
        assert!(ErrorBody::read(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn a_callers_request_is_read_in_either_spelling() {
    let in_snake = r#"{"contents": [{"parts": [
            {"inline_data": {"mime_type": "image/png", "data": "-_8="}},
            {"function_call": {"name": "f"}, "thought_signature": "AAAA"}]}],
        "system_instruction": {"parts": [{"text": "s"}]},
        "tools": [{"function_declarations": [{"name": "f", "parameters_json_schema": {}}]}],
        "tool_config": {"function_calling_config": {"allowed_function_names": ["f"]}},
        "generation_config": {"top_k": 40.0, "max_output_tokens": "9", "candidate_count": 2,
            "thinking_config": {"thinking_budget": -1, "include_thoughts": true}},
        "safety_settings": [{"category": "c", "threshold": "t"}]}"#;
    assert_eq!(Misfit::of_request(in_snake.as_bytes()), None);
    let request: GenerateContentRequest = read(in_snake);
    let expected = concat!(
        r#"{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"-_8="}},"#,
        r#"{"functionCall":{"name":"f"},"thoughtSignature":"AAAA"}]}],"#,
        r#""systemInstruction":{"parts":[{"text":"s"}]},"#,
        r#""tools":[{"functionDeclarations":[{"name":"f","parametersJsonSchema":{}}]}],"#,
        r#""toolConfig":{"functionCallingConfig":{"mode":"AUTO","allowedFunctionNames":["f"]}},"#,
        r#""generationConfig":{"maxOutputTokens":9,"topK":40,"candidateCount":2,"#,
        r#""thinkingConfig":{"includeThoughts":true,"thinkingBudget":-1}},"#,
        r#""safetySettings":[{"category":"c","threshold":"t"}]}"#,
    );
    assert_eq!(written(&request), expected);
}

#[test]
fn what_does_not_fit_into_a_request_is_named_by_its_place() {
    assert_eq!(Misfit::of_request(GEMINI_REQUEST.as_bytes()), None);
    let unknown = |path: &str| Some(Misfit::Unknown { path: path.to_owned() });
    let wrong = |path: &str, expected| Some(Misfit::Wrong { path: path.to_owned(), expected });
    for (json, misfit) in [
        (r#"{"cachedContent": "x"}"#, unknown("cachedContent")),
        (r#"{"cached_content": "x"}"#, unknown("cachedContent")),
        (r#"{"cachedContent": null, "contents": null}"#, None),
        (
            r#"{"contents": [{}, {"parts": [{"text": "a"}, {"videoMetadata": {}}]}]}"#,
            unknown("contents[1].parts[1].videoMetadata"),
        ),
        (
            r#"{"contents": [{"parts": [{"inlineData": {"displayName": "a"}}]}]}"#,
            unknown("contents[0].parts[0].inlineData.displayName"),
        ),
        (r#"{"tools": [{"googleSearch": {}}]}"#, unknown("tools[0].googleSearch")),
        (
            r#"{"tools": [{"functionDeclarations": [{"parameters": {"x": 1}, "response": {}}]}]}"#,
            None,
        ),
        (
            r#"{"generationConfig": {"speechConfig": {}, "temperature": "hot"}}"#,
            unknown("generationConfig.speechConfig"),
        ),
        (
            r#"{"generationConfig": {"temperature": "hot"}}"#,
            wrong("generationConfig.temperature", "a number"),
        ),
        (
            r#"{"generationConfig": {"topK": 1.5}}"#,
            wrong("generationConfig.topK", "a whole number"),
        ),
        (r#"{"generationConfig": {"topK": "7", "seed": -7}}"#, None),
        (
            r#"{"generationConfig": {"stopSequences": ["a", 7]}}"#,
            wrong("generationConfig.stopSequences[1]", "a text"),
        ),
        (r#"{"contents": {"parts": []}}"#, wrong("contents", "a list of objects")),
        (r#"{"contents": ["Hi"]}"#, wrong("contents[0]", "an object")),
        (
            r#"{"contents": [{"parts": [{"thought": "yes"}]}]}"#,
            wrong("contents[0].parts[0].thought", "true or false"),
        ),
        ("[]", wrong("", "an object")),
        ("{", None),
    ] {
        assert_eq!(Misfit::of_request(json.as_bytes()), misfit, "{json}");
    }
    let whole = r#"{"generateContentRequest": {"contents": [], "labels": {}}}"#;
    let misfit = Misfit::of_count(whole.as_bytes());
    assert_eq!(misfit, unknown("generateContentRequest.labels"));
    assert_eq!(Misfit::of_count(br#"{"tools": []}"#), unknown("tools"));
    let long = format!(r#"{{"{}": 1}}"#, "x".repeat(10_000));
    let Some(Misfit::Unknown { path }) = Misfit::of_request(long.as_bytes()) else {
        panic!("it is not known");
    };
    assert_eq!(path.len(), 64);
}

#[test]
fn a_response_is_written_as_the_vendor_writes_it() {
    let call = FunctionCall {
        id: Some("a".to_owned()),
        name: "f".to_owned(),
        args: Some(Raw::new("{}").expect("JSON")),
    };
    let parts = vec![
        Part::thought("hm").signed(Some("AAAA".to_owned())),
        Part::text("Hi"),
        Part::function_call(call),
    ];
    let likely = TokenCandidate { token: "Hi".to_owned(), log_probability: -0.5 };
    let candidate = Candidate {
        content: Some(Content::new(Role::Model, parts)),
        finish_reason: Some(FinishReason::Stop),
        index: 1,
        logprobs_result: Some(LogprobsResult {
            top_candidates: vec![TopCandidates { candidates: vec![likely.clone()] }],
            chosen_candidates: vec![likely],
        }),
        ..Candidate::default()
    };
    let response = GenerateContentResponse {
        candidates: vec![candidate],
        usage_metadata: Some(UsageMetadata {
            prompt_token_count: Some(3),
            candidates_token_count: Some(0),
            total_token_count: Some(3),
            ..UsageMetadata::default()
        }),
        model_version: Some("m".to_owned()),
        response_id: Some("r".to_owned()),
        ..GenerateContentResponse::default()
    };
    let expected = concat!(
        r#"{"candidates":[{"content":{"role":"model","parts":["#,
        r#"{"text":"hm","thought":true,"thoughtSignature":"AAAA"},{"text":"Hi"},"#,
        r#"{"functionCall":{"id":"a","name":"f","args":{}}}]},"finishReason":"STOP","index":1,"#,
        r#""logprobsResult":{"topCandidates":[{"candidates":[{"token":"Hi","logProbability":-0.5}]}],"#,
        r#""chosenCandidates":[{"token":"Hi","logProbability":-0.5}]}}],"#,
        r#""usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":0,"totalTokenCount":3},"#,
        r#""modelVersion":"m","responseId":"r"}"#,
    );
    assert_eq!(written(&response), expected);
    assert_eq!(read::<GenerateContentResponse>(expected), response);
}

#[test]
fn an_error_a_count_and_a_model_are_written_as_the_vendor_writes_them() {
    let detail = Raw::new(r#"{"@type":"t"}"#).expect("JSON");
    let body = ErrorBody::new(404, "NOT_FOUND", "m", vec![detail]);
    assert_eq!(
        written(&body),
        r#"{"error":{"code":404,"message":"m","status":"NOT_FOUND","details":[{"@type":"t"}]}}"#
    );
    let count = CountTokensResponse { total_tokens: Some(7) };
    assert_eq!(written(&count), r#"{"totalTokens":7}"#);
    let model = Model {
        name: "models/m".to_owned(),
        display_name: "m".to_owned(),
        input_token_limit: Some(9),
        output_token_limit: None,
        supported_generation_methods: vec!["countTokens".to_owned()],
    };
    let list = ModelList { models: vec![model], next_page_token: Some("m".to_owned()) };
    assert_eq!(
        written(&list),
        concat!(
            r#"{"models":[{"name":"models/m","displayName":"m","inputTokenLimit":9,"#,
            r#""supportedGenerationMethods":["countTokens"]}],"nextPageToken":"m"}"#,
        )
    );
}

#[test]
fn a_count_is_asked_of_contents_or_of_a_whole_request() {
    let alone: CountTokensRequest = read(r#"{"contents":[{"parts":[{"text":"a"}]}]}"#);
    assert_eq!(alone.contents[0].parts, [Part::text("a")]);
    let whole = r#"{"generate_content_request":{"model":"models/m","contents":[]}}"#;
    let asked = read::<CountTokensRequest>(whole).generate_content_request.expect("a request");
    assert_eq!(asked.model.as_deref(), Some("models/m"));
}
