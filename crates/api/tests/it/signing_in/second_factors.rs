//! An app that shows codes, and recovery codes for the day it is lost.
use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value, json};
use totp_rs::{Algorithm, Builder, Secret, Totp};

use super::{are_alike, is_done};
use crate::app::{
    Answer, Place, TestApp,
    caller::{PASSWORD, Person},
    eventually, on_both_databases,
    webhook::now,
};

on_both_databases!(
    signing_in_asks_for_the_app_and_takes_each_of_its_codes_once,
    a_recovery_code_stands_in_for_the_app_once,
);

const ADA: &str = "ada@example.com";

/// The app on somebody's phone.
struct Phone {
    totp: Totp,
    /// The step whose code was given last.
    last: u64,
}

impl Phone {
    /// What somebody sees who types the secret into an app.
    fn with(secret: &Value) -> Self {
        let secret = secret.as_str().expect("a text");
        let secret = Secret::try_from_base32(secret).expect("base 32");
        let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6);
        let totp = builder.with_step_duration(30).with_secret(secret).build();
        Self { totp: totp.expect("a secret"), last: 0 }
    }

    /// A code that is good now and was not given before. Three are good at the same time; one
    /// that ends in this moment is not given.
    async fn code(&mut self) -> String {
        let seconds = || u64::try_from(now()).expect("after 1970");
        let oldest = seconds().saturating_add(3) / 30 - 1;
        let step = oldest.max(self.last + 1);
        eventually("the next code is good", async || step <= seconds() / 30 + 1).await;
        self.last = step;
        self.totp.generate(step * 30).to_string()
    }
}

/// Switches the second factor on, and gives the phone and the recovery codes.
async fn switch_on(person: &Person) -> (Phone, Vec<String>) {
    let setup = person.post("/api/auth/mfa/setup", &json!({})).await;
    assert_eq!(setup.header("cache-control"), Some("no-store"));
    let setup = setup.with(200);
    let mut phone = Phone::with(&setup["secret"]);
    let uri = setup["otpauth_uri"].as_str().expect("an address");
    let begin = "otpauth://totp/CapeControl:ada%40example.com?secret=";
    assert!(uri.starts_with(begin) && uri.contains(setup["secret"].as_str().expect("a text")));
    let body = json!({ "code": phone.code().await });
    let answer = person.post("/api/auth/mfa/verify", &body).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    (phone, recovery_codes(&answer.with(200)))
}

fn recovery_codes(answer: &Value) -> Vec<String> {
    let codes = answer["recovery_codes"].as_array().expect("codes");
    let codes: Vec<String> = codes.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), 10);
    codes
}

/// The question for the second factor.
async fn challenge(app: &TestApp) -> String {
    let asked = app.http.login(ADA).await.with(200);
    assert_eq!(asked["mfa_required"], true);
    assert!(asked.get("access_token").is_none() && asked.get("refresh_token").is_none());
    asked["challenge"].as_str().expect("a challenge").to_owned()
}

async fn answer(app: &TestApp, challenge: &str, code: &str) -> Answer {
    let body = json!({ "challenge": challenge, "code": code });
    app.http.post("/api/auth/login/mfa", &body).await
}

async fn left(person: &Person) -> Value {
    person.get("/api/auth/mfa/status").await.with(200)["recovery_codes_left"].clone()
}

