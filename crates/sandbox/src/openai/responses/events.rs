//! The typed events of a response.
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    request::Ask,
    response::{Heading, SUMMARY, frame, item, part, probable, reasoning, whole},
};
use crate::{script::Reply, stream::Frame};

/// All of them, in order and numbered.
pub(super) fn frames(heading: Heading, ask: Ask) -> impl Iterator<Item = Frame> {
    let last = whole(&heading, &ask);
    let over = match last["status"].as_str() {
        Some("incomplete") => "response.incomplete",
        _ => "response.completed",
    };
    let begun = frame(&heading, &ask, "in_progress", Vec::new());
    let mut before = vec![
        around("response.created", json!({ "response": begun })),
        around("response.in_progress", json!({ "response": begun })),
    ];
    before.extend(thought(&heading, &ask));
    let place = u64::from(ask.reasoning > 0);
    before.extend(opening(&heading, &ask, place));
    let mut after = closing(&heading, &ask, place);
    after.push(around(over, json!({ "response": last })));
    let pieces = match &ask.script.reply {
        Reply::Text(answer) => answer.tokens(),
        Reply::Tool(call) => call.pieces.len() as u64,
    };
    let content = (0..pieces).map(move |piece| more(&heading, &ask, place, piece));
    before.into_iter().chain(content).chain(after).zip(0_u64..).map(|(event, number)| {
        let Event { name, mut data, content } = event;
        data["type"] = name.into();
        data["sequence_number"] = number.into();
        let bytes = Bytes::from(format!("event: {name}\ndata: {data}\n\n"));
        if content { Frame::Content(bytes) } else { Frame::Around(bytes) }
    })
}

struct Event {
    name: &'static str,
    data: Value,
    content: bool,
}

fn around(name: &'static str, data: Value) -> Event {
    Event { name, data, content: false }
}

fn thought(heading: &Heading, ask: &Ask) -> Vec<Event> {
    let Some(whole) = reasoning(heading, ask) else { return Vec::new() };
    let mut begun = whole.clone();
    begun["summary"] = json!([]);
    let mut events =
        vec![around("response.output_item.added", json!({ "output_index": 0, "item": begun }))];
    if ask.summary {
        let at = |mut data: Value| {
            data["item_id"] = heading.reasoning.clone().into();
            data["output_index"] = 0.into();
            data["summary_index"] = 0.into();
            data
        };
        let part = |text: &str| json!({ "part": { "type": "summary_text", "text": text } });
        events.extend([
            around("response.reasoning_summary_part.added", at(part(""))),
            around("response.reasoning_summary_text.delta", at(json!({ "delta": SUMMARY }))),
            around("response.reasoning_summary_text.done", at(json!({ "text": SUMMARY }))),
            around("response.reasoning_summary_part.done", at(part(SUMMARY))),
        ]);
    }
    events.push(around("response.output_item.done", json!({ "output_index": 0, "item": whole })));
    events
}

fn opening(heading: &Heading, ask: &Ask, place: u64) -> Vec<Event> {
    let mut begun = item(heading, ask);
    begun["status"] = "in_progress".into();
    let id = begun["id"].clone();
    let is_text = matches!(ask.script.reply, Reply::Text(_));
    if is_text {
        begun["content"] = json!([]);
    } else {
        begun["arguments"] = "".into();
    }
    let added = json!({ "output_index": place, "item": begun });
    let mut events = vec![around("response.output_item.added", added)];
    if is_text {
        let data = json!({
            "item_id": id, "output_index": place, "content_index": 0, "part": part("", Vec::new()),
        });
        events.push(around("response.content_part.added", data));
    }
    events
}

fn more(heading: &Heading, ask: &Ask, place: u64, piece: u64) -> Event {
    let id = &heading.item;
    let (name, data) = match &ask.script.reply {
        Reply::Text(answer) => {
            let data = json!({
                "item_id": format!("msg_{id}"), "output_index": place, "content_index": 0,
                "delta": answer.token(piece), "logprobs": probable(ask, piece..piece + 1),
            });
            ("response.output_text.delta", data)
        }
        Reply::Tool(call) => {
            let piece = usize::try_from(piece).ok().and_then(|piece| call.pieces.get(piece));
            let data = json!({
                "item_id": format!("fc_{id}"), "output_index": place, "delta": piece,
            });
            ("response.function_call_arguments.delta", data)
        }
    };
    Event { name, data, content: true }
}

fn closing(heading: &Heading, ask: &Ask, place: u64) -> Vec<Event> {
    let item = item(heading, ask);
    let id = &item["id"];
    let mut events = match &ask.script.reply {
        Reply::Text(answer) => {
            let (text, logprobs) = (answer.text(), probable(ask, 0..answer.tokens()));
            let at = json!({ "item_id": id, "output_index": place, "content_index": 0 });
            let (mut done, mut whole) = (at.clone(), at);
            whole["part"] = part(&text, logprobs.clone());
            done["text"] = text.into();
            done["logprobs"] = logprobs.into();
            vec![
                around("response.output_text.done", done),
                around("response.content_part.done", whole),
            ]
        }
        Reply::Tool(call) => {
            let done = json!({
                "item_id": id, "output_index": place, "name": call.name,
                "arguments": call.arguments(),
            });
            vec![around("response.function_call_arguments.done", done)]
        }
    };
    events
        .push(around("response.output_item.done", json!({ "output_index": place, "item": item })));
    events
}
