//! What is good once: at every route but its own it is refused, and stays good.
use serde_json::json;

use super::phone::Phone;
use crate::app::{Answer, TestApp, caller::Person};

/// What is good once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    VerifyLink,
    VerifyCode,
    SignInCode,
    ResetLink,
    ReleaseLink,
    ClaimLink,
    Challenge,
    Invitation,
    RefreshToken,
}

/// Where something that is good once is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    Verify,
    VerifyWithCode,
    LoginWithCode,
    Reset,
    ConfirmEmail,
    SecondFactor,
    Accept,
    Register,
    Refresh,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::VerifyLink,
        Self::VerifyCode,
        Self::SignInCode,
        Self::ResetLink,
        Self::ReleaseLink,
        Self::ClaimLink,
        Self::Challenge,
        Self::Invitation,
        Self::RefreshToken,
    ];

    /// Where it is good, and what that answers.
    const fn own(self) -> (Route, u16) {
        match self {
            Self::VerifyLink => (Route::Verify, 204),
            Self::VerifyCode => (Route::VerifyWithCode, 204),
            Self::SignInCode => (Route::LoginWithCode, 200),
            Self::ResetLink => (Route::Reset, 204),
            Self::ReleaseLink | Self::ClaimLink => (Route::ConfirmEmail, 200),
            Self::Challenge => (Route::SecondFactor, 200),
            Self::Invitation => (Route::Accept, 200),
            Self::RefreshToken => (Route::Refresh, 200),
        }
    }
}

impl Route {
    const ALL: [Self; 9] = [
        Self::Verify,
        Self::VerifyWithCode,
        Self::LoginWithCode,
        Self::Reset,
        Self::ConfirmEmail,
        Self::SecondFactor,
        Self::Accept,
        Self::Register,
        Self::Refresh,
    ];

    /// How it refuses.
    fn refusal(self, presented: &str) -> (u16, &'static str) {
        match self {
            Self::Verify | Self::Reset | Self::ConfirmEmail | Self::SecondFactor => {
                (400, "auth.invalid_token")
            }
            Self::VerifyWithCode | Self::LoginWithCode => (401, "auth.invalid_code"),
            Self::Accept => (400, "auth.invalid_invitation"),
            Self::Register if presented.starts_with("cape_ot_") => (400, "auth.invalid_invitation"),
            Self::Register => (422, "request.invalid_fields"),
            Self::Refresh => (401, "auth.invalid_refresh_token"),
        }
    }
}

/// Somebody who has one of everything.
struct Owner {
    email: String,
    person: Person,
    phone: Phone,
}

impl Owner {
    /// Somebody who was asked to join the workspace of `host`.
    async fn register(app: &TestApp, name: &str, host: &Person) -> Self {
        let email = format!("{name}@example.com");
        let person = app.person(name).await;
        let asked = json!({ "email": email, "role": "member" });
        host.post("/api/workspace/invitations", &asked).await.with(201);
        let address = json!({ "email": email });
        for path in ["/api/auth/password/forgot", "/api/auth/code/request"] {
            app.http.post(path, &address).await.with(202);
        }
        let moving = json!({ "new_email": format!("new-{email}") });
        person.post("/api/auth/email/change", &moving).await.with(202);
        let phone = Phone::set_up(&person).await;
        Self { email, person, phone }
    }

    async fn have(&self, app: &TestApp, kind: Kind) -> String {
        let mail = async |about| app.mail(&self.email, about).await;
        match kind {
            Kind::VerifyLink => mail("Confirm your email address").await.token().to_owned(),
            Kind::VerifyCode => mail("Confirm your email address").await.code().to_owned(),
            Kind::SignInCode => mail("Your code to sign in").await.code().to_owned(),
            Kind::ResetLink => mail("Choose a new password").await.token().to_owned(),
            Kind::ReleaseLink => mail("Do you want to move").await.token().to_owned(),
            Kind::ClaimLink => {
                let new = format!("new-{}", self.email);
                app.mail(&new, "Confirm your new email address").await.token().to_owned()
            }
            Kind::Challenge => {
                let asked = app.http.login(&self.email).await.with(200);
                asked["challenge"].as_str().expect("a challenge").to_owned()
            }
            Kind::Invitation => mail("You are invited").await.token().to_owned(),
            Kind::RefreshToken => self.person.refresh.clone(),
        }
    }

    /// Presents something at a route, with all else that the route wants in order.
    async fn present(&mut self, route: Route, token: &str, factor: &str) -> Answer {
        let (email, http) = (&self.email, &self.person.http);
        let password = "an entirely different phrase";
        let with_code = json!({ "email": email, "code": token });
        let with_token = json!({ "token": token });
        match route {
            Route::Verify => http.post("/api/auth/verify", &with_token).await,
            Route::VerifyWithCode => http.post("/api/auth/verify", &with_code).await,
            Route::LoginWithCode => http.post("/api/auth/code/login", &with_code).await,
            Route::Reset => {
                let body = json!({ "token": token, "new_password": password });
                http.post("/api/auth/password/reset", &body).await
            }
            Route::ConfirmEmail => http.post("/api/auth/email/confirm", &with_token).await,
            Route::SecondFactor => {
                let body = json!({ "challenge": token, "code": factor });
                http.post("/api/auth/login/mfa", &body).await
            }
            Route::Accept => self.person.post("/api/auth/invitations/accept", &with_token).await,
            Route::Register => {
                let body = json!({ "email": email, "password": password, "invite_token": token });
                http.post("/api/auth/register", &body).await
            }
            Route::Refresh => http.refresh(token).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_good_once_for_one_thing_is_refused_for_others_and_stays_good() {
    let app = TestApp::on_sqlite(&[("CAPE_ACCOUNTS__THROTTLE", "off")]).await;
    let host = app.person("host").await;
    for (number, kind) in Kind::ALL.into_iter().enumerate() {
        let mut owner = Owner::register(&app, &format!("owner{number}"), &host).await;
        let token = owner.have(&app, kind).await;
        let factor = owner.phone.next_code();
        let (own, success) = kind.own();
        for route in Route::ALL {
            // Whoever is known already is told by mail, and its invitation is left alone.
            if route == own || (kind, route) == (Kind::Invitation, Route::Register) {
                continue;
            }
            let refused = owner.present(route, &token, &factor).await;
            let (status, code) = route.refusal(&token);
            assert_eq!(refused.status, status, "{kind:?} at {route:?}: {}", refused.text);
            refused.problem(status, code);
        }
        let answer = owner.present(own, &token, &factor).await;
        assert_eq!(answer.status, success, "{kind:?} at its own: {}", answer.text);
        // A refresh token is good again for a moment, for whoever lost the answer.
        if kind != Kind::RefreshToken {
            let again = owner.present(own, &token, &factor).await;
            let (status, code) = own.refusal(&token);
            again.problem(status, code);
        }
    }
    app.finish().await;
}
