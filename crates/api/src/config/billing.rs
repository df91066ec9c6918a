//! Section `billing`: how money arrives.
use cape_gateways::billing::stripe::StripeOptions;
use serde::{Deserialize, Serialize};

use super::{
    Environment, Http,
    problem::Rules,
    values::{BaseUrl, SecretText, list},
};

/// How money arrives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Billing {
    /// By Stripe.
    pub stripe: Stripe,
}

/// How Stripe is reached. Without a secret key it is not configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stripe {
    /// `sk_…` or `rk_…`.
    pub secret_key: Option<SecretText>,
    /// `whsec_…`: two while one is being replaced.
    #[serde(with = "list")]
    pub webhook_secrets: Vec<SecretText>,
    /// Where Stripe is.
    pub base_url: BaseUrl,
    /// Where customers land after they paid.
    pub success_url: Option<BaseUrl>,
    /// Where customers land when they change their mind.
    pub cancel_url: Option<BaseUrl>,
}

impl Billing {
    pub(super) fn defaults() -> Self {
        let base_url = BaseUrl::known(&StripeOptions::default().base_url);
        Self {
            stripe: Stripe {
                secret_key: None,
                webhook_secrets: Vec::new(),
                base_url,
                success_url: None,
                cancel_url: None,
            },
        }
    }

    pub(super) fn check(&self, environment: Environment, http: &Http, rules: &mut Rules) {
        let Stripe { secret_key, webhook_secrets, base_url, success_url, cancel_url } =
            &self.stripe;
        let Some(key) = secret_key else {
            let elsewhere = *base_url != Self::defaults().stripe.base_url;
            rules.refuse(elsewhere, "billing.stripe.base_url", || {
                "has no effect without billing.stripe.secret_key".to_owned()
            });
            return;
        };
        let test = ["sk_test_", "rk_test_"].iter().any(|prefix| key.expose().starts_with(prefix));
        let production = environment == Environment::Production;
        rules.refuse(production && test, "billing.stripe.secret_key", || {
            "is a test key, and production takes real money".to_owned()
        });
        let guarded = environment.is_guarded();
        rules.refuse(
            guarded && webhook_secrets.is_empty(),
            "billing.stripe.webhook_secrets",
            || "is not set, so that no payment would ever be noticed".to_owned(),
        );
        let homeless = http.public_url.is_none() && (success_url.is_none() || cancel_url.is_none());
        rules.refuse(guarded && homeless, "http.public_url", || {
            "is not set, so that customers would not come back from Stripe".to_owned()
        });
    }
}
