//! What is stored, for tests to look at.
use cape_domain::{
    access::ControlEntry,
    accounts::{Session, User},
    audit::{Action, AuditEntry},
    billing::{Balance, CreditGrant, Credits, Hold, Order, Payment, Subscription, Transaction},
    ids::{CallId, HoldId, OrderId, ProcessId, SessionId, SubscriptionId, WorkspaceId},
    jobs::Backlog,
    page::PageRequest,
    store::{ReadWork, Scope, Store as _},
    time::{Clock as _, Timestamp},
    usage::{Call, CallFilter, QuotaPeriod},
};
use cape_testkit::fixtures::ACME;

use crate::world::World;

fn all() -> PageRequest {
    PageRequest::new(None, PageRequest::MOST).expect("a page")
}

impl World {
    /// A look at everything.
    pub async fn look(&self) -> Box<dyn ReadWork> {
        self.store.read(Scope::Platform).await.expect("a look")
    }

    /// What somebody signs in with this address as.
    pub async fn user(&self, email: &str) -> Option<User> {
        let email = email.parse().expect("an address");
        self.look().await.users().find_by_email(&email).await.expect("found")
    }

    pub async fn session(&self, id: SessionId) -> Session {
        self.look().await.sessions().find(id).await.expect("found").expect("a session")
    }

    /// The trail of every workspace, the oldest entry first.
    pub async fn entries(&self) -> Vec<AuditEntry> {
        let mut rows = self.look().await.trail().list(all()).await.expect("listed").rows;
        rows.reverse();
        rows
    }

    /// What was done, the oldest first.
    pub async fn actions(&self) -> Vec<Action> {
        self.entries().await.into_iter().map(|entry| entry.action).collect()
    }

    /// The control feed.
    pub async fn control(&self) -> Vec<ControlEntry> {
        let since = Timestamp::UNIX_EPOCH;
        self.look().await.control().since(since).await.expect("the feed")
    }

    pub async fn balance(&self, workspace: WorkspaceId) -> Balance {
        self.look().await.ledger().balance(workspace).await.expect("a balance")
    }

    /// Available, held and receivable of ACME, in millionths of a credit.
    pub async fn micros(&self) -> [i64; 3] {
        let Balance { available, held, receivable } = self.balance(ACME).await;
        [available, held, receivable].map(Credits::micros)
    }

    pub async fn grants(&self, workspace: WorkspaceId) -> Vec<CreditGrant> {
        self.look().await.ledger().grants(workspace).await.expect("lots")
    }

    /// The ledger of a workspace, the oldest transaction first.
    pub async fn transactions(&self, workspace: WorkspaceId) -> Vec<Transaction> {
        let mut look = self.look().await;
        let mut rows = look.ledger().transactions(workspace, all()).await.expect("listed").rows;
        rows.reverse();
        rows
    }

    pub async fn hold(&self, id: HoldId) -> Hold {
        self.look().await.ledger().hold(id).await.expect("found").expect("a hold")
    }

    /// Open holds of a process.
    pub async fn holds_of(&self, process: ProcessId) -> Vec<Hold> {
        self.look().await.ledger().holds_of(process, 100).await.expect("holds")
    }

    pub async fn order(&self, id: OrderId) -> Order {
        self.look().await.orders().find(id).await.expect("found").expect("an order")
    }

    pub async fn subscription(&self, id: SubscriptionId) -> Subscription {
        let found = self.look().await.subscriptions().find(id).await;
        found.expect("found").expect("a subscription")
    }

    pub async fn payment(&self, order: OrderId) -> Option<Payment> {
        self.look().await.orders().payment(order).await.expect("found")
    }

    /// The order that was placed last.
    pub async fn last_order(&self) -> Order {
        let entries = self.entries().await;
        let placed = entries.iter().rfind(|entry| entry.action == Action::OrderPlaced);
        let id = placed.expect("an order was placed").subject.parse().expect("an id");
        self.order(id).await
    }

    pub async fn backlog(&self) -> Backlog {
        self.jobs.backlog().await.expect("a backlog")
    }

    pub async fn call(&self, id: CallId) -> Call {
        self.look().await.calls().find(id).await.expect("found").expect("a call")
    }

    /// Calls of ACME, the oldest first.
    pub async fn calls(&self) -> Vec<Call> {
        let every = CallFilter::default();
        let listed = self.look().await.reports().list(ACME, &every, all()).await;
        let mut rows = listed.expect("listed").rows;
        rows.reverse();
        rows
    }

    /// How many of ACME's calls count in this month's quota.
    pub async fn counted(&self) -> u64 {
        let period = QuotaPeriod::month_of(self.clock.now());
        self.look().await.quotas().used(ACME, period).await.expect("counted")
    }
}
