//! The blocks of an answer: one is open at a time, and one that was closed stays so.
//!
//! Providers may tell several calls at once. What belongs to another block waits as long as the
//! arguments of the open call are not whole.
use std::collections::{BTreeSet, VecDeque};

use cape_domain::usage::{Piece, Thought, ThoughtPart, ToolCallPart};
use cape_wire::anthropic::{
    BlockDelta, ContentBlock, ContentBlockDelta, ContentBlockStart, ContentBlockStop,
    InputJsonDelta, RedactedThinkingBlock, SignatureDelta, StreamEvent, TextBlock, TextDelta,
    ThinkingBlock, ThinkingDelta,
};

use super::answer;

/// The blocks so far.
#[derive(Default)]
pub(super) struct Blocks {
    /// How many have begun. The last of them may be open.
    begun: u64,
    open: Option<Open>,
    /// The calls that have begun.
    calls: BTreeSet<u32>,
    waiting: VecDeque<Piece>,
}

/// What the open block is.
#[derive(Debug, PartialEq, Eq)]
enum Open {
    Text,
    Thought(u32),
    Sealed,
    Call(u32, Json),
}

impl Blocks {
    /// The events of one more piece; perhaps none yet.
    pub(super) fn add(&mut self, piece: Piece) -> Vec<StreamEvent> {
        let mut events = Vec::new();
        self.waiting.push_back(piece);
        self.catch_up(&mut events);
        events
    }

    /// What still waited, and the end of the last block.
    pub(super) fn finish(&mut self) -> Vec<StreamEvent> {
        let mut events = Vec::new();
        while !self.waiting.is_empty() {
            // Nothing follows that could make its arguments whole. Each time, the first that
            // waits is written.
            self.stop(&mut events);
            self.catch_up(&mut events);
        }
        self.stop(&mut events);
        events
    }

    /// Writes what need not wait, in order.
    fn catch_up(&mut self, events: &mut Vec<StreamEvent>) {
        loop {
            let before = self.waiting.len();
            for piece in std::mem::take(&mut self.waiting) {
                if self.has_to_wait(&piece) {
                    self.waiting.push_back(piece);
                } else {
                    self.write(piece, events);
                }
            }
            if self.waiting.is_empty() || self.waiting.len() == before {
                return;
            }
        }
    }

    fn has_to_wait(&self, piece: &Piece) -> bool {
        match (&self.open, piece) {
            (Some(Open::Call(open, arguments)), Piece::ToolCall(part)) => {
                part.index != *open && !arguments.is_whole()
            }
            (Some(Open::Call(_, arguments)), _) => !arguments.is_whole(),
            (Some(Open::Text | Open::Thought(_) | Open::Sealed) | None, _) => false,
        }
    }

    fn write(&mut self, piece: Piece, events: &mut Vec<StreamEvent>) {
        match piece {
            Piece::Text(text) if text.is_empty() => {}
            Piece::Text(text) => {
                if self.open != Some(Open::Text) {
                    self.start(Open::Text, ContentBlock::Text(TextBlock::default()), events);
                }
                self.tell(BlockDelta::TextDelta(TextDelta { text }), events);
            }
            Piece::Thought(part) => self.think(part, events),
            Piece::ToolCall(part) => self.call(part, events),
            Piece::LogProbs(_) | Piece::Finished(_) => {}
        }
    }

    fn think(&mut self, part: ThoughtPart, events: &mut Vec<StreamEvent>) {
        let Thought { text, signature, sealed } = part.thought;
        if !text.is_empty() || signature.is_some() {
            if self.open != Some(Open::Thought(part.index)) {
                let block = ContentBlock::Thinking(ThinkingBlock::default());
                self.start(Open::Thought(part.index), block, events);
            }
            if !text.is_empty() {
                self.tell(BlockDelta::ThinkingDelta(ThinkingDelta { thinking: text }), events);
            }
            if let Some(signature) = signature {
                self.tell(BlockDelta::SignatureDelta(SignatureDelta { signature }), events);
            }
        }
        if let Some(data) = sealed {
            let block = ContentBlock::RedactedThinking(RedactedThinkingBlock { data });
            self.start(Open::Sealed, block, events);
        }
    }

    fn call(&mut self, part: ToolCallPart, events: &mut Vec<StreamEvent>) {
        let ToolCallPart { index, id, name, arguments } = part;
        // An empty object is one: it cannot fail.
        if let (Some(id), Some(name), Ok(nothing)) = (id, name, answer::arguments(""))
            && self.calls.insert(index)
        {
            let block = answer::tool_use(id, name, nothing);
            self.start(Open::Call(index, Json::default()), block, events);
        }
        match &mut self.open {
            Some(Open::Call(open, json)) if *open == index => json.read(&arguments),
            // What follows a whole object is no part of it.
            Some(Open::Text | Open::Thought(_) | Open::Sealed | Open::Call(..)) | None => return,
        }
        if !arguments.is_empty() {
            let delta = InputJsonDelta { partial_json: arguments };
            self.tell(BlockDelta::InputJsonDelta(delta), events);
        }
    }

    fn start(&mut self, open: Open, content_block: ContentBlock, events: &mut Vec<StreamEvent>) {
        self.stop(events);
        let index = self.begun;
        events.push(StreamEvent::ContentBlockStart(ContentBlockStart { index, content_block }));
        (self.begun, self.open) = (index + 1, Some(open));
    }

