//! What billing needs from the store.
use async_trait::async_trait;

use super::{
    Balance, CreditGrant, GrantMove, Hold, Order, Pack, Payment, Plan, PlanCode, PlanPrice, Posted,
    ProviderName, Quote, Subscription, Transaction, Webhook, WebhookOutcome,
};
use crate::{
    ids::{
        GrantId, HoldId, OrderId, PriceId, ProcessId, QuoteId, SubscriptionId, TransactionId,
        WebhookId, WorkspaceId,
    },
    page::{Page, PageRequest},
    store::StoreError,
    time::Timestamp,
};

/// What is sold.
#[async_trait]
pub trait CatalogueReads: Send {
    /// Every plan that is sold, in the order in which they were made.
    async fn plans(&mut self) -> Result<Vec<Plan>, StoreError>;

    /// Every plan, in the order in which they were made: those that are not sold any more, too.
    async fn all_plans(&mut self) -> Result<Vec<Plan>, StoreError>;

    /// The plan with this code, whether it is sold or not.
    async fn plan(&mut self, code: &PlanCode) -> Result<Option<Plan>, StoreError>;

    /// The price with this identity, whether it is asked now or not, and whose it is.
    async fn price(&mut self, id: PriceId) -> Result<Option<(PlanCode, PlanPrice)>, StoreError>;

    /// What a provider calls the plan.
    async fn product(
        &mut self,
        plan: &PlanCode,
        provider: ProviderName,
    ) -> Result<Option<String>, StoreError>;

    /// What a provider calls the price.
    async fn provider_price(
        &mut self,
        price: PriceId,
        provider: ProviderName,
    ) -> Result<Option<String>, StoreError>;

    /// Which price a provider calls so.
    async fn price_called(
        &mut self,
        provider: ProviderName,
        name: &str,
    ) -> Result<Option<PriceId>, StoreError>;

    /// Every pack, the smallest first.
    async fn packs(&mut self) -> Result<Vec<Pack>, StoreError>;
}

/// What is sold, to change. Prices are never changed or deleted: they are asked, or not any more.
#[async_trait]
pub trait CatalogueRepository: CatalogueReads {
    /// Stores a new plan with its prices.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when there is one with this code.
    async fn insert_plan(&mut self, plan: &Plan) -> Result<(), StoreError>;

    /// Stores the next version of a plan. Prices that are not among its own any more are not asked
    /// from `now` on.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] unless the stored version is the one before.
    async fn update_plan(&mut self, plan: &Plan, now: Timestamp) -> Result<(), StoreError>;

    /// Remembers what a provider calls a plan. The first name stands.
    async fn remember_product(
        &mut self,
        plan: &PlanCode,
        provider: ProviderName,
        name: &str,
    ) -> Result<(), StoreError>;

    /// Remembers what a provider calls a price. The first name stands.
    async fn remember_price(
        &mut self,
        price: PriceId,
        provider: ProviderName,
        name: &str,
    ) -> Result<(), StoreError>;
}

/// Subscriptions within the scope of the work, to look at.
#[async_trait]
pub trait SubscriptionReads: Send {
    /// The subscription with this id.
    async fn find(&mut self, id: SubscriptionId) -> Result<Option<Subscription>, StoreError>;

    /// The subscription that a provider calls so.
    async fn find_remote(
        &mut self,
        provider: ProviderName,
        remote: &str,
    ) -> Result<Option<Subscription>, StoreError>;

    /// Subscriptions of a workspace, newest first: those that have ended, too.
    async fn list(
        &mut self,
        workspace: WorkspaceId,
        page: PageRequest,
    ) -> Result<Page<Subscription>, StoreError>;

    /// The quote with this id.
    async fn quote(&mut self, id: QuoteId) -> Result<Option<Quote>, StoreError>;

    /// The subscription of a workspace that has not ended. There is one at most.
    async fn current(&mut self, workspace: WorkspaceId)
    -> Result<Option<Subscription>, StoreError>;
}

/// Subscriptions within the scope of the work, to change.
#[async_trait]
pub trait SubscriptionRepository: SubscriptionReads {
    /// Stores a new subscription.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when the workspace has one that has not ended.
    async fn insert(&mut self, subscription: &Subscription) -> Result<(), StoreError>;

