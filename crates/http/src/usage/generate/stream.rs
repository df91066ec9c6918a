//! Google's streams: responses one after the other, each with what is added. The last one tells why
//! the answers ended and what they took.
//!
//! A function that is asked for is never told in pieces, so all of them come with the last response.
//! Google's clients take a comment among the events for a part of them: what shows that a stream
//! lives is an empty line.
use std::collections::BTreeMap;

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::header::{CONTENT_TYPE, HeaderValue},
};
use bytes::Bytes;
use cape_domain::{
    ids::RequestId,
    usage::{FinishReason, Piece, Thought, ThoughtPart, TokenCounts, ToolCall, ToolCallPart},
};
use cape_services::usage::{StreamItem, Streaming};
use cape_wire::gemini::{Candidate, Content, GenerateContentResponse, Part, Role};
use serde::Serialize;

use super::{
    super::{
        pieces::{Next, Pieces},
        sse::{self, Whole},
    },
    answer, base64, log_probs,
    names::Names,
    parts,
};

/// How responses are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// Server-sent events.
    Events,
    /// The items of one JSON array.
    Array,
}

/// What turns pieces of answers into responses.
struct Writer {
    request: RequestId,
    framing: Framing,
    names: Names,
    /// A response that says nothing.
    empty: GenerateContentResponse,
    answers: BTreeMap<u32, Answer>,
    pieces: Pieces,
    /// Whether there was a response.
    begun: bool,
    whole: Whole,
}

/// What one answer still has to say.
#[derive(Default)]
struct Answer {
    /// How many thoughts were told in words.
    told: u32,
    /// Signatures whose part is yet to come.
    waiting: Vec<Thought>,
    /// Functions that are asked for, with their signatures.
    calls: BTreeMap<u32, (ToolCall, Option<String>)>,
}

