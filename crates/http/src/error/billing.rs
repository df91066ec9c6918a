//! Failures of billing, in the words of HTTP.
use actix_web::http::StatusCode;
use cape_domain::billing::{
    PaymentMismatch, PaymentProviderError, PlanRefusal, QuoteRefusal, SubscriptionRefusal,
    WebhookRefused,
};
use cape_services::billing::{PlanError, PurchaseError, SubscriptionError, WebhookError};

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

impl From<SubscriptionError> for ApiError {
    fn from(error: SubscriptionError) -> Self {
        use SubscriptionError as E;
        let client = Self::client;
        match error {
            E::Disabled => Self::disabled(error),
            E::UnknownPlan(_) => client(StatusCode::BAD_REQUEST, "billing.unknown_plan", error),
            E::NotSold(_) => client(StatusCode::BAD_REQUEST, "billing.currency_not_sold", error),
            E::NotAPerson => client(StatusCode::FORBIDDEN, "access.not_a_person", error),
            E::AlreadySubscribed => {
                client(StatusCode::CONFLICT, "billing.already_subscribed", error)
            }
            E::Unknown => client(StatusCode::NOT_FOUND, "billing.subscription_not_found", error),
            E::None => client(StatusCode::NOT_FOUND, "billing.not_subscribed", error),
            E::Refused(refusal) => refusal.into(),
            E::NoQuote(refusal) => refusal.into(),
            E::UnknownQuote => client(StatusCode::NOT_FOUND, "billing.quote_not_found", error),
            E::QuoteMismatch => {
                Self::server(StatusCode::BAD_GATEWAY, "billing.quote_mismatch", error)
            }
            E::NotPaid => client(StatusCode::PAYMENT_REQUIRED, "billing.payment_failed", error),
            E::Provider(error) => error.into(),
            E::Store(error) => error.into(),
        }
    }
}

impl From<QuoteRefusal> for ApiError {
    fn from(refusal: QuoteRefusal) -> Self {
        let code = match refusal {
            QuoteRefusal::Subscription(refusal) => return refusal.into(),
            QuoteRefusal::Same => "billing.same_plan",
            QuoteRefusal::OtherCurrency => "billing.other_currency",
            QuoteRefusal::OutOfRange => "billing.out_of_range",
            QuoteRefusal::Stale => "billing.quote_stale",
            QuoteRefusal::Expired => "billing.quote_expired",
        };
        Self::client(StatusCode::CONFLICT, code, refusal)
    }
}

impl From<SubscriptionRefusal> for ApiError {
    fn from(refusal: SubscriptionRefusal) -> Self {
        let code = match refusal {
            SubscriptionRefusal::AlreadyCanceling => "billing.already_canceling",
            SubscriptionRefusal::HasEnded => "billing.subscription_ended",
            SubscriptionRefusal::NotCanceling => "billing.not_canceling",
            SubscriptionRefusal::NotBegun => "billing.not_paid_yet",
            SubscriptionRefusal::PaymentOwed => "billing.payment_owed",
        };
        Self::client(StatusCode::CONFLICT, code, refusal)
    }
}

impl From<PlanError> for ApiError {
    fn from(error: PlanError) -> Self {
        use PlanError as E;
        match error {
            E::Unknown(_) => Self::client(StatusCode::NOT_FOUND, "billing.plan_not_found", error),
            E::Taken(_) => Self::client(StatusCode::CONFLICT, "billing.plan_taken", error),
            E::Refused(refusal) => refusal.into(),
            E::Store(error) => error.into(),
        }
    }
}

impl From<PlanRefusal> for ApiError {
    fn from(refusal: PlanRefusal) -> Self {
        let (status, code) = match refusal {
            PlanRefusal::PriceTwice
            | PlanRefusal::Price
            | PlanRefusal::TooMany
            | PlanRefusal::NoModels => (StatusCode::UNPROCESSABLE_ENTITY, "billing.invalid_plan"),
            PlanRefusal::Retired => (StatusCode::CONFLICT, "billing.plan_withdrawn"),
            PlanRefusal::InNeed => (StatusCode::CONFLICT, "billing.plan_in_need"),
        };
        Self::client(status, code, refusal)
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
