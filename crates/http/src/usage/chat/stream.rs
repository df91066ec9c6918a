//! `OpenAI`'s server-sent events.
use std::collections::BTreeSet;

use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use cape_domain::{
    ids::RequestId,
    json::RawJson,
    usage::{FinishReason, Piece, TokenCounts, ToolCallPart},
};
use cape_services::usage::{StreamItem, Streaming};
use cape_wire::{
    Field,
    openai::{ChatChunk, ChunkChoice, ChunkObject, Delta, StreamData, ToolCallDelta, Usage},
};
use serde::Serialize;

use super::{
    super::{
        pieces::{Next, Pieces},
        sse::{self, Whole},
    },
    answer,
};
use crate::error::ApiError;

/// What the caller wants to be told beside the answer.
#[derive(Clone, Copy)]
pub(super) struct Wishes {
    /// What was used.
    pub(super) usage: bool,
    /// How likely each token was.
    pub(super) log_probs: bool,
}

/// What turns pieces of answers into events.
struct Writer {
    request: RequestId,
    id: String,
    created: u64,
    model: String,
    with_usage: bool,
    /// The answers that have begun.
    opened: BTreeSet<u32>,
    pieces: Pieces,
    whole: Whole,
}

/// The events of an answer.
pub(super) fn events(
    answer: &mut HttpResponseBuilder,
    model: String,
    wishes: Wishes,
    streaming: Streaming,
) -> HttpResponse {
    let writer = Writer {
        request: streaming.call.request,
        id: answer::id(&streaming.call),
        created: answer::created(&streaming.call),
        model,
        with_usage: wishes.usage,
        opened: BTreeSet::new(),
        pieces: Pieces::of(streaming.items, wishes.log_probs),
        whole: Whole::of(answer),
    };
    sse::answer(answer, writer, Writer::next)
}

impl Writer {
    /// The next events, or a comment when there is nothing for a while.
    async fn next(mut self) -> Option<(Bytes, Self)> {
        let bytes = match self.pieces.next().await {
            Next::Nothing => Bytes::from_static(b": keep-alive\n\n"),
            Next::End => return None,
            Next::Item(item, probable) => self.write(item, probable).into(),
        };
        Some((bytes, self))
    }

    fn write(&mut self, item: StreamItem, probable: Option<RawJson>) -> Vec<u8> {
        let mut out = Vec::new();
        match item {
            StreamItem::Piece { choice, piece } => self.piece(&mut out, choice, piece, probable),
            StreamItem::Done { finishes, tokens, .. } => self.finish(&mut out, &finishes, tokens),
            StreamItem::Failed(error) => {
                let error = ApiError::from(error);
                error.log(self.request);
                event(&mut out, &error.open_ai());
            }
        }
        out
    }

    fn piece(&mut self, out: &mut Vec<u8>, choice: u32, piece: Piece, probable: Option<RawJson>) {
        let (opening, delta, logprobs) = match piece {
            // What its provider alone can read has no place here.
            Piece::Thought(part) if part.thought.text.is_empty() => return,
            Piece::Thought(part) => {
                (Delta::opening_text(), Delta::thought(part.thought.text), None)
            }
            Piece::Text(text) => (Delta::opening_text(), Delta::text(text), probable),
            Piece::ToolCall(part) => {
                let delta = Delta { tool_calls: vec![tool_call(part)], ..Delta::default() };
                (Delta::opening_calls(Vec::new()), delta, None)
            }
            Piece::LogProbs(told) => (Delta::opening_text(), Delta::default(), Some(told)),
            Piece::Finished(_) => return,
        };
        self.open(out, choice, opening);
        let logprobs = logprobs.as_ref().and_then(answer::log_probs);
        self.choice(
            out,
            ChunkChoice { index: choice.into(), delta, logprobs, finish_reason: None },
        );
    }

    fn open(&mut self, out: &mut Vec<u8>, choice: u32, delta: Delta) {
        if self.opened.insert(choice) {
            self.choice(out, ChunkChoice { index: choice.into(), delta, ..ChunkChoice::default() });
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>, finishes: &[FinishReason], tokens: TokenCounts) {
        for (choice, finish) in (0..).zip(finishes) {
            self.open(out, choice, Delta::opening_text());
            let finish_reason = Some(answer::finish(finish));
            let ended =
                ChunkChoice { index: choice.into(), finish_reason, ..ChunkChoice::default() };
            self.choice(out, ended);
        }
        if self.with_usage {
            let usage = Field::Value(answer::usage(tokens));
            event(out, &self.chunk(Vec::new(), usage));
        }
        out.extend_from_slice(format!("data: {}\n\n", StreamData::DONE).as_bytes());
        self.whole.reach();
    }

    fn choice(&self, out: &mut Vec<u8>, choice: ChunkChoice) {
        let usage = if self.with_usage { Field::Null } else { Field::Absent };
        event(out, &self.chunk(vec![choice], usage));
    }

    fn chunk(&self, choices: Vec<ChunkChoice>, usage: Field<Usage>) -> ChatChunk {
        ChatChunk {
            id: self.id.clone(),
            object: ChunkObject,
            created: self.created,
            model: self.model.clone(),
            service_tier: None,
            system_fingerprint: None,
            choices,
            usage,
        }
    }
}

fn tool_call(part: ToolCallPart) -> ToolCallDelta {
    let index = u64::from(part.index);
    match (part.id, part.name) {
        (Some(id), Some(name)) => {
            let mut opening = ToolCallDelta::opening(index, id, name);
            if let Some(function) = &mut opening.function {
                function.arguments = Some(part.arguments);
            }
            opening
        }
        (None | Some(_), None) | (None, Some(_)) => ToolCallDelta::arguments(index, part.arguments),
    }
}

fn event(out: &mut Vec<u8>, data: &impl Serialize) {
    sse::event(out, None, data);
}
