//! Which integrations are real, which are emulated, and which are not there.
use super::Config;

/// Somebody outside that the platform works with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integration {
    /// Takes money.
    Stripe,
    /// Delivers mails.
    Mail,
    /// Answers with models.
    OpenAi,
    /// Answers with models.
    Anthropic,
    /// Answers with models.
    Gemini,
}

/// How an integration is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It is the real one, or whatever stands at the configured address.
    Configured,
    /// The sandbox answers in its place.
    Sandboxed,
    /// There is none: routes that need it answer 503.
    Disabled,
}

impl Integration {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Stripe, Self::Mail, Self::OpenAi, Self::Anthropic, Self::Gemini];

    /// Its name, as it is shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stripe => "Stripe",
            Self::Mail => "mail",
            Self::OpenAi => "OpenAI",
            Self::Anthropic => "Anthropic",
            Self::Gemini => "Gemini",
        }
    }
}

impl Config {
    /// How an integration is reached. A key of its own makes it configured.
    #[must_use]
    pub const fn reach(&self, integration: Integration) -> Reach {
        let key = match integration {
            Integration::Stripe => &self.billing.stripe.secret_key,
            Integration::Mail => &self.mail.smtp_url,
            Integration::OpenAi => &self.usage.openai.api_key,
            Integration::Anthropic => &self.usage.anthropic.api_key,
            Integration::Gemini => &self.usage.gemini.api_key,
        };
        match (key, self.sandbox.enabled) {
            (Some(_), _) => Reach::Configured,
            // A sandbox that runs alone does not say where it takes mails: SMTP_URL does.
            (None, true)
                if matches!(integration, Integration::Mail) && self.sandbox.url.is_some() =>
            {
                Reach::Disabled
            }
            (None, true) => Reach::Sandboxed,
            (None, false) => Reach::Disabled,
        }
    }

    /// Whether an integration has no key of its own.
    pub(super) fn lacks_an_integration(&self) -> bool {
        Integration::ALL.iter().any(|&integration| self.reach(integration) != Reach::Configured)
    }
}
