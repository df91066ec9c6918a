//! Answers that no vendor would send on purpose: bodies that are not what they say, figures that
//! cannot be, words that nobody knows. It works on the bytes of a sound answer, so it is the same
//! for every vendor.
use std::iter::repeat_n;

use bytes::Bytes;

use crate::stream::Frame;

/// A piece of a body that goes on and on.
const PADDING: usize = 64 * 1024;
/// How many of them are a hundred megabytes.
const HUGE: usize = 100 * 1024 * 1024 / PADDING;
/// How deep a body is nested that is.
const DEPTH: usize = 100_000;

/// What becomes of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Body {
    /// It is what was asked for.
    #[default]
    Sound,
    /// It is none.
    Empty,
    /// It is no JSON.
    Garbage,
    /// It is JSON, nested more deeply than anybody reads.
    Deep,
    /// It is a hundred megabytes long; of a stream, one event is.
    Huge,
    /// It never ends; of a stream, the same content comes again and again.
    Endless,
    /// It never ends; of a stream, one event does not.
    Unending,
    /// After the headers, nothing ever comes.
    Silent,
}

/// What becomes of figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Figures {
    /// They are told as they are.
    #[default]
    Sound,
    /// They are below zero.
    Negative,
    /// They are the most that 64 bits hold.
    Most,
    /// They are one more than 64 bits hold.
    Beyond,
    /// The last ones of a stream are told twice.
    Twice,
    /// The last ones of a stream are told tenfold first, and then as they are.
    Shrinking,
}

const COUNTS: [&str; 8] = [
    "\"prompt_tokens\":",
    "\"completion_tokens\":",
    "\"total_tokens\":",
    "\"input_tokens\":",
    "\"output_tokens\":",
    "\"promptTokenCount\":",
    "\"candidatesTokenCount\":",
    "\"totalTokenCount\":",
];
const REASONS: [&str; 3] = ["\"finish_reason\":\"", "\"stop_reason\":\"", "\"finishReason\":\""];

impl Body {
    /// The name that asks for it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "empty" => Self::Empty,
            "garbage" => Self::Garbage,
            "deep" => Self::Deep,
            "huge" => Self::Huge,
            "endless" => Self::Endless,
            "unending" => Self::Unending,
            "silent" => Self::Silent,
            _ => return None,
        })
    }

    /// What comes instead of a whole body. Nothing, for a sound one; then nothing more ever, or
    /// the end.
    pub(crate) fn pieces(self) -> Option<Box<dyn Iterator<Item = Bytes>>> {
        let text = |text: &'static [u8]| Box::new(std::iter::once(Bytes::from_static(text)));
        let padding = || Bytes::from(vec![b'a'; PADDING]);
        let opening = std::iter::once(Bytes::from_static(b"{\"padding\":\""));
        Some(match self {
            Self::Sound => return None,
            Self::Empty | Self::Silent => Box::new(std::iter::empty()),
            Self::Garbage => text(b"}{ \xff\x00 this is no JSON"),
            Self::Deep => Box::new(std::iter::once(nested())),
            Self::Huge => {
                let end = Bytes::from_static(b"\"}");
                Box::new(opening.chain(repeat_n(padding(), HUGE)).chain([end]))
            }
            Self::Endless | Self::Unending => Box::new(opening.chain(std::iter::repeat(padding()))),
        })
    }

    /// What comes of a stream after its first content. Nothing, where it goes on as it should.
    pub(crate) fn frames(self, content: &Bytes) -> Option<Box<dyn Iterator<Item = Frame>>> {
        let around = |bytes: Bytes| Box::new(std::iter::once(Frame::Around(bytes)));
        let padding = || Frame::Around(Bytes::from(vec![b'a'; PADDING]));
        let opening = std::iter::once(Frame::Around(Bytes::from_static(b"data: ")));
        Some(match self {
            Self::Sound => return None,
            Self::Empty | Self::Silent => Box::new(std::iter::empty()),
            Self::Garbage => around(Bytes::from_static(b"data: }{ this is no JSON\n\n")),
            Self::Deep => {
                let nested = [b"data: ".as_slice(), &nested(), b"\n\n"].concat();
                around(Bytes::from(nested))
            }
            Self::Huge => {
                let end = Frame::Around(Bytes::from_static(b"\n\n"));
                Box::new(opening.chain((0..HUGE).map(move |_| padding())).chain([end]))
            }
            Self::Endless => {
                let content = content.clone();
                Box::new(std::iter::repeat_with(move || Frame::Content(content.clone())))
            }
            Self::Unending => Box::new(opening.chain(std::iter::repeat_with(padding))),
        })
    }
}

fn nested() -> Bytes {
    Bytes::from([vec![b'['; DEPTH], vec![b']'; DEPTH]].concat())
}

impl Figures {
    /// The name that asks for it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "negative" => Self::Negative,
            "most" => Self::Most,
            "beyond" => Self::Beyond,
            "twice" => Self::Twice,
            "shrinking" => Self::Shrinking,
            _ => return None,
        })
    }

    /// What is told instead of bytes that tell figures.
    pub(crate) fn of(self, bytes: Bytes) -> Bytes {
        match self {
            Self::Sound | Self::Twice | Self::Shrinking => bytes,
            Self::Negative => figures(&bytes, |count| format!("-{}", count.max(1))),
            Self::Most => figures(&bytes, |_| u64::MAX.to_string()),
            Self::Beyond => figures(&bytes, |_| (u128::from(u64::MAX) + 1).to_string()),
        }
    }

    /// What is told before bytes at the end of a stream that tell figures.
    pub(crate) fn before(self, bytes: &Bytes) -> Option<Bytes> {
        let tells = || {
            let text = String::from_utf8_lossy(bytes);
            COUNTS.iter().any(|key| text.contains(key))
        };
        match self {
            Self::Sound | Self::Negative | Self::Most | Self::Beyond => None,
            Self::Twice => tells().then(|| bytes.clone()),
            Self::Shrinking => {
                tells().then(|| figures(bytes, |count| count.saturating_mul(10).to_string()))
            }
        }
    }
}

