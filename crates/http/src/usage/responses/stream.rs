//! A response in `OpenAI`'s typed events: it begins, its items follow one another, and it ends.
//!
//! Calls of functions may be told side by side: they stay open until the end.
use std::collections::BTreeMap;

use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use cape_domain::{
    ids::RequestId,
    json::RawJson,
    usage::{FinishReason, Piece, Thought, ThoughtPart, TokenCounts, ToolCallPart},
};
use cape_services::usage::{ChatError, StreamItem, Streaming};
use cape_wire::openai::responses::{
    Content, Event, Failure, FunctionCall, ItemStatus, Message, Numbered, OutputItem, OutputText,
    Reasoning, Response, Status, SummaryText,
};

use super::{
    super::{
        pieces::{Next, Pieces},
        sse::{self, Whole},
    },
    answer::{self, Names},
    thought,
};
use crate::error::ApiError;

/// What turns pieces of an answer into events.
struct Writer {
    request: RequestId,
    names: Names,
    /// As much of the response as was told.
    response: Response,
    /// How many events were told.
    told: u64,
    /// What is being thought or said.
    open: Option<Open>,
    /// The item of each call.
    calls: BTreeMap<u32, usize>,
    pieces: Pieces,
    whole: Whole,
}

/// The item that more is added to.
enum Open {
    /// What is said.
    Message,
    /// What is thought: which of the thoughts, and all of it so far.
    Thought(u32, Thought),
}

/// The events of an answer.
pub(super) fn events(
    answer: &mut HttpResponseBuilder,
    frame: Response,
    probable: bool,
    streaming: Streaming,
) -> HttpResponse {
    let Streaming { call, items, .. } = streaming;
    let writer = Writer {
        request: call.request,
        names: Names::of(&call),
        response: answer::begun(frame, &call),
        told: 0,
        open: None,
        calls: BTreeMap::new(),
        pieces: Pieces::of(items, probable),
        whole: Whole::of(answer),
    };
    sse::answer(answer, writer, Writer::next)
}

impl Writer {
    /// The next events, or a comment when there is nothing for a while.
    async fn next(mut self) -> Option<(Bytes, Self)> {
        let mut out = Vec::new();
        if self.told == 0 {
            let response = Box::new(self.response.clone());
            self.tell(&mut out, Event::Created { response: response.clone() });
            self.tell(&mut out, Event::InProgress { response });
            return Some((out.into(), self));
        }
        match self.pieces.next().await {
            Next::Nothing => out.extend_from_slice(b": keep-alive\n\n"),
            Next::End => return None,
            Next::Item(item, probable) => self.write(&mut out, item, probable),
        }
        Some((out.into(), self))
    }

    fn write(&mut self, out: &mut Vec<u8>, item: StreamItem, probable: Option<RawJson>) {
        match item {
            StreamItem::Piece { piece, .. } => match piece {
                Piece::Thought(part) => self.think(out, part),
                Piece::Text(text) => self.say(out, text, probable),
                Piece::LogProbs(told) => self.say(out, String::new(), Some(told)),
                Piece::ToolCall(part) => self.call(out, part),
                Piece::Finished(_) => {}
            },
            StreamItem::Done { finishes, tokens, .. } => {
                self.finish(out, finishes.first().unwrap_or(&FinishReason::Stop), tokens);
            }
            StreamItem::Failed(error) => self.fail(out, error),
        }
    }

    fn think(&mut self, out: &mut Vec<u8>, part: ThoughtPart) {
        let goes_on = matches!(&self.open, Some(Open::Thought(index, _)) if *index == part.index);
        if !goes_on {
            self.close(out);
            let id = self.names.reasoning(self.response.output.len());
            let (summary, status) = (Vec::new(), ItemStatus::InProgress);
            let begun = Reasoning { id, summary, encrypted_content: None, status };
            self.add(out, OutputItem::Reasoning(begun));
            self.open = Some(Open::Thought(part.index, Thought::default()));
        }
        let Thought { text, signature, sealed } = part.thought;
        let Some(Open::Thought(_, whole)) = &mut self.open else { return };
        let begins = whole.text.is_empty() && !text.is_empty();
        whole.text.push_str(&text);
        for (more, all) in [(signature, &mut whole.signature), (sealed, &mut whole.sealed)] {
            if let Some(more) = more {
                all.get_or_insert_default().push_str(&more);
            }
        }
        let (output_index, item_id) = self.last();
        if begins {
            let part = SummaryText::new("");
            let (item_id, summary_index) = (item_id.clone(), 0);
            self.tell(out, Event::SummaryAdded { item_id, output_index, summary_index, part });
        }
        if !text.is_empty() {
            let (summary_index, delta) = (0, text);
            self.tell(out, Event::SummaryDelta { item_id, output_index, summary_index, delta });
        }
    }

    fn say(&mut self, out: &mut Vec<u8>, delta: String, probable: Option<RawJson>) {
        if !matches!(self.open, Some(Open::Message)) {
            self.begin_message(out);
        }
        let logprobs = probable.as_ref().map(answer::log_probs).unwrap_or_default();
        if let Some(OutputItem::Message(message)) = self.response.output.last_mut()
            && let Some(Content::OutputText(text)) = message.content.last_mut()
        {
            text.text.push_str(&delta);
            text.logprobs.extend(logprobs.iter().cloned());
        }
        let ((output_index, item_id), content_index) = (self.last(), 0);
        let more = Event::TextDelta { item_id, output_index, content_index, delta, logprobs };
        self.tell(out, more);
    }

