//! From items to messages. What the model thought, said and called in one turn is several items
//! here, and one message to everybody else.
use cape_domain::usage::{Message, Part, Thought, ToolCall, plain_text};
use cape_wire::{
    TextOr,
    openai::{
        Role,
        responses::{
            CallItem, CallOutputItem, InputContent, InputItem, InputPart, MessageItem,
            ReasoningItem,
        },
    },
};

use super::{
    super::{image::image, unsupported, wrong},
    thought,
};
use crate::error::ApiError;

/// Messages, and where each of them came from.
#[derive(Default)]
pub(super) struct Conversation {
    /// The messages.
    pub(super) messages: Vec<Message>,
    /// Where each began.
    pub(super) places: Vec<String>,
}

/// What the model did.
enum Said {
    Thought(Thought),
    Text(String),
    Call(ToolCall),
}

impl Conversation {
    /// Adds a message.
    pub(super) fn add(&mut self, message: Message, place: &str) {
        self.messages.push(message);
        self.places.push(place.to_owned());
    }

    /// Adds an item.
    pub(super) fn item(&mut self, item: InputItem, place: &str) -> Result<(), ApiError> {
        match item {
            InputItem::Message(told) => self.message(told, place),
            InputItem::FunctionCall(CallItem { call_id, name, arguments, .. }) => {
                let call = ToolCall { id: call_id, name, arguments };
                self.said(Said::Call(call), place);
                Ok(())
            }
            InputItem::FunctionCallOutput(CallOutputItem { call_id, output, .. }) => {
                let mut content = parts(output, &format!("{place}.output"))?;
                if content.is_empty() {
                    content.push(Part::Text(String::new()));
                }
                self.add(Message::Tool { call: call_id, content, failed: false }, place);
                Ok(())
            }
            InputItem::Reasoning(ReasoningItem { summary, encrypted_content, .. }) => {
                let text = summary.into_iter().map(|part| part.text).collect();
                let thought = thought::read(text, encrypted_content);
                let thought =
                    thought.ok_or_else(|| unsupported(format!("{place}.encrypted_content")))?;
                self.said(Said::Thought(thought), place);
                Ok(())
            }
            InputItem::Other(_) => Err(unsupported(place)),
        }
    }

    fn message(&mut self, told: MessageItem, place: &str) -> Result<(), ApiError> {
        let at = format!("{place}.content");
        let content = parts(told.content, &at)?;
        if content.is_empty() {
            return Err(wrong(&at, "a message has to say something"));
        }
        match told.role {
            Role::User => self.add(Message::User { content, name: None }, place),
            Role::System | Role::Developer => {
                self.add(Message::System { text: text(&content, &at)? }, place);
            }
            Role::Assistant => self.said(Said::Text(text(&content, &at)?), place),
            Role::Tool | Role::Function | Role::Other(_) => {
                return Err(unsupported(format!("{place}.role")));
            }
        }
        Ok(())
    }

    /// Adds to the model's turn, or begins one. A text after a text begins another, unless
    /// functions were called: what they came to has to follow them.
    fn said(&mut self, said: Said, place: &str) {
        let joins = match (self.messages.last(), &said) {
            (Some(Message::Assistant { text, tool_calls, .. }), Said::Text(_)) => {
                text.is_empty() || !tool_calls.is_empty()
            }
            (Some(Message::Assistant { .. }), Said::Thought(_) | Said::Call(_)) => true,
            _ => false,
        };
        if !joins {
            let (thoughts, text, tool_calls) = (Vec::new(), String::new(), Vec::new());
            self.add(Message::Assistant { thoughts, text, tool_calls }, place);
        }
        if let Some(Message::Assistant { thoughts, text, tool_calls }) = self.messages.last_mut() {
            match said {
                Said::Thought(thought) => thoughts.push(thought),
                Said::Text(more) => text.push_str(&more),
                Said::Call(call) => tool_calls.push(call),
            }
        }
    }
}

fn parts(content: InputContent, place: &str) -> Result<Vec<Part>, ApiError> {
    let parts = match content {
        TextOr::Text(text) => return Ok(vec![Part::Text(text)]),
        TextOr::Parts(parts) => parts,
    };
    let part = |(number, part): (usize, InputPart)| {
        let at = format!("{place}[{number}]");
        match part {
            InputPart::InputText(part) => Ok(Part::Text(part.text)),
            InputPart::OutputText(part) => Ok(Part::Text(part.text)),
            InputPart::Refusal(part) => Ok(Part::Text(part.refusal)),
            InputPart::InputImage(part) => {
                let url_at = format!("{at}.image_url");
                let url = part.image_url.ok_or_else(|| wrong(&url_at, "is missing"))?;
                let detail = (&*format!("{at}.detail"), part.detail);
                Ok(Part::Image(image((&url_at, &url), detail)?))
            }
            InputPart::Other(_) => Err(unsupported(at)),
        }
    };
    parts.into_iter().enumerate().map(part).collect()
}

/// What is said where there is no place for an image.
fn text(content: &[Part], place: &str) -> Result<String, ApiError> {
    plain_text(content).ok_or_else(|| {
        let image = content.iter().position(|part| matches!(part, Part::Image(_)));
        unsupported(format!("{place}[{}]", image.unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use cape_wire::Raw;

    use super::*;

    fn read(items: &str) -> Conversation {
        let items: Vec<InputItem> = Raw::new(items).and_then(|items| items.read()).expect("items");
        let mut conversation = Conversation::default();
        for (at, item) in items.into_iter().enumerate() {
            conversation.item(item, &format!("input[{at}]")).expect("an item");
        }
        conversation
    }

    #[test]
    fn a_turn_of_several_items_is_one_message() {
        let read = read(
            r#"[{"role":"user","content":"a"},
            {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Hm."}]},
            {"type":"message","id":"msg_1","status":"completed","role":"assistant",
                "content":[{"type":"output_text","text":"b","annotations":[],"logprobs":[{}]}]},
            {"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},
            {"type":"function_call","call_id":"c2","name":"g","arguments":"{}"},
            {"type":"function_call_output","call_id":"c1","output":"1"},
            {"type":"function_call_output","call_id":"c2","output":[]},
            {"role":"assistant","content":"c"},
            {"role":"assistant","content":"d"}]"#,
        );
        let call = |id: &str, name: &str| ToolCall {
            id: id.to_owned(),
            name: name.to_owned(),
            arguments: "{}".to_owned(),
        };
        let thought = Thought { text: "Hm.".to_owned(), ..Thought::default() };
        let said = |thoughts: Vec<Thought>, text: &str, tool_calls: Vec<ToolCall>| {
            Message::Assistant { thoughts, text: text.to_owned(), tool_calls }
        };
        let expected = [
            Message::user("a"),
            said(vec![thought], "b", vec![call("c1", "f"), call("c2", "g")]),
            Message::tool("c1", "1"),
            Message::tool("c2", ""),
            said(Vec::new(), "c", Vec::new()),
            said(Vec::new(), "d", Vec::new()),
        ];
        assert_eq!(read.messages, expected);
        let places = ["input[0]", "input[1]", "input[5]", "input[6]", "input[7]", "input[8]"];
        assert_eq!(read.places, places);
    }
}
