//! `OpenAI`'s server-sent events.
use std::time::Duration;

use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use cape_domain::{
    ids::RequestId,
    usage::{FinishReason, TokenCounts, ToolCallPart},
};
use cape_services::usage::{StreamItem, Streaming};
use cape_wire::{
    Field,
    openai::{ChatChunk, ChunkChoice, ChunkObject, Delta, StreamData, ToolCallDelta},
};
use serde::Serialize;
use tokio::{sync::mpsc, time::timeout};

use super::{super::sse, answer};
use crate::error::ApiError;

/// How long the stream may be silent before a comment shows that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What turns pieces of an answer into events.
struct Writer {
    request: RequestId,
    id: String,
    created: u64,
    model: String,
    with_usage: bool,
    opened: bool,
    items: Option<mpsc::Receiver<StreamItem>>,
}

/// The events of an answer.
pub(super) fn events(
    answer: &mut HttpResponseBuilder,
    model: String,
    with_usage: bool,
    streaming: Streaming,
) -> HttpResponse {
    let writer = Writer {
        request: streaming.call.request,
        id: answer::id(&streaming.call),
        created: answer::created(&streaming.call),
        model,
        with_usage,
        opened: false,
        items: Some(streaming.items),
    };
    sse::answer(answer, writer, Writer::next)
}

impl Writer {
    /// The next events, or a comment when there is nothing for a while.
    async fn next(mut self) -> Option<(Bytes, Self)> {
        let items = self.items.as_mut()?;
        let bytes = match timeout(KEEP_ALIVE, items.recv()).await {
            Err(_) => Bytes::from_static(b": keep-alive\n\n"),
            Ok(None) => return None,
            Ok(Some(item)) => self.write(item).into(),
        };
        Some((bytes, self))
    }

    fn write(&mut self, item: StreamItem) -> Vec<u8> {
        let mut out = Vec::new();
        match item {
            StreamItem::Text(text) => {
                self.open(&mut out, Delta::opening_text());
                self.choice(&mut out, Delta::text(text), None);
            }
            StreamItem::ToolCall(part) => {
                let delta = Delta { tool_calls: vec![tool_call(part)], ..Delta::default() };
                self.open(&mut out, Delta::opening_calls(Vec::new()));
                self.choice(&mut out, delta, None);
            }
            StreamItem::Done { finish, tokens, .. } => {
                self.open(&mut out, Delta::opening_text());
                self.finish(&mut out, &finish, tokens);
                self.items = None;
            }
            StreamItem::Failed(error) => {
                let error = ApiError::from(error);
                error.log(self.request);
                event(&mut out, &error.open_ai());
                self.items = None;
            }
        }
        out
    }

    fn open(&mut self, out: &mut Vec<u8>, delta: Delta) {
        if !self.opened {
            self.opened = true;
            self.choice(out, delta, None);
        }
    }

    fn finish(&self, out: &mut Vec<u8>, finish: &FinishReason, tokens: TokenCounts) {
        self.choice(out, Delta::default(), Some(finish));
        if self.with_usage {
            let usage = Field::Value(answer::usage(tokens));
            event(out, &self.chunk(Vec::new(), usage));
        }
        out.extend_from_slice(format!("data: {}\n\n", StreamData::DONE).as_bytes());
    }

    fn choice(&self, out: &mut Vec<u8>, delta: Delta, finish: Option<&FinishReason>) {
        let finish_reason = finish.map(answer::finish);
        let choice = ChunkChoice { index: 0, delta, logprobs: None, finish_reason };
        let usage = if self.with_usage { Field::Null } else { Field::Absent };
        event(out, &self.chunk(vec![choice], usage));
    }

    fn chunk(
        &self,
        choices: Vec<ChunkChoice>,
        usage: Field<cape_wire::openai::Usage>,
    ) -> ChatChunk {
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
