//! How a message is written down, whole and as events. A stream tells its usage in two places: the
//! input when it starts, the output when it ends.
use std::iter::once;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    cache::Kept,
    thinking::{Shown, Thinking},
};
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
    /// Whether and how it thinks first.
    pub(crate) thinking: Option<Thinking>,
    /// Whether the answer is JSON rather than a call of a tool.
    pub(crate) json: bool,
    /// What was read from a cache, and written to it.
    pub(crate) kept: Kept,
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

    /// Usage of the whole answer, thoughts included.
    fn usage(&self, script: &Script) -> Option<Usage> {
        script.usage_after(self.answered(&script.reply) + self.thoughts())
    }

    fn thoughts(&self) -> u64 {
        self.thinking.map_or(0, Thinking::tokens)
    }

    fn answered(&self, reply: &Reply) -> u64 {
        match reply {
            Reply::Tool(call) if self.json => call.pieces.len() as u64,
            reply => reply.tokens(),
        }
    }

    /// Input that was read from a cache, or written to it, is not part of `input_tokens`.
    fn told(&self, usage: Usage) -> Value {
        let read = (usage.cached + self.kept.read).min(usage.input);
        let written = self.kept.written.min(usage.input - read);
        let mut told = json!({
            "input_tokens": usage.input - read - written,
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0,
            },
            "output_tokens": usage.output,
            "service_tier": "standard",
        });
        self.tell_thoughts(usage, &mut told);
        told
    }

    fn tell_thoughts(&self, usage: Usage, told: &mut Value) {
        if self.thinking.is_some() {
            let thoughts = self.thoughts().min(usage.output);
            told["output_tokens_details"] = json!({ "thinking_tokens": thoughts });
        }
    }
}

/// A whole message.
pub(crate) fn whole(heading: &Heading, script: &Script, ids: &Ids) -> Value {
    let thought = heading.thinking.map(Thinking::block);
    let block = match &script.reply {
        Reply::Text(answer) => json!({ "type": "text", "text": answer.text() }),
        Reply::Tool(call) if heading.json => json!({ "type": "text", "text": call.arguments() }),
        Reply::Tool(call) => json!({
            "type": "tool_use", "id": ids.mint("toolu_01", 22), "name": call.name,
            "input": call.input(),
        }),
    };
    let blocks: Vec<Value> = thought.into_iter().chain([block]).collect();
    let usage = heading.usage(script).map(|usage| heading.told(usage));
    heading.message(blocks.into(), Some(stop_reason(heading, &script.reply)), usage)
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
        let mut told = heading.told(Usage { output, ..usage });
        told.as_object_mut().map(|told| told.remove("output_tokens_details"));
        told
    });
    let message = heading.message(json!([]), None, started);
    let first = event("message_start", json!({ "message": message }));
    let stopped =
        json!({ "stop_reason": stop_reason(heading, &script.reply), "stop_sequence": null });
    let mut ending = json!({ "delta": stopped });
    if let Some(usage) = heading.usage(&script) {
        ending["usage"] = json!({ "output_tokens": usage.output });
        heading.tell_thoughts(usage, &mut ending["usage"]);
    }
    let last = [event("message_delta", ending), event("message_stop", json!({}))];
    let index = u64::from(heading.thinking.is_some());
    let block = match &script.reply {
        Reply::Text(_) => json!({ "type": "text", "text": "" }),
        Reply::Tool(_) if heading.json => json!({ "type": "text", "text": "" }),
        Reply::Tool(call) => json!({
            "type": "tool_use", "id": ids.mint("toolu_01", 22), "name": call.name, "input": {},
        }),
    };
    let thought = heading.thinking.into_iter().flat_map(thought);
    let fails_after = script.directive.fail_after;
    let answer = inside(index, block, content(index, script.reply, heading.json));
    let frames = once(Frame::Around(first)).chain(thought).chain(answer);
    // The vendor shows that it lives whenever it likes: here, after the first block has begun.
    let mut frames = frames.chain(last.into_iter().map(Frame::Around));
    let begun: Vec<Frame> = frames.by_ref().take(2).collect();
    let ping = once(Frame::Around(event("ping", json!({}))));
    failing(begun.into_iter().chain(ping).chain(frames), fails_after)
}

/// The same, up to so many chunks of content, and then a failure.
fn failing(
    mut frames: impl Iterator<Item = Frame> + 'static,
    after: Option<u64>,
) -> impl Iterator<Item = Frame> + 'static {
    let (mut sent, mut over) = (0, false);
    std::iter::from_fn(move || {
        let frame = frames.next().filter(|_| !over)?;
        let content = matches!(frame, Frame::Content(_));
        if after == Some(sent) && (content || sent > 0) {
            over = true;
            let error = json!({ "type": "overloaded_error", "message": "Overloaded" });
            return Some(Frame::Around(event("error", json!({ "error": error }))));
        }
        sent += u64::from(content);
        Some(frame)
    })
}

/// The frames of a block.
fn inside(
    index: u64,
    block: Value,
    content: impl Iterator<Item = Frame> + 'static,
) -> impl Iterator<Item = Frame> + 'static {
    let start = json!({ "index": index, "content_block": block });
    let start = event("content_block_start", start);
    let stop = event("content_block_stop", json!({ "index": index }));
    once(Frame::Around(start)).chain(content).chain(once(Frame::Around(stop)))
}

/// A thought, which is the first block.
fn thought(thinking: Thinking) -> Box<dyn Iterator<Item = Frame>> {
    if thinking.shown == Shown::Sealed {
        return Box::new(inside(0, thinking.block(), std::iter::empty()));
    }
    let words = thinking
        .words()
        .map(|word| delta(0, json!({ "type": "thinking_delta", "thinking": word })));
    let proof = json!({ "type": "signature_delta", "signature": thinking.signature() });
    let block = json!({ "type": "thinking", "thinking": "", "signature": "" });
    Box::new(inside(0, block, words.chain(once(delta(0, proof)))))
}

fn content(index: u64, reply: Reply, json: bool) -> Box<dyn Iterator<Item = Frame>> {
    match reply {
        Reply::Text(answer) => Box::new((0..answer.tokens()).map(move |place| {
            delta(index, json!({ "type": "text_delta", "text": answer.token(place) }))
        })),
        Reply::Tool(call) if json => Box::new(
            call.pieces
                .into_iter()
                .map(move |piece| delta(index, json!({ "type": "text_delta", "text": piece }))),
        ),
        // The first piece of a tool's input is always empty.
        Reply::Tool(call) => Box::new(once(String::new()).chain(call.pieces).map(move |piece| {
            delta(index, json!({ "type": "input_json_delta", "partial_json": piece }))
        })),
    }
}

fn delta(index: u64, delta: Value) -> Frame {
    Frame::Content(event("content_block_delta", json!({ "index": index, "delta": delta })))
}

fn event(kind: &str, mut fields: Value) -> Bytes {
    fields["type"] = kind.into();
    Bytes::from(format!("event: {kind}\ndata: {fields}\n\n"))
}

fn stop_reason(heading: &Heading, reply: &Reply) -> &'static str {
    match reply {
        reply if reply.cut_short() => "max_tokens",
        Reply::Text(_) => "end_turn",
        Reply::Tool(_) if heading.json => "end_turn",
        Reply::Tool(_) => "tool_use",
    }
}
