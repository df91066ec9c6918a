//! `[[sandbox: key=value, …]]`: what a caller may ask of a provider that a real one would not do on
//! command. It says *what*; when and in which shape is the vendors' own.
use std::time::Duration;

use crate::hostile::{Body, Figures};

const OPENING: &str = "[[sandbox:";
const CLOSING: &str = "]]";
const LONGEST_DELAY: Duration = Duration::from_mins(1);
const MOST_TOKENS: u64 = 100_000;
const LONGEST_RETRY_AFTER: u64 = 86_400;

/// What was asked, within its bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Directive {
    /// Before the answer starts.
    pub(crate) latency: Duration,
    /// Between two chunks of content.
    pub(crate) chunk_delay: Duration,
    /// Length of a text.
    pub(crate) output_tokens: Option<u64>,
    /// Answer this status instead.
    pub(crate) status: Option<u16>,
    /// Seconds, beside the status.
    pub(crate) retry_after: Option<u64>,
    /// Drop the connection after so many chunks of content.
    pub(crate) cut_after: Option<u64>,
    /// Tell of a failure after so many chunks of content, in the middle of a stream.
    pub(crate) fail_after: Option<u64>,
    /// How usage is told.
    pub(crate) usage: Reporting,
    /// Input tokens that count as read from a cache.
    pub(crate) cached_tokens: u64,
    /// What becomes of the body.
    pub(crate) body: Body,
    /// What becomes of figures.
    pub(crate) figures: Figures,
    /// Whether it ends for a reason that nobody knows.
    pub(crate) strange_end: bool,
    /// Whether a stream tells something that nobody knows.
    pub(crate) strange_event: bool,
}

/// How usage is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reporting {
    /// As it was.
    #[default]
    Exact,
    /// Not at all.
    Missing,
    /// As nothing.
    Zero,
    /// With twice the output.
    Double,
}

impl Reporting {
    /// How many tokens are told of where so many went in, and none came out.
    pub(crate) fn of(self, input: u64) -> Option<u64> {
        match self {
            Self::Exact | Self::Double => Some(input),
            Self::Missing => None,
            Self::Zero => Some(0),
        }
    }
}

/// A directive that cannot be obeyed, in words for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InvalidDirective(pub(crate) String);

impl InvalidDirective {
    fn value(key: &str, value: &str) -> Self {
        Self(format!("sandbox directive: invalid value `{value}` for `{key}`"))
    }
}

/// Takes the directives out of a text, and gives what they ask and the text without them. Of a key
/// that is given twice, the later counts.
pub(crate) fn extract(text: &str) -> Result<(Directive, String), InvalidDirective> {
    let (mut directive, mut said, mut rest) = (Directive::default(), String::new(), text);
    while let Some((before, after)) = rest.split_once(OPENING) {
        let (inside, behind) = after
            .split_once(CLOSING)
            .ok_or_else(|| InvalidDirective("sandbox directive: `]]` is missing".into()))?;
        for pair in inside.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            directive.set(key.trim(), value.trim())?;
        }
        said.push_str(before);
        rest = behind;
    }
    said.push_str(rest);
    Ok((directive, said))
}

