//! The framing of streams: from bytes as they arrive to whole server-sent events.
//!
//! What stands in an event is not looked at here.
use std::{pin::Pin, time::Duration};

use cape_domain::usage::ModelProviderError;
use eventsource_stream::{EventStreamError, Eventsource as _};
use futures_util::stream::{Stream, StreamExt as _, iter, unfold};
use tokio::time::{Instant, timeout};

use super::failure::{Unreadable, connection};

/// The most bytes that one event may have.
const LARGEST_EVENT: usize = 4 * 1024 * 1024;

/// The `data` of each event, in order.
pub type Events = Pin<Box<dyn Stream<Item = Result<String, Broken>> + Send>>;

/// Why no more events come.
#[derive(Debug)]
pub enum Broken {
    /// The connection failed.
    Connection(reqwest::Error),
    /// Nothing arrived for too long.
    Silent,
    /// It took too long in all.
    Endless,
    /// An event is too large.
    TooLarge,
    /// What arrived is not UTF-8.
    NotText,
}

impl From<Broken> for ModelProviderError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Connection(error) => connection(error),
            Broken::Silent | Broken::Endless => Self::Timeout,
            Broken::TooLarge => Unreadable::Shape("an event of over 4 MB").into(),
            Broken::NotText => Unreadable::Shape("the stream is not UTF-8").into(),
        }
    }
}

/// How long silence may last.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Before the first bytes.
    pub first: Duration,
    /// Between bytes afterwards.
    pub idle: Duration,
    /// Until the last byte, however many come.
    pub whole: Duration,
}

/// The events of an answer. Dropping them closes the connection.
pub fn of_response(response: reqwest::Response, patience: Patience) -> Events {
    let begin = (response, patience.first);
    let since = Instant::now();
    events(unfold(begin, move |(mut response, wait)| async move {
        let left = patience.whole.saturating_sub(since.elapsed());
        let chunk = match timeout(wait.min(left), response.chunk()).await {
            _ if left.is_zero() => Err(Broken::Endless),
            Ok(Ok(None)) => return None,
            Ok(Ok(Some(chunk))) => Ok(chunk.to_vec()),
            Ok(Err(error)) => Err(Broken::Connection(error)),
            Err(_) if left < wait => Err(Broken::Endless),
            Err(_) => Err(Broken::Silent),
        };
        Some((chunk, (response, patience.idle)))
    }))
}

/// The events in chunks of bytes, wherever those were cut.
pub(super) fn events<C>(chunks: C) -> Events
where
    C: Stream<Item = Result<Vec<u8>, Broken>> + Send + 'static,
{
    let mut lines = Lines::default();
    let text = chunks.flat_map(move |chunk| match chunk {
        Ok(chunk) => iter(lines.of(&chunk)),
        Err(broken) => iter(vec![Err(broken)]),
    });
    Box::pin(text.eventsource().map(|event| match event {
        Ok(event) => Ok(event.data),
        Err(EventStreamError::Transport(broken)) => Err(broken),
        Err(EventStreamError::Utf8(_) | EventStreamError::Parser(_)) => Err(Broken::NotText),
    }))
}

/// Cuts bytes into lines, of events that are not too large. Lines end with CR, LF or both.
///
/// The parser behind it would collect without end: events that never end, and all that follows a
/// byte that is no text. And it reads a line from its beginning whenever more of it arrives.
#[derive(Debug)]
struct Lines {
    /// What arrived of the current line.
    line: Vec<u8>,
    /// How large the current event is, without the ends of its lines.
    size: usize,
    /// Whether the current line is empty; an empty line ends an event.
    empty: bool,
    /// Whether an LF would be the second half of an end.
    after_return: bool,
    /// Whether a line has been completed.
    begun: bool,
}

/// What a stream may begin with, and which says nothing (WHATWG HTML, 9.2.5).
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Takes the mark from the first line. A second one belongs to the name of a field, which nobody
/// knows then: such a line is as good as a comment. The parser behind it panics when its first line
/// begins with a mark.
fn pass_over_mark(first: &mut Vec<u8>) {
    if first.starts_with(BYTE_ORDER_MARK) {
        first.drain(..BYTE_ORDER_MARK.len());
    }
    if first.starts_with(BYTE_ORDER_MARK) {
        first.insert(0, b':');
    }
}

impl Default for Lines {
    fn default() -> Self {
        Self { line: Vec::new(), size: 0, empty: true, after_return: false, begun: false }
    }
}

