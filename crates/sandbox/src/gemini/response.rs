//! How a generated content is written down, whole and in chunks. Every chunk tells the usage so far;
//! the last one's is the whole. A function call is never cut into pieces.
use std::iter::once;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    script::{Reply, Script, Usage},
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
    fn chunk(&self, part: Value, finish_reason: Option<&str>, usage: Option<Usage>) -> Value {
        let mut candidate = json!({ "content": { "parts": [part], "role": "model" }, "index": 0 });
        if let Some(reason) = finish_reason {
            candidate["finishReason"] = reason.into();
        }
        let mut chunk = json!({
            "candidates": [candidate], "modelVersion": self.model, "responseId": self.id,
        });
        if let Some(usage) = usage {
            chunk["usageMetadata"] = told(usage);
        }
        chunk
    }
}

/// A whole answer.
pub(crate) fn whole(heading: &Heading, script: &Script) -> Value {
    let part = match &script.reply {
        Reply::Text(answer) => json!({ "text": answer.text() }),
        Reply::Tool(call) => json!({ "functionCall": { "name": call.name, "args": call.input() } }),
    };
    heading.chunk(part, Some(finish(&script.reply)), script.usage())
}

/// The chunks of an answer: the content, and one that tells how it ended.
pub(crate) fn frames(
    heading: Heading,
    script: Script,
    framing: Framing,
) -> impl Iterator<Item = Frame> {
    let ending = heading.chunk(json!({ "text": "" }), Some(finish(&script.reply)), script.usage());
    let chunks = match &script.reply {
        Reply::Text(answer) => answer.tokens(),
        Reply::Tool(_) => 1,
    };
    let content = (0..chunks).map(move |place| {
        let chunk = match &script.reply {
            Reply::Text(answer) => {
                let part = json!({ "text": answer.token(place) });
                heading.chunk(part, None, script.usage_after(place + 1))
            }
            Reply::Tool(call) => {
                let part = json!({ "functionCall": { "name": call.name, "args": call.input() } });
                heading.chunk(part, None, script.usage())
            }
        };
        Frame::Content(framing.frame(&chunk, place == 0))
    });
    let last = Frame::Around(framing.frame(&ending, chunks == 0));
    content.chain(once(last)).chain(framing.end().map(Frame::Around))
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

fn told(usage: Usage) -> Value {
    let mut told = json!({
        "promptTokenCount": usage.input,
        "candidatesTokenCount": usage.output,
        "totalTokenCount": usage.input + usage.output,
        "promptTokensDetails": [{ "modality": "TEXT", "tokenCount": usage.input }],
    });
    if usage.cached > 0 {
        told["cachedContentTokenCount"] = usage.cached.into();
    }
    told
}
