//! What operators have stopped.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    store::{Durability, Scope, Store},
    usage::{Provider, Switch, SwitchTarget},
};

use super::super::{FOREIGN, OWN};
use crate::fixtures::{ACME, EVE, RIVAL, SMALL_MODEL, api_key, at, switch};

/// One of each kind, in the order of kinds and names.
fn targets() -> [SwitchTarget; 6] {
    [
        SwitchTarget::Key(api_key(10).id),
        SwitchTarget::Workspace(ACME),
        SwitchTarget::Workspace(RIVAL),
        SwitchTarget::Model("Über/model 1%".to_owned()),
        SwitchTarget::Model(SMALL_MODEL.to_owned()),
        SwitchTarget::Provider(Provider::OPENAI),
    ]
}

/// Everything about a switch comes back, whatever it stops; and they are listed in one order.
pub async fn what_is_stopped_is_read_back_as_it_was(store: &dyn Store) {
    let mut switches = targets().map(switch);
    switches[1].reason = "Überprüfung; “ask us” <x>".parse().expect("a reason");
    for switch in switches.iter().rev() {
        put(store, switch).await;
    }
    switches.sort_by(|a, b| a.target.cmp(&b.target));
    assert_eq!(all(store).await, switches);
    let mut read = store.read(Scope::Platform).await.expect("read");
    for switch in switches {
        let found = read.switches().find(&switch.target).await.expect("find");
        assert_eq!(found, Some(switch));
    }
}

/// Stopping again replaces reason, time and operator.
pub async fn a_target_has_one_switch_and_the_last_word_stands(store: &dyn Store) {
    let [target, ..] = targets();
    let first = switch(target);
    put(store, &first).await;
    let reason = "another".parse().expect("a reason");
    let second = Switch { reason, since: at(7), by: EVE, ..first };
    put(store, &second).await;
    assert_eq!(all(store).await, [second]);
}

/// What is not stopped cannot be released.
pub async fn what_is_released_is_gone_and_the_rest_stays(store: &dyn Store) {
    let [key, workspace, ..] = targets();
    for target in [&key, &workspace] {
        put(store, &switch(target.clone())).await;
    }
    for removed in [true, false] {
        let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
        assert_eq!(work.switches().remove(&key).await.expect("remove"), removed);
        assert_eq!(work.switches().find(&key).await.expect("find"), None);
        work.commit().await.expect("commit");
    }
    assert_eq!(all(store).await, [switch(workspace)]);
}

/// A workspace that is stopped has to be told, in its own scope.
pub async fn what_is_stopped_is_the_platforms_whoever_looks(store: &dyn Store) {
    let [.., provider] = targets();
    put(store, &switch(provider.clone())).await;
    for scope in [OWN, FOREIGN] {
        let mut read = store.read(scope).await.expect("read");
        let found = read.switches().find(&provider).await.expect("find");
        assert_eq!(found, Some(switch(provider.clone())));
        assert_eq!(read.switches().all().await.expect("all"), [switch(provider.clone())]);
    }
}

async fn put(store: &dyn Store, switch: &Switch) {
    let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    work.switches().put(switch).await.expect("put");
    work.commit().await.expect("commit");
}

async fn all(store: &dyn Store) -> Vec<Switch> {
    let mut read = store.read(Scope::Platform).await.expect("read");
    read.switches().all().await.expect("all")
}
