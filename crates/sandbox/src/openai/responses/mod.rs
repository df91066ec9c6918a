//! Responses, of which none is kept: whatever refers to an earlier one is refused.
mod events;
mod input;
mod request;
mod response;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Bytes, Data},
};
use serde_json::json;

use self::{request::Ask, response::Heading};
use super::{authenticate, error::OpenAiError};
use crate::{
    stream::{paced, whole},
    world::World,
};

/// Makes a response.
pub(super) async fn create(
    world: Data<World>,
    request: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, OpenAiError> {
    authenticate(&request)?;
    let ask = Ask::read(&body)?;
    if let Some(status) = ask.script.begin().await {
        return Err(OpenAiError::scripted(status, ask.script.directive.retry_after));
    }
    let heading = Heading::new(&world.ids, world.unix());
    if !ask.stream {
        let body = response::whole(&heading, &ask).to_string().into_bytes();
        return Ok(whole(HttpResponse::Ok(), body, &ask.script.directive));
    }
    let directive = ask.script.directive.clone();
    let frames = events::frames(heading, ask);
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream; charset=utf-8")
        .insert_header(("Cache-Control", "no-cache"))
        .streaming(paced(frames, &directive, world.traffic.open_stream())))
}

/// Counts the tokens of a request, and answers nothing.
pub(super) async fn count(request: HttpRequest, body: Bytes) -> Result<HttpResponse, OpenAiError> {
    authenticate(&request)?;
    let ask = Ask::read(&body)?;
    if let Some(status) = ask.script.begin().await {
        return Err(OpenAiError::scripted(status, ask.script.directive.retry_after));
    }
    let counted = json!({ "object": "response.input_tokens", "input_tokens": ask.input_tokens });
    Ok(HttpResponse::Ok().json(counted))
}
