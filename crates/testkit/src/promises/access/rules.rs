//! What keys are good for, when they were used, and whose they are.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    access::{ApiKey, KeyRules, KeyScope, Network},
    billing::Credits,
    ids::ApiKeyId,
    store::{Durability, Scope, Store, StoreError},
    time::Timestamp,
};
use chrono::TimeDelta;

use super::{
    super::{FOREIGN, OWN, conflicts::is_conflict, everything},
    api_keys::{find, insert, list, named, revoke},
};
use crate::fixtures::{ADA, EVE, RIVAL, api_key, at};

/// Each rule by itself, and all of them together; networks stay in their order.
pub async fn the_rules_of_a_key_come_back_as_they_were(store: &dyn Store) {
    let free = KeyRules::unlimited;
    let network = |text: &str| text.parse::<Network>().expect("a network");
    let networks = ["192.0.2.7/32", "10.0.0.0/8", "2001:db8::/64", "0.0.0.0/0"].map(network);
    let models = ["gpt-4o", "a, \"b\" and 'c'", "Zoë's model 🔑"].map(named);
    let all = KeyRules {
        scopes: [KeyScope::Models].into(),
        expires_at: Some(at(5) + TimeDelta::microseconds(1)),
        models: models.into(),
        networks: networks.into(),
        spending_cap: Some(Credits::from_micros(i64::MAX)),
        ends_with_password: true,
    };
    let rules = [
        KeyRules { scopes: [KeyScope::Chat].into(), ..free() },
        KeyRules { expires_at: all.expires_at, ..free() },
        KeyRules { models: all.models.clone(), ..free() },
        KeyRules { networks: all.networks.clone(), ..free() },
        KeyRules { spending_cap: Some(Credits::ZERO), ..free() },
        KeyRules { ends_with_password: true, ..free() },
        all,
    ];
    for (rules, number) in rules.into_iter().zip(10..) {
        let key = ApiKey { rules, last_used_at: Some(at(7)), ..api_key(number) };
        insert(store, &key).await.expect("insert");
        assert_eq!(find(store, OWN, &key).await, Some(key));
    }
}

/// It is still listed when its time is over: it was not taken back.
pub async fn a_key_is_told_when_it_stops_being_good(store: &dyn Store) {
    insert(store, &api_key(10)).await.expect("insert");
    insert(store, &api_key(11)).await.expect("insert");
    for end in [at(100), at(50)] {
        expire(store, OWN, &api_key(10), end).await.expect("expire");
        let ending = api_key(10).run_out(end);
        assert_eq!(find(store, OWN, &ending).await.as_ref(), Some(&ending));
        assert_eq!(list(store, OWN, everything()).await.rows, [api_key(11), ending]);
    }
}

/// A key of somebody else's is as good as none, and what is over does not end again.
pub async fn a_key_that_is_revoked_or_not_ours_is_not_told_when_it_stops(store: &dyn Store) {
    insert(store, &api_key(10)).await.expect("insert");
    insert(store, &api_key(11)).await.expect("insert");
    revoke(store, OWN, &api_key(11), at(60)).await.expect("revoke");
    for (scope, key) in [(FOREIGN, api_key(10)), (OWN, api_key(11)), (OWN, api_key(12))] {
        let refused = expire(store, scope, &key, at(50)).await;
        assert!(is_conflict(&refused), "{refused:?}");
    }
    assert_eq!(find(store, OWN, &api_key(10)).await, Some(api_key(10)));
    assert_eq!(find(store, OWN, &api_key(11)).await, Some(api_key(11).revoke(at(60))));
}

/// Many at a time, in any order, and each key for itself.
pub async fn notes_of_use_of_keys_never_move_back(store: &dyn Store) {
    let [one, other] = [api_key(10), api_key(11)];
    insert(store, &one).await.expect("insert");
    insert(store, &other).await.expect("insert");
    let steps: [(&[_], _, _); 5] = [
        (&[], None, None),
        (&[(other.id, at(20))], None, Some(at(20))),
        (&[(other.id, at(10)), (one.id, at(15))], Some(at(15)), Some(at(20))),
        (&[(one.id, at(15)), (other.id, at(30))], Some(at(15)), Some(at(30))),
        (&[(one.id, at(1))], Some(at(15)), Some(at(30))),
    ];
    for (uses, of_one, of_other) in steps {
        note_use(store, Scope::Platform, uses).await;
        let used = |key: &ApiKey, last_used_at| ApiKey { last_used_at, ..key.clone() };
        assert_eq!(find(store, OWN, &one).await, Some(used(&one, of_one)), "{uses:?}");
        assert_eq!(find(store, OWN, &other).await, Some(used(&other, of_other)), "{uses:?}");
    }
}

/// What can be noted is.
pub async fn notes_of_use_pass_over_keys_that_are_gone_or_not_ours(store: &dyn Store) {
    let foreign = ApiKey { workspace: RIVAL, owner: EVE, ..api_key(11) };
    insert(store, &api_key(10)).await.expect("insert");
    insert(store, &foreign).await.expect("insert");
    let uses = [(api_key(12).id, at(5)), (foreign.id, at(6)), (api_key(10).id, at(7))];
    note_use(store, OWN, &uses).await;
    let noted = ApiKey { last_used_at: Some(at(7)), ..api_key(10) };
    assert_eq!(find(store, OWN, &noted).await, Some(noted));
    assert_eq!(find(store, FOREIGN, &foreign).await, Some(foreign));
}

/// As far as the scope goes; those that were taken back are not among them.
pub async fn the_keys_of_an_owner_are_found_in_all_its_workspaces(store: &dyn Store) {
    let elsewhere = ApiKey { workspace: RIVAL, ..api_key(11) };
    let foreign = ApiKey { owner: EVE, ..api_key(12) };
    let expired = api_key(13).run_out(at(13));
    for key in [&api_key(10), &elsewhere, &foreign, &expired, &api_key(14)] {
        insert(store, key).await.expect("insert");
    }
    revoke(store, OWN, &api_key(14), at(60)).await.expect("revoke");
    for (scope, expected) in [
        (Scope::Platform, vec![api_key(10), elsewhere.clone(), expired.clone()]),
        (OWN, vec![api_key(10), expired]),
        (FOREIGN, vec![elsewhere]),
    ] {
        let mut work = store.begin(scope, Durability::Power).await.expect("begin");
        let mut keys = work.api_keys().of_owner(ADA).await.expect("of owner");
        keys.sort_by_key(|key| key.id);
        assert_eq!(keys, expected);
    }
}

async fn expire(
    store: &dyn Store,
    scope: Scope,
    key: &ApiKey,
    at: Timestamp,
) -> Result<(), StoreError> {
    let mut work = store.begin(scope, Durability::Power).await?;
    work.api_keys().expire(key.id, at).await?;
    work.commit().await
}

async fn note_use(store: &dyn Store, scope: Scope, uses: &[(ApiKeyId, Timestamp)]) {
    let mut work = store.begin(scope, Durability::Process).await.expect("begin");
    work.api_keys().note_use(uses).await.expect("note");
    work.commit().await.expect("commit");
}
