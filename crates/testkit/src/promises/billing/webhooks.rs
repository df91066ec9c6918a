//! The inbox. It belongs to no workspace.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    billing::{ProviderEvent, Webhook, WebhookOutcome, WebhookState},
    ids::WebhookId,
    store::{Durability, Scope, Store, StoreError},
};
use futures_util::future::join_all;

use super::super::conflicts::{is_conflict, retried};
use crate::fixtures::{at, id, webhook};

/// What comes again under the same name is the same, whatever else it says.
pub async fn a_message_is_received_once_and_the_first_stays(store: &dyn Store) {
    let first = webhook(10);
    assert!(receive(store, &first).await.expect("receive"));
    assert_eq!(find(store, first.id).await, Some(first.clone()));
    let again = Webhook {
        event: ProviderEvent { event: first.event.event.clone(), live: true, ..webhook(11).event },
        ..webhook(11)
    };
    for again in [&again, &first] {
        assert!(!receive(store, again).await.expect("receive"));
    }
    assert_eq!(find(store, again.id).await, None);
    assert_eq!(find(store, first.id).await, Some(first));
    let odd = Webhook {
        event: ProviderEvent {
            live: true,
            api_version: None,
            body_hash: [0; 32],
            ..webhook(12).event
        },
        ..webhook(12)
    };
    assert!(receive(store, &odd).await.expect("receive"));
    assert_eq!(find(store, odd.id).await, Some(odd));
}

/// A provider that sends fifty times at once is heard once, and none of them is an error.
pub async fn of_fifty_deliveries_of_one_message_one_is_new(store: &dyn Store) {
    let event = webhook(10).event;
    let deliveries: Vec<_> =
        (100..150).map(|number| Webhook { event: event.clone(), ..webhook(number) }).collect();
    let outcomes =
        join_all(deliveries.iter().map(|one| retried(async || receive(store, one).await))).await;
    let new = outcomes.iter().filter(|outcome| matches!(outcome, Ok(true))).count();
    let known = outcomes.iter().filter(|outcome| matches!(outcome, Ok(false))).count();
    assert_eq!((new, known), (1, 49), "{outcomes:?}");
    let mut stored = 0;
    for delivery in &deliveries {
        stored += usize::from(find(store, delivery.id).await.is_some());
    }
    assert_eq!(stored, 1);
}

/// Whatever came of it first stands.
pub async fn a_message_is_handled_once(store: &dyn Store) {
    for (number, outcome) in (10..).zip(WebhookOutcome::ALL) {
        let received = webhook(number);
        assert!(receive(store, &received).await.expect("receive"));
        handle(store, received.id, outcome, 20).await.expect("handle");
        let again = handle(store, received.id, WebhookOutcome::Applied, 21).await;
        assert!(is_conflict(&again), "{again:?}");
        let state = WebhookState::Handled { at: at(20), outcome };
        assert_eq!(find(store, received.id).await, Some(Webhook { state, ..received.clone() }));
        assert!(!receive(store, &received).await.expect("receive"), "handled, but still known");
    }
    let unknown = handle(store, WebhookId::new(id(99)), WebhookOutcome::Applied, 20).await;
    assert!(is_conflict(&unknown), "{unknown:?}");
}

async fn receive(store: &dyn Store, webhook: &Webhook) -> Result<bool, StoreError> {
    let mut work = store.begin(Scope::Platform, Durability::Power).await?;
    let new = work.webhooks().receive(webhook).await?;
    work.commit().await?;
    Ok(new)
}

async fn handle(
    store: &dyn Store,
    id: WebhookId,
    outcome: WebhookOutcome,
    seconds: i64,
) -> Result<(), StoreError> {
    let mut work = store.begin(Scope::Platform, Durability::Power).await?;
    work.webhooks().handle(id, outcome, at(seconds)).await?;
    work.commit().await
}

async fn find(store: &dyn Store, id: WebhookId) -> Option<Webhook> {
    let mut work = store.read(Scope::Platform).await.expect("read");
    work.webhooks().find(id).await.expect("find")
}
