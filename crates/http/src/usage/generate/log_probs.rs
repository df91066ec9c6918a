//! How likely tokens were, from `OpenAI`'s words, in which the platform carries it, to Google's.
use cape_domain::json::RawJson;
use cape_wire::gemini::{LogprobsResult, TokenCandidate, TopCandidates};
use serde::Deserialize;

#[derive(Deserialize)]
struct Likely {
    content: Option<Vec<Place>>,
}

#[derive(Deserialize)]
struct Place {
    token: String,
    logprob: f64,
    #[serde(default)]
    top_logprobs: Vec<Rated>,
}

#[derive(Deserialize)]
struct Rated {
    token: String,
    logprob: f64,
}

/// The same in Google's words; none where nothing is told.
pub(super) fn told(likely: &RawJson) -> Option<LogprobsResult> {
    let Likely { content } = serde_json::from_str(likely.as_str()).ok()?;
    let (chosen_candidates, top_candidates) = content?
        .into_iter()
        .map(|Place { token, logprob, top_logprobs }| {
            let others = top_logprobs.into_iter();
            let candidates = others.map(|other| candidate(other.token, other.logprob)).collect();
            (candidate(token, logprob), TopCandidates { candidates })
        })
        .unzip();
    Some(LogprobsResult { top_candidates, chosen_candidates })
}

const fn candidate(token: String, log_probability: f64) -> TokenCandidate {
    TokenCandidate { token, log_probability }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_has_its_token_and_the_likeliest() {
        let likely = RawJson::new(
            r#"{"content":[{"token":"a","logprob":-0.5,"bytes":[97],
                "top_logprobs":[{"token":"b","logprob":-1.5,"bytes":[98]}]}],"refusal":null}"#,
        );
        let told = told(&likely).expect("told");
        assert_eq!(told.chosen_candidates, [candidate("a".to_owned(), -0.5)]);
        assert_eq!(told.top_candidates[0].candidates, [candidate("b".to_owned(), -1.5)]);
        for nothing in [r#"{"content":null,"refusal":null}"#, "null", "7"] {
            assert_eq!(super::told(&RawJson::new(nothing)), None, "{nothing}");
        }
    }
}
