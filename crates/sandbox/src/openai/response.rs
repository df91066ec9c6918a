//! How a completion is written down, whole and in chunks.
use bytes::Bytes;
use serde_json::{Value, json};

use super::{log_probs, request::Ask};
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
pub(crate) fn whole(heading: &Heading, ask: &Ask, ids: &Ids) -> Value {
    let choices: Vec<_> = (0..ask.choices).map(|index| choice(index, ask, ids)).collect();
    let mut body = json!({
        "id": heading.id, "object": "chat.completion", "created": heading.created,
        "model": heading.model, "choices": choices,
        "service_tier": "default", "system_fingerprint": "fp_sandbox",
    });
    if let Some(usage) = ask.usage() {
        body["usage"] = told(usage, ask.reasoning);
    }
    body
}

fn choice(index: u64, ask: &Ask, ids: &Ids) -> Value {
    let (message, tokens) = match &ask.script.reply {
        Reply::Text(answer) => {
            let message = json!({
                "role": "assistant", "content": answer.text(), "refusal": null, "annotations": [],
            });
            (message, answer.tokens())
        }
        Reply::Tool(call) => {
            let message = json!({
                "role": "assistant", "content": null, "refusal": null, "annotations": [],
                "tool_calls": [{
                    "id": ids.mint("call_", 24),
                    "type": "function",
                    "function": { "name": call.name, "arguments": call.arguments() },
                }],
            });
            (message, 0)
        }
    };
    json!({
        "index": index, "message": message, "finish_reason": finish(&ask.script.reply),
        "logprobs": probable(&ask.script, ask.log_probs, 0..tokens),
    })
}

/// The chunks of a completion: the role, the content, how it ended, the usage if it was asked for,
/// and the mark of the end. Of several answers, each token is told for all of them.
pub(crate) fn frames(heading: Heading, ask: Ask, ids: &Ids) -> impl Iterator<Item = Frame> + use<> {
    let usage = if ask.include_usage { ask.usage() } else { None };
    let chunks = Chunks { heading, usage_follows: usage.is_some() };
    let all = 0..ask.choices;
    let first: Vec<_> = all.clone().map(|index| chunks.with(index, &first(&ask, ids))).collect();
    let ended = json!({ "delta": {}, "finish_reason": finish(&ask.script.reply) });
    let mut last: Vec<_> = all.map(|index| chunks.with(index, &ended)).collect();
    last.extend(usage.map(|usage| chunks.closing(usage, ask.reasoning)));
    last.push(Bytes::from_static(b"data: [DONE]\n\n"));
    let around = |frames: Vec<Bytes>| frames.into_iter().map(Frame::Around);
    around(first).chain(content(chunks, ask)).chain(around(last))
}

fn first(ask: &Ask, ids: &Ids) -> Value {
    match &ask.script.reply {
        Reply::Text(_) => {
            json!({ "delta": { "role": "assistant", "content": "", "refusal": null } })
        }
        Reply::Tool(call) => json!({ "delta": {
            "role": "assistant", "content": null, "tool_calls": [{
                "index": 0, "id": ids.mint("call_", 24), "type": "function",
                "function": { "name": call.name, "arguments": "" },
            }],
        }}),
    }
}

fn content(chunks: Chunks, ask: Ask) -> impl Iterator<Item = Frame> {
    let pieces = match &ask.script.reply {
        Reply::Text(answer) => answer.tokens(),
        Reply::Tool(call) => call.pieces.len() as u64,
    };
    let Ask { script, choices, log_probs, .. } = ask;
    (0..pieces * choices).map(move |number| {
        let (place, index) = (number / choices, number % choices);
        let mut more = match &script.reply {
            Reply::Text(answer) => json!({ "delta": { "content": answer.token(place) } }),
            Reply::Tool(call) => {
                let piece = usize::try_from(place).ok().and_then(|place| call.pieces.get(place));
                json!({ "delta": {
                    "tool_calls": [{ "index": 0, "function": { "arguments": piece } }],
                }})
            }
        };
        more["logprobs"] = probable(&script, log_probs, place..place + 1);
        Frame::Content(chunks.with(index, &more))
    })
}

/// How likely these tokens of a text were, if that is to be told.
fn probable(script: &Script, alternatives: Option<u64>, places: std::ops::Range<u64>) -> Value {
    match (&script.reply, alternatives) {
        (Reply::Text(answer), Some(alternatives)) => {
            let tokens =
                places.map(|place| log_probs::of(&answer.token(place), place, alternatives));
            json!({ "content": tokens.collect::<Vec<_>>(), "refusal": null })
        }
        (Reply::Text(_) | Reply::Tool(_), _) => Value::Null,
    }
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

    fn with(&self, index: u64, more: &Value) -> Bytes {
        let mut chunk = self.chunk(json!([{
            "index": index, "delta": more["delta"], "logprobs": more["logprobs"],
            "finish_reason": more["finish_reason"],
        }]));
        if self.usage_follows {
            chunk["usage"] = Value::Null;
        }
        event(&chunk)
    }

    fn closing(&self, usage: Usage, reasoning: u64) -> Bytes {
        let mut chunk = self.chunk(json!([]));
        chunk["usage"] = told(usage, reasoning);
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

fn told(usage: Usage, reasoning: u64) -> Value {
    json!({
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": { "cached_tokens": usage.cached, "audio_tokens": 0 },
        "completion_tokens_details": {
            "reasoning_tokens": reasoning.min(usage.output), "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
    })
}