impl Lines {
    /// The lines that a chunk completes. Nothing follows an error.
    fn of(&mut self, chunk: &[u8]) -> Vec<Result<String, Broken>> {
        let mut lines = Vec::new();
        for byte in chunk {
            self.line.push(*byte);
            if self.ends(*byte) {
                let mut line = std::mem::take(&mut self.line);
                if !std::mem::replace(&mut self.begun, true) {
                    pass_over_mark(&mut line);
                }
                let line = String::from_utf8(line);
                lines.push(line.map_err(|_| Broken::NotText));
            }
            if self.size > LARGEST_EVENT {
                lines.push(Err(Broken::TooLarge));
                break;
            }
        }
        lines
    }

    /// Counts a byte, and says whether the line ends with it.
    fn ends(&mut self, byte: u8) -> bool {
        let second_half = byte == b'\n' && self.after_return;
        self.after_return = byte == b'\r';
        match byte {
            b'\n' if second_half => true,
            b'\r' | b'\n' => {
                self.size = if self.empty { 0 } else { self.size };
                self.empty = true;
                true
            }
            _ => {
                self.size += 1;
                self.empty = false;
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(chunks: Vec<Vec<u8>>) -> Result<Vec<String>, String> {
        let mut events = events(iter(chunks.into_iter().map(Ok)));
        let mut read = Vec::new();
        while let Some(event) = events.next().await {
            read.push(event.map_err(|broken| format!("{broken:?}"))?);
        }
        Ok(read)
    }

    #[tokio::test]
    async fn events_are_the_same_wherever_their_bytes_are_cut() {
        for stream in [
            "data: {\"é\":\"\u{1f30d}\"}\n\n: ping\n\nevent: x\ndata: b\ndata: c\n\n",
            "data: {\"é\":\"\u{1f30d}\"}\r\n\r\n: ping\r\n\r\nevent: x\r\ndata: b\r\ndata: c\r\n\r\n",
        ] {
            let expected = Ok(vec!["{\"é\":\"\u{1f30d}\"}".to_owned(), "b\nc".to_owned()]);
            let bytes = stream.as_bytes();
            for cut in 0..=bytes.len() {
                let (head, tail) = bytes.split_at(cut);
                assert_eq!(read(vec![head.to_vec(), tail.to_vec()]).await, expected, "{cut}");
            }
            let single = bytes.iter().map(|byte| vec![*byte]).collect();
            assert_eq!(read(single).await, expected);
        }
    }

    #[tokio::test]
    async fn an_event_that_was_cut_off_is_none() {
        for rest in ["data: b", "data: b\n", "data: \u{1f30d}"] {
            let mut bytes = format!("data: a\n\n{rest}").into_bytes();
            assert_eq!(read(vec![bytes.clone()]).await, Ok(vec!["a".to_owned()]));
            bytes.pop();
            assert_eq!(read(vec![bytes]).await, Ok(vec!["a".to_owned()]));
        }
    }

    #[tokio::test]
    async fn what_came_before_an_error_is_not_lost() {
        let bytes = b"data: a\n\ndata: \xff\n\ndata: b\n\n".to_vec();
        let mut events = events(iter([Ok(bytes)]));
        assert_eq!(events.next().await.and_then(Result::ok).as_deref(), Some("a"));
        assert!(matches!(events.next().await, Some(Err(Broken::NotText))));
    }

    #[tokio::test]
    async fn what_is_no_text_is_refused_at_once() {
        let endless = vec![b"data: \xff\n\n".to_vec(), b"data: a\n\n".to_vec()];
        assert_eq!(read(endless).await, Err("NotText".to_owned()));
    }

    #[tokio::test]
    async fn a_byte_order_mark_is_passed_over_once() {
        let mark = "\u{feff}";
        for (stream, expected) in [
            (format!("{mark}data: a\n\n"), vec!["a"]),
            (format!("{mark}{mark}data: a\n\ndata: b\n\n"), vec!["b"]),
            (format!("{mark}{mark}\ndata: b\n\n"), vec!["b"]),
            (format!("data: a\n\n{mark}data: b\n\n"), vec!["a"]),
        ] {
            let expected = expected.into_iter().map(ToOwned::to_owned).collect();
            assert_eq!(read(vec![stream.clone().into_bytes()]).await, Ok(expected), "{stream:?}");
        }
    }

    #[tokio::test]
    async fn an_event_has_a_largest_size_and_a_stream_has_none() {
        let large = [b"data: ".to_vec(), vec![b'a'; LARGEST_EVENT - 6], b"\r\n\r\n".to_vec()];
        let large = large.concat();
        assert_eq!(read(vec![large.clone(), large.clone()]).await.map(|read| read.len()), Ok(2));
        let too_large = vec![b"data: ".to_vec(), vec![b'a'; LARGEST_EVENT - 5]];
        assert_eq!(read(too_large).await, Err("TooLarge".to_owned()));
        let lines = vec![b"data: a\n".repeat(LARGEST_EVENT / 7 + 1)];
        assert_eq!(read(lines).await, Err("TooLarge".to_owned()));
    }
}
