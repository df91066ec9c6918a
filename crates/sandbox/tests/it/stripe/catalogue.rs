//! Products, prices and customers.
use serde_json::{Value, json};

use super::{get, good, id, kinds, post, refused, remove};
use crate::{BEGINNING, Bench};

/// A monthly price of a product, in minor units.
pub(super) async fn price(bench: &Bench, amount: &str, interval: &str) -> Value {
    let form = [
        ("currency", "usd"),
        ("unit_amount", amount),
        ("recurring[interval]", interval),
        ("product_data[name]", "Pro"),
    ];
    good(post(bench, "/prices", &form)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn products_and_prices_are_made_found_changed_and_listed() {
    let bench = Bench::start();
    let form = [("name", "Pro"), ("metadata[plan]", "pro"), ("id", "prod_pro")];
    let product = good(post(&bench, "/products", &form)).await;
    assert_eq!((id(&product), &product["active"]), ("prod_pro", &true.into()));
    let taken = refused(post(&bench, "/products", &form)).await;
    assert_eq!(taken, (400, "resource_already_exists".into()));
    let form = [
        ("currency", "JPY"),
        ("unit_amount", "1500"),
        ("product", "prod_pro"),
        ("recurring[interval]", "year"),
        ("lookup_key", "pro_year"),
    ];
    let price = good(post(&bench, "/prices", &form)).await;
    assert_eq!((&price["currency"], &price["unit_amount"]), (&"jpy".into(), &1500.into()));
    assert_eq!(
        (&price["type"], &price["recurring"]["interval_count"]),
        (&"recurring".into(), &1.into())
    );
    let once = [("currency", "usd"), ("unit_amount", "5"), ("product", "prod_pro")];
    let once = good(post(&bench, "/prices", &once)).await;
    assert_eq!((&once["type"], &once["recurring"]), (&"one_time".into(), &Value::Null));
    for (query, expected) in [
        ("lookup_keys[]=pro_year", vec![id(&price)]),
        ("type=one_time", vec![id(&once)]),
        ("product=prod_pro&active=true", vec![id(&once), id(&price)]),
        ("product=prod_other", vec![]),
    ] {
        let list = good(get(&bench, &format!("/prices?{query}"))).await;
        let ids: Vec<&str> = list["data"].as_array().expect("a list").iter().map(id).collect();
        assert_eq!(ids, expected, "{query}");
    }
    let path = format!("/prices/{}", id(&price));
    let hidden = good(post(&bench, &path, &[("active", "false"), ("metadata[a]", "b")])).await;
    assert_eq!((&hidden["active"], &hidden["metadata"]), (&false.into(), &json!({"a": "b"})));
    assert_eq!(good(get(&bench, &format!("{path}?expand[]=product"))).await["product"], product);
    let renamed = good(post(&bench, "/products/prod_pro", &[("name", "Max")])).await;
    assert_eq!((&renamed["name"], &renamed["metadata"]["plan"]), (&"Max".into(), &"pro".into()));
    let has_prices = refused(remove(&bench, "/products/prod_pro")).await;
    assert_eq!(has_prices, (400, "invalid_request_error".into()));
    let told =
        ["product.updated", "price.updated", "price.created", "price.created", "product.created"];
    assert_eq!(kinds(&bench).await, told);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_makes_no_sense_is_refused() {
    let bench = Bench::start();
    let product = good(post(&bench, "/products", &[("name", "Pro")])).await;
    for (name, value, code) in [
        ("unit_amount", "-1", "parameter_invalid_integer"),
        ("unit_amount", "100000000", "amount_too_large"),
        ("currency", "dollar", "invalid_request_error"),
        ("currency", "kwd", "invalid_charge_amount"),
        ("recurring[interval]", "fortnight", "invalid_request_error"),
        ("recurring[interval_count]", "37", "invalid_request_error"),
        ("product", "prod_nobody", "resource_missing"),
        ("amount", "5", "parameter_unknown"),
    ] {
        let usual = [
            ("currency", "usd"),
            ("unit_amount", "5"),
            ("recurring[interval]", "month"),
            ("product", id(&product)),
        ];
        let mut form: Vec<_> = usual.into_iter().filter(|(known, _)| *known != name).collect();
        form.push((name, value));
        assert_eq!(refused(post(&bench, "/prices", &form)).await, (400, code.into()), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_key_is_one_prices_until_it_is_handed_over() {
    let bench = Bench::start();
    let form = |transfer: bool| {
        let mut form = vec![
            ("currency", "usd"),
            ("unit_amount", "5"),
            ("product_data[name]", "Pro"),
            ("lookup_key", "pro"),
        ];
        form.extend(transfer.then_some(("transfer_lookup_key", "true")));
        form
    };
    let first = good(post(&bench, "/prices", &form(false))).await;
    assert_eq!(refused(post(&bench, "/prices", &form(false))).await.0, 400);
    good(post(&bench, "/prices", &form(true))).await;
    let first = good(get(&bench, &format!("/prices/{}", id(&first)))).await;
    assert_eq!(first["lookup_key"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_changed_and_deleted_with_everything_that_runs() {
    let bench = Bench::start();
    let (customer, _) = super::changes::subscribed(&bench, "1000", "month").await;
    let path = format!("/customers/{}", id(&customer));
    let form = [("name", "Ada"), ("metadata[a]", "1"), ("phone", "")];
    let changed = good(post(&bench, &path, &form)).await;
    assert_eq!((&changed["name"], &changed["metadata"]["a"]), (&"Ada".into(), &"1".into()));
    let gone = good(remove(&bench, &path)).await;
    assert_eq!(gone, json!({"id": id(&customer), "object": "customer", "deleted": true}));
    assert_eq!(good(get(&bench, &path)).await, gone);
    assert_eq!(refused(post(&bench, &path, &[("name", "B")])).await.0, 404);
    let form = [("customer", id(&customer))];
    let refusal = refused(post(&bench, "/billing_portal/sessions", &form)).await;
    assert_eq!(refusal, (400, "resource_missing".into()));
    let told = kinds(&bench).await;
    assert_eq!(told[0], "customer.deleted");
    for kind in ["customer.subscription.deleted", "payment_method.detached", "customer.updated"] {
        assert!(told.iter().any(|told| told == kind), "{kind} in {told:?}");
    }
    let events = good(get(&bench, "/events?type=customer.updated")).await;
    let first = events["data"].as_array().expect("events").last().expect("an event");
    assert_eq!(first["data"]["previous_attributes"]["name"], Value::Null);
    assert_eq!(first["created"], BEGINNING);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_leaves_nothing_behind() {
    let bench = Bench::start();
    let form = [
        ("mode", "subscription"),
        ("line_items[0][price_data][currency]", "usd"),
        ("line_items[0][price_data][unit_amount]", "5"),
        ("line_items[0][price_data][product_data][name]", "Pro"),
        ("line_items[0][price_data][recurring][interval]", "month"),
    ];
    let refusal = refused(post(&bench, "/checkout/sessions", &form)).await;
    assert_eq!(refusal, (400, "parameter_missing".into()), "no quantity");
    for path in ["/products", "/prices", "/checkout/sessions", "/events"] {
        assert_eq!(good(get(&bench, path)).await["data"], json!([]), "{path}");
    }
}