/// The same, with every count replaced.
fn figures(bytes: &Bytes, told: impl Fn(u64) -> String) -> Bytes {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    for key in COUNTS {
        text = replaced(
            &text,
            key,
            |byte| byte.is_ascii_digit(),
            |digits| told(digits.parse().unwrap_or_default()),
        );
    }
    Bytes::from(text)
}

/// The same, with a reason for the end that nobody knows.
pub(crate) fn strange_end(bytes: &Bytes) -> Bytes {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    for key in REASONS {
        text = replaced(&text, key, |byte| byte != b'"', |_| "cosmic_ray".to_owned());
    }
    Bytes::from(text)
}

/// An event that nobody knows, framed as this one.
pub(crate) fn strange_event(like: &Bytes) -> Bytes {
    Bytes::from_static(if like.starts_with(b"event: ") {
        b"event: cosmic_ray\ndata: {\"type\":\"cosmic_ray\",\"energy\":1}\n\n"
    } else if like.ends_with(b"\r\n\r\n") {
        b"data: {\"cosmicRay\":{\"energy\":1}}\r\n\r\n"
    } else {
        b"data: {\"id\":\"chatcmpl-0\",\"object\":\"cosmic.ray\",\"choices\":[],\"energy\":1}\n\n"
    })
}

/// The text with what follows each occurrence of `key`, as long as it belongs, replaced.
fn replaced(
    text: &str,
    key: &str,
    belongs: impl Fn(u8) -> bool,
    told: impl Fn(&str) -> String,
) -> String {
    let (mut whole, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once(key) {
        let end = after.bytes().position(|byte| !belongs(byte)).unwrap_or(after.len());
        whole.push_str(before);
        whole.push_str(key);
        whole.push_str(&told(&after[..end]));
        rest = &after[end..];
    }
    whole.push_str(rest);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    const USAGE: &[u8] = b"data: {\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":0}}\n\n";

    fn text(bytes: &Bytes) -> String {
        String::from_utf8(bytes.to_vec()).expect("text")
    }

    #[test]
    fn figures_are_replaced_wherever_they_stand() {
        let usage = Bytes::from_static(USAGE);
        for (name, expected) in [
            ("negative", ["-12", "-1"]),
            ("most", ["18446744073709551615"; 2]),
            ("beyond", ["18446744073709551616"; 2]),
            ("twice", ["12", "0"]),
        ] {
            let told = text(&Figures::named(name).expect("a name").of(usage.clone()));
            let [prompt, completion] = expected;
            let counts = format!("\"prompt_tokens\":{prompt},\"completion_tokens\":{completion}");
            assert!(told.contains(&counts), "{told}");
        }
        assert_eq!(Figures::named("half"), None);
        let before = Figures::Shrinking.before(&usage).expect("told before");
        assert!(text(&before).contains("\"prompt_tokens\":120"), "{before:?}");
        assert_eq!(Figures::Twice.before(&usage), Some(usage));
        assert_eq!(Figures::Twice.before(&Bytes::from_static(b"data: {}\n\n")), None);
    }

    #[test]
    fn reasons_are_replaced_and_events_are_framed_as_their_neighbours() {
        for (said, expected) in [
            ("{\"finish_reason\":\"stop\"}", "{\"finish_reason\":\"cosmic_ray\"}"),
            ("{\"finish_reason\":null}", "{\"finish_reason\":null}"),
            ("{\"stop_reason\":\"end_turn\"}", "{\"stop_reason\":\"cosmic_ray\"}"),
            ("{\"finishReason\":\"STOP\"}", "{\"finishReason\":\"cosmic_ray\"}"),
        ] {
            assert_eq!(text(&strange_end(&Bytes::from_static(said.as_bytes()))), expected);
        }
        for (like, begins) in [
            (&b"event: ping\ndata: {}\n\n"[..], "event: cosmic_ray\n"),
            (b"data: {}\r\n\r\n", "data: {\"cosmicRay\""),
            (b"data: {}\n\n", "data: {\"id\""),
        ] {
            let event = text(&strange_event(&Bytes::from_static(like)));
            assert!(event.starts_with(begins), "{event}");
        }
    }

    #[test]
    fn every_body_that_ends_is_as_long_as_it_says() {
        let length = |body: Body| {
            let pieces = body.pieces().expect("not sound");
            pieces.map(|piece| piece.len()).sum::<usize>()
        };
        assert_eq!((length(Body::Empty), length(Body::Silent)), (0, 0));
        assert_eq!(length(Body::Deep), 2 * DEPTH);
        assert!(length(Body::Huge) > 100 * 1024 * 1024);
        assert!(Body::Sound.pieces().is_none());
        let endless = Body::Endless.frames(&Bytes::from_static(b"x")).expect("not sound");
        assert_eq!(endless.take(1_000).count(), 1_000);
    }
}
