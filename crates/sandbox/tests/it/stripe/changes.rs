//! Changing, previewing and ending subscriptions.
use serde_json::{Value, json};

use super::{
    cards::customer_with, catalogue::price, control, days, get, good, id, kinds, post, refused,
    remove,
};
use crate::{BEGINNING, Bench};

const DAY: i64 = 86_400;

/// A customer and a subscription that is paid with a card that works.
pub(super) async fn subscribed(bench: &Bench, amount: &str, interval: &str) -> (Value, Value) {
    let customer = customer_with(bench, "pm_card_visa").await;
    let price = price(bench, amount, interval).await;
    let form = [("customer", id(&customer)), ("items[0][price]", id(&price))];
    let subscription = good(post(bench, "/subscriptions", &form)).await;
    assert_eq!(subscription["status"], "active");
    (customer, subscription)
}

fn path(subscription: &Value) -> String {
    format!("/subscriptions/{}", id(subscription))
}

async fn latest_invoice(bench: &Bench, subscription: &Value) -> Value {
    let path = format!("{}?expand[]=latest_invoice", path(subscription));
    good(get(bench, &path)).await["latest_invoice"].clone()
}

async fn dearer(
    bench: &Bench,
    subscription: &Value,
    behavior: &str,
) -> Vec<(&'static str, String)> {
    let price = price(bench, "3100", "month").await;
    vec![
        ("items[0][id]", id(&subscription["items"]["data"][0]).to_owned()),
        ("items[0][price]", id(&price).to_owned()),
        ("proration_behavior", behavior.to_owned()),
    ]
}

fn borrowed<'a>(form: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    form.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

