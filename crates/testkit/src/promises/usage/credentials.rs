//! Workspaces' own keys at providers.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    ids::{CredentialId, WorkspaceId},
    store::{Durability, Scope, Store, StoreError},
    usage::{Provider, ProviderCredential},
};

use super::super::{FOREIGN, OWN};
use crate::fixtures::{ACME, RIVAL, at, credential, id};

/// Everything about a key comes back, byte by byte; and they are listed by their providers.
pub async fn keys_at_providers_are_read_back_as_they_were(store: &dyn Store) {
    let mut own = credential(1, Provider::OPENAI);
    own.sealed.0 = (0..=255).collect();
    "~\"'\\".clone_into(&mut own.ending);
    let own = [credential(2, Provider::ANTHROPIC), credential(3, named("azure-eu-1")), own];
    for credential in own.iter().rev() {
        put(store, OWN, credential).await.expect("put");
    }
    assert_eq!(list(store, OWN, ACME).await, own);
    let mut read = store.read(OWN).await.expect("read");
    for credential in own {
        let found = read.credentials().find(ACME, credential.provider).await.expect("find");
        assert_eq!(found, Some(credential));
    }
    assert_eq!(read.credentials().find(ACME, Provider::GEMINI).await.expect("find"), None);
}

/// Another key has another id, time and maker.
pub async fn a_workspace_has_one_key_at_a_provider_and_the_last_one_stands(store: &dyn Store) {
    let first = credential(1, Provider::OPENAI);
    let second = ProviderCredential {
        id: CredentialId::new(id(9)),
        created_at: at(7),
        ending: "last".to_owned(),
        ..credential(2, Provider::OPENAI)
    };
    for credential in [&first, &second] {
        put(store, OWN, credential).await.expect("put");
    }
    assert_eq!(list(store, OWN, ACME).await, [second]);
}

/// What is not there cannot be removed.
pub async fn a_key_that_is_removed_is_gone_and_the_rest_stays(store: &dyn Store) {
    let [gone, stays] = [credential(1, Provider::OPENAI), credential(2, Provider::GEMINI)];
    for credential in [&gone, &stays] {
        put(store, OWN, credential).await.expect("put");
    }
    for removed in [true, false] {
        let mut work = store.begin(OWN, Durability::Power).await.expect("begin");
        let outcome = work.credentials().remove(ACME, gone.provider).await.expect("remove");
        assert_eq!(outcome, removed);
        work.commit().await.expect("commit");
    }
    assert_eq!(list(store, OWN, ACME).await, [stays]);
}

/// Neither by its own scope, nor by naming the other one. The platform sees each for itself.
pub async fn another_workspace_sees_no_key_at_a_provider(store: &dyn Store) {
    let own = credential(1, Provider::OPENAI);
    put(store, OWN, &own).await.expect("put");
    for workspace in [ACME, RIVAL] {
        assert_eq!(list(store, FOREIGN, workspace).await, []);
        let mut read = store.read(FOREIGN).await.expect("read");
        let found = read.credentials().find(workspace, own.provider).await.expect("find");
        assert_eq!(found, None);
    }
    assert_eq!(list(store, Scope::Platform, RIVAL).await, []);
    assert_eq!(list(store, Scope::Platform, ACME).await, [own]);
}

/// A write that would reach into another workspace is a fault of ours, and changes nothing.
pub async fn a_write_of_a_key_at_a_provider_out_of_scope_is_refused(store: &dyn Store) {
    let own = credential(1, Provider::OPENAI);
    put(store, OWN, &own).await.expect("put");
    let other = credential(2, Provider::OPENAI);
    let refused = put(store, FOREIGN, &other).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    let mut work = store.begin(FOREIGN, Durability::Power).await.expect("begin");
    let refused = work.credentials().remove(ACME, own.provider).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    drop(work);
    assert_eq!(list(store, OWN, ACME).await, [own]);
}

fn named(name: &str) -> Provider {
    name.parse().expect("a name")
}

async fn put(
    store: &dyn Store,
    scope: Scope,
    credential: &ProviderCredential,
) -> Result<(), StoreError> {
    let mut work = store.begin(scope, Durability::Power).await?;
    work.credentials().put(credential).await?;
    work.commit().await
}

async fn list(store: &dyn Store, scope: Scope, workspace: WorkspaceId) -> Vec<ProviderCredential> {
    let mut read = store.read(scope).await.expect("read");
    read.credentials().list(workspace).await.expect("list")
}
