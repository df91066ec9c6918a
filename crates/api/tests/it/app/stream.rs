//! An answer that comes in pieces, read event by event.
use reqwest::Response;
use serde_json::Value;

/// A stream that is being read.
pub(crate) struct Stream {
    response: Response,
    buffer: String,
    /// The call, as the header names it.
    pub(crate) call: String,
}

impl Stream {
    /// The stream that was answered.
    pub(crate) fn of(response: Response) -> Self {
        assert_eq!(response.status().as_u16(), 200);
        let header = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).expect("a header")
        };
        assert_eq!(header("content-type"), "text/event-stream");
        let call = header("x-cape-call-id").to_owned();
        Self { response, buffer: String::new(), call }
    }

    /// The data of the next event. Nothing, at the end.
    pub(crate) async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.buffer.split_once("\n\n") {
                let data = event.strip_prefix("data: ").map(str::to_owned);
                let read = self.buffer.len() - rest.len();
                self.buffer.drain(..read);
                match data {
                    Some(data) => return Some(data),
                    None => continue,
                }
            }
            let chunk = super::soon(self.response.chunk()).await.expect("the stream goes on")?;
            self.buffer.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
        }
    }

    /// The next event, which is JSON.
    pub(crate) async fn next_json(&mut self) -> Value {
        let data = self.next().await.expect("an event");
        serde_json::from_str(&data).unwrap_or_else(|_| panic!("no JSON: {data}"))
    }

    /// Everything up to the end.
    pub(crate) async fn rest(mut self) -> Told {
        let mut told = Told::default();
        while let Some(data) = self.next().await {
            assert!(!told.done, "something follows the end: {data}");
            if data == "[DONE]" {
                told.done = true;
            } else {
                told.events.push(serde_json::from_str(&data).expect("JSON"));
            }
        }
        told
    }
}

/// What a stream told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Its events.
    pub(crate) events: Vec<Value>,
    /// Whether it ended as it should.
    pub(crate) done: bool,
}

impl Told {
    fn deltas(&self) -> impl Iterator<Item = &Value> {
        self.events.iter().map(|event| &event["choices"][0]["delta"])
    }

    /// The text, put together.
    pub(crate) fn text(&self) -> String {
        self.deltas().filter_map(|delta| delta["content"].as_str()).collect()
    }

    /// Name and arguments of the one function that it asks for, put together.
    pub(crate) fn function(&self) -> (String, String) {
        let calls = self.deltas().filter_map(|delta| delta["tool_calls"].get(0));
        let functions: Vec<_> = calls.map(|call| &call["function"]).collect();
        let all = |field: &str| -> String {
            functions.iter().filter_map(|function| function[field].as_str()).collect()
        };
        (all("name"), all("arguments"))
    }

    /// Why it ended.
    pub(crate) fn finish(&self) -> Option<&str> {
        let reasons = self.events.iter().map(|event| &event["choices"][0]["finish_reason"]);
        reasons.filter_map(Value::as_str).next_back()
    }

    /// What it says was used: tokens in and out.
    pub(crate) fn usage(&self) -> Option<(u64, u64)> {
        let usage =
            self.events.iter().map(|event| &event["usage"]).rfind(|usage| usage.is_object())?;
        Some((usage["prompt_tokens"].as_u64()?, usage["completion_tokens"].as_u64()?))
    }
}
