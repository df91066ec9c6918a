//! Subscriptions, and who a workspace is at a payment provider.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    billing::{
        EndReason, Oddity, OpenedCheckout, Period, PriceInterval, ProviderName, Subscription,
        SubscriptionState,
    },
    ids::{PriceId, QuoteId, WorkspaceId},
    page::PageRequest,
    store::{Durability, Scope, Store, StoreError},
};
use chrono::TimeDelta;

use super::super::{FOREIGN, OWN, conflicts::is_conflict};
use crate::fixtures::{ACME, RIVAL, at, dollars, id, subscription};

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
    let ended = SubscriptionState::Ended { at: at(5), reason: EndReason::Canceled };
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

/// With every fact, and no other.
pub async fn a_subscription_is_read_back_in_each_state(store: &dyn Store) {
    let period = Period::new(at(5), at(9)).expect("sound");
    let checkout = OpenedCheckout { id: "cs_1".to_owned(), url: "https://pay".to_owned() };
    let mut stored = Subscription {
        remote: None,
        state: SubscriptionState::Incomplete { checkout: None },
        ..subscription(10)
    };
    insert(store, &stored).await.expect("insert");
    for (state, oddity) in [
        (SubscriptionState::Incomplete { checkout: Some(checkout) }, None),
        (SubscriptionState::Trialing { period }, None),
        (SubscriptionState::Active { period }, Some("its status is `new`")),
        (
            SubscriptionState::PastDue {
                period,
                since: at(5),
                until: at(8),
                canceling: true,
                reminded: 2,
            },
            None,
        ),
        (SubscriptionState::Paused { since: at(6) }, Some("it has no price")),
        (SubscriptionState::Canceling { period }, None),
        (SubscriptionState::Ended { at: at(7), reason: EndReason::Unpaid }, None),
    ] {
        let remote = Some("sub_10".to_owned());
        let next = Subscription { remote, state, oddity: oddity.map(Oddity::new), ..stored };
        update(store, &next).await.expect("update");
        stored = Subscription { version: next.version + 1, ..next };
        assert_eq!(find(store, OWN, &stored).await, Some(stored.clone()));
    }
    assert_eq!(current(store, ACME).await, None);
}

/// Nothing of it is stored then.
pub async fn a_stale_change_of_a_subscription_is_a_conflict(store: &dyn Store) {
    let first = subscription(10);
    insert(store, &first).await.expect("insert");
    let period = Period::new(at(0), at(60)).expect("sound");
    let renewed = Subscription { state: SubscriptionState::Active { period }, ..first.clone() };
    update(store, &renewed).await.expect("update");
    let stale = update(store, &first).await;
    assert!(is_conflict(&stale), "{stale:?}");
    let unknown = update(store, &subscription(11)).await;
    assert!(unknown.is_err(), "{unknown:?}");
    assert_eq!(find(store, OWN, &first).await, Some(Subscription { version: 1, ..renewed }));
}

/// What the provider calls it is its own: no other is called the same.
pub async fn a_subscription_is_found_by_what_its_provider_calls_it(store: &dyn Store) {
    let ended = SubscriptionState::Ended { at: at(5), reason: EndReason::Canceled };
    let own = Subscription { state: ended, ..subscription(10) };
    insert(store, &own).await.expect("insert");
    let named = |remote: Option<&str>| Subscription {
        workspace: RIVAL,
        remote: remote.map(str::to_owned),
        ..subscription(11)
    };
    let taken = insert(store, &named(Some("sub_10"))).await;
    assert!(is_conflict(&taken), "{taken:?}");
    insert(store, &named(None)).await.expect("one without a name");
    let taken = update(store, &named(Some("sub_10"))).await;
    assert!(is_conflict(&taken), "{taken:?}");
    for (scope, seen) in [(Scope::Platform, true), (OWN, true), (FOREIGN, false)] {
        let mut work = store.read(scope).await.expect("read");
        let found = work.subscriptions().find_remote(ProviderName::Stripe, "sub_10").await;
        assert_eq!(found.expect("find"), seen.then(|| own.clone()), "{scope:?}");
        drop(work);
        assert_eq!(find(store, scope, &own).await.is_some(), seen, "{scope:?}");
    }
}

/// To whoever's it is, and as it was said.
pub async fn a_quote_is_read_back_by_whom_it_was_made_for(store: &dyn Store) {
    let one = subscription(10);
    insert(store, &one).await.expect("insert");
    let mut to = one.terms.clone();
    (to.plan_version, to.price.id) = (7, PriceId::new(id(77)));
    (to.price.interval, to.price.amount) = (PriceInterval::Year, dollars(29_000));
    let quote = one.quote(QuoteId::new(id(20)), to, at(86_400)).expect("a quote");
    let mut work = store.begin(OWN, Durability::Power).await.expect("begin");
    work.subscriptions().insert_quote(&quote).await.expect("insert");
    work.commit().await.expect("commit");
    for (scope, seen) in [(Scope::Platform, true), (OWN, true), (FOREIGN, false)] {
        let mut work = store.read(scope).await.expect("read");
        let found = work.subscriptions().quote(quote.id).await.expect("find");
        assert_eq!(found, seen.then(|| quote.clone()), "{scope:?}");
    }
    let mut work = store.begin(FOREIGN, Durability::Power).await.expect("begin");
    assert!(work.subscriptions().insert_quote(&quote).await.is_err());
}

/// Those that have ended, too, and nobody else's.
pub async fn subscriptions_are_listed_newest_first(store: &dyn Store) {
    let ended = SubscriptionState::Ended { at: at(50), reason: EndReason::Abandoned };
    for (number, seconds) in [(10, 3), (11, 1), (12, 2)] {
        let created_at = at(seconds);
        let one = Subscription { state: ended.clone(), created_at, ..subscription(number) };
        insert(store, &one).await.expect("insert");
    }
    insert(store, &Subscription { created_at: at(4), ..subscription(13) }).await.expect("insert");
    let foreign = Subscription { workspace: RIVAL, ..subscription(14) };
    insert(store, &foreign).await.expect("insert");
    let mut work = store.read(OWN).await.expect("read");
    let mut page = PageRequest::new(None, 3).expect("a page");
    let mut seen = Vec::new();
    loop {
        let listed = work.subscriptions().list(ACME, page).await.expect("list");
        seen.extend(listed.rows.iter().map(|one| one.created_at - at(0)));
        let Some(next) = listed.next else { break };
        page = PageRequest::new(Some(next), 3).expect("a page");
    }
    assert_eq!(seen, [4, 3, 2, 1].map(TimeDelta::seconds));
    let foreign = work.subscriptions().list(RIVAL, PageRequest::first()).await.expect("list");
    assert_eq!(foreign.rows, []);
}

async fn find(store: &dyn Store, scope: Scope, one: &Subscription) -> Option<Subscription> {
    let mut work = store.read(scope).await.expect("read");
    work.subscriptions().find(one.id).await.expect("find")
}

async fn update(store: &dyn Store, subscription: &Subscription) -> Result<(), StoreError> {
    let scope = Scope::Workspace(subscription.workspace);
    let mut work = store.begin(scope, Durability::Power).await?;
    work.subscriptions().update(subscription).await?;
    work.commit().await
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
