//! Chat completions, responses, embeddings, moderations and the list of models, as `api.openai.com`
//! serves them under `/v1`. No response is kept.
mod embeddings;
mod error;
mod image;
mod log_probs;
mod moderation;
mod offer;
mod reasoning;
mod request;
mod response;
mod responses;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::AUTHORIZATION,
    web::{Bytes, Data, ServiceConfig, get, post, scope, to},
};
use serde_json::{Value, json};

use self::{error::OpenAiError, request::Ask};
use crate::{
    stream::{paced, whole},
    traffic::{Vendor, watch},
    world::World,
};

/// Every model for conversations.
const MODELS: [&str; 7] =
    ["gpt-4o-mini", "gpt-4o", "gpt-4.1-mini", "gpt-4.1", "gpt-5-mini", "gpt-5", "o3"];
/// When every model was made, in seconds since 1970.
const MODELS_CREATED: i64 = 1_752_000_000;
const REFUSED_KEY: &str = "sk-bad";

/// Mounts `/openai/v1`.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(
        scope("/openai/v1")
            .wrap_fn(|request, service| watch(Vendor::OpenAi, "x-request-id", request, service))
            .route("/chat/completions", post().to(complete))
            .route("/responses", post().to(responses::create))
            .route("/responses/input_tokens", post().to(responses::count))
            .route("/embeddings", post().to(embeddings::create))
            .route("/moderations", post().to(moderation::create))
            .route("/models", get().to(list_models))
            .route("/models/{model}", get().to(find_model))
            .default_service(to(|request: HttpRequest| async move {
                OpenAiError::unknown_url(request.method().as_str(), request.path()).answer()
            })),
    );
}

async fn complete(
    world: Data<World>,
    request: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, OpenAiError> {
    authenticate(&request)?;
    let ask = Ask::read(&body)?;
    if let Some(status) = ask.script.begin().await {
        return Err(OpenAiError::scripted(status, ask.script.directive.retry_after));
    }
    let heading = response::Heading {
        id: world.ids.mint("chatcmpl-", 29),
        created: world.unix(),
        model: ask.model,
    };
    if !ask.stream {
        let body = response::whole(&heading, &ask, &world.ids);
        return Ok(whole(HttpResponse::Ok(), body.to_string().into_bytes(), &ask.script.directive));
    }
    let directive = ask.script.directive.clone();
    let frames = response::frames(heading, ask, &world.ids);
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream; charset=utf-8")
        .insert_header(("Cache-Control", "no-cache"))
        .streaming(paced(frames, &directive, world.traffic.open_stream())))
}

fn list_models(request: HttpRequest) -> std::future::Ready<Result<HttpResponse, OpenAiError>> {
    let list = || json!({ "object": "list", "data": models().map(model).collect::<Vec<_>>() });
    std::future::ready(authenticate(&request).map(|()| HttpResponse::Ok().json(list())))
}

fn find_model(request: HttpRequest) -> std::future::Ready<Result<HttpResponse, OpenAiError>> {
    let name = request.match_info().get("model").unwrap_or_default();
    std::future::ready(authenticate(&request).and_then(|()| {
        let known = models().find(|known| *known == name);
        let known = known.ok_or_else(|| OpenAiError::unknown_model(name))?;
        Ok(HttpResponse::Ok().json(model(known)))
    }))
}

/// Every model, whatever it is for.
fn models() -> impl Iterator<Item = &'static str> {
    MODELS.into_iter().chain(embeddings::MODELS.map(|(model, _)| model))
}

fn model(name: &str) -> Value {
    json!({ "id": name, "object": "model", "created": MODELS_CREATED, "owned_by": "system" })
}

fn authenticate(request: &HttpRequest) -> Result<(), OpenAiError> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    match header.and_then(|header| header.strip_prefix("Bearer ")) {
        None | Some("") => Err(OpenAiError::no_key()),
        Some(key) if key.starts_with("sk-") && key != REFUSED_KEY => Ok(()),
        Some(key) => Err(OpenAiError::bad_key(key)),
    }
}