    fn tell(&self, delta: BlockDelta, events: &mut Vec<StreamEvent>) {
        let index = self.begun.saturating_sub(1);
        events.push(StreamEvent::ContentBlockDelta(ContentBlockDelta { index, delta }));
    }

    fn stop(&mut self, events: &mut Vec<StreamEvent>) {
        if self.open.take().is_some() {
            let index = self.begun.saturating_sub(1);
            events.push(StreamEvent::ContentBlockStop(ContentBlockStop { index }));
        }
    }
}

/// How far a piece of JSON has come.
#[derive(Debug, Default, PartialEq, Eq)]
struct Json {
    depth: usize,
    begun: bool,
    in_text: bool,
    escaped: bool,
}

impl Json {
    fn read(&mut self, more: &str) {
        for byte in more.bytes() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_text => self.escaped = true,
                b'"' => self.in_text = !self.in_text,
                b'{' | b'[' if !self.in_text => {
                    self.begun = true;
                    self.depth += 1;
                }
                b'}' | b']' if !self.in_text => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    const fn is_whole(&self) -> bool {
        self.begun && self.depth == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(index: u32, begins: bool, arguments: &str) -> Piece {
        Piece::ToolCall(ToolCallPart {
            index,
            id: begins.then(|| format!("call_{index}")),
            name: begins.then(|| "f".to_owned()),
            arguments: arguments.to_owned(),
        })
    }

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    fn thought(index: u32, text: &str, signature: Option<&str>, sealed: Option<&str>) -> Piece {
        let (text, signature) = (text.to_owned(), signature.map(str::to_owned));
        let thought = Thought { text, signature, sealed: sealed.map(str::to_owned) };
        Piece::Thought(ThoughtPart { index, thought })
    }

    /// Each event as a word: what begins, what is added, and what ends.
    fn told(pieces: Vec<Piece>) -> Vec<String> {
        let mut blocks = Blocks::default();
        let mut events: Vec<_> = pieces.into_iter().flat_map(|piece| blocks.add(piece)).collect();
        events.extend(blocks.finish());
        events.iter().map(word).collect()
    }

    fn word(event: &StreamEvent) -> String {
        match event {
            StreamEvent::ContentBlockStart(start) => match &start.content_block {
                ContentBlock::Text(_) => format!("{}: text", start.index),
                ContentBlock::ToolUse(call) => format!("{}: {}", start.index, call.id),
                ContentBlock::Thinking(_) => format!("{}: thought", start.index),
                ContentBlock::RedactedThinking(block) => format!("{}: {}", start.index, block.data),
                ContentBlock::Other(_) => panic!("{event:?}"),
            },
            StreamEvent::ContentBlockDelta(delta) => match &delta.delta {
                BlockDelta::TextDelta(more) => format!("{}+{}", delta.index, more.text),
                BlockDelta::InputJsonDelta(more) => {
                    format!("{}+{}", delta.index, more.partial_json)
                }
                BlockDelta::ThinkingDelta(more) => format!("{}+{}", delta.index, more.thinking),
                BlockDelta::SignatureDelta(more) => format!("{}#{}", delta.index, more.signature),
                BlockDelta::Other(_) => panic!("{event:?}"),
            },
            StreamEvent::ContentBlockStop(stop) => format!("{}.", stop.index),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn blocks_follow_one_another() {
        assert_eq!(
            told(vec![
                thought(0, "hm", None, None),
                thought(0, " so", None, None),
                thought(0, "", Some("proof"), None),
                thought(1, "", None, Some("sealed")),
                text("a"),
                text("b"),
                part(0, true, ""),
                part(0, false, "{}"),
            ]),
            [
                "0: thought",
                "0+hm",
                "0+ so",
                "0#proof",
                "0.",
                "1: sealed",
                "1.",
                "2: text",
                "2+a",
                "2+b",
                "2.",
                "3: call_0",
                "3+{}",
                "3.",
            ]
        );
    }

    #[test]
    fn calls_that_are_told_at_once_are_written_one_after_the_other() {
        assert_eq!(
            told(vec![
                part(0, true, r#"{"a":"#),
                part(1, true, r#"{"b":"#),
                part(0, false, r#""}\"{"#),
                part(1, false, "2"),
                text("c"),
                part(0, false, r#""}"#),
                part(1, false, "}"),
            ]),
            [
                "0: call_0",
                r#"0+{"a":"#,
                r#"0+"}\"{"#,
                r#"0+"}"#,
                "0.",
                "1: call_1",
                r#"1+{"b":"#,
                "1+2",
                "1+}",
                "1.",
                "2: text",
                "2+c",
                "2.",
            ]
        );
    }

    #[test]
    fn what_waited_in_vain_is_written_at_the_end() {
        let pieces = vec![part(0, true, "{"), part(1, true, "["), text("a"), part(0, false, "1")];
        let written =
            ["0: call_0", "0+{", "0+1", "0.", "1: call_1", "1+[", "1.", "2: text", "2+a", "2."];
        assert_eq!(told(pieces), written);
    }

    #[test]
    fn a_call_begins_once_however_often_its_name_is_told() {
        let pieces = vec![part(0, true, "{"), part(0, true, "}"), text("a"), part(0, true, " ")];
        let written = ["0: call_0", "0+{", "0+}", "0.", "1: text", "1+a", "1."];
        assert_eq!(told(pieces), written);
        assert_eq!(told(vec![part(7, false, "{}")]), Vec::<String>::new());
    }
}
