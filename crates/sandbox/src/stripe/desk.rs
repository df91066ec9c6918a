//! How every request to `/v1` is served: the key, the form, the idempotency key, the operation, what
//! is to be expanded. What an operation does is not known here.
use std::{future::Future, pin::Pin};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method,
        header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER},
    },
    web::{Bytes, Data},
};
use serde_json::Value;
use tokio::time::sleep;

use super::{
    Stripe,
    account::{Account, StoredAnswer},
    error::StripeError,
    expand::expand,
    faults::{Fault, Mishap},
    form::Form,
    kind::Kind,
    office::Office,
    version::{is_version, show},
};
use crate::{directive::Directive, stream::whole, world::World};

const LONGEST_KEY: usize = 255;
const KEY_LIFE_SECONDS: i64 = 24 * 60 * 60;

/// What is done for one route.
pub(crate) struct Operation {
    /// Patterns of the parameters that it knows.
    pub(crate) parameters: &'static [&'static str],
    /// Does it.
    pub(crate) act: fn(&mut Desk<'_>) -> Result<Value, StripeError>,
}

/// What an operation works on.
pub(crate) struct Desk<'a> {
    /// All that is kept.
    pub(crate) account: &'a mut Account,
    /// The parameters, none of them unknown.
    pub(crate) form: &'a Form,
    /// The `{id}` in the path, or nothing.
    pub(crate) id: &'a str,
    /// The sandbox.
    pub(crate) world: &'a World,
    /// Seconds since 1970.
    pub(crate) now: i64,
    /// The version of the API that is asked for.
    pub(crate) version: &'a str,
}

impl Desk<'_> {
    /// Who changes what is kept.
    pub(crate) fn office(&mut self) -> Office<'_> {
        Office { account: self.account, world: self.world, now: self.now }
    }

    /// The object that the path names.
    pub(crate) fn found(&mut self, kind: Kind) -> Result<Value, StripeError> {
        let found = self.account.get(kind, self.id).cloned();
        found.ok_or_else(|| StripeError::no_such(404, kind.noun(), "id", self.id))
    }

    /// The page of a list that is asked for.
    pub(crate) fn page(
        &mut self,
        kind: Kind,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value, StripeError> {
        self.account.shelf(kind).page(self.form, kind.path(), wanted)
    }
}

struct Asked {
    target: String,
    id: String,
    key: Option<String>,
    version: Option<String>,
    /// The account that the request is about, where it names one.
    account: Option<String>,
    form: Form,
}

/// What was answered: a status, a body, and whether it was before.
struct Answer {
    status: u16,
    body: Value,
    replayed: bool,
    version: String,
}

type Answered = Pin<Box<dyn Future<Output = Result<HttpResponse, StripeError>>>>;

/// The handler of an operation.
pub(crate) fn operation(
    operation: &'static Operation,
) -> impl Fn(Data<Stripe>, HttpRequest, Bytes) -> Answered + Clone {
    move |stripe, request, body| {
        let asked = authenticate(&request).and_then(|()| Asked::read(&request, &body));
        Box::pin(async move { stripe.serve(operation, asked?).await })
    }
}

impl Stripe {
    async fn serve(
        &self,
        operation: &Operation,
        asked: Asked,
    ) -> Result<HttpResponse, StripeError> {
        let (method, path) = asked.target.split_once(' ').unwrap_or_default();
        let path = path.trim_start_matches("/stripe");
        let (fault, account) = self
            .change(|office| (office.account.faults.meet(method, path), office.account.id.clone()));
        let Some(fault) = fault else { return Ok(self.execute(operation, &asked)?.send(&asked)) };
        if !fault.latency.is_zero() {
            sleep(fault.latency).await;
        }
        if fault.mishap == Mishap::WrongAccount {
            return Err(StripeError::wrong_account(&account));
        }
        let answer = if fault.executed { Some(self.execute(operation, &asked)?) } else { None };
        go_wrong(&fault, answer, &asked).await
    }

    fn execute(&self, operation: &Operation, asked: &Asked) -> Result<Answer, StripeError> {
        self.change(|office| {
            let now = office.now;
            let version = match &asked.version {
                Some(version) => version.clone(),
                None => office.account.api_version.clone(),
            };
            if let Some(answer) = repeated(office.account, asked, now)? {
                return Ok(Answer { version, replayed: true, ..answer });
            }
            if let Some(other) = asked.account.as_ref().filter(|id| **id != office.account.id) {
                return Err(StripeError::wrong_account(other));
            }
            asked.form.only(operation.parameters)?;
            let (form, id, world) = (&asked.form, asked.id.as_str(), office.world);
            let account = &mut *office.account;
            let mark = account.mark();
            account.cause.clone_from(&asked.key);
            let version = version.as_str();
            let done = (operation.act)(&mut Desk { account, form, id, world, now, version });
            office.account.cause = None;
            let (status, body) = match done {
                Ok(object) => {
                    let mut body = show(&object, version);
                    for path in form.texts("expand") {
                        expand(office.account, &mut body, path, version)?;
                    }
                    (200, body)
                }
                Err(error) if error.is_outcome() => (error.status(), show(&error.body(), version)),
                Err(error) => {
                    office.account.take_back(&mark);
                    return Err(error);
                }
            };
            if let Some(key) = &asked.key {
                let (target, form) = (asked.target.clone(), asked.form.clone());
                let stored = StoredAnswer { at: now, target, form, status, body: body.clone() };
                office.account.answers.insert(key.clone(), stored);
            }
            Ok(Answer { status, body, replayed: false, version: version.to_owned() })
        })
    }
}

