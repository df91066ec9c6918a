//! How likely tokens were, from Gemini's words to `OpenAI`'s, in which the platform carries it.
use cape_domain::json::RawJson;
use cape_wire::{
    Raw,
    gemini::{LogprobsResult, TokenCandidate},
};
use serde::Serialize;

use super::super::failure::Unreadable;

#[derive(Serialize)]
struct Likely<'a> {
    content: Vec<Place<'a>>,
    refusal: Option<()>,
}

/// The token that was chosen at one place, and others that might have been.
#[derive(Serialize)]
struct Place<'a> {
    #[serde(flatten)]
    chosen: Rated<'a>,
    top_logprobs: Vec<Rated<'a>>,
}

#[derive(Serialize)]
struct Rated<'a> {
    token: &'a str,
    logprob: f64,
    bytes: &'a [u8],
}

impl<'a> From<&'a TokenCandidate> for Rated<'a> {
    fn from(candidate: &'a TokenCandidate) -> Self {
        let TokenCandidate { token, log_probability } = candidate;
        Self { token, logprob: *log_probability, bytes: token.as_bytes() }
    }
}

fn place<'a>((chosen, others): (&'a TokenCandidate, &'a [TokenCandidate])) -> Place<'a> {
    Place { chosen: chosen.into(), top_logprobs: others.iter().map(Rated::from).collect() }
}

/// The same in `OpenAI`'s words.
pub fn told(likely: &LogprobsResult) -> Result<RawJson, Unreadable> {
    let others = likely.top_candidates.iter().map(|top| top.candidates.as_slice());
    let others = others.chain(std::iter::repeat([].as_slice()));
    let content = likely.chosen_candidates.iter().zip(others).map(place).collect();
    let raw = Raw::of(&Likely { content, refusal: None })?;
    Ok(RawJson::new(raw.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_chosen_token_has_those_that_might_have_been() {
        let likely = serde_json::from_str(
            r#"{"chosenCandidates":[{"token":"a","tokenId":7,"logProbability":-0.5},{"token":"é"}],
                "topCandidates":[{"candidates":[{"token":"a","logProbability":-0.5},
                    {"token":"b","logProbability":-2}]}]}"#,
        );
        let told = told(&likely.expect("told")).expect("JSON");
        assert_eq!(
            told.as_str(),
            concat!(
                r#"{"content":[{"token":"a","logprob":-0.5,"bytes":[97],"top_logprobs":["#,
                r#"{"token":"a","logprob":-0.5,"bytes":[97]},{"token":"b","logprob":-2.0,"bytes":[98]}]},"#,
                r#"{"token":"é","logprob":0.0,"bytes":[195,169],"top_logprobs":[]}],"refusal":null}"#,
            )
        );
    }
}