fn amounts(invoice: &Value) -> Vec<i64> {
    let lines = invoice["lines"]["data"].as_array().expect("lines").iter();
    lines.map(|line| line["amount"].as_i64().expect("an amount")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dearer_price_is_charged_at_once_for_the_rest_of_the_period() {
    let bench = Bench::start();
    let (_, subscription) = subscribed(&bench, "1000", "month").await;
    days(&bench, 10).await;
    let form = dearer(&bench, &subscription, "always_invoice").await;
    let preview = [
        ("subscription", id(&subscription)),
        ("subscription_details[items][0][id]", form[0].1.as_str()),
        ("subscription_details[items][0][price]", form[1].1.as_str()),
        ("subscription_details[proration_behavior]", "always_invoice"),
    ];
    let preview = good(post(&bench, "/invoices/create_preview", &preview)).await;
    let changed = good(post(&bench, &path(&subscription), &borrowed(&form))).await;
    // 21 of 31 days are left.
    let expected = [-677, 2100];
    assert_eq!(amounts(&preview), expected);
    assert_eq!(
        preview["lines"]["data"][0]["parent"]["subscription_item_details"]["proration"],
        true
    );
    let invoice = latest_invoice(&bench, &subscription).await;
    assert_eq!(amounts(&invoice), expected);
    assert_eq!((&invoice["total"], &invoice["status"]), (&1423.into(), &"paid".into()));
    assert_eq!(preview["amount_due"], invoice["amount_due"]);
    assert_eq!(invoice["billing_reason"], "subscription_update");
    let item = &changed["items"]["data"][0];
    assert_eq!(item["price"]["unit_amount"], 3100);
    assert_eq!(item["current_period_end"], BEGINNING + 31 * DAY);
    assert_eq!(good(get(&bench, "/invoices")).await["data"].as_array().map(Vec::len), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_change_costs_waits_for_the_next_invoice_or_is_not_charged_at_all() {
    for (behavior, expected) in
        [("create_prorations", vec![-677, 2100, 3100]), ("none", vec![3100])]
    {
        let bench = Bench::start();
        let (_, subscription) = subscribed(&bench, "1000", "month").await;
        days(&bench, 10).await;
        let form = dearer(&bench, &subscription, behavior).await;
        good(post(&bench, &path(&subscription), &borrowed(&form))).await;
        let upcoming = [("subscription", id(&subscription))];
        let upcoming = good(post(&bench, "/invoices/create_preview", &upcoming)).await;
        assert_eq!(amounts(&upcoming), expected, "{behavior}");
        days(&bench, 22).await;
        let invoice = latest_invoice(&bench, &subscription).await;
        assert_eq!(amounts(&invoice), expected, "{behavior}");
        assert_eq!(invoice["status"], "paid");
        days(&bench, 31).await;
        assert_eq!(amounts(&latest_invoice(&bench, &subscription).await), [3100], "once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_interval_begins_a_new_period_and_credits_the_old_one() {
    let bench = Bench::start();
    let (_, subscription) = subscribed(&bench, "1000", "month").await;
    days(&bench, 10).await;
    let yearly = price(&bench, "10000", "year").await;
    let form =
        [("items[0][id]", id(&subscription["items"]["data"][0])), ("items[0][price]", id(&yearly))];
    let changed = good(post(&bench, &path(&subscription), &form)).await;
    let now = BEGINNING + 10 * DAY;
    assert_eq!(changed["billing_cycle_anchor"], now);
    let item = &changed["items"]["data"][0];
    assert_eq!(item["current_period_start"], now);
    assert_eq!(item["current_period_end"], now + 365 * DAY);
    assert_eq!(amounts(&latest_invoice(&bench, &subscription).await), [-677, 10000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cheaper_price_leaves_a_credit_that_the_next_invoice_uses() {
    let bench = Bench::start();
    let (customer, subscription) = subscribed(&bench, "3100", "month").await;
    days(&bench, 10).await;
    let cheap = price(&bench, "1000", "month").await;
    let form = [
        ("items[0][id]", id(&subscription["items"]["data"][0])),
        ("items[0][price]", id(&cheap)),
        ("proration_behavior", "always_invoice"),
    ];
    good(post(&bench, &path(&subscription), &form)).await;
    let invoice = latest_invoice(&bench, &subscription).await;
    assert_eq!((&invoice["total"], &invoice["amount_due"]), (&(-1423).into(), &0.into()));
    assert_eq!(invoice["status"], "paid");
    let customer = format!("/customers/{}", id(&customer));
    assert_eq!(good(get(&bench, &customer)).await["balance"], -1423);
    days(&bench, 22).await;
    let invoice = latest_invoice(&bench, &subscription).await;
    assert_eq!((&invoice["total"], &invoice["amount_due"]), (&1000.into(), &0.into()));
    assert_eq!(
        (&invoice["starting_balance"], &invoice["ending_balance"]),
        (&(-1423).into(), &(-423).into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_cannot_be_paid_is_refused_or_waits() {
    let bench = Bench::start();
    let (customer, subscription) = subscribed(&bench, "1000", "month").await;
    let outcome = json!({"customer": id(&customer), "outcome": "insufficient_funds"});
    control(&bench, "/cards", outcome).await;
    let usual = dearer(&bench, &subscription, "always_invoice").await;
    let form = |behavior| {
        let mut form = borrowed(&usual);
        form.push(("payment_behavior", behavior));
        form
    };
    let before = kinds(&bench).await.len();
    let refusal = refused(post(&bench, &path(&subscription), &form("error_if_incomplete"))).await;
    assert_eq!(refusal, (402, "card_declined".into()));
    assert_eq!(kinds(&bench).await.len(), before, "nothing happened");
    let waits = good(post(&bench, &path(&subscription), &form("pending_if_incomplete"))).await;
    assert_eq!(waits["items"]["data"][0]["price"]["unit_amount"], 1000);
    assert_eq!(waits["status"], "active");
    assert_eq!(waits["pending_update"]["subscription_items"][0]["price"]["unit_amount"], 3100);
    let invoice = format!("/invoices/{}", waits["latest_invoice"].as_str().expect("an id"));
    let declined = post(&bench, &format!("{invoice}/pay"), &[]);
    assert_eq!(refused(declined).await, (402, "card_declined".into()));
    let form = [("payment_method", "pm_card_visa")];
    assert_eq!(good(post(&bench, &format!("{invoice}/pay"), &form)).await["status"], "paid");
    let changed = good(get(&bench, &path(&subscription))).await;
    assert_eq!(changed["items"]["data"][0]["price"]["unit_amount"], 3100);
    assert_eq!(changed["pending_update"], Value::Null);
    assert!(
        kinds(&bench).await.contains(&"customer.subscription.pending_update_applied".to_owned())
    );
    let again = post(&bench, &format!("{invoice}/pay"), &[]);
    assert_eq!(refused(again).await, (400, "invoice_already_paid".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_nobody_pays_is_forgotten_after_a_day() {
    let bench = Bench::start();
    let (customer, subscription) = subscribed(&bench, "1000", "month").await;
    control(&bench, "/cards", json!({"customer": id(&customer), "outcome": "card_declined"})).await;
    let usual = dearer(&bench, &subscription, "always_invoice").await;
    let mut form = borrowed(&usual);
    form.push(("payment_behavior", "pending_if_incomplete"));
    let waits = good(post(&bench, &path(&subscription), &form)).await;
    assert!(waits["pending_update"].is_object());
    days(&bench, 1).await;
    let kept = good(get(&bench, &path(&subscription))).await;
    assert_eq!(kept["items"]["data"][0]["price"]["unit_amount"], 1000);
    assert_eq!((&kept["pending_update"], &kept["status"]), (&Value::Null, &"active".into()));
    assert_eq!(latest_invoice(&bench, &subscription).await["status"], "void");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_ends_with_its_period_unless_it_is_taken_back() {
    let bench = Bench::start();
    let (_, subscription) = subscribed(&bench, "1000", "month").await;
    let set = |ends| [("cancel_at_period_end", ends), ("metadata[a]", "b")];
    let request = post(&bench, &path(&subscription), &set("true"));
    let ending = good(request.header("Idempotency-Key", "key-1")).await;
    let event = good(get(&bench, "/events?limit=1")).await;
    assert_eq!(event["data"][0]["request"]["idempotency_key"], "key-1");
    assert_eq!(ending["cancel_at"], BEGINNING + 31 * DAY);
    assert_eq!(ending["cancellation_details"]["reason"], "cancellation_requested");
    assert_eq!(ending["status"], "active");
    let kept = good(post(&bench, &path(&subscription), &set("false"))).await;
    assert_eq!((&kept["cancel_at"], &kept["canceled_at"]), (&Value::Null, &Value::Null));
    good(post(&bench, &path(&subscription), &set("true"))).await;
    let upcoming = post(&bench, "/invoices/create_preview", &[("subscription", id(&subscription))]);
    assert_eq!(refused(upcoming).await, (400, "invoice_upcoming_none".into()));
    days(&bench, 32).await;
    let ended = good(get(&bench, &path(&subscription))).await;
    assert_eq!(
        (&ended["status"], &ended["ended_at"]),
        (&"canceled".into(), &(BEGINNING + 31 * DAY).into())
    );
    assert_eq!(good(get(&bench, "/invoices")).await["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(refused(post(&bench, &path(&subscription), &set("false"))).await.0, 400);
    assert_eq!(refused(remove(&bench, &path(&subscription))).await.0, 404);
    assert_eq!(kinds(&bench).await[0], "customer.subscription.deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_is_ended_at_once_and_the_rest_is_credited() {
    let bench = Bench::start();
    let (customer, subscription) = subscribed(&bench, "3100", "month").await;
    days(&bench, 10).await;
    let query = format!(
        "{}?prorate=true&invoice_now=true&cancellation_details[comment]=too+dear",
        path(&subscription)
    );
    let ended = good(remove(&bench, &query)).await;
    assert_eq!(
        (&ended["status"], &ended["cancellation_details"]["comment"]),
        (&"canceled".into(), &"too dear".into())
    );
    assert_eq!(amounts(&latest_invoice(&bench, &subscription).await), [-2100]);
    let customer = good(get(&bench, &format!("/customers/{}", id(&customer)))).await;
    assert_eq!(customer["balance"], -2100);
    assert_eq!(good(get(&bench, "/subscriptions")).await["data"], json!([]));
    let ended = good(get(&bench, "/subscriptions?status=canceled")).await;
    assert_eq!(ended["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_can_be_ended_now_or_put_off() {
    let bench = Bench::start();
    let customer = customer_with(&bench, "pm_card_visa").await;
    let price = price(&bench, "1000", "month").await;
    let form =
        [("customer", id(&customer)), ("items[0][price]", id(&price)), ("trial_period_days", "14")];
    let subscription = good(post(&bench, "/subscriptions", &form)).await;
    assert_eq!(subscription["status"], "trialing");
    let later = (BEGINNING + 20 * DAY).to_string();
    let put_off = good(post(&bench, &path(&subscription), &[("trial_end", &later)])).await;
    assert_eq!(put_off["trial_end"], BEGINNING + 20 * DAY);
    days(&bench, 15).await;
    assert_eq!(good(get(&bench, &path(&subscription))).await["status"], "trialing");
    let over = good(post(&bench, &path(&subscription), &[("trial_end", "now")])).await;
    assert_eq!(
        (&over["status"], &over["trial_end"]),
        (&"active".into(), &(BEGINNING + 15 * DAY).into())
    );
    assert_eq!(amounts(&latest_invoice(&bench, &subscription).await), [1000]);
    assert_eq!(over["items"]["data"][0]["current_period_end"], BEGINNING + (15 + 29) * DAY);
}

#[tokio::test(flavor = "multi_thread")]
async fn items_that_make_no_sense_are_refused() {
    let bench = Bench::start();
    let (_, subscription) = subscribed(&bench, "1000", "month").await;
    let item = id(&subscription["items"]["data"][0]);
    let euro = [
        ("currency", "eur"),
        ("unit_amount", "5"),
        ("recurring[interval]", "month"),
        ("product_data[name]", "Pro"),
    ];
    let euro = good(post(&bench, "/prices", &euro)).await;
    let once = [("currency", "usd"), ("unit_amount", "5"), ("product_data[name]", "Pro")];
    let once = good(post(&bench, "/prices", &once)).await;
    let yearly = price(&bench, "5", "year").await;
    for form in [
        vec![("items[0][id]", "si_nobody"), ("items[0][quantity]", "2")],
        vec![("items[0][id]", item), ("items[0][price]", id(&euro))],
        vec![("items[0][id]", item), ("items[0][price]", id(&once))],
        vec![("items[0][price]", id(&yearly))],
        vec![("items[0][id]", item), ("items[0][deleted]", "true")],
        vec![("items[0][id]", item), ("items[0][quantity]", "-1")],
        vec![("items[0][id]", item), ("items[0][price]", "price_nobody")],
        vec![("default_payment_method", "pm_nobody")],
        vec![("cancel_at", "5")],
        vec![("cancel_at", "1900000000"), ("cancel_at_period_end", "true")],
        vec![("pause_collection[resumes_at]", "1900000000")],
        vec![("proration_date", "5")],
        vec![("trial_end", "5")],
        vec![("colour", "red")],
    ] {
        assert_eq!(refused(post(&bench, &path(&subscription), &form)).await.0, 400, "{form:?}");
    }
    assert_eq!(good(get(&bench, &path(&subscription))).await, subscription);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_rests_without_invoices_until_it_is_resumed() {
    let bench = Bench::start();
    let (_, subscription) = subscribed(&bench, "3100", "month").await;
    days(&bench, 10).await;
    let pause = format!("{}/pause", path(&subscription));
    let paused = good(post(&bench, &pause, &[])).await;
    assert_eq!(paused["status"], "paused");
    let why = &paused["status_details"]["paused"];
    assert_eq!(why["subscription"]["type"], "pause_requested");
    assert_eq!(refused(post(&bench, &pause, &[])).await.0, 400);
    days(&bench, 90).await;
    assert_eq!(good(get(&bench, "/invoices")).await["data"].as_array().map(Vec::len), Some(1));
    let resumed = good(post(&bench, &format!("{}/resume", path(&subscription)), &[])).await;
    assert_eq!((&resumed["status"], &resumed["status_details"]), (&"active".into(), &Value::Null));
    assert_eq!(amounts(&latest_invoice(&bench, &subscription).await), [-2100, 3100]);
    let item = &resumed["items"]["data"][0];
    assert_eq!(item["current_period_start"], BEGINNING + 100 * DAY);
    let told = kinds(&bench).await;
    for kind in ["customer.subscription.paused", "customer.subscription.resumed"] {
        assert!(told.iter().any(|told| told == kind), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flexible_subscription_is_credited_what_was_charged_and_a_classic_one_what_it_costs() {
    for (version, credit) in [("2026-10-28.endive", -677), ("2024-06-20", -2100)] {
        let bench = Bench::start();
        let customer = customer_with(&bench, "pm_card_visa").await;
        let cheap = price(&bench, "1000", "month").await;
        let form = [("customer", id(&customer)), ("items[0][price]", id(&cheap))];
        let made = post(&bench, "/subscriptions", &form).header("Stripe-Version", version);
        let subscription = good(made).await;
        days(&bench, 10).await;
        let form = dearer(&bench, &subscription, "none").await;
        good(post(&bench, &path(&subscription), &borrowed(&form))).await;
        let back = [
            ("items[0][id]", id(&subscription["items"]["data"][0])),
            ("items[0][price]", id(&cheap)),
            ("proration_behavior", "always_invoice"),
        ];
        good(post(&bench, &path(&subscription), &back)).await;
        assert_eq!(amounts(&latest_invoice(&bench, &subscription).await), [credit, 677]);
    }
}
