//! Whatever is done to a subscription, in any order: the books balance, and time goes forward.
use serde_json::{Value, json};

use super::{cards::customer_with, catalogue::price, control, days, get, good, id, post, remove};
use crate::{Bench, read};

const SEEDS: u64 = 8;
const STEPS: u64 = 40;

/// Numbers in no order that anybody sees, and the same for the same seed (Knuth's MMIX).
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let place = self.throw(from.len() as u64);
        from[usize::try_from(place).expect("a place")]
    }
}

fn number(object: &Value, name: &str) -> i64 {
    object[name].as_i64().unwrap_or_else(|| panic!("no {name}: {object:#}"))
}

async fn list(bench: &Bench, path: &str) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    let join = if path.contains('?') { '&' } else { '?' };
    for _ in 0..100 {
        let after = all.last().map(|last| format!("&starting_after={}", id(last)));
        let page = format!("{path}{join}limit=100{}", after.unwrap_or_default());
        let page = good(get(bench, &page)).await;
        all.extend(page["data"].as_array().expect("a list").iter().cloned());
        if page["has_more"] == false {
            return all;
        }
    }
    panic!("the list does not end");
}

async fn act(bench: &Bench, dice: &mut Dice, customer: &str, prices: &[Value]) {
    let running = good(get(bench, "/subscriptions?limit=1")).await["data"][0].clone();
    let Some(subscription) = running["id"].as_str() else {
        let place = usize::try_from(dice.throw(3)).expect("a place");
        let form = [("customer", customer), ("items[0][price]", id(&prices[place]))];
        read(post(bench, "/subscriptions", &form)).await;
        return;
    };
    let path = format!("/subscriptions/{subscription}");
    let item = id(&running["items"]["data"][0]);
    let place = usize::try_from(dice.throw(prices.len() as u64)).expect("a place");
    let proration = dice.pick(&["create_prorations", "none", "always_invoice"]);
    let behavior = dice.pick(&["allow_incomplete", "pending_if_incomplete", "error_if_incomplete"]);
    let form = match dice.throw(12) {
        0 | 1 => vec![
            ("items[0][id]", item),
            ("items[0][price]", id(&prices[place])),
            ("proration_behavior", proration),
            ("payment_behavior", behavior),
        ],
        2 => vec![("items[0][id]", item), ("items[0][quantity]", dice.pick(&["1", "2", "5"]))],
        3 => vec![("cancel_at_period_end", dice.pick(&["true", "false", "false"]))],
        4 => vec![("pause_collection[behavior]", dice.pick(&["void", "keep_as_draft"]))],
        5 => vec![("pause_collection", "")],
        6 => vec![("billing_cycle_anchor", "now"), ("proration_behavior", proration)],
        7 | 8 => {
            let outcomes = ["succeeds", "succeeds", "card_declined", "authentication_required"];
            let told = json!({"customer": customer, "outcome": dice.pick(&outcomes)});
            control(bench, "/cards", told).await;
            return;
        }
        9 => {
            let open = list(bench, "/invoices?status=open").await;
            if let Some(invoice) = open.first() {
                let pay = format!("/invoices/{}/pay", id(invoice));
                read(post(bench, &pay, &[("payment_method", "pm_card_visa")])).await;
            }
            return;
        }
        10 => {
            let charges = list(bench, "/charges").await;
            if let Some(charge) = charges.first() {
                let form = [("charge", id(charge)), ("amount", dice.pick(&["1", "100", "99999"]))];
                read(post(bench, "/refunds", &form)).await;
            }
            return;
        }
        _ => {
            if dice.throw(4) == 0 {
                let query = dice.pick(&["", "?prorate=true&invoice_now=true"]);
                read(remove(bench, &format!("{path}{query}"))).await;
            }
            return;
        }
    };
    let (status, body) = read(post(bench, &path, &form)).await;
    assert!(matches!(status, 200 | 400 | 402), "{form:?}: {body:#}");
}

