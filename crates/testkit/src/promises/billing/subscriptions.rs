//! Subscriptions, and who a workspace is at a payment provider.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    billing::{ProviderName, Subscription, SubscriptionState},
    ids::WorkspaceId,
    store::{Durability, Scope, Store, StoreError},
};

use super::super::{FOREIGN, OWN, conflicts::is_conflict};
use crate::fixtures::{ACME, RIVAL, at, subscription};

/// What the provider called the workspace first is what it is called.
pub async fn the_first_customer_stands(store: &dyn Store) {
    assert_eq!(customer(store, OWN, ACME).await, None);
    for (name, seconds) in [("cus_1", 0), ("cus_2", 1), ("cus_1", 2)] {
        let mut work = store.begin(OWN, Durability::Power).await.expect("begin");
        let remembered = work.customers().remember(ACME, ProviderName::Stripe, name, at(seconds));
        remembered.await.expect("remember");
        work.commit().await.expect("commit");
        assert_eq!(customer(store, OWN, ACME).await.as_deref(), Some("cus_1"));
    }
    assert_eq!(customer(store, FOREIGN, ACME).await, None);
    assert_eq!(customer(store, FOREIGN, RIVAL).await, None);
    assert_eq!(customer(store, Scope::Platform, ACME).await.as_deref(), Some("cus_1"));
}

/// Then another is remembered. To forget an older one, or one that is not there, changes nothing.
pub async fn of_customers_the_one_that_is_named_is_forgotten(store: &dyn Store) {
    forget(store, ACME, "cus_1").await;
    assert_eq!(customer(store, OWN, ACME).await, None);
    remember(store, ACME, "cus_1").await;
    remember(store, RIVAL, "cus_1").await;
    forget(store, ACME, "cus_1").await;
    assert_eq!(customer(store, OWN, ACME).await, None);
    assert_eq!(customer(store, FOREIGN, RIVAL).await.as_deref(), Some("cus_1"));
    remember(store, ACME, "cus_2").await;
    forget(store, ACME, "cus_1").await;
    assert_eq!(customer(store, OWN, ACME).await.as_deref(), Some("cus_2"));

    let mut work = store.begin(OWN, Durability::Power).await.expect("begin");
    let customers = work.customers();
    customers.forget(ACME, ProviderName::Stripe, "cus_2").await.expect("forget");
    customers.remember(ACME, ProviderName::Stripe, "cus_3", at(3)).await.expect("remember");
    work.commit().await.expect("commit");
    assert_eq!(customer(store, OWN, ACME).await.as_deref(), Some("cus_3"));
}

/// One that has ended is none; a second beside one that has not is a conflict.
pub async fn a_workspace_has_one_current_subscription(store: &dyn Store) {
    assert_eq!(current(store, ACME).await, None);
    let ended = SubscriptionState::Ended { at: at(5) };
    insert(store, &Subscription { state: ended, ..subscription(10) }).await.expect("insert");
    assert_eq!(current(store, ACME).await, None);
    let active = subscription(11);
    insert(store, &active).await.expect("insert");
    assert_eq!(current(store, ACME).await, Some(active.clone()));
    let second = insert(store, &subscription(12)).await;
    assert!(is_conflict(&second), "{second:?}");
    assert_eq!(current(store, ACME).await, Some(active));
    let foreign = Subscription { workspace: RIVAL, ..subscription(13) };
    insert(store, &foreign).await.expect("insert");
    assert_eq!(current(store, RIVAL).await, Some(foreign));
}

async fn insert(store: &dyn Store, subscription: &Subscription) -> Result<(), StoreError> {
    let scope = Scope::Workspace(subscription.workspace);
    let mut work = store.begin(scope, Durability::Power).await?;
    work.subscriptions().insert(subscription).await?;
    work.commit().await
}

async fn current(store: &dyn Store, workspace: WorkspaceId) -> Option<Subscription> {
    let mut work = store.read(Scope::Workspace(workspace)).await.expect("read");
    work.subscriptions().current(workspace).await.expect("current")
}

async fn remember(store: &dyn Store, workspace: WorkspaceId, name: &str) {
    let scope = Scope::Workspace(workspace);
    let mut work = store.begin(scope, Durability::Power).await.expect("begin");
    let remembered = work.customers().remember(workspace, ProviderName::Stripe, name, at(0));
    remembered.await.expect("remember");
    work.commit().await.expect("commit");
}

async fn forget(store: &dyn Store, workspace: WorkspaceId, name: &str) {
    let scope = Scope::Workspace(workspace);
    let mut work = store.begin(scope, Durability::Power).await.expect("begin");
    let forgotten = work.customers().forget(workspace, ProviderName::Stripe, name);
    forgotten.await.expect("forget");
    work.commit().await.expect("commit");
}

async fn customer(store: &dyn Store, scope: Scope, workspace: WorkspaceId) -> Option<String> {
    let mut work = store.read(scope).await.expect("read");
    work.customers().find(workspace, ProviderName::Stripe).await.expect("find")
}
