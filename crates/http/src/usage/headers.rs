//! What the headers of an answer say of its call, whatever the format.
use actix_web::{HttpResponse, HttpResponseBuilder};
use cape_domain::usage::{Call, Measure, Standing};

/// An answer that says which call it is, which model answers it, where the tightest limits stand,
/// and whether the credits left room for less output than was wanted.
pub(super) fn answer_with(
    call: &Call,
    standings: &[Standing],
    shortened_to: Option<u64>,
) -> HttpResponseBuilder {
    let mut answer = HttpResponse::Ok();
    answer.insert_header(("x-cape-call-id", call.id.to_string()));
    answer.insert_header(("x-cape-model", call.model.as_str()));
    answer.insert_header(("x-cape-provider", call.provider.to_string()));
    if let Some(tokens) = shortened_to {
        answer.insert_header(("x-cape-max-tokens-lowered-to", tokens));
    }
    for measure in Measure::ALL {
        let of_measure = standings.iter().filter(|standing| standing.rule.measure == measure);
        let Some(tightest) = of_measure.min_by_key(|standing| standing.remaining()) else {
            continue;
        };
        for header in standing_headers(tightest) {
            answer.insert_header(header);
        }
    }
    answer
}

/// Where a limit stands, in the headers that `OpenAI`'s clients know.
pub(crate) fn standing_headers(standing: &Standing) -> [(&'static str, String); 3] {
    let names = match standing.rule.measure {
        Measure::Requests => [
            "x-ratelimit-limit-requests",
            "x-ratelimit-remaining-requests",
            "x-ratelimit-reset-requests",
        ],
        Measure::Tokens => {
            ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"]
        }
        Measure::InputTokens => [
            "x-ratelimit-limit-input-tokens",
            "x-ratelimit-remaining-input-tokens",
            "x-ratelimit-reset-input-tokens",
        ],
        Measure::OutputTokens => [
            "x-ratelimit-limit-output-tokens",
            "x-ratelimit-remaining-output-tokens",
            "x-ratelimit-reset-output-tokens",
        ],
        Measure::MicroCredits => [
            "x-ratelimit-limit-micro-credits",
            "x-ratelimit-remaining-micro-credits",
            "x-ratelimit-reset-micro-credits",
        ],
    };
    let [limit, remaining, reset] = names;
    [
        (limit, standing.rule.limit.to_string()),
        (remaining, standing.remaining().to_string()),
        (reset, format!("{}s", standing.reset.as_secs())),
    ]
}
