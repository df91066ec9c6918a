//! Working together: invitations, roles, and whose workspace is active.
use std::sync::Arc;

use serde_json::{Value, json};

use super::{claims, is_done, is_in, is_locked_out, is_put_out, joined};
use crate::app::{
    Answer, Place, TestApp,
    caller::{PASSWORD, Person, send},
    eventually, on_both_databases,
};

on_both_databases!(
    whoever_is_invited_joins_and_works_there_in_its_role,
    a_newcomer_registers_with_its_invitation_and_is_verified_by_it,
    an_invitation_is_good_once_for_whom_it_was_sent_to_until_the_next_one,
    a_workspace_keeps_an_owner,
    who_is_removed_goes_on_at_home_and_its_keys_die,
);

const INVITATIONS: &str = "/api/workspace/invitations";
const MEMBERS: &str = "/api/workspace/members";
const ACCEPT: &str = "/api/auth/invitations/accept";
const BOB: &str = "bob@example.com";

async fn invite(person: &Person, email: &str, role: &str) -> Answer {
    person.post(INVITATIONS, &json!({ "email": email, "role": role })).await
}

/// Who is there, and as what.
async fn members(person: &Person) -> Vec<(Value, Value)> {
    let all = person.get(MEMBERS).await.with(200);
    let all = all["data"].as_array().expect("members");
    all.iter().map(|member| (member["email"].clone(), member["role"].clone())).collect()
}

async fn change_role(person: &Person, member: &str, role: &str) -> Answer {
    let request = person.request("PATCH", &format!("{MEMBERS}/{member}"));
    send(request.json(&json!({ "role": role }))).await
}

/// The token of the newest invitation, once none is under way.
async fn token(app: &TestApp, email: &str) -> String {
    app.mails_are_sent().await;
    app.mail(email, "You are invited").await.token().to_owned()
}

async fn whoever_is_invited_joins_and_works_there_in_its_role(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let asked = invite(&ada, BOB, "viewer").await.with(201);
    assert_eq!((&asked["email"], &asked["role"]), (&json!(BOB), &json!("viewer")));
    let waiting = ada.get(INVITATIONS).await.with(200);
    assert_eq!(waiting, json!({ "data": [asked], "next_cursor": null }));
    let workspace = claims(&app, &ada).workspace.to_string();
    let switch = json!({ "workspace_id": workspace });
    bob.post("/api/auth/switch", &switch).await.problem(404, "workspace.not_found");
    bob.post("/api/auth/switch", &json!({ "workspace_id": "x" })).await.blames("workspace_id");

    let body = json!({ "token": token(&app, BOB).await });
    assert_eq!(bob.post(ACCEPT, &body).await.with(200), switch);
    assert_eq!(ada.get(INVITATIONS).await.with(200)["data"], json!([]));
    assert_eq!(members(&bob).await.len(), 1, "he is at home still");
    let there = bob.post("/api/auth/switch", &switch).await.with(200);
    assert_eq!(there["workspace"]["id"], workspace);
    let there = bob.renewed(&there);
    is_put_out(&bob).await;
    let both = [(json!("ada@example.com"), json!("owner")), (json!(BOB), json!("viewer"))];
    assert_eq!(members(&there).await, both);
    there.get("/api/payment/credits").await.problem(403, "access.forbidden");
    invite(&there, "carol@example.com", "owner").await.problem(403, "access.forbidden");
    // He stays there when he stays signed in, and comes home when he wants to.
    let there = Person::of(app.http.clone(), &app.http.refresh(&there.refresh).await.with(200));
    assert_eq!(claims(&app, &there).workspace.to_string(), workspace);
    let home = claims(&app, &bob).workspace.to_string();
    let back = there.post("/api/auth/switch", &json!({ "workspace_id": home })).await.with(200);
    there.renewed(&back).get("/api/keys").await.with(200);
    app.finish().await;
}