impl Directive {
    fn set(&mut self, key: &str, value: &str) -> Result<(), InvalidDirective> {
        let invalid = || InvalidDirective::value(key, value);
        let number = |most: u64| whole(value).map(|n| n.min(most)).ok_or_else(invalid);
        match key {
            "latency" => self.latency = delay(value).ok_or_else(invalid)?,
            "chunk_delay" => self.chunk_delay = delay(value).ok_or_else(invalid)?,
            "output_tokens" => self.output_tokens = Some(number(MOST_TOKENS)?),
            "status" => {
                let status = u16::try_from(number(u64::MAX)?).map_err(|_| invalid())?;
                self.status = Some(status).filter(|status| (400..600).contains(status));
                self.status.ok_or_else(invalid)?;
            }
            "retry_after" => self.retry_after = Some(number(LONGEST_RETRY_AFTER)?),
            "cut_after" => self.cut_after = Some(number(MOST_TOKENS)?),
            "fail_after" => self.fail_after = Some(number(MOST_TOKENS)?),
            "cached_tokens" => self.cached_tokens = number(MOST_TOKENS)?,
            "body" => self.body = Body::named(value).ok_or_else(invalid)?,
            "figures" => self.figures = Figures::named(value).ok_or_else(invalid)?,
            "end" => self.strange_end = strange(value).ok_or_else(invalid)?,
            "event" => self.strange_event = strange(value).ok_or_else(invalid)?,
            "usage" => {
                self.usage = match value {
                    "missing" => Reporting::Missing,
                    "zero" => Reporting::Zero,
                    "double" => Reporting::Double,
                    _ => return Err(invalid()),
                }
            }
            _ => return Err(InvalidDirective(format!("sandbox directive: unknown key `{key}`"))),
        }
        Ok(())
    }
}

fn strange(value: &str) -> Option<bool> {
    (value == "strange").then_some(true)
}

/// Digits alone; more than fit are as many as fit, because every bound is lower.
fn whole(digits: &str) -> Option<u64> {
    let only_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    only_digits.then(|| digits.parse().unwrap_or(u64::MAX))
}

fn delay(value: &str) -> Option<Duration> {
    let wait = match value.strip_suffix("ms") {
        Some(millis) => Duration::from_millis(whole(millis)?),
        None => Duration::from_secs(whole(value.strip_suffix('s')?)?),
    };
    Some(wait.min(LONGEST_DELAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        extract(text).expect_err("refused").0
    }

    #[test]
    fn every_key_is_understood_and_taken_out_of_the_text() {
        let (directive, said) = extract(
            "Say hi [[sandbox: latency=500ms, chunk_delay=1s, output_tokens=200, status=429, \
             retry_after=2, cut_after=3, fail_after=9, usage=double, cached_tokens=4, body=huge, \
             figures=beyond, end=strange, event=strange]]now",
        )
        .expect("valid");
        assert_eq!(said, "Say hi now");
        let expected = Directive {
            latency: Duration::from_millis(500),
            chunk_delay: Duration::from_secs(1),
            output_tokens: Some(200),
            status: Some(429),
            retry_after: Some(2),
            cut_after: Some(3),
            fail_after: Some(9),
            usage: Reporting::Double,
            cached_tokens: 4,
            body: Body::Huge,
            figures: Figures::Beyond,
            strange_end: true,
            strange_event: true,
        };
        assert_eq!(directive, expected);
    }

    #[test]
    fn a_text_without_a_directive_is_left_alone() {
        let text = "[[1, 2]] and [sandbox: status=500]";
        assert_eq!(extract(text), Ok((Directive::default(), text.into())));
        assert_eq!(extract("[[sandbox:]]"), Ok((Directive::default(), String::new())));
    }

    #[test]
    fn huge_values_are_bounded() {
        let huge = "9".repeat(40);
        let text = format!("[[sandbox: latency={huge}s, output_tokens={huge}, cut_after={huge}]]");
        let (directive, _) = extract(&text).expect("valid");
        assert_eq!(directive.latency, Duration::from_mins(1));
        assert_eq!((directive.output_tokens, directive.cut_after), (Some(100_000), Some(100_000)));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert!(refused("[[sandbox: speed=9]]").contains("unknown key `speed`"));
        for pair in [
            "latency=5",
            "latency=ms",
            "status=200",
            "status=99999",
            "usage=half",
            "body=fat",
            "figures=round",
            "end=happy",
            "event=birthday",
        ] {
            let message = refused(&format!("[[sandbox: {pair}]]"));
            let key = pair.split('=').next().expect("a key");
            assert!(message.contains(&format!("`{key}`")), "{message}");
        }
        assert!(refused("[[sandbox: status=500").contains("missing"));
    }
}
