//! The accounts of the ledger, and what is counted in them.
use crate::ids::WorkspaceId;

/// Where units are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Account {
    /// Credits a workspace can use. Never below zero.
    Available(WorkspaceId),
    /// Credits that its open holds have set aside. Never below zero.
    Held(WorkspaceId),
    /// Credits a workspace owes: an account that is below zero by the debt.
    Receivable(WorkspaceId),
    /// Credits that were sold: below zero by all that came into being.
    Issued,
    /// Credits that were given away: below zero likewise.
    Promotions,
    /// Credits that were used.
    Revenue,
    /// Credits that ran out of time.
    Breakage,
    /// What calls cost us, in United States dollars.
    ProviderCost,
    /// The counter-account of what calls cost us.
    ProviderPayable,
}

impl Account {
    /// The stable name of the kind of account.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Available(_) => "available",
            Self::Held(_) => "held",
            Self::Receivable(_) => "receivable",
            Self::Issued => "issued",
            Self::Promotions => "promotions",
            Self::Revenue => "revenue",
            Self::Breakage => "breakage",
            Self::ProviderCost => "provider_cost",
            Self::ProviderPayable => "provider_payable",
        }
    }

    /// Whose account it is; nobody's for the platform's own.
    #[must_use]
    pub const fn workspace(self) -> Option<WorkspaceId> {
        match self {
            Self::Available(workspace) | Self::Held(workspace) | Self::Receivable(workspace) => {
                Some(workspace)
            }
            Self::Issued
            | Self::Promotions
            | Self::Revenue
            | Self::Breakage
            | Self::ProviderCost
            | Self::ProviderPayable => None,
        }
    }

    /// What is counted in it.
    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::ProviderCost | Self::ProviderPayable => Unit::PicoUsd,
            Self::Available(_)
            | Self::Held(_)
            | Self::Receivable(_)
            | Self::Issued
            | Self::Promotions
            | Self::Revenue
            | Self::Breakage => Unit::MicroCredit,
        }
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// Millionths of a credit.
    MicroCredit,
    /// Million-millionths of a United States dollar.
    PicoUsd,
}

impl Unit {
    /// The stable name, as stored and as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MicroCredit => "micro_credit",
            Self::PicoUsd => "pico_usd",
        }
    }
}
