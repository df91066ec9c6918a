//! Every request gets an id, an origin, headers that protect the caller, a line in the log and
//! a place in the metrics; every failure gets the shape that its path reads.
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{
    Error, HttpMessage as _, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue,
            REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS,
            X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
    web,
};
use cape_domain::{
    access::Network,
    ids::{IdSource, RequestId},
};
use cape_services::access::Origin;

use super::timings;
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
    let (method, shape) = (request.method().clone(), Shape::of(request.path(), request.headers()));
    let mut answer = match next.call(request).await {
        Ok(answer) => shaped(answer.map_into_boxed_body(), shape, id),
        Err(error) => {
            let mut told = failure(&error, shape, id);
            put_headers(told.headers_mut(), id, begun.elapsed());
            return Err(InternalError::from_response(error, told).into());
        }
    };
    let route = answer.request().match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let (status, elapsed) = (answer.status(), begun.elapsed());
    put_headers(answer.headers_mut(), id, elapsed);
    timings::record(&method, &route, status, elapsed);
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

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
static RESPONSE_TIME: HeaderName = HeaderName::from_static("x-response-time");

/// What every answer says, and nobody else may.
static ALWAYS: [(HeaderName, HeaderValue); 5] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000; includeSubDomains")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// What an answer says that says nothing else.
static OTHERWISE: [(HeaderName, HeaderValue); 2] = [
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
];

fn put_headers(headers: &mut HeaderMap, id: RequestId, elapsed: Duration) {
    for (name, text) in [(&REQUEST_ID, id.to_string()), (&RESPONSE_TIME, in_seconds(elapsed))] {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name.clone(), value);
        }
    }
    for (name, value) in &ALWAYS {
        headers.insert(name.clone(), value.clone());
    }
    for (name, value) in &OTHERWISE {
        if !headers.contains_key(name) {
            headers.insert(name.clone(), value.clone());
        }
    }
}

/// To the millisecond, rounded.
fn in_seconds(elapsed: Duration) -> String {
    let millis = (elapsed.as_micros() + 500) / 1000;
    format!("{}.{:03}s", millis / 1000, millis % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_to_the_millisecond() {
        for (micros, expected) in [
            (0, "0.000s"),
            (499, "0.000s"),
            (500, "0.001s"),
            (12_345, "0.012s"),
            (999_499, "0.999s"),
            (999_500, "1.000s"),
            (61_002_000, "61.002s"),
        ] {
            assert_eq!(in_seconds(Duration::from_micros(micros)), expected);
        }
    }

    #[test]
    fn an_answer_that_says_how_it_may_be_kept_is_not_contradicted() {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
        let id = "req_00000000000000000000000000000007".parse().expect("an id");
        put_headers(&mut headers, id, Duration::from_millis(3));
        let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        for (name, expected) in [
            ("cache-control", "max-age=60"),
            ("x-frame-options", "DENY"),
            ("x-request-id", "req_00000000000000000000000000000007"),
            ("x-response-time", "0.003s"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("strict-transport-security", "max-age=63072000; includeSubDomains"),
        ] {
            assert_eq!(said(name), Some(expected), "{name}");
        }
    }
}
