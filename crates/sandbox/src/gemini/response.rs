//! How a generated content is written down, whole and in chunks. Every chunk tells the usage so far;
//! the last one's is the whole. A function call is never cut into pieces.
use std::iter::once;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    request::Ask,
    thinking::{Thinking, of_call, of_text},
};
use crate::{
    script::{Reply, Usage},
    stream::Frame,
};

/// What stands on every chunk.
pub(crate) struct Heading {
    /// The answer's identity.
    pub(crate) id: String,
    /// The model that was asked.
    pub(crate) model: &'static str,
}

/// How chunks are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Server-sent events, for `alt=sse`. Google ends its lines with CR LF.
    Events,
    /// The items of one JSON array.
    Array,
}

impl Heading {
    fn chunk(&self, candidates: &[Value], usage: Option<Value>) -> Value {
        let mut chunk = json!({
            "candidates": candidates, "modelVersion": self.model, "responseId": self.id,
        });
        if let Some(usage) = usage {
            chunk["usageMetadata"] = usage;
        }
        chunk
    }
}

fn candidate(index: u64, parts: &[Value]) -> Value {
    json!({ "content": { "parts": parts, "role": "model" }, "index": index })
}

/// A whole answer.
pub(crate) fn whole(heading: &Heading, ask: &Ask) -> Value {
    let mut parts: Vec<Value> = thought(ask).into_iter().collect();
    let mut said = match &ask.script.reply {
        Reply::Text(answer) => json!({ "text": answer.text() }),
        Reply::Tool(call) if ask.json => json!({ "text": call.arguments() }),
        Reply::Tool(_) => call(ask),
    };
    if ask.thinking.is_some() && said.get("text").is_some() {
        said["thoughtSignature"] = of_text().into();
    }
    parts.push(said);
    let one = |index: u64| {
        let mut candidate = candidate(index, &parts);
        candidate["finishReason"] = finish(&ask.script.reply).into();
        if let Some(likely) = likely(ask, 0..ask.tokens()) {
            candidate["logprobsResult"] = likely;
        }
        candidate
    };
    let candidates: Vec<Value> = (0..ask.candidates).map(one).collect();
    heading.chunk(&candidates, told(ask, ask.tokens() * ask.candidates))
}

/// The chunks of an answer: the thought, the content, and one that tells how it ended. Of several
/// answers, each token is told for all of them.
pub(crate) fn frames(
    heading: Heading,
    ask: Ask,
    framing: Framing,
) -> impl Iterator<Item = Frame> + 'static {
    let signature = ask.thinking.map(|_| of_text());
    let mut last = json!({ "text": "" });
    if let (Some(signature), true) = (signature, says(&ask)) {
        last["thoughtSignature"] = signature.into();
    }
    let ended = |index| {
        let mut ended = candidate(index, std::slice::from_ref(&last));
        ended["finishReason"] = finish(&ask.script.reply).into();
        ended
    };
    let ended: Vec<Value> = (0..ask.candidates).map(ended).collect();
    let ending = heading.chunk(&ended, told(&ask, ask.tokens() * ask.candidates));
    let thoughts: Vec<Value> = (0..ask.candidates)
        .filter_map(|index| Some(candidate(index, &[thought(&ask)?])))
        .map(|thought| heading.chunk(&[thought], told(&ask, 0)))
        .collect();
    let chunks = if says(&ask) { ask.tokens() } else { 1 };
    let (candidates, fails_after) = (ask.candidates, ask.script.directive.fail_after);
    let content = (0..chunks * candidates).map(move |number| {
        let (place, index) = (number / candidates, number % candidates);
        let (part, written) = match &ask.script.reply {
            Reply::Text(answer) => (json!({ "text": answer.token(place) }), number + 1),
            Reply::Tool(call) if ask.json => {
                let piece = usize::try_from(place).ok().and_then(|place| call.pieces.get(place));
                (json!({ "text": piece }), number + 1)
            }
            Reply::Tool(_) => (call(&ask), ask.tokens() * (number + 1)),
        };
        let mut candidate = candidate(index, &[part]);
        if let Some(likely) = likely(&ask, place..place + 1) {
            candidate["logprobsResult"] = likely;
        }
        (true, heading.chunk(&[candidate], told(&ask, written)))
    });
    let around = |chunk| (false, chunk);
    let all = thoughts.into_iter().map(around).chain(content).chain(once(around(ending)));
    let framed = failing(all, fails_after).enumerate().map(move |(place, (content, chunk))| {
        let bytes = framing.frame(&chunk, place == 0);
        if content { Frame::Content(bytes) } else { Frame::Around(bytes) }
    });
    framed.chain(framing.end().map(Frame::Around))
}

