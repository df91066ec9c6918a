//! `/v1/responses`, in the newer of `OpenAI`'s formats. Nothing is kept between two requests.
mod answer;
mod conversation;
mod request;
mod stream;
mod thought;

use actix_web::{HttpResponse, post};
use bytes::Bytes;
use cape_domain::{
    access::{Permit, UseAi},
    usage::UnsupportedParameter,
};
use cape_services::usage::{ChatError, ChatService, NewCall};

use super::headers::answer_with;
use crate::{
    error::{ApiError, GatewayFailure},
    extract::{KeyPermitted, RawBody, Service},
    idempotency::{ABOUT_KEY, Idempotent},
};

/// Call a model, in the format of `OpenAI`'s responses.
///
/// Whatever provider runs the model. Nothing is kept: `store` has to be false or absent, and the
/// whole conversation is in `input`. Of tools there are functions alone. With `"stream": true` the
/// answer comes as `OpenAI`'s typed events. What the call cost is in `/api/usage/records/{id}`,
/// under the id in the header `x-cape-call-id`. Asking again with the same `Idempotency-Key` gives
/// the same answer, and is paid once; without one, it is a new call.
#[utoipa::path(
    tag = "usage", operation_id = "createResponse",
    security(("api_key" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = ABOUT_KEY)),
    request_body(content = Object, description = "`OpenAI`'s request", example = json!({"model": "gpt-4o-mini", "input": "Hello", "max_output_tokens": 100})),
    responses(
        (status = 200, description = "`OpenAI`'s response, or its events", content(
            (Object = "application/json"),
            (String = "text/event-stream"),
        )),
        GatewayFailure,
    ),
)]
#[post("/responses")]
pub async fn create(
    KeyPermitted(permit): KeyPermitted<UseAi>,
    RawBody(body): RawBody,
    chat: Service<ChatService>,
    once: Idempotent,
) -> Result<HttpResponse, ApiError> {
    once.call(permit.actor().clone(), respond(permit, body, chat)).await
}

/// The call that a request asks for, and how its failures are told here.
pub(super) fn to_explain(
    body: &[u8],
) -> Result<(NewCall, impl Fn(ChatError) -> ApiError + Send + Sync + use<>), ApiError> {
    let (new, places) = request::translate(request::read(body)?)?;
    Ok((new, move |error| told(error, &places)))
}

async fn respond(
    permit: Permit<UseAi>,
    body: Bytes,
    chat: Service<ChatService>,
) -> Result<HttpResponse, ApiError> {
    let asked = request::read(&body)?;
    let frame = answer::frame(&asked);
    let (new, places) = request::translate(asked)?;
    if new.streamed {
        let probable = new.chat.log_probs.is_some();
        let streaming = chat.stream(permit, new).await.map_err(|error| told(error, &places))?;
        let mut answer = answer_with(&streaming.call, &streaming.standings, streaming.shortened_to);
        return Ok(stream::events(&mut answer, frame, probable, streaming));
    }
    let completed = chat.complete(permit, new).await.map_err(|error| told(error, &places))?;
    let mut answer = answer_with(&completed.call, &completed.standings, completed.shortened_to);
    Ok(answer.json(answer::response(frame, completed)?))
}

/// A failure, with parameters by the names that they have here. `places` is where each message
/// of the conversation came from.
fn told(error: ChatError, places: &[String]) -> ApiError {
    if let ChatError::Unsupported(UnsupportedParameter { parameter }) = error {
        let parameter = renamed(parameter, places);
        return ChatError::Unsupported(UnsupportedParameter { parameter }).into();
    }
    let too_long = matches!(error, ChatError::TooLong { .. });
    let out_of_range = matches!(error, ChatError::OutputOutOfRange { .. });
    let error = ApiError::from(error);
    match (too_long, out_of_range) {
        (true, _) => error.about("input"),
        (false, true) => error.about("max_output_tokens"),
        (false, false) => error,
    }
}

fn renamed(parameter: String, places: &[String]) -> String {
    let message = parameter.strip_prefix("messages[").and_then(|rest| rest.split_once(']'));
    let place = message.and_then(|(at, _)| places.get(at.parse::<usize>().ok()?));
    if let Some(place) = place {
        return place.clone();
    }
    match parameter.as_str() {
        "response_format" => "text.format".to_owned(),
        "verbosity" => "text.verbosity".to_owned(),
        "reasoning_effort" => "reasoning.effort".to_owned(),
        "logprobs" => "top_logprobs".to_owned(),
        tool if tool.starts_with("tools[") => tool.replace(".function.", "."),
        _ => parameter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_a_provider_lacks_is_named_as_it_is_here() {
        let places = ["instructions".to_owned(), "input[0]".to_owned(), "input[3]".to_owned()];
        for (there, here) in [
            ("messages[0].content", "instructions"),
            ("messages[2].tool_calls[1].function.arguments", "input[3]"),
            ("messages[9].content", "messages[9].content"),
            ("response_format", "text.format"),
            ("reasoning_effort", "reasoning.effort"),
            ("tools[1].function.parameters", "tools[1].parameters"),
            ("temperature", "temperature"),
        ] {
            assert_eq!(renamed(there.to_owned(), &places), here);
        }
    }
}
