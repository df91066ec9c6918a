//! How a message is written down, whole and as events. A stream tells its usage in two places: the
//! input when it starts, the output when it ends.
use std::iter::once;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    ids::Ids,
    script::{Reply, Script, Usage},
    stream::Frame,
};

/// What stands on every message.
pub(crate) struct Heading {
    /// `msg_…`
    pub(crate) id: String,
    /// The model that was asked.
    pub(crate) model: &'static str,
}

impl Heading {
    fn message(&self, content: Value, stop_reason: Option<&str>, usage: Option<Value>) -> Value {
        let mut message = json!({
            "id": self.id, "type": "message", "role": "assistant", "model": self.model,
            "content": content, "stop_reason": stop_reason, "stop_sequence": null,
        });
        if let Some(usage) = usage {
            message["usage"] = usage;
        }
        message
    }
}

/// A whole message.
pub(crate) fn whole(heading: &Heading, script: &Script, ids: &Ids) -> Value {
    let block = match &script.reply {
        Reply::Text(answer) => json!({ "type": "text", "text": answer.text() }),
        Reply::Tool(call) => json!({
            "type": "tool_use", "id": ids.mint("toolu_01", 22), "name": call.name,
            "input": call.input(),
        }),
    };
    heading.message(json!([block]), Some(stop_reason(&script.reply)), script.usage().map(told))
}

/// The events of a message.
pub(crate) fn frames(
    heading: &Heading,
    script: Script,
    ids: &Ids,
) -> impl Iterator<Item = Frame> + use<> {
    // Anthropic counts a first token when it starts. Whoever adds the two places up is wrong.
    let started = script.usage_after(1).map(|usage| {
        let output = usage.output.min(1);
        told(Usage { output, ..usage })
    });
    let message = heading.message(json!([]), None, started);
    let block = match &script.reply {
        Reply::Text(_) => json!({ "type": "text", "text": "" }),
        Reply::Tool(call) => json!({
            "type": "tool_use", "id": ids.mint("toolu_01", 22), "name": call.name, "input": {},
        }),
    };
    let first = [
        event("message_start", json!({ "message": message })),
        event("content_block_start", json!({ "index": 0, "content_block": block })),
        event("ping", json!({})),
    ];
    let stopped = json!({ "stop_reason": stop_reason(&script.reply), "stop_sequence": null });
    let mut ending = json!({ "delta": stopped });
    if let Some(usage) = script.usage() {
        ending["usage"] = json!({ "output_tokens": usage.output });
    }
    let last = [
        event("content_block_stop", json!({ "index": 0 })),
        event("message_delta", ending),
        event("message_stop", json!({})),
    ];
    let around = |events: [Bytes; 3]| events.into_iter().map(Frame::Around);
    around(first).chain(content(script.reply)).chain(around(last))
}

fn content(reply: Reply) -> Box<dyn Iterator<Item = Frame>> {
    let frame = |delta: Value| {
        let fields = json!({ "index": 0, "delta": delta });
        Frame::Content(event("content_block_delta", fields))
    };
    match reply {
        Reply::Text(answer) => {
            Box::new((0..answer.tokens()).map(move |place| {
                frame(json!({ "type": "text_delta", "text": answer.token(place) }))
            }))
        }
        // The first piece of a tool's input is always empty.
        Reply::Tool(call) => {
            Box::new(once(String::new()).chain(call.pieces).map(move |piece| {
                frame(json!({ "type": "input_json_delta", "partial_json": piece }))
            }))
        }
    }
}

fn event(kind: &str, mut fields: Value) -> Bytes {
    fields["type"] = kind.into();
    Bytes::from(format!("event: {kind}\ndata: {fields}\n\n"))
}

fn stop_reason(reply: &Reply) -> &'static str {
    match reply {
        reply if reply.cut_short() => "max_tokens",
        Reply::Text(_) => "end_turn",
        Reply::Tool(_) => "tool_use",
    }
}

/// Input that was read from a cache is not part of `input_tokens`.
fn told(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.input - usage.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.output,
        "service_tier": "standard",
    })
}
