//! What a provider's bytes do to whoever reads them, without a connection: for fuzzing, and for
//! tests that replay what fuzzing found.
//!
//! Whatever the bytes, nothing panics, and where a stream is cut on its way makes no difference.
use cape_domain::usage::{ChatEvent, ChatRequest, Message};
use futures_util::{FutureExt as _, StreamExt as _, stream::iter};

use super::{
    anthropic::AnthropicFormat, events, format::Format, gemini::GeminiFormat, openai::OpenAiFormat,
    stream::EventReader as _,
};

/// Whose bytes they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// `OpenAI`'s.
    OpenAi,
    /// Anthropic's.
    Anthropic,
    /// Gemini's.
    Gemini,
}

impl Speaker {
    /// Everybody.
    pub const ALL: [Self; 3] = [Self::OpenAi, Self::Anthropic, Self::Gemini];

    /// Reads an answer in one piece, a count of tokens and a refusal.
    pub fn read_whole(self, body: &[u8]) {
        match self {
            Self::OpenAi => whole(&OpenAiFormat::default(), body),
            Self::Anthropic => whole(&AnthropicFormat, body),
            Self::Gemini => whole(&GeminiFormat, body),
        }
    }

    /// Reads a stream, all at once and in chunks of `size` bytes.
    ///
    /// # Panics
    ///
    /// When that makes a difference.
    pub fn read_stream(self, bytes: &[u8], size: usize) {
        let read = |size| match self {
            Self::OpenAi => pieces(&OpenAiFormat::default(), bytes, size),
            Self::Anthropic => pieces(&AnthropicFormat, bytes, size),
            Self::Gemini => pieces(&GeminiFormat, bytes, size),
        };
        assert_eq!(read(bytes.len().max(1)), read(size.max(1)), "{self:?} in chunks of {size}");
    }
}

fn whole(format: &impl Format, body: &[u8]) {
    drop(format.answer(body));
    drop(format.count(body));
    drop(format.complaint(super::failure::Fault::Provider, body));
}

/// What was understood, and whether it was understood to the end.
fn pieces(format: &impl Format, bytes: &[u8], size: usize) -> (Vec<ChatEvent>, bool) {
    let request = ChatRequest { choices: 2, ..ChatRequest::new("m", vec![Message::user("?")], 9) };
    let mut reader = format.reader(&request);
    let chunks: Vec<_> = bytes.chunks(size).map(|chunk| Ok(chunk.to_vec())).collect();
    let mut events = events::events(iter(chunks));
    let mut heard = Vec::new();
    // Nothing is waited for: all is there.
    while let Some(Some(event)) = events.next().now_or_never() {
        let Ok(Ok(more)) = event.map(|data| reader.read(&data)) else { return (heard, false) };
        heard.extend(more);
    }
    (heard, true)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// Every file below a directory.
    fn files(directory: &Path) -> Vec<Vec<u8>> {
        let found = fs::read_dir(directory).expect("a corpus");
        let paths = found.map(|entry| entry.expect("an entry").path());
        paths.map(|path| fs::read(path).expect("a file")).collect()
    }

    #[test]
    fn what_fuzzing_found_is_read_without_a_panic_wherever_it_is_cut() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
        let (streams, bodies) = (files(&corpus.join("streams")), files(&corpus.join("bodies")));
        assert!(!streams.is_empty() && !bodies.is_empty());
        for speaker in Speaker::ALL {
            for body in &bodies {
                speaker.read_whole(body);
            }
            for stream in &streams {
                for size in [1, 2, 7, 64] {
                    speaker.read_stream(stream, size);
                }
            }
        }
    }
}
