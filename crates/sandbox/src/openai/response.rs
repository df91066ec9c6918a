//! How a completion is written down, whole and in chunks.
use std::iter::once;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    ids::Ids,
    script::{Reply, Script, Usage},
    stream::Frame,
};

/// What stands on every chunk.
pub(crate) struct Heading {
    /// `chatcmpl-…`
    pub(crate) id: String,
    /// Seconds since 1970.
    pub(crate) created: i64,
    /// The model that was asked.
    pub(crate) model: &'static str,
}

/// A whole completion.
pub(crate) fn whole(heading: &Heading, script: &Script, ids: &Ids) -> Value {
    let message = match &script.reply {
        Reply::Text(answer) => json!({
            "role": "assistant", "content": answer.text(), "refusal": null, "annotations": [],
        }),
        Reply::Tool(call) => json!({
            "role": "assistant", "content": null, "refusal": null, "annotations": [],
            "tool_calls": [{
                "id": ids.mint("call_", 24),
                "type": "function",
                "function": { "name": call.name, "arguments": call.arguments() },
            }],
        }),
    };
    let choice = json!({
        "index": 0, "message": message, "logprobs": null, "finish_reason": finish(&script.reply),
    });
    let mut body = json!({
        "id": heading.id, "object": "chat.completion", "created": heading.created,
        "model": heading.model, "choices": [choice],
        "service_tier": "default", "system_fingerprint": "fp_sandbox",
    });
    if let Some(usage) = script.usage() {
        body["usage"] = told(usage);
    }
    body
}

/// The chunks of a completion: the role, the content, how it ended, the usage if it was asked for,
/// and the mark of the end.
pub(crate) fn frames(
    heading: Heading,
    script: Script,
    include_usage: bool,
    ids: &Ids,
) -> impl Iterator<Item = Frame> + use<> {
    let usage = if include_usage { script.usage() } else { None };
    let chunks = Chunks { heading, usage_follows: usage.is_some() };
    let call_id = ids.mint("call_", 24);
    let first = match &script.reply {
        Reply::Text(_) => json!({ "role": "assistant", "content": "", "refusal": null }),
        Reply::Tool(call) => json!({ "role": "assistant", "content": null, "tool_calls": [{
            "index": 0, "id": call_id, "type": "function",
            "function": { "name": call.name, "arguments": "" },
        }]}),
    };
    let first = Frame::Around(chunks.with(first, None));
    let mut last = vec![Frame::Around(chunks.with(json!({}), Some(finish(&script.reply))))];
    if let Some(usage) = usage {
        last.push(Frame::Around(chunks.closing(usage)));
    }
    last.push(Frame::Around(Bytes::from_static(b"data: [DONE]\n\n")));
    once(first).chain(content(chunks, script.reply)).chain(last)
}

fn content(chunks: Chunks, reply: Reply) -> impl Iterator<Item = Frame> {
    let pieces = match &reply {
        Reply::Text(answer) => answer.tokens(),
        Reply::Tool(call) => call.pieces.len() as u64,
    };
    (0..pieces).map(move |place| {
        let delta = match &reply {
            Reply::Text(answer) => json!({ "content": answer.token(place) }),
            Reply::Tool(call) => {
                let piece = usize::try_from(place).ok().and_then(|place| call.pieces.get(place));
                json!({ "tool_calls": [{ "index": 0, "function": { "arguments": piece } }] })
            }
        };
        Frame::Content(chunks.with(delta, None))
    })
}

struct Chunks {
    heading: Heading,
    usage_follows: bool,
}

impl Chunks {
    fn chunk(&self, choices: Value) -> Value {
        json!({
            "id": self.heading.id, "object": "chat.completion.chunk",
            "created": self.heading.created, "model": self.heading.model,
            "service_tier": "default", "system_fingerprint": "fp_sandbox", "choices": choices,
        })
    }

    fn with(&self, delta: Value, finish_reason: Option<&str>) -> Bytes {
        let mut chunk = self.chunk(json!([{
            "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason,
        }]));
        if self.usage_follows {
            chunk["usage"] = Value::Null;
        }
        event(&chunk)
    }

    fn closing(&self, usage: Usage) -> Bytes {
        let mut chunk = self.chunk(json!([]));
        chunk["usage"] = told(usage);
        event(&chunk)
    }
}

fn event(chunk: &Value) -> Bytes {
    Bytes::from(format!("data: {chunk}\n\n"))
}

fn finish(reply: &Reply) -> &'static str {
    match reply {
        reply if reply.cut_short() => "length",
        Reply::Text(_) => "stop",
        Reply::Tool(_) => "tool_calls",
    }
}

fn told(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": { "cached_tokens": usage.cached, "audio_tokens": 0 },
        "completion_tokens_details": {
            "reasoning_tokens": 0, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
    })
}