/// The responses of a call of `name`; whether it is told how likely tokens are is `probable`.
pub(super) fn responses(
    answer: &mut HttpResponseBuilder,
    framing: Framing,
    (name, names, probable): (String, Names, bool),
    streaming: Streaming,
) -> HttpResponse {
    let Streaming { call, items, .. } = streaming;
    let writer = Writer {
        request: call.request,
        framing,
        names,
        empty: answer::begin(name, &call),
        answers: BTreeMap::new(),
        pieces: Pieces::of(items, probable),
        begun: false,
        whole: Whole::of(answer),
    };
    let mut response = sse::answer(answer, writer, Writer::next);
    if framing == Framing::Array {
        let kind = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    response
}

impl Writer {
    /// The next responses, or an empty line when there is nothing for a while.
    async fn next(mut self) -> Option<(Bytes, Self)> {
        let mut out = Vec::new();
        match self.pieces.next().await {
            Next::Nothing => out.push(b'\n'),
            Next::End => return None,
            Next::Item(item, probable) => self.write(&mut out, item, probable.as_ref()),
        }
        Some((out.into(), self))
    }

    fn write(
        &mut self,
        out: &mut Vec<u8>,
        item: StreamItem,
        probable: Option<&cape_domain::json::RawJson>,
    ) {
        match item {
            StreamItem::Piece { choice, piece } => {
                let likely = match &piece {
                    Piece::LogProbs(alone) => log_probs::told(alone),
                    Piece::Thought(_)
                    | Piece::Text(_)
                    | Piece::ToolCall(_)
                    | Piece::Finished(_) => probable.and_then(log_probs::told),
                };
                let parts = self.answers.entry(choice).or_default().take(piece);
                if !parts.is_empty() || likely.is_some() {
                    let candidate = Candidate {
                        content: Some(Content::new(Role::Model, parts)),
                        index: choice.into(),
                        logprobs_result: likely,
                        ..Candidate::default()
                    };
                    self.tell(out, vec![candidate], None);
                }
            }
            StreamItem::Done { finishes, tokens, .. } => self.finish(out, &finishes, tokens),
            StreamItem::Failed(error) => {
                let error = self.names.tell(error);
                error.log(self.request);
                self.add(out, &error.google(Some(self.request)));
                self.end(out);
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>, finishes: &[FinishReason], tokens: TokenCounts) {
        let mut candidates = Vec::new();
        for (choice, why) in (0_u32..).zip(finishes) {
            let (parts, read) = self.answers.remove(&choice).unwrap_or_default().finish();
            candidates.push(answer::ended(choice.into(), parts, why, read));
        }
        self.tell(out, candidates, Some(tokens));
        self.end(out);
        self.whole.reach();
    }

    fn tell(&mut self, out: &mut Vec<u8>, candidates: Vec<Candidate>, tokens: Option<TokenCounts>) {
        let usage_metadata = tokens.map(answer::usage);
        let response = GenerateContentResponse { candidates, usage_metadata, ..self.empty.clone() };
        self.add(out, &response);
    }

    fn add(&mut self, out: &mut Vec<u8>, data: &impl Serialize) {
        let begun = std::mem::replace(&mut self.begun, true);
        match self.framing {
            Framing::Events => sse::event(out, None, data),
            Framing::Array => match serde_json::to_vec(data) {
                Ok(json) => {
                    out.extend_from_slice(if begun { b",\n" } else { b"[" });
                    out.extend_from_slice(&json);
                }
                Err(error) => tracing::error!(%error, "a response could not be written"),
            },
        }
    }

    fn end(&self, out: &mut Vec<u8>) {
        if self.framing == Framing::Array {
            out.extend_from_slice(b"]\n");
        }
    }
}

impl Answer {
    /// What can be told of a piece at once.
    fn take(&mut self, piece: Piece) -> Vec<Part> {
        match piece {
            Piece::Thought(ThoughtPart { index, thought }) => self.think(index, thought),
            Piece::Text(text) => {
                let sealed = self.waiting.pop_if(|thought| parts::is_sealed(thought));
                let sealed = sealed.and_then(|thought| thought.sealed);
                let mut parts = self.waited();
                parts.push(Part::text(text).signed(sealed.as_deref().map(base64::signature)));
                parts
            }
            Piece::ToolCall(part) => {
                self.call(part);
                Vec::new()
            }
            Piece::LogProbs(_) | Piece::Finished(_) => Vec::new(),
        }
    }

    fn think(&mut self, index: u32, thought: Thought) -> Vec<Part> {
        let of_words = index < self.told;
        if thought.text.is_empty() && !(of_words && thought.signature.is_some()) {
            self.waiting.push(thought);
            return Vec::new();
        }
        self.told = self.told.max(index.saturating_add(1));
        let mut parts = self.waited();
        parts.extend(parts::thought(thought));
        parts
    }

    fn call(&mut self, part: ToolCallPart) {
        let ToolCallPart { index, id, name, arguments } = part;
        if !self.calls.contains_key(&index) {
            let signed = self.waiting.pop_if(|thought| parts::is_signature(thought));
            let signed = signed.and_then(|thought| thought.signature);
            let call =
                ToolCall { id: String::new(), name: String::new(), arguments: String::new() };
            self.calls.insert(index, (call, signed.as_deref().map(base64::signature)));
        }
        if let Some((call, _)) = self.calls.get_mut(&index) {
            call.id.push_str(&id.unwrap_or_default());
            call.name.push_str(&name.unwrap_or_default());
            call.arguments.push_str(&arguments);
        }
    }

    /// Signatures whose part did not come are told by themselves.
    fn waited(&mut self) -> Vec<Part> {
        self.waiting.drain(..).flat_map(parts::thought).collect()
    }

    /// What is left to be told, and whether all functions that are asked for could be read.
    fn finish(mut self) -> (Vec<Part>, bool) {
        let mut parts = self.waited();
        let calls: Vec<_> =
            self.calls.into_values().map(|(call, signed)| parts::call(call, signed)).collect();
        let read = calls.iter().all(Option::is_some);
        parts.extend(calls.into_iter().flatten());
        (parts, read)
    }
}
