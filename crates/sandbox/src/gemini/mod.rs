//! `generateContent`, `streamGenerateContent` and `countTokens`, as
//! `generativelanguage.googleapis.com` serves them under `/v1beta` and `/v1`. Also
//! `batchEmbedContents`. There are no files or caches.
mod contents;
mod embeddings;
mod error;
mod generation;
mod offer;
mod request;
mod response;
mod thinking;

use actix_web::{
    HttpRequest, HttpResponse, Scope,
    body::MessageBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    web::{Bytes, Data, Query, ServiceConfig, get, post, scope, to},
};
use serde::Deserialize;
use serde_json::{Value, json};

use self::{error::GeminiError, request::Ask};
use crate::{
    stream::{paced, whole},
    traffic::{Vendor, watch},
    world::World,
};

/// Every model that is known.
const MODELS: [&str; 4] =
    ["gemini-1.5-flash", "gemini-2.5-flash", "gemini-2.5-pro", "gemini-3-flash-preview"];
const REFUSED_KEY: &str = "AIza-bad";

/// Mounts `/gemini/v1beta` and `/gemini/v1`.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(version("/gemini/v1beta")).service(version("/gemini/v1"));
}

fn version(
    path: &str,
) -> Scope<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    scope(path)
        .wrap_fn(|request, service| watch(Vendor::Gemini, "x-request-id", request, service))
        .route("/models", get().to(list_models))
        .route("/models/{call}", post().to(generate))
        .default_service(to(|| async { GeminiError::unknown_url().answer() }))
}

#[derive(Deserialize)]
struct Parameters {
    alt: Option<String>,
    key: Option<String>,
}

async fn generate(
    world: Data<World>,
    request: HttpRequest,
    Query(parameters): Query<Parameters>,
    body: Bytes,
) -> Result<HttpResponse, GeminiError> {
    authenticate(&request, parameters.key.as_deref())?;
    let call = request.match_info().get("call").unwrap_or_default();
    let (name, method) = call.rsplit_once(':').ok_or_else(GeminiError::unknown_url)?;
    if method == "batchEmbedContents" {
        return embeddings::batch(name, &body).await;
    }
    let model = MODELS.into_iter().find(|model| *model == name);
    let model = model.ok_or_else(|| GeminiError::unknown_model(name))?;
    let streamed = match method {
        "generateContent" => false,
        "streamGenerateContent" => true,
        "countTokens" => return count(Ask::read_to_count(model, &body)?).await,
        _ => return Err(GeminiError::unknown_url()),
    };
    let ask = Ask::read(model, &body)?;
    if let Some(status) = ask.script.begin().await {
        return Err(GeminiError::scripted(status, ask.script.directive.retry_after));
    }
    let heading = response::Heading { id: world.ids.mint("", 22), model };
    let directive = ask.script.directive.clone();
    if !streamed {
        let body = response::whole(&heading, &ask);
        return Ok(whole(HttpResponse::Ok(), body.to_string().into_bytes(), &directive));
    }
    let open = world.traffic.open_stream();
    if parameters.alt.as_deref() == Some("sse") {
        let frames = response::frames(heading, ask, response::Framing::Events);
        return Ok(HttpResponse::Ok()
            .content_type("text/event-stream")
            .streaming(paced(frames, &directive, open)));
    }
    let frames = response::frames(heading, ask, response::Framing::Array);
    Ok(HttpResponse::Ok()
        .content_type("application/json; charset=UTF-8")
        .streaming(paced(frames, &directive, open)))
}

/// What is asked is not answered; it is counted.
async fn count(ask: Ask) -> Result<HttpResponse, GeminiError> {
    if let Some(status) = ask.script.begin().await {
        return Err(GeminiError::scripted(status, ask.script.directive.retry_after));
    }
    let counted = ask.script.usage().map(|usage| usage.input);
    let body = counted.map_or_else(
        || json!({}),
        |tokens| {
            let details = json!([{ "modality": "TEXT", "tokenCount": tokens }]);
            json!({ "totalTokens": tokens, "promptTokensDetails": details })
        },
    );
    Ok(whole(HttpResponse::Ok(), body.to_string().into_bytes(), &ask.script.directive))
}

fn list_models(
    request: HttpRequest,
    Query(parameters): Query<Parameters>,
) -> std::future::Ready<Result<HttpResponse, GeminiError>> {
    std::future::ready(
        authenticate(&request, parameters.key.as_deref())
            .map(|()| HttpResponse::Ok().json(json!({ "models": MODELS.map(model) }))),
    )
}

fn model(name: &str) -> Value {
    json!({
        "name": format!("models/{name}"),
        "displayName": name,
        "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"],
    })
}

/// Any key but [`REFUSED_KEY`] is good.
fn authenticate(request: &HttpRequest, parameter: Option<&str>) -> Result<(), GeminiError> {
    let header = request.headers().get("x-goog-api-key").and_then(|value| value.to_str().ok());
    match header.or(parameter) {
        None | Some("") => Err(GeminiError::no_key()),
        Some(REFUSED_KEY) => Err(GeminiError::bad_key()),
        Some(_) => Ok(()),
    }
}
