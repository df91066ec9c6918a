//! Money and the ledger, in memory.
mod audit;
mod catalogue;
mod customers;
mod ledger;
mod orders;
mod subscriptions;
mod webhooks;

use std::collections::BTreeMap;

use cape_domain::{
    billing::{
        Balance, BillingReads, BillingRepositories, CatalogueReads, CatalogueRepository,
        CreditGrant, CustomerReads, CustomerRepository, Hold, LedgerAudit, LedgerReads,
        LedgerRepository, Order, OrderReads, OrderRepository, Payment, Quote, Subscription,
        SubscriptionReads, SubscriptionRepository, Transaction, Webhook, WebhookReads,
        WebhookRepository,
    },
    ids::{
        GrantId, HoldId, OrderId, PaymentId, QuoteId, SubscriptionId, TransactionId, WebhookId,
        WorkspaceId,
    },
    store::StoreError,
};

use super::{MemoryRead, MemoryUnitOfWork, insert_new, newest_first};

/// The rows of billing.
#[derive(Clone, Default)]
pub(crate) struct Tables {
    catalogue: catalogue::Catalogue,
    subscriptions: BTreeMap<SubscriptionId, Subscription>,
    quotes: BTreeMap<QuoteId, Quote>,
    customers: BTreeMap<(WorkspaceId, &'static str), String>,
    orders: BTreeMap<OrderId, Order>,
    payments: BTreeMap<PaymentId, Payment>,
    webhooks: BTreeMap<WebhookId, Webhook>,
    balances: BTreeMap<WorkspaceId, Balance>,
    transactions: BTreeMap<TransactionId, Transaction>,
    keys: BTreeMap<String, TransactionId>,
    grants: BTreeMap<GrantId, CreditGrant>,
    holds: BTreeMap<HoldId, Hold>,
}

impl BillingReads for MemoryRead {
    fn catalogue(&mut self) -> &mut dyn CatalogueReads {
        self
    }

    fn subscriptions(&mut self) -> &mut dyn SubscriptionReads {
        self
    }

    fn customers(&mut self) -> &mut dyn CustomerReads {
        self
    }

    fn orders(&mut self) -> &mut dyn OrderReads {
        self
    }

    fn webhooks(&mut self) -> &mut dyn WebhookReads {
        self
    }

    fn ledger(&mut self) -> &mut dyn LedgerReads {
        self
    }

    fn ledger_audit(&mut self) -> &mut dyn LedgerAudit {
        self
    }
}

impl BillingRepositories for MemoryUnitOfWork {
    fn catalogue(&mut self) -> &mut dyn CatalogueRepository {
        self
    }

    fn subscriptions(&mut self) -> &mut dyn SubscriptionRepository {
        self
    }

    fn customers(&mut self) -> &mut dyn CustomerRepository {
        self
    }

    fn orders(&mut self) -> &mut dyn OrderRepository {
        self
    }

    fn webhooks(&mut self) -> &mut dyn WebhookRepository {
        self
    }

    fn ledger(&mut self) -> &mut dyn LedgerRepository {
        self
    }
}

/// A row that breaks a rule of the domain.
fn corrupt(
    what: &'static str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> StoreError {
    StoreError::Corrupt { what, source: source.into() }
}
