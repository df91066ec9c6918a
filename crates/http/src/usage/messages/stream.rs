//! Anthropic's server-sent events: a message begins, its blocks follow one another, and it ends
//! with why and how much.
use std::{collections::BTreeMap, time::Duration};

use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use cape_domain::{
    ids::RequestId,
    usage::{Call, CallState, FinishReason, TokenCounts, ToolCallPart},
};
use cape_services::usage::{StreamItem, Streaming};
use cape_wire::anthropic::{
    BlockDelta, ContentBlock, ContentBlockDelta, ContentBlockStart, ContentBlockStop, DeltaUsage,
    ErrorEvent, InputJsonDelta, MessageChange, MessageDelta, MessageResponse, MessageStart,
    StreamEvent, TextBlock, TextDelta,
};
use tokio::{sync::mpsc, time::timeout};

use super::{super::sse, answer};
use crate::error::ApiError;

/// How long the stream may be silent before an event shows that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What turns pieces of an answer into events.
struct Writer {
    request: RequestId,
    /// The message, until it has begun.
    message: Option<Box<MessageResponse>>,
    /// How many blocks have begun. The last of them is open, or there is none.
    blocks: u64,
    open: bool,
    /// Whether the open block is a text.
    text: bool,
    /// The block of each call.
    calls: BTreeMap<u32, u64>,
    items: Option<mpsc::Receiver<StreamItem>>,
}

/// The events of an answer.
pub(super) fn events(
    answer: &mut HttpResponseBuilder,
    model: String,
    streaming: Streaming,
) -> HttpResponse {
    let Streaming { call, items, .. } = streaming;
    let begun = answer::begin(model, &call, answer::usage(so_far(&call)));
    let writer = Writer {
        request: call.request,
        message: Some(Box::new(begun)),
        blocks: 0,
        open: false,
        text: false,
        calls: BTreeMap::new(),
        items: Some(items),
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
            StreamItem::Text(text) => self.say(out, text),
            StreamItem::ToolCall(part) => self.call(out, part),
            StreamItem::Done { finish, tokens, .. } => self.finish(out, &finish, tokens),
            StreamItem::Failed(error) => {
                let error = ApiError::from(error);
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

    fn say(&mut self, out: &mut Vec<u8>, text: String) {
        if !(self.open && self.text) {
            self.start(out, ContentBlock::Text(TextBlock::default()));
            self.text = true;
        }
        let delta = BlockDelta::TextDelta(TextDelta { text });
        add(out, self.blocks - 1, delta);
    }

    fn call(&mut self, out: &mut Vec<u8>, part: ToolCallPart) {
        if let (Some(id), Some(name)) = (part.id, part.name) {
            // An empty object is one: it cannot fail.
            if let Ok(nothing) = answer::arguments("") {
                self.start(out, answer::tool_use(id, name, nothing));
                self.text = false;
                self.calls.insert(part.index, self.blocks - 1);
            }
        }
        let block = self.calls.get(&part.index).copied();
        if let Some(block) = block.filter(|_| !part.arguments.is_empty()) {
            let delta = BlockDelta::InputJsonDelta(InputJsonDelta { partial_json: part.arguments });
            add(out, block, delta);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>, finish: &FinishReason, tokens: TokenCounts) {
        self.stop(out);
        let delta = MessageChange { stop_reason: Some(answer::stop(finish)), stop_sequence: None };
        let used = answer::usage(tokens);
        let usage = DeltaUsage {
            input_tokens: used.input_tokens,
            cache_creation_input_tokens: used.cache_creation_input_tokens,
            cache_read_input_tokens: used.cache_read_input_tokens,
            output_tokens: used.output_tokens,
            output_tokens_details: None,
        };
        event(out, &StreamEvent::MessageDelta(MessageDelta { delta, usage }));
        event(out, &StreamEvent::MessageStop);
        self.items = None;
    }

    fn start(&mut self, out: &mut Vec<u8>, content_block: ContentBlock) {
        self.stop(out);
        let index = self.blocks;
        event(out, &StreamEvent::ContentBlockStart(ContentBlockStart { index, content_block }));
        (self.blocks, self.open) = (index + 1, true);
    }

    fn stop(&mut self, out: &mut Vec<u8>) {
        if self.open {
            let index = self.blocks - 1;
            event(out, &StreamEvent::ContentBlockStop(ContentBlockStop { index }));
            self.open = false;
        }
    }
}

fn add(out: &mut Vec<u8>, index: u64, delta: BlockDelta) {
    event(out, &StreamEvent::ContentBlockDelta(ContentBlockDelta { index, delta }));
}

fn event(out: &mut Vec<u8>, event: &StreamEvent) {
    sse::event(out, Some(event.name()), event);
}