    /// Stores a new quote.
    async fn insert_quote(&mut self, quote: &Quote) -> Result<(), StoreError>;

    /// Replaces the stored subscription, if nobody changed it since it was read.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when `version` is no longer the stored one, or another subscription
    /// is called the same by its provider.
    async fn update(&mut self, subscription: &Subscription) -> Result<(), StoreError>;
}

/// Who a workspace is at a payment provider, to look at.
#[async_trait]
pub trait CustomerReads: Send {
    /// The provider's id of the workspace.
    async fn find(
        &mut self,
        workspace: WorkspaceId,
        provider: ProviderName,
    ) -> Result<Option<String>, StoreError>;
}

/// Who a workspace is at a payment provider, to change.
#[async_trait]
pub trait CustomerRepository: CustomerReads {
    /// Remembers the provider's id. The first one stands.
    async fn remember(
        &mut self,
        workspace: WorkspaceId,
        provider: ProviderName,
        customer: &str,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Forgets the provider's id, if it is still this one. One that is not there is forgotten
    /// already.
    async fn forget(
        &mut self,
        workspace: WorkspaceId,
        provider: ProviderName,
        customer: &str,
    ) -> Result<(), StoreError>;
}

/// Orders and payments within the scope of the work, to look at.
#[async_trait]
pub trait OrderReads: Send {
    /// The order with this id.
    async fn find(&mut self, id: OrderId) -> Result<Option<Order>, StoreError>;

    /// The payment of an order.
    async fn payment(&mut self, order: OrderId) -> Result<Option<Payment>, StoreError>;
}

/// Orders and payments within the scope of the work, to change.
#[async_trait]
pub trait OrderRepository: OrderReads {
    /// Stores a new order.
    async fn insert(&mut self, order: &Order) -> Result<(), StoreError>;

    /// Replaces the stored order, if nobody changed it since it was read.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when `version` is no longer the stored one.
    async fn update(&mut self, order: &Order) -> Result<(), StoreError>;

    /// Stores a payment.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when the provider's payment, or the order's, is there already.
    async fn pay(&mut self, payment: &Payment) -> Result<(), StoreError>;
}

/// The inbox, to look at.
#[async_trait]
pub trait WebhookReads: Send {
    /// The message with this id.
    async fn find(&mut self, id: WebhookId) -> Result<Option<Webhook>, StoreError>;
}

/// The inbox, to change.
#[async_trait]
pub trait WebhookRepository: WebhookReads {
    /// Stores a message. Says whether it is new; one that is there already stays as it is.
    async fn receive(&mut self, webhook: &Webhook) -> Result<bool, StoreError>;

    /// Stores what became of a message.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when it is not there or was handled already.
    async fn handle(
        &mut self,
        id: WebhookId,
        outcome: WebhookOutcome,
        at: Timestamp,
    ) -> Result<(), StoreError>;
}

/// The ledger within the scope of the work, to look at.
#[async_trait]
pub trait LedgerReads: Send {
    /// What `workspace` has. A workspace that was never given anything has nothing.
    async fn balance(&mut self, workspace: WorkspaceId) -> Result<Balance, StoreError>;

    /// The lots of `workspace` of which something remains, expired or not.
    async fn grants(&mut self, workspace: WorkspaceId) -> Result<Vec<CreditGrant>, StoreError>;

    /// The lots of `workspace` of which something is neither left nor held. In any order.
    async fn used_grants(&mut self, workspace: WorkspaceId)
    -> Result<Vec<CreditGrant>, StoreError>;