impl Answer {
    fn builder(&self, asked: &Asked) -> actix_web::HttpResponseBuilder {
        let status = actix_web::http::StatusCode::from_u16(self.status).unwrap_or_default();
        let mut builder = HttpResponse::build(status);
        builder.insert_header(("Stripe-Version", self.version.as_str()));
        if let Some(key) = &asked.key {
            builder.insert_header(("Idempotency-Key", key.as_str()));
        }
        if self.replayed {
            builder.insert_header(("Idempotent-Replayed", "true"));
        }
        builder
    }

    fn send(&self, asked: &Asked) -> HttpResponse {
        self.builder(asked).json(&self.body)
    }
}

/// What comes instead of an answer.
async fn go_wrong(
    fault: &Fault,
    answer: Option<Answer>,
    asked: &Asked,
) -> Result<HttpResponse, StripeError> {
    let cut = || {
        let (builder, body) = match &answer {
            Some(answer) => (answer.builder(asked), answer.body.to_string()),
            None => (HttpResponse::Ok(), "{\"object\": \"list\"}".to_owned()),
        };
        whole(builder, body.into_bytes(), &Directive { cut_after: Some(0), ..Directive::default() })
    };
    match fault.mishap {
        Mishap::Status(status) => {
            let mut response = StripeError::fault(status).answer();
            if let Some(seconds) = fault.retry_after {
                response.headers_mut().insert(RETRY_AFTER, seconds.into());
            }
            Ok(response)
        }
        Mishap::Cut => Ok(cut()),
        Mishap::Timeout(wait) => {
            sleep(wait).await;
            Ok(cut())
        }
        Mishap::Late => match answer {
            Some(answer) => Ok(answer.send(asked)),
            None => Err(StripeError::fault(500)),
        },
        Mishap::WrongAccount => Err(StripeError::wrong_account("")),
    }
}

/// The answer that the same request was given under this key, for a day. Requests that were refused
/// were not executed, and may be repeated with other parameters; a card that was declined was tried.
fn repeated(account: &Account, asked: &Asked, now: i64) -> Result<Option<Answer>, StripeError> {
    let Some(key) = &asked.key else { return Ok(None) };
    match account.answers.get(key) {
        Some(stored) if now - stored.at < KEY_LIFE_SECONDS => {
            if stored.target == asked.target && stored.form == asked.form {
                let (status, body) = (stored.status, stored.body.clone());
                Ok(Some(Answer { status, body, replayed: true, version: String::new() }))
            } else {
                Err(StripeError::idempotency(key))
            }
        }
        _ => Ok(None),
    }
}

impl Asked {
    fn read(request: &HttpRequest, body: &Bytes) -> Result<Self, StripeError> {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let written = request.method() == Method::DELETE && !body.is_empty();
        let encoded = if request.method() == Method::POST || written {
            let is_form = header(CONTENT_TYPE.as_str())
                .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
            if !body.is_empty() && !is_form {
                return Err(StripeError::not_a_form());
            }
            std::str::from_utf8(body).map_err(|_| StripeError::not_a_form())?
        } else {
            request.query_string()
        };
        let key = header("Idempotency-Key").filter(|_| request.method() == Method::POST);
        if key.is_some_and(|key| key.is_empty() || key.len() > LONGEST_KEY) {
            let message = "Idempotency keys must have between 1 and 255 characters";
            return Err(StripeError::invalid("Idempotency-Key", message));
        }
        let version = header("Stripe-Version");
        if let Some(version) = version.filter(|version| !is_version(version)) {
            let message = format!("Invalid Stripe API version: {version}");
            return Err(StripeError::state(None, message));
        }
        Ok(Self {
            version: version.map(str::to_owned),
            account: header("Stripe-Account").map(str::to_owned),
            target: format!("{} {}", request.method(), request.path()),
            id: request.match_info().get("id").unwrap_or_default().to_owned(),
            key: key.map(str::to_owned),
            form: Form::parse(encoded)?,
        })
    }
}

fn authenticate(request: &HttpRequest) -> Result<(), StripeError> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    match header.and_then(|header| header.strip_prefix("Bearer ")) {
        None | Some("") => Err(StripeError::no_key()),
        Some(key) if key.len() > "sk_test_".len() && key.starts_with("sk_test_") => Ok(()),
        Some(key) => Err(StripeError::bad_key(key)),
    }
}