async fn a_newcomer_registers_with_its_invitation_and_is_verified_by_it(place: Arc<Place>) {
    let app = TestApp::at(place, &[("CAPE_ACCOUNTS__VERIFIED_ONLY", "true")]).await;
    app.http.register("ada@example.com").await.with(201);
    let verify = json!({ "token": app.mail("ada@example.com", "Confirm").await.token() });
    is_done(&app.http.post("/api/auth/verify", &verify).await);
    let ada = app.http.sign_in("ada@example.com").await;
    invite(&ada, BOB, "member").await.with(201);
    let token = token(&app, BOB).await;
    let register = async |email: &str, token: &str| {
        let body = json!({ "email": email, "password": PASSWORD, "invite_token": token });
        app.http.post("/api/auth/register", &body).await
    };
    let eve = register("eve@example.com", &token).await;
    eve.problem(400, "auth.invalid_invitation");
    let last = if token.ends_with('0') { '1' } else { '0' };
    let unknown = format!("{}{last}", &token[..token.len() - 1]);
    register(BOB, &unknown).await.problem(400, "auth.invalid_invitation");
    register(BOB, "x").await.blames("invite_token");
    let registered = register(BOB, &token).await.with(201);
    assert_eq!(registered["user"]["is_verified"], true);
    register("bob2@example.com", &token).await.problem(400, "auth.invalid_invitation");
    let mails = app.subjects(BOB).await;
    assert!(!mails.iter().any(|subject| subject.contains("Confirm")), "{mails:?}");

    let bob = app.http.sign_in(BOB).await;
    assert_eq!(members(&bob).await.len(), 1, "he begins at home");
    let workspace = claims(&app, &ada).workspace.to_string();
    bob.post("/api/auth/switch", &json!({ "workspace_id": workspace })).await.with(200);
    assert_eq!(members(&ada).await[1], (json!(BOB), json!("member")));
    app.finish().await;
}

async fn an_invitation_is_good_once_for_whom_it_was_sent_to_until_the_next_one(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let eve = app.person("eve").await;
    invite(&ada, BOB, "member").await.with(201);
    let first = json!({ "token": token(&app, BOB).await });
    eve.post(ACCEPT, &first).await.problem(400, "auth.invalid_invitation");
    let again = invite(&ada, BOB, "viewer").await.with(201);
    let second = json!({ "token": token(&app, BOB).await });
    assert_ne!(first, second);
    bob.post(ACCEPT, &first).await.problem(400, "auth.invalid_invitation");
    let path = format!("{INVITATIONS}/{}", again["id"].as_str().expect("an id"));
    eve.delete(&path).await.problem(404, "invitation.not_found");
    is_done(&ada.delete(&path).await);
    ada.delete(&path).await.problem(404, "invitation.not_found");
    bob.post(ACCEPT, &second).await.problem(400, "auth.invalid_invitation");

    invite(&ada, BOB, "viewer").await.with(201);
    let third = json!({ "token": token(&app, BOB).await });
    bob.post(ACCEPT, &third).await.with(200);
    for token in [third, json!({ "token": "x" })] {
        bob.post(ACCEPT, &token).await.problem(400, "auth.invalid_invitation");
    }
    invite(&ada, BOB, "king").await.blames("role");
    invite(&ada, "x", "viewer").await.blames("email");
    app.finish().await;
}

async fn a_workspace_keeps_an_owner(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.person("ada").await;
    let own = claims(&app, &ada).user.to_string();
    change_role(&ada, &own, "member").await.problem(409, "member.last_owner");
    let path = format!("{MEMBERS}/{own}");
    ada.delete(&path).await.problem(409, "member.last_owner");
    let nobody = format!("usr_{}", "0".repeat(32));
    change_role(&ada, &nobody, "viewer").await.problem(404, "member.not_found");
    ada.delete(&format!("{MEMBERS}/x")).await.problem(404, "path.invalid_id");
    change_role(&ada, &own, "king").await.blames("role");

    let bob = joined(&app, &ada, "bob", "member").await;
    change_role(&bob, &own, "viewer").await.problem(403, "access.forbidden");
    let other = claims(&app, &bob).user.to_string();
    is_done(&change_role(&ada, &other, "owner").await);
    is_put_out(&bob).await;
    let bob = Person::of(app.http.clone(), &app.http.refresh(&bob.refresh).await.with(200));
    let program = ada.program().await;
    program.models().await.with(200);
    is_done(&change_role(&bob, &own, "viewer").await);
    is_put_out(&ada).await;
    // Who may not spend any more has no program that may.
    eventually("its keys are refused", async || program.models().await.status == 401).await;
    let ada = Person::of(app.http.clone(), &app.http.refresh(&ada.refresh).await.with(200));
    invite(&ada, "carol@example.com", "viewer").await.problem(403, "access.forbidden");
    app.finish().await;
}

async fn who_is_removed_goes_on_at_home_and_its_keys_die(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.person("ada").await;
    let bob = joined(&app, &ada, "bob", "owner").await;
    let program = bob.program().await;
    program.models().await.with(200);
    let path = format!("{MEMBERS}/{}", claims(&app, &bob).user);
    is_done(&ada.delete(&path).await);
    ada.delete(&path).await.problem(404, "member.not_found");
    is_put_out(&bob).await;
    is_locked_out(&program).await;
    let home = Person::of(app.http.clone(), &app.http.refresh(&bob.refresh).await.with(200));
    assert!(is_in(&home).await);
    assert_eq!(members(&home).await, [(json!(BOB), json!("owner"))]);
    assert_eq!(members(&ada).await.len(), 1);
    app.finish().await;
}
