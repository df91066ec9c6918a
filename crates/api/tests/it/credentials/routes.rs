//! Storing, showing and removing keys, and who may.
use std::{fs, sync::Arc};

use cape_domain::{
    access::Role,
    accounts::Membership,
    ids::{UserId, WorkspaceId},
    store::{Durability, Scope, Store as _},
    time::Timestamp,
};
use serde_json::json;

use super::{GOOD, remove, store, tells};
use crate::app::{Place, TestApp, caller::Person, on_both_databases};

on_both_databases!(a_key_is_stored_shown_by_its_end_replaced_and_removed);

const LIST: &str = "/api/ai/credentials";
const OPENAI: &str = "/api/ai/credentials/openai";

async fn a_key_is_stored_shown_by_its_end_replaced_and_removed(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let [ada, eve] = [app.person("ada").await, app.person("eve").await];
    assert_eq!(ada.get(LIST).await.with(200), json!({ "data": [] }));
    ada.get(OPENAI).await.problem(404, "credential.not_found");

    let first = store(&ada, "openai", GOOD).await.with(200);
    tells(&first, "openai", "1234");
    tells(&store(&ada, "gemini", "AIza-acme-9999").await.with(200), "gemini", "9999");
    let second = store(&ada, "openai", " sk-acme-5678 ").await.with(200);
    tells(&second, "openai", "5678");
    assert_ne!(first["id"], second["id"]);
    assert_eq!(ada.get(OPENAI).await.with(200), second);
    let listed = ada.get(LIST).await;
    let data = listed.with(200)["data"].clone();
    assert_eq!(data.as_array().map(Vec::len), Some(2), "{data}");
    assert_eq!((&data[0]["provider"], &data[1]), (&json!("gemini"), &second));
    assert!(!listed.text.contains("acme"), "{}", listed.text);

    // Nobody else's workspace knows of it.
    assert_eq!(eve.get(LIST).await.with(200), json!({ "data": [] }));
    eve.get(OPENAI).await.problem(404, "credential.not_found");
    remove(&eve, "openai").await.problem(404, "credential.not_found");

    assert_eq!(remove(&ada, "openai").await.status, 204);
    remove(&ada, "openai").await.problem(404, "credential.not_found");
    ada.get(OPENAI).await.problem(404, "credential.not_found");
    let count = async |sql: &str| app.place.count(sql).await;
    assert_eq!(count("SELECT count(*) FROM provider_credentials").await, 1);
    let stored = "SELECT count(*) FROM audit_entries WHERE action = 'credential.stored'";
    let removed = "SELECT count(*) FROM audit_entries WHERE action = 'credential.removed'";
    assert_eq!((count(stored).await, count(removed).await), (3, 1));
    let told = "SELECT count(*) FROM audit_entries WHERE coalesce(CAST(before AS text), '')
        || coalesce(CAST(after AS text), '') LIKE '%acme%'";
    assert_eq!(count(told).await, 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_key_and_what_is_no_provider_is_refused() {
    let app = TestApp::on_sqlite(&[]).await;
    let ada = app.person("ada").await;
    for key in ["", "short", "with space inside", "\u{fc}ml\u{e4}ut-key", &"k".repeat(513)] {
        let refused = store(&ada, "openai", key).await;
        refused.blames("api_key");
        assert!(key.is_empty() || !refused.text.contains(key), "{}", refused.text);
    }
    store(&ada, "opneai", GOOD).await.problem(404, "credential.unknown_provider");
    store(&ada, "Open%20AI", GOOD).await.problem(404, "path.invalid_id");
    let body = json!({ "api_key": GOOD, "base_url": "http://169.254.169.254" });
    let elsewhere = ada.request("PUT", OPENAI).json(&body);
    crate::app::caller::send(elsewhere).await.problem(400, "request.wrong_shape");
    assert_eq!(app.place.count("SELECT count(*) FROM provider_credentials").await, 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_file_of_the_database_has_the_key_in_it() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    store(&ada, "openai", GOOD).await.with(200);
    program.say(super::MODEL, "hello").await.with(200);
    for (name, needed) in [("cape.db", true), ("cape.db-wal", false)] {
        let bytes = match fs::read(app.place.file(name)) {
            Ok(bytes) => bytes,
            Err(error) => {
                assert!(!needed, "{name}: {error}");
                continue;
            }
        };
        assert!(!bytes.windows(GOOD.len()).any(|part| part == GOOD.as_bytes()), "{name}");
    }
    app.finish().await;
}

/// Somebody who has this role in the workspace of `owner`, and is signed in to it.
async fn member(app: &TestApp, owner: &Person, role: Role) -> Person {
    let person = app.person(role.name()).await;
    let workspace = async |person: &Person| {
        let signed_in = person.http.refresh(&person.refresh).await.with(200);
        let place = signed_in["workspace"]["id"].as_str().expect("an id").to_owned();
        (Person::of(person.http.clone(), &signed_in), place)
    };
    let (_, theirs) = workspace(owner).await;
    let id: WorkspaceId = theirs.parse().expect("an id");
    let profile = person.get("/api/user/profile").await.with(200);
    let user: UserId = profile["user"]["id"].as_str().expect("an id").parse().expect("an id");
    let mut work =
        app.instance.store.begin(Scope::Platform, Durability::Power).await.expect("work");
    let place = Membership { workspace: id, user, role, created_at: Timestamp::UNIX_EPOCH };
    work.workspaces().add(&place).await.expect("a new member");
    work.commit().await.expect("committed");
    let body = json!({ "workspace_id": theirs });
    person.renewed(&person.post("/api/auth/switch", &body).await.with(200))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewers_and_members_store_and_remove_nothing_and_viewers_see_nothing() {
    let app = TestApp::on_sqlite(&[]).await;
    let ada = app.person("ada").await;
    store(&ada, "openai", GOOD).await.with(200);
    for (role, sees) in [(Role::Viewer, false), (Role::Member, true)] {
        let person = member(&app, &ada, role).await;
        store(&person, "openai", "sk-mine-1234").await.problem(403, "access.forbidden");
        remove(&person, "openai").await.problem(403, "access.forbidden");
        for path in [LIST, OPENAI] {
            let answer = person.get(path).await;
            assert_eq!(answer.status, if sees { 200 } else { 403 }, "{role:?}: {}", answer.text);
        }
    }
    assert_eq!(ada.get(OPENAI).await.with(200)["ending"], "1234");
    app.finish().await;
}
