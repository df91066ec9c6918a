//! Answers that are kept, and given again.
use actix_web::{
    HttpResponse,
    body::{self, BoxBody},
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
};
use cape_domain::idempotency::Answer;
use serde::Serialize;

use super::REPLAYED;
use crate::error::ApiError;

/// The headers that are part of an answer. Others are about the moment in which it was given, such
/// as where limits stood, and are not given again.
const PARTS: [&str; 8] = [
    "content-type",
    "content-encoding",
    "location",
    "x-accel-buffering",
    "x-cape-call-id",
    "x-cape-max-tokens-lowered-to",
    "x-cape-model",
    "x-cape-provider",
];

/// The answer of this status with this JSON. It is what `HttpResponse::json` sends.
pub(crate) fn kept_json(status: StatusCode, view: &impl Serialize) -> Answer {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    // Views are structures of texts and numbers: they can be written.
    Answer::new(status.as_u16(), headers, serde_json::to_vec(view).unwrap_or_default())
}

/// What of a response is kept, once its body is known.
pub(super) fn kept<B>(response: &HttpResponse<B>) -> impl FnOnce(Vec<u8>) -> Answer + 'static {
    let status = response.status().as_u16();
    let headers = response.headers();
    let parts = PARTS.iter().filter_map(|name| {
        let value = headers.get(*name)?.to_str().ok()?;
        Some(((*name).to_owned(), value.to_owned()))
    });
    let parts = parts.collect();
    move |body| Answer::new(status, parts, body)
}

/// Reads a response that is there already, and gives it back.
pub(super) async fn read(response: HttpResponse) -> Result<(Answer, HttpResponse), ApiError> {
    let kept = kept(&response);
    let (head, body) = response.into_parts();
    let bytes = body::to_bytes(body).await.map_err(|error| {
        let cause = error.to_string();
        ApiError::server(StatusCode::INTERNAL_SERVER_ERROR, "internal", cause)
    })?;
    Ok((kept(bytes.to_vec()), head.set_body(BoxBody::new(bytes))))
}

/// The answer that was given before.
pub(super) fn again(answer: Answer) -> Result<HttpResponse, ApiError> {
    let failure =
        |cause: String| ApiError::server(StatusCode::INTERNAL_SERVER_ERROR, "store.corrupt", cause);
    let status = StatusCode::from_u16(answer.status).map_err(|e| failure(e.to_string()))?;
    let mut response = HttpResponse::build(status);
    for (name, value) in &answer.headers {
        let name = HeaderName::try_from(name.as_str()).map_err(|e| failure(e.to_string()))?;
        let value = HeaderValue::try_from(value.as_str()).map_err(|e| failure(e.to_string()))?;
        response.insert_header((name, value));
    }
    response.insert_header((REPLAYED, "true"));
    Ok(response.body(answer.body.unwrap_or_default()))
}