async fn signing_in_asks_for_the_app_and_takes_each_of_its_codes_once(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.person("ada").await;
    let status = ada.get("/api/auth/mfa/status").await.with(200);
    let off = json!({ "enabled": false, "enabled_at": null, "recovery_codes_left": 0 });
    assert_eq!(status, off);
    for path in ["verify", "disable", "recovery-codes"] {
        let body = json!({ "code": "123456" });
        let refused = ada.post(&format!("/api/auth/mfa/{path}"), &body).await;
        refused.problem(409, "mfa.not_set_up");
    }
    // Until its first code was shown, an app that was set up changes nothing.
    ada.post("/api/auth/mfa/setup", &json!({})).await.with(200);
    let refused = ada.post("/api/auth/mfa/verify", &json!({ "code": "x" })).await;
    refused.problem(401, "auth.invalid_code");
    app.http.sign_in(ADA).await;

    let (mut phone, _) = switch_on(&ada).await;
    ada.post("/api/auth/mfa/setup", &json!({})).await.problem(409, "mfa.already_active");
    app.mail(ADA, "was switched on").await;
    let asked = challenge(&app).await;
    for wrong in ["x", "12345", "ABCD-EFGH-IJKL-MNOP"] {
        answer(&app, &asked, wrong).await.problem(401, "auth.invalid_code");
    }
    let code = phone.code().await;
    answer(&app, "cape_ot_x.y", &code).await.problem(400, "auth.invalid_token");
    answer(&app, &asked, &code).await.with(200);
    answer(&app, &asked, &code).await.problem(400, "auth.invalid_token");
    let again = challenge(&app).await;
    answer(&app, &again, &code).await.problem(401, "auth.invalid_code");

    let disable =
        async |code: &str| ada.post("/api/auth/mfa/disable", &json!({ "code": code })).await;
    disable(&code).await.problem(401, "auth.invalid_code");
    is_done(&disable(&phone.code().await).await);
    app.mail(ADA, "was switched off").await;
    app.http.sign_in(ADA).await;
    assert_eq!(ada.get("/api/auth/mfa/status").await.with(200), off);
    app.finish().await;
}

async fn a_recovery_code_stands_in_for_the_app_once(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.person("ada").await;
    let (mut phone, codes) = switch_on(&ada).await;
    assert_eq!(left(&ada).await, 10);
    let first = challenge(&app).await;
    // However it was written down.
    let written = codes[0].to_lowercase().replace('-', " ");
    answer(&app, &first, &written).await.with(200);
    assert_eq!(left(&ada).await, 9);
    let second = challenge(&app).await;
    answer(&app, &second, &codes[0]).await.problem(401, "auth.invalid_code");
    answer(&app, &second, &codes[1]).await.with(200);
    assert_eq!(left(&ada).await, 8);

    let renew =
        async |code: &str| ada.post("/api/auth/mfa/recovery-codes", &json!({ "code": code })).await;
    renew(&codes[1]).await.problem(401, "auth.invalid_code");
    let renewed = recovery_codes(&renew(&phone.code().await).await.with(200));
    assert_eq!(left(&ada).await, 10);
    let third = challenge(&app).await;
    answer(&app, &third, &codes[2]).await.problem(401, "auth.invalid_code");
    answer(&app, &third, &renewed[2]).await.with(200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_from_a_mail_is_not_enough_either() {
    let app = TestApp::on_sqlite(&[]).await;
    let ada = app.verified_person("ada").await;
    let (mut phone, _) = switch_on(&ada).await;
    // A challenge is asked for by password and by code; both are the same question.
    let body = json!({ "email": ADA });
    app.http.post("/api/auth/code/request", &body).await.with(202);
    let code = app.mail(ADA, "Your code to sign in").await.code().to_owned();
    let body = json!({ "email": ADA, "code": code });
    let asked = app.http.post("/api/auth/code/login", &body).await.with(200);
    assert_eq!(asked["mfa_required"], true);
    assert!(asked.get("access_token").is_none());
    let asked = asked["challenge"].as_str().expect("a challenge").to_owned();
    // The next question takes the place of the one before.
    let newer = challenge(&app).await;
    let code = phone.code().await;
    answer(&app, &asked, &code).await.problem(400, "auth.invalid_token");
    answer(&app, &newer, &code).await.with(200);
    // A wrong password is told before anything else.
    let wrong = json!({ "email": ADA, "password": "wrong" });
    let wrong = app.http.post("/api/auth/login", &wrong).await;
    let nobody = json!({ "email": "bob@example.com", "password": PASSWORD });
    are_alike(&wrong, &app.http.post("/api/auth/login", &nobody).await);
    app.finish().await;
}
