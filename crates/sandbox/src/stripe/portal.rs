//! `/v1/billing_portal/sessions`, and what a customer does on the page of one.
use serde_json::{Value, json};

use super::{
    cards::{self, Conduct, Decline},
    desk::{Desk, Operation},
    error::StripeError,
    facts::Facts as _,
    kind::Kind,
    office::Office,
    payment_methods::{self, conduct},
    setups,
    subscriptions::{
        has_ended,
        update::{end_at, end_with_period},
    },
};

/// How long a page can be used, in seconds.
const LIFE_SECONDS: i64 = 60 * 60;

/// Make a session.
pub(crate) const CREATE: Operation = Operation {
    parameters: &[
        "customer",
        "return_url",
        "configuration",
        "locale",
        "flow_data[type]",
        "flow_data[subscription_cancel][subscription]",
        "flow_data[subscription_update][subscription]",
        "flow_data[after_completion][type]",
        "flow_data[after_completion][redirect][return_url]",
    ],
    act: create,
};

fn create(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let form = desk.form;
    let customer = form.required("customer")?;
    let mut office = desk.office();
    office.customer("customer", customer)?;
    let flows = ["payment_method_update", "subscription_cancel", "subscription_update"];
    let flow = form.word("flow_data[type]", &flows)?.map(|flow| {
        json!({
            "after_completion": {
                "hosted_confirmation": null, "redirect": null, "type": "portal_homepage",
            },
            "subscription_cancel": null, "subscription_update": null,
            "subscription_update_confirm": null, "type": flow,
        })
    });
    let id = office.mint("bps_1", 23);
    let configuration = match form.text("configuration")? {
        Some(id) => id.to_owned(),
        None => format!("bpc_1{}", office.account.id.trim_start_matches("acct_1")),
    };
    let session = json!({
        "id": id, "object": "billing_portal.session", "configuration": configuration,
        "created": office.now, "customer": customer, "customer_account": null, "flow": flow,
        "livemode": false, "locale": form.text("locale")?, "on_behalf_of": null,
        "return_url": form.url("return_url")?,
        "url": format!("{}/stripe/portal/{id}", office.world.base_url),
    });
    office.record("billing_portal.session.created", &session);
    Ok(session)
}

/// Why a page cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shut {
    /// There is no such page.
    Unknown,
    /// Its time has passed.
    Expired,
    /// What is to be changed is not the customer's, or has ended.
    NotTheirs,
}

/// The session, while its page can be used.
pub(crate) fn open(office: &Office<'_>, id: &str) -> Result<Value, Shut> {
    let session = office.get(Kind::PortalSession, id).ok_or(Shut::Unknown)?;
    if session.number("created") + LIFE_SECONDS <= office.now {
        return Err(Shut::Expired);
    }
    Ok(session)
}

/// Lets a subscription end with its period, or go on.
pub(crate) fn end_or_go_on(
    office: &mut Office<'_>,
    id: &str,
    subscription: &str,
    ends: bool,
) -> Result<Value, Shut> {
    let session = open(office, id)?;
    let theirs = office
        .get(Kind::Subscription, subscription)
        .filter(|one| one["customer"] == session["customer"] && !has_ended(one));
    let mut subscription = theirs.ok_or(Shut::NotTheirs)?;
    // Flexible subscriptions are canceled here by an instant alone.
    if ends && subscription["billing_mode"].is("type", "flexible") {
        end_at(office, &mut subscription);
    } else {
        end_with_period(office, &mut subscription, ends);
    }
    office.change("customer.subscription.updated", &subscription);
    Ok(session)
}

/// How another card was taken.
pub(crate) enum Replaced {
    /// It is charged from now on.
    Done(Value),
    /// It was declined.
    Declined(Value, Decline),
    /// Its owner has to approve it first.
    Approve(String),
}

/// Takes another card for everything that a customer pays.
pub(crate) fn replace_card(
    office: &mut Office<'_>,
    id: &str,
    number: &str,
) -> Result<Replaced, Shut> {
    let session = open(office, id)?;
    let card = match cards::by_number(number) {
        Ok(card) => card,
        Err(decline) => return Ok(Replaced::Declined(session, decline)),
    };
    let customer = office.get(Kind::Customer, session.text("customer")).unwrap_or_default();
    let method = payment_methods::of_card(office, card, &customer);
    office.keep(&method);
    let mut setup = setups::setup(office, &session["customer"], &method);
    setup["_portal"] = id.into();
    Ok(match conduct(&method) {
        Conduct::Declines(decline) => {
            setups::fail(office, &mut setup, decline);
            Replaced::Declined(session, decline)
        }
        Conduct::AuthenticatesAlways | Conduct::AuthenticatesOnce => {
            setups::ask(office, &mut setup);
            Replaced::Approve(setup.text("id").to_owned())
        }
        _ => {
            adopt(office, &mut setup);
            Replaced::Done(session)
        }
    })
}

/// The card of a setup is charged from now on.
pub(crate) fn adopt(office: &mut Office<'_>, setup: &mut Value) {
    setups::succeed(office, setup);
    let method = office.get(Kind::PaymentMethod, setup.text("payment_method"));
    let customer = office.get(Kind::Customer, setup.text("customer"));
    let (Some(mut method), Some(mut customer)) = (method, customer) else { return };
    payment_methods::give(office, &mut method, customer.text("id"));
    customer["invoice_settings"]["default_payment_method"] = method["id"].clone();
    office.change("customer.updated", &customer);
    let theirs = |one: &&Value| {
        one["customer"] == customer["id"]
            && !has_ended(one)
            && one["default_payment_method"].is_string()
    };
    let subscriptions: Vec<Value> =
        office.account.all(Kind::Subscription).filter(theirs).cloned().collect();
    for mut subscription in subscriptions {
        subscription["default_payment_method"] = method["id"].clone();
        office.change("customer.subscription.updated", &subscription);
    }
}
