//! How many tokens a request has, asked of `OpenAI`: it counts what is told as a *response*, not as
//! a chat completion, so the conversation is told in those words here.
//!
//! How the answer is to be chosen changes no count, and is not told.
use cape_domain::usage::{
    ChatRequest, Image, ImageSource, Message, Part, Tool, ToolChoice, UnsupportedParameter,
};
use cape_wire::{Raw, openai::ResponseFormat};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::{
    failure::Unreadable,
    format::{carried, unsupported},
};

/// The body of `POST /v1/responses/input_tokens`.
#[derive(Debug, Serialize)]
pub struct Question {
    model: String,
    input: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Function>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Value>,
}

/// A function that may be called.
#[derive(Debug, Serialize)]
struct Function {
    r#type: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    parameters: Option<Raw>,
    strict: bool,
}

/// How the answer is to be formed.
#[derive(Debug, Serialize)]
struct Text {
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verbosity: Option<String>,
}

/// The form of the answer.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format {
    JsonObject,
    JsonSchema {
        name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        schema: Option<Raw>,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
}

/// What to ask.
pub fn question(request: &ChatRequest) -> Result<Question, UnsupportedParameter> {
    let tools = request.tools.iter().enumerate().map(function).collect::<Result<_, _>>()?;
    let format = request.response_format.as_ref();
    let format = format.map(|json| form(&carried(json, "response_format")?)).transpose()?.flatten();
    let verbosity = request.verbosity.clone();
    let effort = request.reasoning.effort.as_ref();
    Ok(Question {
        model: request.model.clone(),
        input: request.messages.iter().flat_map(items).collect(),
        tools,
        tool_choice: request.tool_choice.as_ref().map(tool_choice),
        parallel_tool_calls: request.parallel_tool_calls,
        text: (format.is_some() || verbosity.is_some()).then_some(Text { format, verbosity }),
        reasoning: effort.map(|effort| json!({ "effort": effort })),
    })
}

/// Reads the answer.
pub fn read(body: &[u8]) -> Result<u64, Unreadable> {
    #[derive(Deserialize)]
    struct Count {
        input_tokens: Option<u64>,
    }
    let count: Count = serde_json::from_slice(body)?;
    count.input_tokens.ok_or(Unreadable::Shape("a count without a number"))
}

/// A message is one item; calls of functions and what they came to are items of their own.
fn items(message: &Message) -> Vec<Value> {
    match message {
        Message::System { text } => vec![json!({ "role": "system", "content": text })],
        Message::User { content, .. } => {
            vec![json!({ "role": "user", "content": content.iter().map(part).collect::<Vec<_>>() })]
        }
        Message::Assistant { text, tool_calls, .. } => {
            let says = !text.is_empty() || tool_calls.is_empty();
            let said = says.then(|| json!({ "role": "assistant", "content": text }));
            let calls = tool_calls.iter().map(|call| {
                json!({
                    "type": "function_call", "call_id": call.id, "name": call.name,
                    "arguments": call.arguments,
                })
            });
            said.into_iter().chain(calls).collect()
        }
        Message::Tool { call, content, .. } => vec![json!({
            "type": "function_call_output", "call_id": call,
            "output": content.iter().map(part).collect::<Vec<_>>(),
        })],
    }
}

fn part(part: &Part) -> Value {
    match part {
        Part::Text(text) => json!({ "type": "input_text", "text": text }),
        Part::Image(Image { source, detail }) => json!({
            "type": "input_image", "image_url": address(source),
            "detail": detail.as_deref().unwrap_or("auto"),
        }),
    }
}

fn address(source: &ImageSource) -> String {
    match source {
        ImageSource::Url(url) => url.clone(),
        ImageSource::Inline { media_type, base64 } => format!("data:{media_type};base64,{base64}"),
    }
}

fn function((at, tool): (usize, &Tool)) -> Result<Function, UnsupportedParameter> {
    let path = format!("tools[{at}].function.parameters");
    Ok(Function {
        r#type: "function",
        name: tool.name.clone(),
        description: tool.description.clone(),
        parameters: tool.parameters.as_ref().map(|schema| carried(schema, &path)).transpose()?,
        strict: tool.strict.unwrap_or(false),
    })
}

fn tool_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::Never => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Function(name) => json!({ "type": "function", "name": name }),
    }
}

/// A form, which stands flat here. A text is what is answered anyway.
fn form(format: &Raw) -> Result<Option<Format>, UnsupportedParameter> {
    match format.read() {
        Ok(ResponseFormat::Text) => Ok(None),
        Ok(ResponseFormat::JsonObject) => Ok(Some(Format::JsonObject)),
        Ok(ResponseFormat::JsonSchema(format)) => Ok(Some(Format::JsonSchema {
            name: format.json_schema.name,
            schema: format.json_schema.schema,
            strict: format.json_schema.strict,
        })),
        Ok(ResponseFormat::Other(_)) | Err(_) => Err(unsupported("response_format")),
    }
}
