//! Messages, as `api.anthropic.com` serves them under `/v1`, and how many tokens they have. There are
//! no batches and no files.
mod cache;
mod content;
mod error;
mod output;
mod request;
mod response;
mod thinking;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Bytes, Data, ServiceConfig, post, scope, to},
};

use serde_json::json;

use self::{cache::Caches, error::AnthropicError, request::Ask};
use crate::{
    stream::{paced, whole},
    traffic::{Vendor, watch},
    world::World,
};

/// Every model that is known.
const MODELS: [&str; 4] =
    ["claude-3-haiku-20240307", "claude-haiku-4-5", "claude-sonnet-4-5", "claude-opus-4-5"];
/// The one among them that does not think.
const THOUGHTLESS: &str = "claude-3-haiku-20240307";
/// The only version whose shapes are emulated. 2026-10-21, which the vendor's newest clients send,
/// takes other parameters: it is refused here rather than answered wrongly.
const VERSION: &str = "2023-06-01";
const REFUSED_KEY: &str = "sk-ant-bad";

/// Mounts `/anthropic/v1`.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config.app_data(Data::new(Caches::default())).service(
        scope("/anthropic/v1")
            .wrap_fn(|request, service| watch(Vendor::Anthropic, "request-id", request, service))
            .route("/messages", post().to(answer))
            .route("/messages/count_tokens", post().to(count_tokens))
            .default_service(to(|| async { AnthropicError::unknown_url().answer() })),
    );
}

async fn answer(
    world: Data<World>,
    caches: Data<Caches>,
    request: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, AnthropicError> {
    authenticate(&request)?;
    let ask = Ask::read(&body)?;
    if let Some(status) = ask.script.begin().await {
        return Err(AnthropicError::scripted(status, ask.script.directive.retry_after));
    }
    let heading = response::Heading {
        id: world.ids.mint("msg_01", 22),
        model: ask.model,
        thinking: ask.thinking,
        json: ask.json,
        kept: caches.keep(&ask.beginning),
    };
    if !ask.stream {
        let body = response::whole(&heading, &ask.script, &world.ids);
        return Ok(whole(HttpResponse::Ok(), body.to_string().into_bytes(), &ask.script.directive));
    }
    let directive = ask.script.directive.clone();
    let frames = response::frames(&heading, ask.script, &world.ids);
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream; charset=utf-8")
        .insert_header(("Cache-Control", "no-cache"))
        .streaming(paced(frames, &directive, world.traffic.open_stream())))
}

async fn count_tokens(request: HttpRequest, body: Bytes) -> Result<HttpResponse, AnthropicError> {
    authenticate(&request)?;
    let ask = Ask::read_to_count(&body)?;
    if let Some(status) = ask.script.begin().await {
        return Err(AnthropicError::scripted(status, ask.script.directive.retry_after));
    }
    let counted = ask.script.usage().map(|usage| usage.input);
    let body = counted.map_or_else(|| json!({}), |input| json!({ "input_tokens": input }));
    Ok(whole(HttpResponse::Ok(), body.to_string().into_bytes(), &ask.script.directive))
}

fn authenticate(request: &HttpRequest) -> Result<(), AnthropicError> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    match header("x-api-key") {
        None | Some("") => return Err(AnthropicError::no_key()),
        Some(key) if key.starts_with("sk-ant-") && key != REFUSED_KEY => {}
        Some(_) => return Err(AnthropicError::bad_key()),
    }
    match header("anthropic-version") {
        Some(VERSION) => Ok(()),
        version => Err(AnthropicError::version(version)),
    }
}
