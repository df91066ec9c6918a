//! How a request comes in: what it carries, by which it is counted or not.
//!
//! Nothing is verified here. What a request carries is only a claim, which its answer settles; it
//! counts where some door looks at it, and nowhere else.
use std::{collections::HashSet, sync::LazyLock};

use actix_web::http::{StatusCode, header::HeaderMap};

use crate::{extract::presents_key, openapi};

/// Where payment providers send their messages, each signed.
const WEBHOOKS: [&str; 2] = ["/api/payment/webhook", "/api/payments/payfast/itn"];
/// Where a refresh token comes in the body or in a cookie.
const REFRESH: &str = "/api/auth/refresh";
/// Where nobody has to be signed in: whoever carries something is not asked for it.
static PUBLIC: LazyLock<HashSet<String>> = LazyLock::new(openapi::public_paths);

/// How a request comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// It asks how this process is, and is never counted.
    Probe,
    /// It carries nothing that could be verified.
    Anonymous,
    /// It carries credentials.
    Credentials,
    /// It is a message of a payment provider, whose signature is in it.
    Webhook,
}

impl Entry {
    /// How a request to this path comes in.
    pub(super) fn of(path: &str, headers: &HeaderMap, query: &str) -> Self {
        if path == "/metrics" || is_below(path, "/healthz") {
            Self::Probe
        } else if WEBHOOKS.iter().any(|webhook| is_below(path, webhook)) {
            Self::Webhook
        } else if path == REFRESH || (presents_key(path, headers, query) && !is_public(path)) {
            Self::Credentials
        } else {
            Self::Anonymous
        }
    }

    /// Whether an answer says that what was carried is bad.
    pub(super) fn is_bad(self, status: StatusCode) -> bool {
        match self {
            Self::Probe | Self::Anonymous => false,
            Self::Credentials => status == StatusCode::UNAUTHORIZED,
            Self::Webhook => {
                matches!(status, StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST)
            }
        }
    }
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_public(path: &str) -> bool {
    PUBLIC.contains(path)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_request_is_known_by_its_path_and_by_what_it_carries() {
        let bearer = ("authorization", "Bearer x");
        for (path, header, expected) in [
            ("/healthz", None, Entry::Probe),
            ("/healthz/db", Some(bearer), Entry::Probe),
            ("/metrics", None, Entry::Probe),
            ("/metrics/x", None, Entry::Anonymous),
            ("/healthzz", None, Entry::Anonymous),
            ("/api/auth/login", None, Entry::Anonymous),
            ("/api/auth/login", Some(bearer), Entry::Anonymous),
            ("/api/auth/register", Some(bearer), Entry::Anonymous),
            ("/api/auth/refresh", None, Entry::Credentials),
            ("/api/user/profile", None, Entry::Anonymous),
            ("/api/user/profile", Some(bearer), Entry::Credentials),
            ("/v1/models", Some(bearer), Entry::Credentials),
            ("/v1/messages", Some(("x-api-key", "x")), Entry::Credentials),
            ("/v1beta/models", Some(("x-goog-api-key", "x")), Entry::Credentials),
            ("/v1beta/models?key=x", None, Entry::Credentials),
            ("/v1/models/m:countTokens?key=x", None, Entry::Credentials),
            ("/v1beta/models?page_size=1", None, Entry::Anonymous),
            ("/v1/models?key=x", None, Entry::Anonymous),
            ("/api/user/profile?key=x", None, Entry::Anonymous),
            ("/x", Some(("stripe-signature", "t=1,v1=2")), Entry::Anonymous),
            ("/api/payment/webhook", None, Entry::Webhook),
            ("/api/payment/webhook/x", Some(bearer), Entry::Webhook),
            ("/api/payments/payfast/itn", None, Entry::Webhook),
            ("/api/payment/webhooks", None, Entry::Anonymous),
            ("/x/api/payment/webhook", None, Entry::Anonymous),
        ] {
            let request = TestRequest::with_uri(path);
            let request = match header {
                Some(header) => request.insert_header(header),
                None => request,
            };
            let request = request.to_http_request();
            let found = Entry::of(request.path(), request.headers(), request.query_string());
            assert_eq!(found, expected, "{path} {header:?}");
        }
    }

    #[test]
    fn an_answer_tells_what_was_bad() {
        let statuses = [200, 400, 401, 403, 404, 429, 500];
        for (entry, bad) in [
            (Entry::Probe, [].as_slice()),
            (Entry::Anonymous, &[]),
            (Entry::Credentials, &[401]),
            (Entry::Webhook, &[400, 401]),
        ] {
            let is_bad = |status: &u16| entry.is_bad(StatusCode::from_u16(*status).expect("one"));
            let found: Vec<u16> = statuses.into_iter().filter(is_bad).collect();
            assert_eq!(found, bad, "{entry:?}");
        }
    }
}