    fn begin_message(&mut self, out: &mut Vec<u8>) {
        self.close(out);
        let id = self.names.message(self.response.output.len());
        self.add(out, OutputItem::Message(Message::begun(id)));
        self.open = Some(Open::Message);
        let part = Content::OutputText(OutputText::default());
        if let Some(OutputItem::Message(message)) = self.response.output.last_mut() {
            message.content.push(part.clone());
        }
        let ((output_index, item_id), content_index) = (self.last(), 0);
        self.tell(out, Event::PartAdded { item_id, output_index, content_index, part });
    }

    fn call(&mut self, out: &mut Vec<u8>, part: ToolCallPart) {
        if let (Some(call_id), Some(name)) = (part.id, part.name) {
            self.close(out);
            let place = self.response.output.len();
            let begun = FunctionCall {
                id: self.names.function_call(place),
                status: ItemStatus::InProgress,
                call_id,
                name,
                arguments: String::new(),
            };
            self.add(out, OutputItem::FunctionCall(begun));
            self.calls.insert(part.index, place);
        }
        let Some(place) = self.calls.get(&part.index).copied() else { return };
        let Some(OutputItem::FunctionCall(call)) = self.response.output.get_mut(place) else {
            return;
        };
        if !part.arguments.is_empty() {
            call.arguments.push_str(&part.arguments);
            let (item_id, output_index) = (call.id.clone(), place as u64);
            let delta = part.arguments;
            self.tell(out, Event::ArgumentsDelta { item_id, output_index, delta });
        }
    }

    /// Ends what is being thought or said.
    fn close(&mut self, out: &mut Vec<u8>) {
        match self.open.take() {
            Some(Open::Thought(_, whole)) => self.close_thought(out, &whole),
            Some(Open::Message) => self.close_message(out),
            None => return,
        }
        self.done(out, self.response.output.len().saturating_sub(1));
    }

    fn close_thought(&mut self, out: &mut Vec<u8>, whole: &Thought) {
        let (output_index, item_id) = self.last();
        let Some(OutputItem::Reasoning(item)) = self.response.output.last_mut() else { return };
        item.encrypted_content = thought::kept(whole);
        if whole.text.is_empty() {
            return;
        }
        let (summary_index, part) = (0, SummaryText::new(&*whole.text));
        item.summary.push(part.clone());
        let (id, text) = (item_id.clone(), whole.text.clone());
        self.tell(out, Event::SummaryTextDone { item_id: id, output_index, summary_index, text });
        self.tell(out, Event::SummaryDone { item_id, output_index, summary_index, part });
    }

    fn close_message(&mut self, out: &mut Vec<u8>) {
        let (output_index, item_id) = self.last();
        let Some(OutputItem::Message(item)) = self.response.output.last() else { return };
        let Some(part) = item.content.last().cloned() else { return };
        let Content::OutputText(OutputText { text, logprobs, .. }) = part.clone();
        let (id, content_index) = (item_id.clone(), 0);
        let all = Event::TextDone { item_id: id, output_index, content_index, text, logprobs };
        self.tell(out, all);
        self.tell(out, Event::PartDone { item_id, output_index, content_index, part });
    }

    fn finish(&mut self, out: &mut Vec<u8>, finish: &FinishReason, tokens: TokenCounts) {
        if self.response.output.iter().all(|item| matches!(item, OutputItem::Reasoning(_))) {
            self.begin_message(out);
        }
        self.close(out);
        for place in std::mem::take(&mut self.calls).into_values() {
            if let Some(OutputItem::FunctionCall(call)) = self.response.output.get(place) {
                let FunctionCall { id: item_id, name, arguments, .. } = call.clone();
                let output_index = place as u64;
                let all = Event::ArgumentsDone { item_id, output_index, name, arguments };
                self.tell(out, all);
                self.done(out, place);
            }
        }
        answer::ended(&mut self.response, finish, tokens);
        let response = Box::new(self.response.clone());
        let over = if response.status == Status::Incomplete {
            Event::Incomplete { response }
        } else {
            Event::Completed { response }
        };
        self.tell(out, over);
        self.whole.reach();
    }

    fn fail(&mut self, out: &mut Vec<u8>, error: ChatError) {
        let error = ApiError::from(error);
        error.log(self.request);
        let told = error.open_ai().error;
        let (code, message, param) = (told.code, told.message, told.param);
        self.tell(out, Event::Error { code, message: message.clone(), param });
        self.response.output.iter_mut().map(answer::status).for_each(|status| {
            if *status == ItemStatus::InProgress {
                *status = ItemStatus::Incomplete;
            }
        });
        self.response.status = Status::Failed;
        self.response.error = Some(Failure { code: "server_error".to_owned(), message });
        let response = Box::new(self.response.clone());
        self.tell(out, Event::Failed { response });
    }

    /// Begins an item.
    fn add(&mut self, out: &mut Vec<u8>, item: OutputItem) {
        let output_index = self.response.output.len() as u64;
        self.response.output.push(item.clone());
        self.tell(out, Event::ItemAdded { output_index, item });
    }

    /// Says that an item is whole.
    fn done(&mut self, out: &mut Vec<u8>, place: usize) {
        if let Some(item) = self.response.output.get_mut(place) {
            *answer::status(item) = ItemStatus::Completed;
            let (output_index, item) = (place as u64, item.clone());
            self.tell(out, Event::ItemDone { output_index, item });
        }
    }

    /// The place and the name of the last item.
    fn last(&self) -> (u64, String) {
        let place = (self.response.output.len() as u64).saturating_sub(1);
        let name = self.response.output.last().map_or("", answer::id);
        (place, name.to_owned())
    }

    fn tell(&mut self, out: &mut Vec<u8>, event: Event) {
        let name = event.name();
        let numbered = Numbered { event, sequence_number: self.told };
        sse::event(out, Some(name), &numbered);
        self.told += 1;
    }
}