/// The same, up to so many chunks of content, and then a failure.
fn failing(
    mut chunks: impl Iterator<Item = (bool, Value)> + 'static,
    after: Option<u64>,
) -> impl Iterator<Item = (bool, Value)> + 'static {
    let (mut sent, mut over) = (0, false);
    std::iter::from_fn(move || {
        let (content, chunk) = chunks.next().filter(|_| !over)?;
        if after == Some(sent) && (content || sent > 0) {
            over = true;
            let message = "The model is overloaded. Please try again later.";
            let error = json!({ "code": 503, "message": message, "status": "UNAVAILABLE" });
            return Some((false, json!({ "error": error })));
        }
        sent += u64::from(content);
        Some((content, chunk))
    })
}

/// Whether the answer is a text.
fn says(ask: &Ask) -> bool {
    ask.json || matches!(ask.script.reply, Reply::Text(_))
}

fn thought(ask: &Ask) -> Option<Value> {
    let shown = ask.thinking.filter(|thinking| thinking.shown);
    shown.map(|_| json!({ "text": Thinking::text(), "thought": true }))
}

fn call(ask: &Ask) -> Value {
    let Reply::Tool(call) = &ask.script.reply else { return Value::Null };
    let args = call.input();
    let signature = ask.thinking.map(|_| of_call(&call.name, &args));
    let mut part = json!({ "functionCall": { "name": call.name, "args": args } });
    if let Some(signature) = signature {
        part["thoughtSignature"] = signature.into();
    }
    part
}

/// How likely these tokens of a text were, if that is to be told: made up from their place.
fn likely(ask: &Ask, places: std::ops::Range<u64>) -> Option<Value> {
    let alternatives = ask.likely?;
    let Reply::Text(answer) = &ask.script.reply else { return None };
    let probable = |token: String, place: u64| {
        let eighths = u32::try_from(place % 8).unwrap_or_default();
        json!({ "token": token, "tokenId": place, "logProbability": -f64::from(eighths) / 8.0 })
    };
    let chosen = |place| probable(answer.token(place).into_owned(), place);
    let top = |place| {
        let others = (1..alternatives)
            .map(|other| probable(format!("{}{other}", answer.token(place)), place + other));
        let first = (alternatives > 0).then(|| chosen(place));
        json!({ "candidates": first.into_iter().chain(others).collect::<Vec<_>>() })
    };
    Some(json!({
        "chosenCandidates": places.clone().map(chosen).collect::<Vec<_>>(),
        "topCandidates": places.map(top).collect::<Vec<_>>(),
    }))
}

impl Framing {
    fn frame(self, chunk: &Value, first: bool) -> Bytes {
        Bytes::from(match self {
            Self::Events => format!("data: {chunk}\r\n\r\n"),
            Self::Array if first => format!("[{chunk}"),
            Self::Array => format!("\n,\r\n{chunk}"),
        })
    }

    fn end(self) -> Option<Bytes> {
        match self {
            Self::Events => None,
            Self::Array => Some(Bytes::from_static(b"\n]\n")),
        }
    }
}

fn finish(reply: &Reply) -> &'static str {
    if reply.cut_short() { "MAX_TOKENS" } else { "STOP" }
}

/// Usage after so many tokens were written.
fn told(ask: &Ask, written: u64) -> Option<Value> {
    let Usage { input, cached, output } = ask.script.usage_after(written)?;
    let reported = input > 0 || output > 0;
    let thought =
        if ask.thinking.is_some() && reported { Thinking::TOKENS * ask.candidates } else { 0 };
    let mut told = json!({
        "promptTokenCount": input,
        "candidatesTokenCount": output,
        "totalTokenCount": input + output + thought,
        "promptTokensDetails": [{ "modality": "TEXT", "tokenCount": input }],
    });
    if cached > 0 {
        told["cachedContentTokenCount"] = cached.into();
    }
    if thought > 0 {
        told["thoughtsTokenCount"] = thought.into();
    }
    Some(told)
}
