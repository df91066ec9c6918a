//! Failures of billing, in the words of HTTP.
use actix_web::http::StatusCode;
use cape_domain::billing::{PaymentMismatch, PaymentProviderError, WebhookRefused};
use cape_services::billing::{PurchaseError, WebhookError};

use super::ApiError;

impl ApiError {
    /// An optional integration that is not configured.
    pub(crate) fn disabled(detail: impl std::fmt::Display) -> Self {
        Self::client(StatusCode::SERVICE_UNAVAILABLE, "integration_disabled", detail)
    }
}

impl From<PurchaseError> for ApiError {
    fn from(error: PurchaseError) -> Self {
        use PurchaseError as E;
        let invalid = StatusCode::BAD_REQUEST;
        match error {
            E::Disabled => Self::disabled(error),
            E::UnknownPack(_) => Self::client(invalid, "billing.unknown_pack", error),
            E::CurrencyNotSold(_) => Self::client(invalid, "billing.currency_not_sold", error),
            E::NotAPerson => Self::client(StatusCode::FORBIDDEN, "access.not_a_person", error),
            E::Provider(error) => error.into(),
            E::Mismatch(error) => error.into(),
            E::Store(error) => error.into(),
        }
    }
}

impl From<WebhookError> for ApiError {
    fn from(error: WebhookError) -> Self {
        use WebhookError as E;
        match error {
            E::Disabled => Self::disabled(error),
            E::Refused(refused) => refused.into(),
            E::Provider(error) => error.into(),
            E::Mismatch(error) => error.into(),
            E::Store(error) => error.into(),
        }
    }
}

impl From<WebhookRefused> for ApiError {
    fn from(error: WebhookRefused) -> Self {
        let code = match error {
            WebhookRefused::Signature => "webhook.invalid_signature",
            WebhookRefused::Stale => "webhook.stale_signature",
            WebhookRefused::Malformed => "webhook.malformed",
        };
        Self::client(StatusCode::BAD_REQUEST, code, error)
    }
}

impl From<PaymentProviderError> for ApiError {
    fn from(error: PaymentProviderError) -> Self {
        match error {
            PaymentProviderError::Refused { .. } | PaymentProviderError::UnknownCustomer => {
                Self::server(StatusCode::BAD_GATEWAY, "billing.provider_refused", error)
            }
            PaymentProviderError::Unavailable(_) => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Self::server(status, "billing.provider_unavailable", error)
            }
        }
    }
}

impl From<PaymentMismatch> for ApiError {
    fn from(error: PaymentMismatch) -> Self {
        Self::server(StatusCode::BAD_GATEWAY, "billing.payment_mismatch", error)
    }
}
