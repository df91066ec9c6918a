//! `/v1/chat/completions`, in `OpenAI`'s format.
mod answer;
mod request;
mod stream;

use actix_web::{HttpResponse, HttpResponseBuilder, post};
use cape_domain::{
    access::UseAi,
    ids::CallId,
    usage::{Measure, Standing},
};
use cape_services::usage::ChatService;

use crate::{
    error::{ApiError, GatewayFailure},
    extract::{KeyPermitted, RawBody, Service},
};

/// Call a model.
///
/// In `OpenAI`'s format, whatever provider runs the model. With `"stream": true` the answer
/// comes as server-sent events. What the call cost is in `/api/usage/records/{id}`, under the id
/// in the header `x-cape-call-id`, before the last byte of the answer is sent. A retry is a new
/// call.
#[utoipa::path(
    tag = "usage", operation_id = "createChatCompletion",
    security(("api_key" = [])),
    request_body(content = Object, description = "`OpenAI`'s request", example = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 100})),
    responses(
        (status = 200, description = "`OpenAI`'s response, or its events", content(
            (Object = "application/json"),
            (String = "text/event-stream"),
        )),
        GatewayFailure,
    ),
)]
#[post("/chat/completions")]
pub async fn complete(
    KeyPermitted(permit): KeyPermitted<UseAi>,
    RawBody(body): RawBody,
    chat: Service<ChatService>,
) -> Result<HttpResponse, ApiError> {
    let asked = request::read(&body)?;
    let (streamed, with_usage) = (asked.wants_stream(), asked.wants_stream_usage());
    let name = asked.model.clone();
    let new = request::translate(asked)?;
    if streamed {
        let streaming = chat.stream(permit, new).await?;
        let mut answer = answer_with(streaming.call.id, &streaming.standings);
        return Ok(stream::events(&mut answer, name, with_usage, streaming));
    }
    let completed = chat.complete(permit, new).await?;
    let mut answer = answer_with(completed.call.id, &completed.standings);
    Ok(answer.json(answer::response(name, completed)))
}

/// An answer that says which call it is, and where the tightest limits stand.
pub(super) fn answer_with(call: CallId, standings: &[Standing]) -> HttpResponseBuilder {
    let mut answer = HttpResponse::Ok();
    answer.insert_header(("x-cape-call-id", call.to_string()));
    for measure in [Measure::Requests, Measure::Tokens] {
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
    };
    let [limit, remaining, reset] = names;
    [
        (limit, standing.rule.limit.to_string()),
        (remaining, standing.remaining().to_string()),
        (reset, format!("{}s", standing.reset.as_secs())),
    ]
}
