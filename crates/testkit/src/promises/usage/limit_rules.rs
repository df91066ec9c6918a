//! Limits that operators set.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    ids::LimitRuleId,
    store::{Durability, Scope, Store, StoreError},
    usage::{HIGHEST_LIMIT, LimitRule, LimitTerms, Measure, Per, Provider, Reach, Window},
};

use super::super::{FOREIGN, OWN};
use crate::fixtures::{ACME, ADA, SMALL_MODEL, api_key, at, id};

/// One about each kind of thing, by name; beside those that were there before.
fn rules() -> Vec<LimitRule> {
    let reaches = [
        Reach::All,
        Reach::Plan("pro".parse().expect("a code")),
        Reach::Provider(Provider::OPENAI),
        Reach::Model(SMALL_MODEL.to_owned()),
        Reach::Workspace(ACME),
        Reach::User(ADA),
        Reach::Key(api_key(10).id),
    ];
    let pers = [Per::Platform, Per::Workspace, Per::User, Per::Key];
    let rule = |(number, reach): (usize, Reach)| LimitRule {
        id: LimitRuleId::new(id(100 + number as u128)),
        terms: LimitTerms {
            name: format!("rule-{number}").parse().expect("a name"),
            reach,
            per: pers[number % pers.len()],
            measure: Measure::ALL[number % Measure::ALL.len()],
            window: Window::ALL[number % Window::ALL.len()],
            limit: if number == 0 { HIGHEST_LIMIT } else { number as u64 - 1 },
            enabled: number % 2 == 0,
        },
        version: 1,
        created_at: at(7),
    };
    reaches.into_iter().enumerate().map(rule).collect()
}

/// Everything about a limit comes back, whatever it is about, and whoever looks.
pub async fn a_limit_is_read_back_as_it_was(store: &dyn Store) {
    let mut expected = all(store, Scope::Platform).await;
    for rule in rules().iter().rev() {
        insert(store, rule).await.expect("a new limit");
    }
    expected.extend(rules());
    expected.sort_by_key(|rule| rule.terms.name);
    for scope in [Scope::Platform, OWN, FOREIGN] {
        assert_eq!(all(store, scope).await, expected);
    }
    for rule in expected {
        assert_eq!(find(store, rule.id).await, Some(rule));
    }
}

/// Names tell limits apart, for those who are refused.
pub async fn two_limits_are_not_called_the_same(store: &dyn Store) {
    let [first, second] = [0, 1].map(|place| rules().remove(place));
    insert(store, &first).await.expect("a new limit");
    insert(store, &second).await.expect("a new limit");
    let third = LimitRule { id: LimitRuleId::new(id(200)), ..first.clone() };
    assert!(insert(store, &third).await.is_err_and(|error| error.is_conflict()));
    let mut renamed = LimitRule { version: 2, ..second.clone() };
    renamed.terms.name = first.terms.name;
    assert!(replace(store, &renamed).await.is_err_and(|error| error.is_conflict()));
    assert_eq!(find(store, second.id).await, Some(second));
}

/// Who changes what somebody else has changed has to look again.
pub async fn a_limit_is_replaced_by_its_next_version_alone(store: &dyn Store) {
    let [first, other] = [0, 1].map(|place| rules().remove(place));
    insert(store, &first).await.expect("a new limit");
    let second = LimitRule { id: first.id, version: 2, created_at: first.created_at, ..other };
    replace(store, &second).await.expect("the next version");
    for version in [1, 2, 4] {
        let stale = LimitRule { version, ..first.clone() };
        assert!(replace(store, &stale).await.is_err_and(|error| error.is_conflict()));
    }
    assert_eq!(find(store, first.id).await, Some(second));
}

/// What is not there cannot be removed, or replaced.
pub async fn a_limit_is_removed_once(store: &dyn Store) {
    let [first, second] = [0, 1].map(|place| rules().remove(place));
    insert(store, &first).await.expect("a new limit");
    insert(store, &second).await.expect("a new limit");
    for removed in [true, false] {
        let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
        assert_eq!(work.limit_rules().remove(first.id).await.expect("remove"), removed);
        work.commit().await.expect("commit");
    }
    let gone = LimitRule { version: 2, ..first.clone() };
    assert!(replace(store, &gone).await.is_err_and(|error| error.is_conflict()));
    assert_eq!((find(store, first.id).await, find(store, second.id).await), (None, Some(second)));
}

async fn insert(store: &dyn Store, rule: &LimitRule) -> Result<(), StoreError> {
    let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    work.limit_rules().insert(rule).await?;
    work.commit().await
}

async fn replace(store: &dyn Store, rule: &LimitRule) -> Result<(), StoreError> {
    let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    work.limit_rules().replace(rule).await?;
    work.commit().await
}

async fn find(store: &dyn Store, id: LimitRuleId) -> Option<LimitRule> {
    let mut read = store.read(Scope::Platform).await.expect("read");
    read.limit_rules().find(id).await.expect("find")
}

async fn all(store: &dyn Store, scope: Scope) -> Vec<LimitRule> {
    let mut read = store.read(scope).await.expect("read");
    read.limit_rules().all().await.expect("all")
}
