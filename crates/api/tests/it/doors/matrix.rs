//! Every kind of token at every operation: as bearer, each is good for what it is for.
use serde_json::json;

use super::{
    forger::{Forger, ROOT},
    operation::{Operation, Wants},
    phone::Phone,
};
use crate::app::{
    TestApp,
    caller::{Person, Program},
    eventually,
};

/// What a service of the operator's signs in with.
const SERVICE: &str = "a-secret-of-a-service-that-nobody-guesses";

/// Something that somebody presents as bearer.
struct Presented {
    kind: &'static str,
    bearer: Option<String>,
    /// What it is good for, if for anything.
    opens: Option<Wants>,
}

impl Presented {
    fn good(kind: &'static str, bearer: &str, opens: Wants) -> Self {
        Self { kind, bearer: Some(bearer.to_owned()), opens: Some(opens) }
    }

    const fn bad(kind: &'static str, bearer: String) -> Self {
        Self { kind, bearer: Some(bearer), opens: None }
    }
}

async fn platform() -> TestApp {
    TestApp::on_sqlite(&[
        ("CAPE_ACCESS__INTROSPECTION_SECRETS", SERVICE),
        ("CAPE_ACCOUNTS__THROTTLE", "off"),
        ("CAPE_SECRETS__SIGNING_KEY", ROOT),
        ("CAPE_USAGE__LIMITS", "off"),
    ])
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_of_token_opens_what_it_is_for_and_nothing_else() {
    let app = platform().await;
    let (ada, program) = app.program("ada").await;
    let all = everything(&app, &ada, &program).await;
    let operations = Operation::all(&app).await;
    app.mails_are_sent().await;
    let before = app.place.rows().await;
    for operation in operations.iter().filter(|operation| operation.wants != Wants::Nothing) {
        for Presented { kind, bearer, opens } in &all {
            if *opens != Some(operation.wants) {
                let bearer = bearer.as_deref();
                operation.refuses(kind, bearer, &operation.ask(&app, bearer).await);
            }
        }
    }
    assert_eq!(app.place.rows().await, before, "who is refused leaves nothing behind");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_in_a_header_of_its_own_opens_what_keys_open_and_no_other_token_does() {
    let app = platform().await;
    let (ada, program) = app.program("ada").await;
    let all = everything(&app, &ada, &program).await;
    for operation in Operation::all(&app).await {
        if operation.wants == Wants::Nothing {
            continue;
        }
        for Presented { kind, bearer, opens } in &all {
            let Some(key) = bearer.as_deref() else { continue };
            let answer = operation.ask_with_key_header(&app, key).await;
            match (operation.wants, opens) {
                (Wants::ApiKey, Some(Wants::ApiKey)) => assert_eq!(answer.status, 200),
                (Wants::ApiKey, _) => operation.refuses(kind, Some(key), &answer),
                // Nobody looks there.
                (Wants::AccessToken | Wants::ServiceSecret, _) => {
                    operation.refuses(kind, None, &answer);
                }
                (Wants::Nothing, _) => panic!("it was left out"),
            }
        }
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_token_opens_every_operation_that_is_for_its_kind() {
    let app = platform().await;
    let (_, program) = app.program("ada").await;
    for (number, operation) in Operation::all(&app).await.into_iter().enumerate() {
        let bearer = match operation.wants {
            Wants::AccessToken if operation.is_for_operators() => {
                app.operator(&format!("operator{number}")).await.access
            }
            // Some operations end the session, or the account.
            Wants::AccessToken => app.person(&format!("person{number}")).await.access,
            Wants::ApiKey => program.key.clone(),
            Wants::ServiceSecret => SERVICE.to_owned(),
            Wants::Nothing => continue,
        };
        let answer = operation.ask(&app, Some(&bearer)).await;
        let closed = [401, 403].contains(&answer.status) || answer.status >= 500;
        assert!(!closed, "{}: {}", operation.id, answer.text);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operation_that_asks_nobody_who_calls_does_not_look_at_what_is_presented() {
    let app = platform().await;
    let (ada, program) = app.program("ada").await;
    let all = everything(&app, &ada, &program).await;
    for operation in Operation::all(&app).await {
        if operation.wants != Wants::Nothing {
            continue;
        }
        let to_nobody = operation.ask(&app, None).await;
        for Presented { kind, bearer, .. } in &all {
            let answer = operation.ask(&app, bearer.as_deref()).await;
            assert_eq!(answer.status, to_nobody.status, "{} {kind}", operation.id);
            if answer.status >= 400 {
                let code = answer.json()["code"].clone();
                assert_eq!(code, to_nobody.json()["code"], "{} {kind}", operation.id);
            }
        }
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_forged_is_refused_for_what_is_wrong_with_it() {
    let app = platform().await;
    let ada = app.person("ada").await;
    let forger = Forger::at(&app, &ada.access).await;
    let untouched = Person { access: forger.saying(|_| {}), ..ada.clone() };
    untouched.get("/api/user/profile").await.with(200);
    for (kind, access) in forger.forgeries() {
        let refused = Person { access, ..ada.clone() }.get("/api/user/profile").await;
        assert_eq!(refused.status, 401, "{kind}");
        let problem = refused.problem(401, "access.invalid_token");
        let over = ["expired", "from the future"].contains(&kind);
        assert_eq!(problem["detail"] == "the token is expired", over, "{kind}: {problem}");
    }
    app.finish().await;
}

/// Everything that may be presented.
async fn everything(app: &TestApp, ada: &Person, program: &Program) -> Vec<Presented> {
    let forger = Forger::at(app, &ada.access).await;
    let mut all = vec![
        Presented { kind: "that is not there", bearer: None, opens: None },
        Presented::good("access token", &ada.access, Wants::AccessToken),
        Presented::good("API key", &program.key, Wants::ApiKey),
        Presented::good("secret of a service", SERVICE, Wants::ServiceSecret),
        Presented::bad("refresh token", ada.refresh.clone()),
        Presented::bad("secret of a service, cut", SERVICE[1..].to_owned()),
    ];
    all.extend(forger.forgeries().into_iter().map(|(kind, token)| Presented::bad(kind, token)));
    all.extend(keys(ada, program).await);
    all.extend(from_mails(app, ada).await);
    all
}

/// Keys that are good for nothing, or no longer.
async fn keys(ada: &Person, program: &Program) -> [Presented; 3] {
    let revoked = ada.program().await;
    assert_eq!(ada.delete(&format!("/api/keys/{}", revoked.id)).await.status, 204);
    eventually("the key is refused", async || revoked.models().await.status == 401).await;
    let (start, last) = program.key.split_at(program.key.len() - 1);
    let mistyped = format!("{start}{}", if last == "0" { "1" } else { "0" });
    let (id, _) = program.key.rsplit_once('_').expect("a secret");
    let (_, secret) = revoked.key.rsplit_once('_').expect("a secret");
    [
        Presented::bad("revoked API key", revoked.key.clone()),
        Presented::bad("API key with a wrong checksum", mistyped),
        Presented::bad("API key with another's secret", format!("{id}_{secret}")),
    ]
}

/// What is good once, somewhere else.
async fn from_mails(app: &TestApp, ada: &Person) -> Vec<Presented> {
    let bob = app.person("bob").await;
    let verify = app.mail("bob@example.com", "Confirm your email address").await;
    let forgotten = json!({ "email": "bob@example.com" });
    app.http.post("/api/auth/password/forgot", &forgotten).await.with(202);
    app.http.post("/api/auth/code/request", &forgotten).await.with(202);
    let moving = json!({ "new_email": "robert@example.com" });
    bob.post("/api/auth/email/change", &moving).await.with(202);
    let asked = json!({ "email": "carol@example.com", "role": "owner" });
    ada.post("/api/workspace/invitations", &asked).await.with(201);
    let reset = app.mail("bob@example.com", "Choose a new password").await;
    let code = app.mail("bob@example.com", "Your code to sign in").await;
    let release = app.mail("bob@example.com", "Do you want to move").await;
    let claim = app.mail("robert@example.com", "Confirm your new").await;
    let invitation = app.mail("carol@example.com", "You are invited").await;
    let mut phone = Phone::set_up(&bob).await;
    let challenge = app.http.login("bob@example.com").await.with(200);
    let challenge = challenge["challenge"].as_str().expect("a challenge").to_owned();
    vec![
        Presented::bad("link to verify", verify.token().to_owned()),
        Presented::bad("code to verify", verify.code().to_owned()),
        Presented::bad("link to reset", reset.token().to_owned()),
        Presented::bad("code to sign in", code.code().to_owned()),
        Presented::bad("link to release an address", release.token().to_owned()),
        Presented::bad("link to claim an address", claim.token().to_owned()),
        Presented::bad("invitation", invitation.token().to_owned()),
        Presented::bad("question for a second factor", challenge),
        Presented::bad("code of an app", phone.next_code()),
        Presented::bad("recovery code", phone.recovery_codes[0].clone()),
    ]
}