    /// Lots of any workspace within scope of which something remains though they expired at
    /// `now` or before, the longest ago first, up to `limit`.
    async fn expired_grants(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<CreditGrant>, StoreError>;

    /// The hold with this id.
    async fn hold(&mut self, id: HoldId) -> Result<Option<Hold>, StoreError>;

    /// Open holds of a process, the oldest first, up to `limit`.
    async fn holds_of(&mut self, process: ProcessId, limit: u32) -> Result<Vec<Hold>, StoreError>;

    /// Open holds whose deadline is before `now`, the oldest first, up to `limit`.
    async fn overdue_holds(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Hold>, StoreError>;

    /// Those of these lots that there are, whether something remains of them or not. In any order.
    async fn lots(&mut self, ids: &[GrantId]) -> Result<Vec<CreditGrant>, StoreError>;

    /// The transaction with this id.
    async fn transaction(&mut self, id: TransactionId) -> Result<Option<Transaction>, StoreError>;

    /// Transactions of `workspace`, newest first.
    async fn transactions(
        &mut self,
        workspace: WorkspaceId,
        page: PageRequest,
    ) -> Result<Page<Transaction>, StoreError>;
}

/// The ledger within the scope of the work, to change. Amounts were decided in the domain; what
/// guards against concurrent writers is here: floors, keys and states are tested by the
/// statement that writes.
#[async_trait]
pub trait LedgerRepository: LedgerReads {
    /// What `workspace` has, which nobody else changes until this unit of work ends.
    async fn lock(&mut self, workspace: WorkspaceId) -> Result<Balance, StoreError>;

    /// Posts transactions, all or none. Balances that have a floor move with them; the test of
    /// the floor and the movement are one statement. Balances are touched in the order of their
    /// workspaces' ids.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when there is a transaction with the same key.
    async fn post(&mut self, transactions: &[Transaction]) -> Result<Posted, StoreError>;

    /// Stores a new lot.
    async fn insert_grant(&mut self, grant: &CreditGrant) -> Result<(), StoreError>;

    /// Moves parts of lots.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when something would go below zero: somebody was faster.
    async fn move_grants(&mut self, moves: &[GrantMove]) -> Result<(), StoreError>;

    /// Stores new, open holds with their allocations.
    async fn insert_holds(&mut self, holds: &[Hold]) -> Result<(), StoreError>;

    /// Stores that holds ended, all or none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when a stored one is not open: somebody was faster.
    async fn end_holds(&mut self, holds: &[Hold]) -> Result<(), StoreError>;

    /// The same, of one new hold.
    async fn insert_hold(&mut self, hold: &Hold) -> Result<(), StoreError> {
        self.insert_holds(std::slice::from_ref(hold)).await
    }

    /// The same, of one hold that ended.
    ///
    /// # Errors
    ///
    /// The same.
    async fn end_hold(&mut self, hold: &Hold) -> Result<(), StoreError> {
        self.end_holds(std::slice::from_ref(hold)).await
    }
}

/// A broken invariant of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which invariant, by its stable name.
    pub invariant: &'static str,
    /// The id of what breaks it.
    pub subject: String,
    /// What is there, and what should be.
    pub detail: String,
}

/// Proves the ledger, or says where it is broken. `docs/ledger.md` lists the invariants.
#[async_trait]
pub trait LedgerAudit: Send {
    /// Every broken invariant within scope.
    async fn violations(&mut self) -> Result<Vec<Violation>, StoreError>;
}

/// What billing reads.
pub trait BillingReads: Send {
    /// What is sold.
    fn catalogue(&mut self) -> &mut dyn CatalogueReads;

    /// Subscriptions.
    fn subscriptions(&mut self) -> &mut dyn SubscriptionReads;

    /// Customers at providers.
    fn customers(&mut self) -> &mut dyn CustomerReads;

    /// Orders and payments.
    fn orders(&mut self) -> &mut dyn OrderReads;

    /// The inbox.
    fn webhooks(&mut self) -> &mut dyn WebhookReads;

    /// The ledger.
    fn ledger(&mut self) -> &mut dyn LedgerReads;

    /// The proof of the ledger.
    fn ledger_audit(&mut self) -> &mut dyn LedgerAudit;
}

/// The repositories billing works with, all in the same unit of work.
pub trait BillingRepositories: Send {
    /// What is sold.
    fn catalogue(&mut self) -> &mut dyn CatalogueRepository;

    /// Subscriptions.
    fn subscriptions(&mut self) -> &mut dyn SubscriptionRepository;

    /// Customers at providers.
    fn customers(&mut self) -> &mut dyn CustomerRepository;

    /// Orders and payments.
    fn orders(&mut self) -> &mut dyn OrderRepository;

    /// The inbox.
    fn webhooks(&mut self) -> &mut dyn WebhookRepository;

    /// The ledger.
    fn ledger(&mut self) -> &mut dyn LedgerRepository;
}