async fn check_the_books(bench: &Bench, customer: &str) {
    let now = number(&good(bench.get("/_sandbox/stripe/clock")).await, "now");
    for one in list(bench, "/subscriptions?status=all").await {
        let item = &one["items"]["data"][0];
        let (start, end) =
            (number(item, "current_period_start"), number(item, "current_period_end"));
        assert!(start < end, "{one:#}");
        match one["status"].as_str().expect("a status") {
            "canceled" | "incomplete_expired" => assert!(one["ended_at"].is_i64(), "{one:#}"),
            "incomplete" | "paused" => {}
            _ => assert!(start <= now && now < end, "{now}: {one:#}"),
        }
    }
    let (mut collected, path) = (0, "/invoices?expand[]=data.payments.data.payment.payment_intent");
    for invoice in list(bench, path).await {
        let lines = invoice["lines"]["data"].as_array().expect("lines");
        let total: i64 = lines.iter().map(|line| number(line, "amount")).sum();
        assert_eq!(total, number(&invoice, "total"));
        let used = number(&invoice, "starting_balance").min(0);
        assert_eq!(number(&invoice, "amount_due"), (total + used).max(0), "{invoice:#}");
        let paid = invoice["status"] == "paid";
        collected += number(&invoice, "amount_paid");
        for payment in invoice["payments"]["data"].as_array().expect("payments") {
            let intent = &payment["payment"]["payment_intent"];
            assert_eq!(intent["status"] == "succeeded", paid, "{invoice:#}");
            assert_eq!(intent["amount"], invoice["amount_due"]);
        }
        let owed = if paid { 0 } else { number(&invoice, "amount_due") };
        assert_eq!(number(&invoice, "amount_remaining"), owed);
    }
    let charges = list(bench, "/charges").await;
    let taken = charges.iter().filter(|charge| charge["paid"] == true);
    assert_eq!(taken.map(|charge| number(charge, "amount")).sum::<i64>(), collected);
    let refunds = list(bench, "/refunds").await;
    let back: i64 = refunds.iter().map(|refund| number(refund, "amount")).sum();
    assert_eq!(charges.iter().map(|charge| number(charge, "amount_refunded")).sum::<i64>(), back);
    let customer = good(get(bench, &format!("/customers/{customer}"))).await;
    assert!(number(&customer, "balance") <= 0, "{customer:#}");
}

/// Whoever hears everything knows everything.
async fn what_was_told_last_is_so(bench: &Bench, events: &[Value]) {
    for path in ["/subscriptions?status=all", "/invoices", "/payment_intents", "/charges"] {
        for object in list(bench, path).await {
            let last = events.iter().find(|event| event["data"]["object"]["id"] == object["id"]);
            let last = last.unwrap_or_else(|| panic!("nothing was told of {object:#}"));
            assert_eq!(last["data"]["object"], object, "{}", last["type"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_done_the_books_balance() {
    for seed in 0..SEEDS {
        let mut dice = Dice(seed);
        let bench = Bench::start();
        let customer = customer_with(&bench, "pm_card_visa").await;
        let mut prices = Vec::new();
        for (amount, interval) in [("1000", "month"), ("3100", "month"), ("9900", "year")] {
            prices.push(price(&bench, amount, interval).await);
        }
        for _ in 0..STEPS {
            act(&bench, &mut dice, id(&customer), &prices).await;
            if dice.throw(2) == 0 {
                days(&bench, i64::try_from(dice.throw(20)).expect("days")).await;
            }
            check_the_books(&bench, id(&customer)).await;
        }
        let events = list(&bench, "/events").await;
        let times: Vec<i64> = events.iter().map(|event| number(event, "created")).collect();
        assert!(times.is_sorted_by(|newer, older| newer >= older), "seed {seed}");
        assert!(events.len() > 50, "seed {seed}: hardly anything happened");
        what_was_told_last_is_so(&bench, &events).await;
    }
}
