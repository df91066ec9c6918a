//! Section `billing`: how money arrives, and what is done when it does not.
use std::fmt;

use cape_domain::billing::DunningRules;
use cape_gateways::billing::stripe::StripeOptions;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize, Serializer};

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
    /// When it does not.
    pub dunning: Dunning,
}

/// When somebody who did not pay is reminded, and when it is given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dunning {
    /// So many days after the payment failed, one reminder each.
    #[serde(with = "list")]
    pub reminder_days: Vec<Days>,
    /// So many days after the last reminder the plan ends.
    pub grace_days: u16,
}

/// A number of days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Days(u16);

impl Days {
    /// Nobody waits for longer than a year.
    const MOST: u16 = 365;
}

impl TryFrom<String> for Days {
    type Error = NotDays;

    fn try_from(text: String) -> Result<Self, NotDays> {
        text.parse().ok().filter(|days| (1..=Self::MOST).contains(days)).map(Self).ok_or(NotDays)
    }
}

impl Serialize for Days {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that is no number of days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be days, from 1 to 365")]
pub struct NotDays;

impl Dunning {
    /// The rules.
    #[must_use]
    pub fn rules(&self) -> DunningRules {
        let days = |days: u16| TimeDelta::days(days.into());
        let reminders = self.reminder_days.iter().map(|after| days(after.0)).collect();
        DunningRules::new(reminders, days(self.grace_days))
    }
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
            dunning: Dunning { reminder_days: [3, 6, 9].map(Days).to_vec(), grace_days: 7 },
        }
    }

    pub(super) fn check(&self, environment: Environment, http: &Http, rules: &mut Rules) {
        let grace = self.dunning.grace_days;
        rules.refuse(grace > Days::MOST, "billing.dunning.grace_days", || {
            "is longer than a year".to_owned()
        });
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
