//! What has begun is finished: the web server drops a handler when its client leaves, so
//! handlers that change something run in tasks of their own, which a stop waits for.
use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
    rt, web,
};
use cape_services::Tasks;

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
    let token = request.app_data::<web::Data<Tasks>>().map(|tasks| tasks.token());
    let handler = rt::spawn(async move {
        let answer = next.call(request).await;
        drop(token);
        answer
    });
    handler.await.unwrap_or_else(|panicked| {
        Err(actix_web::error::ErrorInternalServerError(panicked.to_string()))
    })
}
