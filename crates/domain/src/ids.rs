//! Typed, prefixed identifiers over UUID version 7, which sort by the time of their making.
use std::{fmt, str::FromStr};

use uuid::Uuid;

/// Where new identifiers come from. Nobody else makes one.
pub trait IdSource: Send + Sync {
    /// A UUID, version 7, never given out before.
    fn uuid(&self) -> Uuid;
}

/// A text that is not an identifier of the expected kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an identifier starting with `{expected}_`")]
pub struct InvalidId {
    /// The prefix the identifier should have carried.
    pub expected: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a raw identifier.
            #[must_use]
            pub const fn new(raw: Uuid) -> Self {
                Self(raw)
            }

            /// One that was never used before.
            #[must_use]
            pub fn next(source: &dyn IdSource) -> Self {
                Self(source.uuid())
            }

            /// The raw identifier, for storage.
            #[must_use]
            pub const fn raw(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(|raw| Uuid::try_parse(raw).ok())
                    .map(Self)
                    .filter(|id| id.to_string() == text)
                    .ok_or(InvalidId { expected: $prefix })
            }
        }
    };
}

id!(
    /// A tenant: everything billable belongs to one.
    WorkspaceId, "wsp"
);
id!(
    /// A person.
    UserId, "usr"
);
id!(
    /// A sign-in, from the password to the last refresh.
    SessionId, "ses"
);
id!(
    /// Something that is good once: a link, a code, a question for the second factor.
    OneTimeId, "otk"
);
id!(
    /// A mail that is to be sent.
    MailId, "mal"
);
id!(
    /// Somebody who was asked to join a workspace.
    InvitationId, "inv"
);
id!(
    /// A key that a program signs in with.
    ApiKeyId, "key"
);
id!(
    /// One request, from the edge to the last row it wrote.
    RequestId, "req"
);
id!(
    /// An entry of the control feed.
    ControlId, "ctl"
);
id!(
    /// A subscription of a workspace to a plan.
    SubscriptionId, "sub"
);
id!(
    /// What a change of a plan was said to cost.
    QuoteId, "qte"
);
id!(
    /// A price that a plan is or was sold at.
    PriceId, "prc"
);
id!(
    /// Something a workspace set out to buy.
    OrderId, "ord"
);
id!(
    /// Money that arrived.
    PaymentId, "pay"
);
id!(
    /// A message of a payment provider.
    WebhookId, "whk"
);
id!(
    /// A transaction of the ledger.
    TransactionId, "txn"
);
id!(
    /// Credits that were given at one time, for one reason.
    GrantId, "grt"
);
id!(
    /// Credits set aside for one call.
    HoldId, "hld"
);
id!(
    /// A call to a model.
    CallId, "cal"
);
id!(
    /// A limit that operators set.
    LimitRuleId, "lim"
);
id!(
    /// A workspace's own key at a provider of models.
    CredentialId, "crd"
);
id!(
    /// What a limit refused in a minute.
    ViolationId, "vio"
);
id!(
    /// An entry of the audit trail.
    AuditId, "aud"
);
id!(
    /// A job.
    JobId, "job"
);
id!(
    /// A request that is to have one effect, however often it is sent.
    ReservationId, "rsv"
);
id!(
    /// A running instance of the program.
    ProcessId, "prc"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_kind_and_one_spelling() {
        let id = WorkspaceId::new(Uuid::from_u128(0xACE));
        let text = id.to_string();
        assert_eq!(text, "wsp_00000000000000000000000000000ace");
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(text.parse::<UserId>(), Err(InvalidId { expected: "usr" }));
        assert_eq!(text.to_uppercase().parse::<WorkspaceId>(), Err(InvalidId { expected: "wsp" }));
        assert!(format!("wsp_{}", id.raw().hyphenated()).parse::<WorkspaceId>().is_err());
    }
}
