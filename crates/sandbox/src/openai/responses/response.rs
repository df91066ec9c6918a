//! How a response is written down.
use serde_json::{Value, json};

use super::{super::log_probs, request::Ask};
use crate::{ids::Ids, script::Reply};

/// How a response and its items are called.
pub(super) struct Heading {
    /// `resp_…`
    pub(super) id: String,
    /// `rs_…`
    pub(super) reasoning: String,
    /// `msg_…` or `fc_…`, without that.
    pub(super) item: String,
    /// `call_…`
    pub(super) call: String,
    /// Seconds since 1970.
    pub(super) created: i64,
}

impl Heading {
    /// Names that nothing else has.
    pub(super) fn new(ids: &Ids, created: i64) -> Self {
        Self {
            id: ids.mint("resp_", 32),
            reasoning: ids.mint("rs_", 32),
            item: ids.mint("", 32),
            call: ids.mint("call_", 24),
            created,
        }
    }
}

/// The whole response.
pub(super) fn whole(heading: &Heading, ask: &Ask) -> Value {
    let items = reasoning(heading, ask).into_iter().chain([item(heading, ask)]);
    let mut body = frame(heading, ask, status(ask), items.collect());
    if ask.script.reply.cut_short() {
        body["incomplete_details"] = json!({ "reason": "max_output_tokens" });
    }
    if let Some(usage) = ask.usage() {
        body["usage"] = json!({
            "input_tokens": usage.input,
            "input_tokens_details": { "cached_tokens": usage.cached, "cache_write_tokens": 0 },
            "output_tokens": usage.output,
            "output_tokens_details": { "reasoning_tokens": ask.reasoning.min(usage.output) },
            "total_tokens": usage.input + usage.output,
        });
    }
    body
}

/// `completed`, unless the limit ended it.
pub(super) fn status(ask: &Ask) -> &'static str {
    if ask.script.reply.cut_short() { "incomplete" } else { "completed" }
}

/// A response that has come so far.
pub(super) fn frame(heading: &Heading, ask: &Ask, status: &str, output: Vec<Value>) -> Value {
    json!({
        "id": heading.id, "object": "response", "created_at": heading.created, "status": status,
        "background": false, "error": null, "incomplete_details": null,
        "instructions": ask.echo("instructions", Value::Null),
        "max_output_tokens": ask.echo("max_output_tokens", Value::Null),
        "max_tool_calls": null, "model": ask.model, "output": output,
        "parallel_tool_calls": ask.echo("parallel_tool_calls", true.into()),
        "previous_response_id": null,
        "reasoning": ask.echo("reasoning", json!({ "effort": null, "summary": null })),
        "service_tier": "default", "store": ask.echo("store", true.into()),
        "temperature": ask.echo("temperature", json!(1.0)),
        "text": ask.echo("text", json!({ "format": { "type": "text" } })),
        "tool_choice": ask.echo("tool_choice", "auto".into()),
        "tools": ask.echo("tools", json!([])), "top_logprobs": ask.echo("top_logprobs", 0.into()),
        "top_p": ask.echo("top_p", json!(1.0)),
        "truncation": ask.echo("truncation", "disabled".into()), "usage": null,
        "user": ask.echo("user", Value::Null), "metadata": ask.echo("metadata", json!({})),
    })
}

/// What was thought, where a model thinks.
pub(super) fn reasoning(heading: &Heading, ask: &Ask) -> Option<Value> {
    let summary = ask.summary.then(|| json!({ "type": "summary_text", "text": SUMMARY }));
    let summary: Vec<_> = summary.into_iter().collect();
    (ask.reasoning > 0)
        .then(|| json!({ "id": heading.reasoning, "type": "reasoning", "summary": summary }))
}

/// What is told of a thought.
pub(super) const SUMMARY: &str = "The sandbox thinks of nothing.";

/// What is answered.
pub(super) fn item(heading: &Heading, ask: &Ask) -> Value {
    let id = &heading.item;
    match &ask.script.reply {
        Reply::Text(answer) => json!({
            "id": format!("msg_{id}"), "type": "message", "status": status(ask),
            "role": "assistant",
            "content": [part(&answer.text(), probable(ask, 0..answer.tokens()))],
        }),
        Reply::Tool(call) => json!({
            "id": format!("fc_{id}"), "type": "function_call", "status": status(ask),
            "call_id": heading.call, "name": call.name, "arguments": call.arguments(),
        }),
    }
}

/// A text.
pub(super) fn part(text: &str, logprobs: Vec<Value>) -> Value {
    json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": logprobs })
}

/// How likely these tokens were, if that is to be told.
pub(super) fn probable(ask: &Ask, places: std::ops::Range<u64>) -> Vec<Value> {
    match (&ask.script.reply, ask.log_probs) {
        (Reply::Text(answer), Some(alternatives)) => {
            places.map(|place| log_probs::of(&answer.token(place), place, alternatives)).collect()
        }
        (Reply::Text(_) | Reply::Tool(_), _) => Vec::new(),
    }
}
