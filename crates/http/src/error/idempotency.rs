//! Keys that are in use, in the words of HTTP. SDKs ask again after 409, and not after 422.
use actix_web::http::StatusCode;
use cape_services::idempotency::IdempotencyError;

use super::ApiError;

impl From<IdempotencyError> for ApiError {
    fn from(error: IdempotencyError) -> Self {
        use IdempotencyError as E;
        let never = StatusCode::UNPROCESSABLE_ENTITY;
        match error {
            E::InFlight { retry_after } => {
                Self::client(StatusCode::CONFLICT, "idempotency.in_flight", error)
                    .with_header("retry-after", retry_after.as_secs())
            }
            E::Reused => {
                Self::client(never, "idempotency_key_reused", error).about("Idempotency-Key")
            }
            E::NotKept { ref headers, .. } => {
                let call = headers.iter().find(|(name, _)| name == CALL);
                let told = Self::client(never, "idempotency.answer_not_kept", &error);
                match call {
                    Some((_, id)) => told.with_header(CALL, id),
                    None => told,
                }
            }
            E::Store(error) => error.into(),
        }
    }
}

/// Under which id the receipt of the call is.
const CALL: &str = "x-cape-call-id";
