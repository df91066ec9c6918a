//! An answer as it is written down: what differs from call to call is replaced, each by the same
//! word wherever it stands.
use std::fmt::Write as _;

use serde_json::Value;

use crate::app::Answer;

/// Fields whose texts differ from call to call.
const IDS: [&str; 5] = ["id", "call_id", "item_id", "responseId", "system_fingerprint"];
/// What ids of one kind begin with.
const KINDS: [&str; 7] = ["chatcmpl-", "call_", "fc_", "msg_", "resp_", "rs_", "toolu_"];
/// Fields whose numbers do.
const TIMES: [&str; 3] = ["created", "created_at", "completed_at"];
/// Fields that are signed, or made up to hide lengths.
const SEALED: [&str; 3] = ["signature", "thoughtSignature", "obfuscation"];

/// What was told so far.
#[derive(Default)]
pub(super) struct Told {
    ids: Vec<String>,
}

impl Told {
    /// The whole of it, as text.
    pub(super) fn answer(mut self, answer: &Answer) -> String {
        if answer.header("content-type") == Some("application/json") {
            let body = self.steady(answer.json());
            return format!("{body:#}\n\n");
        }
        let mut text = String::new();
        for line in answer.text.lines() {
            match line.strip_prefix("data: ").map(serde_json::from_str::<Value>) {
                Some(Ok(data)) => {
                    let data = self.steady(data);
                    writeln!(text, "data: {data}").expect("a string");
                }
                Some(Err(_)) | None => writeln!(text, "{line}").expect("a string"),
            }
        }
        text.push('\n');
        text
    }

    fn steady(&mut self, value: Value) -> Value {
        match value {
            Value::Array(items) => items.into_iter().map(|item| self.steady(item)).collect(),
            Value::Object(fields) => {
                let steady = |(name, value): (String, Value)| {
                    let value = self.field(&name, value);
                    (name, value)
                };
                fields.into_iter().map(steady).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
        }
    }

    fn field(&mut self, name: &str, value: Value) -> Value {
        match value {
            Value::String(text) if IDS.contains(&name) => self.id(&text).into(),
            Value::String(_) if SEALED.contains(&name) => "…".into(),
            Value::Number(_) if TIMES.contains(&name) => "a moment".into(),
            other => self.steady(other),
        }
    }

    /// What kind of id it is, and which one of those that were told.
    fn id(&mut self, id: &str) -> String {
        let known = self.ids.iter().position(|known| known == id);
        let place = known.unwrap_or_else(|| {
            self.ids.push(id.to_owned());
            self.ids.len() - 1
        });
        let kind = KINDS.into_iter().find(|kind| id.starts_with(kind)).unwrap_or_default();
        format!("{kind}<{place}>")
    }
}
