//! What the providers are sent, and what cannot be said to them.
use cape_domain::{
    json::RawJson,
    usage::{
        ChatProvider as _, ChatRequest, Message, Part, Reasoning, Sampling, Tool, ToolCall,
        ToolChoice,
    },
};
use serde_json::{Value, json};
use tokio::join;

use super::{
    anthropic, call, every_provider, gemini, openai, request, tool,
    vendor::{Vendor, whole},
};

const NOWHERE: &str = "http://127.0.0.1:9";

fn system(text: &str) -> Message {
    Message::System { text: text.to_owned() }
}

fn user(text: &str) -> Message {
    Message::user(text)
}

fn result(call: &str, text: &str) -> Message {
    Message::tool(call, text)
}

fn answered(text: &str, tool_calls: Vec<ToolCall>) -> Message {
    Message::Assistant { thoughts: Vec::new(), text: text.to_owned(), tool_calls }
}

fn effort(effort: &str) -> Reasoning {
    Reasoning { effort: Some(effort.to_owned()), ..Reasoning::default() }
}

/// A conversation with all that every format can say.
fn conversation() -> ChatRequest {
    let calls =
        vec![call("call_1", "weather", r#"{"city": "Paris"}"#), call("call_2", "clock", "")];
    ChatRequest {
        messages: vec![
            system("Be brief."),
            user("Weather and time?"),
            user("In Paris."),
            answered("I look.", Vec::new()),
            answered("", calls),
            result("call_1", r#"{"celsius": 12}"#),
            result("call_2", "noon"),
            user("And now?"),
            system("Metric units."),
        ],
        sampling: Sampling { temperature: Some(0.5), top_p: Some(0.9), ..Sampling::default() },
        stop: vec!["END".to_owned()],
        tools: vec![tool("weather"), Tool { description: None, parameters: None, ..tool("clock") }],
        tool_choice: Some(ToolChoice::Required),
        end_user: Some("wsp_1".to_owned()),
        ..request()
    }
}

/// What each vendor was sent, whole and then in pieces.
async fn sent(request: &ChatRequest) -> [[Value; 2]; 3] {
    let vendor = Vendor::open().await;
    let refusal = whole("500 Failure", "", "");
    let mut sent = Vec::new();
    for provider in every_provider(&vendor.url()) {
        let (first, _) = join!(vendor.play(&refusal), provider.complete(request));
        let (second, _) = join!(vendor.play(&refusal), provider.stream(request));
        sent.push([first.body, second.body]);
    }
    sent.try_into().expect("three vendors")
}

#[tokio::test]
async fn a_conversation_is_said_in_each_vendors_words() {
    let [openai, anthropic, gemini] = sent(&conversation()).await;
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let description = "The weather of a city";

    let function = |id: &str, name: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
    let mut expected = json!({
        "model": "m-1",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Weather and time?"},
            {"role": "user", "content": "In Paris."},
            {"role": "assistant", "content": "I look."},
            {"role": "assistant", "tool_calls": [
                function("call_1", "weather", r#"{"city": "Paris"}"#),
                function("call_2", "clock", ""),
            ]},
            {"role": "tool", "tool_call_id": "call_1", "content": r#"{"celsius": 12}"#},
            {"role": "tool", "tool_call_id": "call_2", "content": "noon"},
            {"role": "user", "content": "And now?"},
            {"role": "system", "content": "Metric units."},
        ],
        "max_completion_tokens": 64,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop": ["END"],
        "tools": [
            {"type": "function", "function": {
                "name": "weather", "description": description, "parameters": schema.clone(),
            }},
            {"type": "function", "function": {"name": "clock"}},
        ],
        "tool_choice": "required",
        "user": "wsp_1",
    });
    assert_eq!(openai[0], expected);
    expected["stream"] = true.into();
    expected["stream_options"] = json!({"include_usage": true});
    assert_eq!(openai[1], expected);

    let mut expected = json!({
        "model": "m-1",
        "max_tokens": 64,
        "system": "Be brief.\n\nMetric units.",
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "Weather and time?"},
                {"type": "text", "text": "In Paris."},
            ]},
            {"role": "assistant", "content": [
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "call_1", "name": "weather", "input": {"city": "Paris"}},
                {"type": "tool_use", "id": "call_2", "name": "clock", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "call_1", "content": r#"{"celsius": 12}"#},
                {"type": "tool_result", "tool_use_id": "call_2", "content": "noon"},
                {"type": "text", "text": "And now?"},
            ]},
        ],
        "tools": [
            {"name": "weather", "description": description, "input_schema": schema.clone()},
            {"name": "clock", "input_schema": {"type": "object", "properties": {}}},
        ],
        "tool_choice": {"type": "any"},
        "temperature": 0.5,
        "top_p": 0.9,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "wsp_1"},
    });
    assert_eq!(anthropic[0], expected);
    expected["stream"] = true.into();
    assert_eq!(anthropic[1], expected);

    let call = |id: &str, name: &str, args: Value| json!({"functionCall": {"id": id, "name": name, "args": args}});
    let response = |id: &str, name: &str, response: Value| json!({"functionResponse": {"id": id, "name": name, "response": response}});
    let expected = json!({
        "systemInstruction": {"parts": [{"text": "Be brief."}, {"text": "Metric units."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Weather and time?"}]},
            {"role": "user", "parts": [{"text": "In Paris."}]},
            {"role": "model", "parts": [{"text": "I look."}]},
            {"role": "model", "parts": [
                call("call_1", "weather", json!({"city": "Paris"})),
                call("call_2", "clock", json!({})),
            ]},
            {"role": "user", "parts": [
                response("call_1", "weather", json!({"celsius": 12})),
                response("call_2", "clock", json!({"result": "noon"})),
            ]},
            {"role": "user", "parts": [{"text": "And now?"}]},
        ],
        "tools": [{"functionDeclarations": [
            {"name": "weather", "description": description, "parametersJsonSchema": schema},
            {"name": "clock"},
        ]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
        "generationConfig": {
            "maxOutputTokens": 64, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"],
        },
    });
    assert_eq!(gemini, [expected.clone(), expected]);
}

#[tokio::test]
async fn a_short_question_is_short_in_each_vendors_words() {
    let [openai, anthropic, gemini] = sent(&request()).await;
    let messages = json!([{"role": "user", "content": "Say hi"}]);
    assert_eq!(
        openai[0],
        json!({"model": "m-1", "messages": messages, "max_completion_tokens": 64})
    );
    assert_eq!(anthropic[0], json!({"model": "m-1", "messages": messages, "max_tokens": 64}));
    assert_eq!(
        gemini[0],
        json!({
            "contents": [{"role": "user", "parts": [{"text": "Say hi"}]}],
            "generationConfig": {"maxOutputTokens": 64},
        })
    );
}

#[tokio::test]
async fn a_choice_of_functions_is_said_in_each_vendors_words() {
    let function = json!({"type": "function", "function": {"name": "weather"}});
    let tool_of = |extra: Value| json!({"functionCallingConfig": extra});
    for (choice, parallel, openai_says, anthropic_says, gemini_says) in [
        (None, None, Value::Null, Value::Null, Value::Null),
        (
            Some(ToolChoice::Auto),
            None,
            json!("auto"),
            json!({"type": "auto"}),
            tool_of(json!({"mode": "AUTO"})),
        ),
        (
            Some(ToolChoice::Never),
            Some(true),
            json!("none"),
            json!({"type": "none"}),
            tool_of(json!({"mode": "NONE"})),
        ),
        (
            Some(ToolChoice::Function("weather".to_owned())),
            None,
            function,
            json!({"type": "tool", "name": "weather"}),
            tool_of(json!({"mode": "ANY", "allowedFunctionNames": ["weather"]})),
        ),
    ] {
        let request = ChatRequest {
            tools: vec![tool("weather")],
            tool_choice: choice.clone(),
            parallel_tool_calls: parallel,
            ..request()
        };
        let [openai, anthropic, gemini] = sent(&request).await;
        assert_eq!(openai[0]["tool_choice"], openai_says, "{choice:?}");
        assert_eq!(anthropic[0]["tool_choice"], anthropic_says, "{choice:?}");
        assert_eq!(gemini[0]["toolConfig"], gemini_says, "{choice:?}");
    }
}

#[tokio::test]
async fn what_only_some_vendors_can_say_is_said_to_them() {
    let schema = r#"{"type":"json_schema","json_schema":{"name":"s","schema":{"type":"object"}}}"#;
    let request = ChatRequest {
        sampling: Sampling {
            presence_penalty: Some(0.5),
            frequency_penalty: Some(-0.5),
            seed: Some(7),
            ..Sampling::default()
        },
        response_format: Some(RawJson::new(schema)),
        ..request()
    };
    let vendor = Vendor::open().await;
    let refusal = whole("500 Failure", "", "");
    let provider = openai(&vendor.url());
    let (asked, _) = join!(vendor.play(&refusal), provider.complete(&request));
    assert_eq!(asked.body["presence_penalty"], 0.5);
    assert_eq!(asked.body["frequency_penalty"], -0.5);
    assert_eq!(asked.body["seed"], 7);
    assert_eq!(asked.body["response_format"]["json_schema"]["name"], "s");

    let provider = gemini(&vendor.url());
    let (asked, _) = join!(vendor.play(&refusal), provider.complete(&request));
    let expected = json!({
        "maxOutputTokens": 64, "presencePenalty": 0.5, "frequencyPenalty": -0.5, "seed": 7,
        "responseMimeType": "application/json", "responseJsonSchema": {"type": "object"},
    });
    assert_eq!(asked.body["generationConfig"], expected);

    let strict = Tool { strict: Some(true), ..tool("weather") };
    let request =
        ChatRequest { tools: vec![strict], parallel_tool_calls: Some(false), ..super::request() };
    let provider = anthropic(&vendor.url());
    let (asked, _) = join!(vendor.play(&refusal), provider.complete(&request));
    assert_eq!(asked.body["tools"][0]["strict"], true);
    let expected = json!({"type": "auto", "disable_parallel_tool_use": true});
    assert_eq!(asked.body["tool_choice"], expected);
}

/// What is asked, and by whose name `OpenAI`, Anthropic and Gemini refuse it.
type Row = (ChatRequest, [Option<&'static str>; 3]);

fn sampled(sampling: Sampling) -> ChatRequest {
    ChatRequest { sampling, ..request() }
}

fn said(messages: Vec<Message>) -> ChatRequest {
    ChatRequest { messages, ..request() }
}

fn formatted(format: &str) -> ChatRequest {
    ChatRequest { response_format: Some(RawJson::new(format)), ..request() }
}

fn sampling_rows() -> Vec<Row> {
    let none = Sampling::default();
    vec![
        (sampled(Sampling { temperature: Some(1.0), ..none }), [None, None, None]),
        (sampled(Sampling { temperature: Some(1.1), ..none }), [None, Some("temperature"), None]),
        (
            sampled(Sampling { presence_penalty: Some(0.1), ..none }),
            [None, Some("presence_penalty"), None],
        ),
        (
            sampled(Sampling { frequency_penalty: Some(-0.1), ..none }),
            [None, Some("frequency_penalty"), None],
        ),
        (sampled(Sampling { frequency_penalty: Some(0.0), ..none }), [None, None, None]),
        (sampled(Sampling { seed: Some(1), ..none }), [None, Some("seed"), None]),
        (sampled(Sampling { seed: Some(i64::MAX), ..none }), [None, Some("seed"), Some("seed")]),
    ]
}

fn other_rows() -> Vec<Row> {
    let format = Some("response_format");
    let hard = Some("reasoning_effort");
    let schema = r#"{"type":"json_schema","json_schema":{"name":"s","schema":{}}}"#;
    let nothing = r#"{"type":"json_schema","json_schema":{"name":"s"}}"#;
    let parallel = Some("parallel_tool_calls");
    vec![
        (request(), [None, None, None]),
        (conversation(), [None, None, None]),
        (formatted(r#"{"type":"text"}"#), [None, None, None]),
        (formatted(r#"{"type":"json_object"}"#), [None, format, None]),
        (formatted(r#"{"type":"grammar"}"#), [None, format, format]),
        (formatted("{"), [format, format, format]),
        (formatted(schema), [None, None, None]),
        (formatted(nothing), [None, format, None]),
        (ChatRequest { reasoning: effort("low"), ..request() }, [None, None, None]),
        (ChatRequest { reasoning: effort("hardest"), ..request() }, [None, hard, hard]),
        (ChatRequest { parallel_tool_calls: Some(true), ..request() }, [None, None, None]),
        (ChatRequest { parallel_tool_calls: Some(false), ..request() }, [None, None, parallel]),
        (ChatRequest { end_user: Some("u".to_owned()), ..request() }, [None, None, None]),
    ]
}

fn message_rows() -> Vec<Row> {
    let name = Some("messages[1].name");
    let arguments = Some("messages[0].tool_calls[1].function.arguments");
    let schema = Some("tools[1].function.parameters");
    let calls = vec![call("a", "f", "{}"), call("b", "f", "[1]")];
    let broken = Tool { parameters: Some(RawJson::new("{")), ..tool("b") };
    vec![
        (
            said(vec![
                user("a"),
                Message::User {
                    content: vec![Part::Text("b".to_owned())],
                    name: Some("Ada".to_owned()),
                },
            ]),
            [None, name, name],
        ),
        (said(vec![answered("", calls)]), [None, arguments, arguments]),
        (
            said(vec![user("a"), result("never_called", "b")]),
            [None, None, Some("messages[1].tool_call_id")],
        ),
        (ChatRequest { tools: vec![tool("a"), broken], ..request() }, [schema, schema, schema]),
    ]
}

#[tokio::test]
async fn what_a_vendor_has_no_word_for_is_refused_by_the_callers_name() {
    let providers = every_provider(NOWHERE);
    for (request, refused) in [sampling_rows(), other_rows(), message_rows()].concat() {
        for (provider, expected) in providers.iter().zip(refused) {
            let found = provider.check(&request).err().map(|error| error.parameter);
            assert_eq!(found.as_deref(), expected, "{request:?}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_said_is_never_sent() {
    let request = ChatRequest { reasoning: effort("hardest"), ..request() };
    // Nobody listens there: were it sent, the provider would be unavailable.
    let error = anthropic(NOWHERE).complete(&request).await.expect_err("cannot be said");
    let told = "the provider refused the request: \
                the provider of this model does not support `reasoning_effort`";
    assert_eq!(error.to_string(), told);
}
