//! Every request gets an id, an origin, headers that protect the caller, a line in the log and
//! a place in the metrics; every failure gets the shape that its path reads.
use std::{sync::Arc, time::Instant};

use actix_web::{
    Error, HttpMessage as _, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        StatusCode,
        header::{HeaderMap, HeaderName, HeaderValue, VARY},
    },
    middleware::Next,
    web,
};
use cape_domain::{
    access::Network,
    ids::{IdSource, RequestId},
};
use cape_services::access::Origin;

use crate::{
    error::{ApiError, Shape},
    extract::client_address,
};

/// What every request is observed with.
#[derive(Clone)]
pub struct Observer {
    /// Where ids of requests come from.
    pub ids: Arc<dyn IdSource>,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted: Arc<[Network]>,
}

/// The longest id that a caller may give a request: anything longer is replaced.
const LONGEST_ID: usize = 36;

/// Observes a request from its beginning to the first byte of its answer.
///
/// # Errors
///
/// What no handler answered: it carries its answer with it.
///
/// # Panics
///
/// When no [`Observer`] is mounted.
pub async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let begun = Instant::now();
    let observer = request.app_data::<web::Data<Observer>>().expect("mounted").clone();
    let id = given_id(request.headers()).unwrap_or_else(|| RequestId::next(&*observer.ids));
    let address = address(&request, &observer.trusted);
    request.extensions_mut().insert(Origin { request: id, address });
    let (method, shape) = (request.method().clone(), Shape::of(request.path()));
    let mut answer = match next.call(request).await {
        Ok(answer) => shaped(answer.map_into_boxed_body(), shape, id),
        Err(error) => {
            let mut told = failure(&error, shape, id);
            put_headers(told.headers_mut(), id, begun.elapsed().as_secs_f64());
            return Err(InternalError::from_response(error, told).into());
        }
    };
    let route = answer.request().match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let (status, elapsed) = (answer.status(), begun.elapsed());
    put_headers(answer.headers_mut(), id, elapsed.as_secs_f64());
    let labels = [
        ("method", method.as_str().to_owned()),
        ("route", route.clone()),
        ("status", status.as_str().to_owned()),
    ];
    metrics::histogram!("cape_http_request_seconds", &labels).record(elapsed.as_secs_f64());
    tracing::info!(
        request.id = %id, http.method = %method, http.route = %route,
        http.status = status.as_u16(), elapsed_us = elapsed.as_micros(), "request"
    );
    Ok(answer)
}

/// An id that the caller gave, if it has the form of ours.
fn given_id(headers: &HeaderMap) -> Option<RequestId> {
    let given = headers.get("x-request-id")?.to_str().ok()?;
    (given.len() <= LONGEST_ID).then(|| given.parse().ok()).flatten()
}

fn address(request: &ServiceRequest, trusted: &[Network]) -> Option<std::net::IpAddr> {
    let forwarded: Vec<&str> = request
        .headers()
        .get_all("x-forwarded-for")
        .filter_map(|value| value.to_str().ok())
        .collect();
    client_address(request.peer_addr().map(|peer| peer.ip()), &forwarded.join(","), trusted)
}

/// The answer, with a failure in the shape that its path reads. Pages of other origins are allowed
/// to read it wherever they were allowed to read the answer.
fn shaped(answer: ServiceResponse, shape: Shape, id: RequestId) -> ServiceResponse {
    let Some(mut told) = answer.response().error().map(|error| failure(error, shape, id)) else {
        return answer;
    };
    for (name, value) in answer.headers() {
        if *name == VARY || name.as_str().starts_with("access-control-") {
            told.headers_mut().append(name.clone(), value.clone());
        }
    }
    answer.into_response(told)
}

fn failure(error: &Error, shape: Shape, id: RequestId) -> HttpResponse {
    if let Some(error) = error.as_error::<ApiError>() {
        error.log(id);
        return error.answer(shape, Some(id));
    }
    let status = error.as_response_error().status_code();
    let error = if status == StatusCode::INTERNAL_SERVER_ERROR {
        ApiError::server(status, "internal", error.to_string())
    } else {
        ApiError::client(status, "request.refused", error)
    };
    error.log(id);
    error.answer(shape, Some(id))
}

fn put_headers(headers: &mut HeaderMap, id: RequestId, seconds: f64) {
    for (name, value) in [
        ("x-request-id", id.to_string()),
        ("x-response-time", format!("{seconds:.3}s")),
        ("x-content-type-options", "nosniff".to_owned()),
        ("x-frame-options", "DENY".to_owned()),
        ("referrer-policy", "no-referrer".to_owned()),
        ("strict-transport-security", "max-age=63072000; includeSubDomains".to_owned()),
        ("cross-origin-opener-policy", "same-origin".to_owned()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    for (name, value) in [
        ("cache-control", "no-store"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ] {
        if !headers.contains_key(name) {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
    }
}
