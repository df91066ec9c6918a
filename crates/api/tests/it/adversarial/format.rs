//! The formats that models are called in, as programs write and read them.
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::app::{
    Answer,
    caller::{Program, send},
};

/// The most tokens that are asked for, unless said otherwise.
const MOST: u64 = 100;

/// A format that models are called in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Format {
    /// `/v1/chat/completions`
    Chat,
    /// `/v1/responses`
    Responses,
    /// `/v1/messages`
    Messages,
    /// `/v1beta/models/…:generateContent`
    Generate,
}

impl Format {
    pub(crate) const ALL: [Self; 4] = [Self::Chat, Self::Responses, Self::Messages, Self::Generate];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Responses => "responses",
            Self::Messages => "messages",
            Self::Generate => "generate",
        }
    }

    /// Where an answer in pieces is asked for, as the contract has it.
    pub(crate) const fn paths(self) -> &'static [&'static str] {
        match self {
            Self::Chat => &["/v1/chat/completions"],
            Self::Responses => &["/v1/responses"],
            Self::Messages => &["/v1/messages"],
            Self::Generate => &[
                "/v1/models/{model}:streamGenerateContent",
                "/v1beta/models/{model}:streamGenerateContent",
            ],
        }
    }

    /// One message of a user, to be answered with so many tokens at most.
    pub(crate) fn body(self, model: &str, text: &str, most: u64, streamed: bool) -> Value {
        let message = json!([{ "role": "user", "content": text }]);
        match self {
            Self::Chat => json!({
                "model": model, "messages": message, "max_tokens": most, "stream": streamed,
                "stream_options": streamed.then(|| json!({ "include_usage": true })),
            }),
            Self::Responses => json!({
                "model": model, "input": text, "max_output_tokens": most, "stream": streamed,
            }),
            Self::Messages => json!({
                "model": model, "messages": message, "max_tokens": most, "stream": streamed,
            }),
            Self::Generate => json!({
                "contents": [{ "role": "user", "parts": [{ "text": text }] }],
                "generationConfig": { "maxOutputTokens": most },
            }),
        }
    }

    /// The same, with a function that has to be called.
    pub(crate) fn with_function(self, mut body: Value) -> Value {
        let schema = json!({
            "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"],
        });
        match self {
            Self::Chat => {
                let function = json!({ "name": "get_weather", "parameters": schema });
                body["tools"] = json!([{ "type": "function", "function": function }]);
                body["tool_choice"] = "required".into();
            }
            Self::Responses => {
                body["tools"] = json!([{
                    "type": "function", "name": "get_weather", "parameters": schema,
                    "strict": null,
                }]);
                body["tool_choice"] = "required".into();
            }
            Self::Messages => {
                body["tools"] = json!([{ "name": "get_weather", "input_schema": schema }]);
                body["tool_choice"] = json!({ "type": "any" });
            }
            Self::Generate => {
                let declaration = json!({ "name": "get_weather", "parameters": schema });
                body["tools"] = json!([{ "functionDeclarations": [declaration] }]);
                body["toolConfig"] = json!({ "functionCallingConfig": { "mode": "ANY" } });
            }
        }
        body
    }

    /// A request with this body.
    pub(crate) fn request(
        self,
        program: &Program,
        model: &str,
        body: &Value,
        streamed: bool,
    ) -> RequestBuilder {
        let http = &program.http;
        let request = match self {
            Self::Chat => program.request("POST", "/v1/chat/completions"),
            Self::Responses => program.request("POST", "/v1/responses"),
            Self::Messages => {
                http.request("POST", "/v1/messages").header("x-api-key", &program.key)
            }
            Self::Generate => {
                let action =
                    if streamed { "streamGenerateContent?alt=sse" } else { "generateContent" };
                let path = format!("/v1beta/models/{model}:{action}");
                http.request("POST", &path).header("x-goog-api-key", &program.key)
            }
        };
        request.json(body)
    }

    /// Asks, and reads the answer to its end.
    pub(crate) async fn ask(
        self,
        program: &Program,
        model: &str,
        text: &str,
        streamed: bool,
    ) -> Answer {
        let body = self.body(model, text, MOST, streamed);
        send(self.request(program, model, &body, streamed)).await
    }

    /// Whether an answer in pieces looks whole.
    pub(crate) fn is_whole(self, text: &str) -> bool {
        match self {
            Self::Chat => text.contains("data: [DONE]"),
            Self::Responses => {
                text.contains("response.completed") || text.contains("response.incomplete")
            }
            Self::Messages => text.contains("message_stop"),
            Self::Generate => text.contains("\"finishReason\""),
        }
    }

    /// The error that a whole answer tells, after a look at its shape.
    #[track_caller]
    pub(crate) fn error(self, answer: &Answer) -> Value {
        assert_eq!(answer.header("content-type"), Some("application/json"), "{answer:?}");
        self.checked(answer.json())
    }

    /// The error that is the last event of an answer in pieces, after a look at its shape.
    #[track_caller]
    pub(crate) fn last_error(self, text: &str) -> Value {
        let data = text.lines().rev().find_map(|line| line.strip_prefix("data: "));
        let data = data.unwrap_or_else(|| panic!("{self:?}: no event in {text}"));
        let told: Value = serde_json::from_str(data).unwrap_or_else(|_| panic!("no JSON: {data}"));
        match self {
            Self::Responses if told["type"] == "response.failed" => {
                let error = told["response"]["error"].clone();
                assert!(error["code"].is_string() && error["message"].is_string(), "{told}");
                error
            }
            Self::Responses => {
                assert_eq!(told["type"], "error", "{told}");
                assert!(told["code"].is_string() && told["message"].is_string(), "{told}");
                told
            }
            Self::Chat | Self::Messages | Self::Generate => self.checked(told),
        }
    }

    #[track_caller]
    fn checked(self, told: Value) -> Value {
        let error = told["error"].clone();
        let sound = error["message"].is_string()
            && match self {
                Self::Chat | Self::Responses => {
                    error["code"].is_string() && error["type"].is_string()
                }
                Self::Messages => told["type"] == "error" && error["type"].is_string(),
                Self::Generate => error["code"].is_u64() && error["status"].is_string(),
            };
        assert!(sound, "{self:?}: {told}");
        error
    }
}
