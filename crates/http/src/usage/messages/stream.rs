//! Anthropic's server-sent events: a message begins, its blocks follow one another, and it ends
//! with why and how much.
use std::time::Duration;

use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use cape_domain::{
    ids::RequestId,
    usage::{Call, CallState, FinishReason, TokenCounts},
};
use cape_services::usage::{Items, StreamItem, Streaming};
use cape_wire::anthropic::{
    DeltaUsage, ErrorEvent, MessageChange, MessageDelta, MessageResponse, MessageStart, StreamEvent,
};
use tokio::time::timeout;

use super::{
    super::sse::{self, Whole},
    answer,
    blocks::Blocks,
    names::Names,
};

/// How long the stream may be silent before an event shows that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What turns pieces of an answer into events.
struct Writer {
    request: RequestId,
    /// The message, until it has begun.
    message: Option<Box<MessageResponse>>,
    blocks: Blocks,
    names: Names,
    items: Option<Items>,
    whole: Whole,
}

/// The events of an answer.
pub(super) fn events(
    answer: &mut HttpResponseBuilder,
    (model, names): (String, Names),
    streaming: Streaming,
) -> HttpResponse {
    let Streaming { call, items, .. } = streaming;
    let begun = answer::begin(model, &call, answer::usage(so_far(&call)));
    let writer = Writer {
        request: call.request,
        message: Some(Box::new(begun)),
        blocks: Blocks::default(),
        names,
        items: Some(items),
        whole: Whole::of(answer),
    };
    sse::answer(answer, writer, Writer::next)
}

/// What is known of a call that has just begun: how much is likely to go in.
fn so_far(call: &Call) -> TokenCounts {
    match &call.state {
        CallState::Running { so_far } => so_far.tokens,
        CallState::Settled { metered, .. } => metered.tokens,
        CallState::Failed { .. } => TokenCounts::default(),
    }
}

impl Writer {
    /// The next events, or one that says nothing when there is nothing for a while.
    async fn next(mut self) -> Option<(Bytes, Self)> {
        let items = self.items.as_mut()?;
        let mut out = Vec::new();
        match timeout(KEEP_ALIVE, items.recv()).await {
            Err(_) => event(&mut out, &StreamEvent::Ping),
            Ok(None) => return None,
            Ok(Some(item)) => self.write(&mut out, item),
        }
        Some((out.into(), self))
    }

    fn write(&mut self, out: &mut Vec<u8>, item: StreamItem) {
        self.begin(out);
        match item {
            StreamItem::Piece { piece, .. } => write_all(out, &self.blocks.add(piece)),
            StreamItem::Done { finishes, tokens, .. } => {
                self.finish(out, finishes.first().unwrap_or(&FinishReason::Stop), tokens);
            }
            StreamItem::Failed(error) => {
                let error = self.names.tell(error);
                error.log(self.request);
                event(out, &StreamEvent::Error(ErrorEvent { error: error.anthropic() }));
                self.items = None;
            }
        }
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if let Some(message) = self.message.take() {
            event(out, &StreamEvent::MessageStart(Box::new(MessageStart { message: *message })));
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>, finish: &FinishReason, tokens: TokenCounts) {
        write_all(out, &self.blocks.finish());
        let delta = MessageChange { stop_reason: Some(answer::stop(finish)), stop_sequence: None };
        let used = answer::usage(tokens);
        let usage = DeltaUsage {
            input_tokens: used.input_tokens,
            cache_creation_input_tokens: used.cache_creation_input_tokens,
            cache_read_input_tokens: used.cache_read_input_tokens,
            output_tokens: used.output_tokens,
            output_tokens_details: used.output_tokens_details,
        };
        event(out, &StreamEvent::MessageDelta(MessageDelta { delta, usage }));
        event(out, &StreamEvent::MessageStop);
        self.whole.reach();
        self.items = None;
    }
}

fn write_all(out: &mut Vec<u8>, events: &[StreamEvent]) {
    for told in events {
        event(out, told);
    }
}

fn event(out: &mut Vec<u8>, event: &StreamEvent) {
    sse::event(out, Some(event.name()), event);
}
