//! What has begun is finished: the web server drops a handler when its client leaves, so
//! handlers that change something run in tasks of their own.
use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
    rt,
};

/// Runs the handlers of unsafe methods to their end.
///
/// # Errors
///
/// Those of the handler.
pub async fn finish(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return next.call(request).await;
    }
    let handler = rt::spawn(async move { next.call(request).await });
    handler.await.unwrap_or_else(|panicked| {
        Err(actix_web::error::ErrorInternalServerError(panicked.to_string()))
    })
}
