//! What operators say of models.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    store::{Durability, Scope, Store, StoreError},
    usage::{
        ModelClass, ModelDescription, ModelEntry, ModelKind, Price, PricedVersion, Provider,
        TokenPrices,
    },
};

use super::super::FOREIGN;
use crate::fixtures::at;

fn description(kind: ModelKind) -> ModelDescription {
    ModelDescription {
        aliases: vec!["quick".to_owned(), "fast/1".to_owned()],
        provider: Provider::GEMINI,
        upstream: "m-1".to_owned(),
        class: ModelClass::Large,
        kind,
        context_window: 1_000,
        output_cap: 10,
        image_tokens: Some(7),
        tools: false,
        released_at: at(1),
    }
}

fn price(version: &str, second: i64, price: Price) -> PricedVersion {
    PricedVersion { version: version.to_owned(), effective_at: at(second), price }
}

fn prices() -> Vec<PricedVersion> {
    let usual = TokenPrices { input: 1, cached_input: 2, cache_write: 3, output: 4, request: 5 };
    let long = TokenPrices { input: 6, cached_input: 7, cache_write: 8, output: 9, request: 5 };
    vec![
        price("c", 1, Price::Free),
        price("a", 2, Price::Tokens(usual)),
        price("d", 3, Price::Unknown),
        price("b", 4, Price::ByContext { up_to: 10, usual, long }),
    ]
}

/// Everything that is said comes back; models by their ids, and prices by their times.
pub async fn what_is_said_of_models_is_read_back_as_it_was(store: &dyn Store) {
    let said = |id: &str, kind| ModelEntry {
        description: Some(description(kind)),
        ..ModelEntry::of(id.to_owned())
    };
    let alone =
        ModelDescription { aliases: vec![], image_tokens: None, ..description(ModelKind::Chat) };
    let entries = vec![
        ModelEntry { description: Some(alone), ..ModelEntry::of("B/1%".to_owned()) },
        ModelEntry { prices: prices(), ..said("a", ModelKind::Moderation) },
        said("b", ModelKind::Embedding { dimensions: 3 }),
        ModelEntry { retired_at: Some(at(9)), ..ModelEntry::of("c".to_owned()) },
    ];
    for entry in entries.iter().rev() {
        put(store, entry).await;
        for price in entry.prices.iter().rev() {
            add(store, &entry.id, price).await.expect("added");
        }
    }
    assert_eq!(all(store).await, entries);
}

/// What is said again stands in place of what was; prices stay.
pub async fn what_is_said_again_of_a_model_replaces_all_but_its_prices(store: &dyn Store) {
    let first = ModelEntry {
        description: Some(description(ModelKind::Chat)),
        retired_at: Some(at(5)),
        ..ModelEntry::of("a".to_owned())
    };
    put(store, &first).await;
    let free = price("c", 1, Price::Free);
    add(store, "a", &free).await.expect("added");
    let second = ModelEntry { description: None, retired_at: None, ..first };
    put(store, &second).await;
    assert_eq!(all(store).await, [ModelEntry { prices: vec![free], ..second }]);
}

/// Two prices of one version, or of one instant, are a conflict.
pub async fn a_model_has_one_price_of_a_version_and_of_an_instant(store: &dyn Store) {
    for id in ["a", "b"] {
        put(store, &ModelEntry::of(id.to_owned())).await;
        add(store, id, &price("v", 1, Price::Free)).await.expect("each model its own");
    }
    for (version, second) in [("v", 2), ("w", 1)] {
        let refused = add(store, "a", &price(version, second, Price::Free)).await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    }
    assert_eq!(all(store).await[0].prices.len(), 1);
}

/// Whoever changes what is said waits for whoever does, and sees what that one did.
pub async fn those_who_change_what_is_said_take_turns(store: &dyn Store) {
    let change = async |id: &str| {
        let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
        work.model_entries().take_turn().await.expect("a turn");
        let before = work.model_entries().all().await.expect("all").len();
        work.model_entries().put(&ModelEntry::of(id.to_owned())).await.expect("put");
        work.commit().await.expect("commit");
        before
    };
    let (first, second) = futures_util::future::join(change("a"), change("b")).await;
    assert_eq!(first + second, 1, "one of them saw what the other did");
    assert_eq!(all(store).await.len(), 2);
}

async fn all(store: &dyn Store) -> Vec<ModelEntry> {
    // It is the platform's, whoever looks.
    let mut work = store.read(FOREIGN).await.expect("read");
    work.model_entries().all().await.expect("all")
}

async fn put(store: &dyn Store, entry: &ModelEntry) {
    let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    work.model_entries().put(entry).await.expect("put");
    work.commit().await.expect("commit");
}

async fn add(store: &dyn Store, id: &str, price: &PricedVersion) -> Result<(), StoreError> {
    let mut work = store.begin(Scope::Platform, Durability::Power).await?;
    work.model_entries().add_price(id, price).await?;
    work.commit().await
}
