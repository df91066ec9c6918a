//! How every request to `/v1` is served: the key, the form, the idempotency key, the operation, what
//! is to be expanded. What an operation does is not known here.
use std::{future::Ready, future::ready};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method,
        header::{AUTHORIZATION, CONTENT_TYPE},
    },
    web::{Bytes, Data},
};
use serde_json::Value;

use super::{
    API_VERSION, Stripe,
    account::{Account, StoredAnswer},
    error::StripeError,
    form::Form,
};
use crate::world::World;

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
}

struct Asked {
    target: String,
    id: String,
    key: Option<String>,
    form: Form,
}

/// The handler of an operation.
pub(crate) fn operation(
    operation: &'static Operation,
) -> impl Fn(Data<Stripe>, HttpRequest, Bytes) -> Ready<Result<HttpResponse, StripeError>> + Clone {
    move |stripe, request, body| {
        let asked = authenticate(&request).and_then(|()| Asked::read(&request, &body));
        ready(asked.and_then(|asked| stripe.serve(operation, asked)))
    }
}

impl Stripe {
    fn serve(&self, operation: &Operation, asked: Asked) -> Result<HttpResponse, StripeError> {
        let now = self.world.unix();
        let (body, replayed) = self.change(|account| {
            if let Some(body) = repeated(account, &asked, now)? {
                return Ok((body, true));
            }
            asked.form.only(operation.parameters)?;
            let (form, id, world) = (&asked.form, asked.id.as_str(), &self.world);
            let mut body = (operation.act)(&mut Desk { account, form, id, world, now })?;
            for path in form.texts("expand") {
                account.expand(&mut body, path)?;
            }
            if let Some(key) = &asked.key {
                let (target, form) = (asked.target.clone(), asked.form.clone());
                let stored = StoredAnswer { at: now, target, form, body: body.clone() };
                account.answers.insert(key.clone(), stored);
            }
            Ok((body, false))
        })?;
        let mut builder = HttpResponse::Ok();
        builder.insert_header(("Stripe-Version", API_VERSION));
        if let Some(key) = asked.key {
            builder.insert_header(("Idempotency-Key", key));
        }
        if replayed {
            builder.insert_header(("Idempotent-Replayed", "true"));
        }
        Ok(builder.json(body))
    }
}

/// The answer that the same request was given under this key, for a day. Requests that were refused
/// were not executed, and may be repeated with other parameters.
fn repeated(account: &Account, asked: &Asked, now: i64) -> Result<Option<Value>, StripeError> {
    let Some(key) = &asked.key else { return Ok(None) };
    match account.answers.get(key) {
        Some(stored) if now - stored.at < KEY_LIFE_SECONDS => {
            if stored.target == asked.target && stored.form == asked.form {
                Ok(Some(stored.body.clone()))
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
        let encoded = if request.method() == Method::POST {
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
        Ok(Self {
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
