//! How long requests took, by method, route and status.
//!
//! Each thread keeps what it counts into: finding it by its labels costs more than counting.
use std::{cell::RefCell, collections::HashMap, time::Duration};

use actix_web::http::{Method, StatusCode};
use metrics::Histogram;

/// What one route was asked and how it answered.
type Outcome = (&'static str, StatusCode);

thread_local! {
    /// By pattern of a route: there are as many as are mounted.
    static KEPT: RefCell<HashMap<String, Vec<(Outcome, Histogram)>>> = RefCell::default();
}

/// Counts one request.
pub(super) fn record(method: &Method, route: &str, status: StatusCode, elapsed: Duration) {
    let outcome = (label(method), status);
    KEPT.with_borrow_mut(|kept| {
        if !kept.contains_key(route) {
            kept.insert(route.to_owned(), Vec::new());
        }
        let Some(outcomes) = kept.get_mut(route) else { return };
        let known = outcomes.iter().position(|(known, _)| *known == outcome);
        let place = known.unwrap_or_else(|| {
            outcomes.push((outcome, histogram(outcome, route)));
            outcomes.len() - 1
        });
        outcomes[place].1.record(elapsed.as_secs_f64());
    });
}

fn histogram((method, status): Outcome, route: &str) -> Histogram {
    let labels = [
        ("method", method.to_owned()),
        ("route", route.to_owned()),
        ("status", status.as_str().to_owned()),
    ];
    metrics::histogram!("cape_http_request_seconds", &labels)
}

/// A method as a label. Callers can make up others, as many as they like: those share one.
fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::CONNECT => "CONNECT",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_that_callers_make_up_share_a_label() {
        for (method, expected) in [("GET", "GET"), ("PATCH", "PATCH"), ("BREW", "other")] {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            assert_eq!(label(&method), expected);
        }
    }
}
