//! Money, as rows: one file per repository.
mod catalogue;
mod customers;
mod ledger;
mod ledger_audit;
mod orders;
mod plans;
mod quotes;
mod subscription_row;
mod subscriptions;
mod webhooks;

use cape_domain::billing::{
    BillingReads, BillingRepositories, CatalogueReads, CatalogueRepository, CustomerReads,
    CustomerRepository, LedgerAudit, LedgerReads, LedgerRepository, OrderReads, OrderRepository,
    SubscriptionReads, SubscriptionRepository, WebhookReads, WebhookRepository,
};

use crate::store::SqlWork;

pub(crate) use ledger::has_room;

impl BillingReads for SqlWork {
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

impl BillingRepositories for SqlWork {
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
