//! Refunds and disputes.
use serde_json::{Value, json};

use super::{PACK, control, get, good, id, kinds, post, refused, session, submit};
use crate::{Bench, send};

/// What was paid for a pack: an intent and its charge.
async fn paid(bench: &Bench, number: &str) -> (Value, Value) {
    let session = session(bench).await;
    let url = session["url"].as_str().expect("a page");
    assert_eq!(send(bench.client.post(url).form(&[("card_number", number)])).await.status(), 303);
    let list = good(get(bench, "/payment_intents?expand[]=data.latest_charge")).await;
    let mut intent = list["data"][0].clone();
    let charge = intent["latest_charge"].take();
    (intent, charge)
}

async fn charge(bench: &Bench, charge: &Value) -> Value {
    good(get(bench, &format!("/charges/{}", id(charge)))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn money_is_given_back_in_parts_and_never_more_than_was_paid() {
    let bench = Bench::start();
    let (intent, of) = paid(&bench, "4242424242424242").await;
    let by_intent = [("payment_intent", id(&intent)), ("amount", "200"), ("metadata[a]", "b")];
    let first = good(post(&bench, "/refunds", &by_intent)).await;
    assert_eq!((&first["amount"], &first["status"]), (&200.into(), &"succeeded".into()));
    assert_eq!((&first["charge"], &first["metadata"]["a"]), (&of["id"], &"b".into()));
    let part = charge(&bench, &of).await;
    assert_eq!((&part["amount_refunded"], &part["refunded"]), (&200.into(), &false.into()));
    for (amount, code) in [
        ("301", "invalid_request_error"),
        ("0", "parameter_invalid_integer"),
        ("-5", "parameter_invalid_integer"),
    ] {
        let form = [("charge", id(&of)), ("amount", amount)];
        assert_eq!(refused(post(&bench, "/refunds", &form)).await, (400, code.into()), "{amount}");
    }
    let rest = good(post(&bench, "/refunds", &[("charge", id(&of))])).await;
    assert_eq!(rest["amount"], 300);
    let whole = charge(&bench, &of).await;
    assert_eq!((&whole["amount_refunded"], &whole["refunded"]), (&500.into(), &true.into()));
    let again = refused(post(&bench, "/refunds", &[("charge", id(&of))])).await;
    assert_eq!(again, (400, "charge_already_refunded".into()));
    let list = good(get(&bench, &format!("/refunds?charge={}", id(&of)))).await;
    assert_eq!(list["data"].as_array().map(Vec::len), Some(2));
    let told = kinds(&bench).await;
    assert_eq!(
        told[..4],
        ["charge.refunded", "refund.created", "charge.refunded", "refund.created"]
    );
    let event = good(get(&bench, "/events?type=charge.refunded")).await;
    let before = &event["data"][0]["data"]["previous_attributes"];
    assert_eq!(*before, json!({"amount_refunded": 200, "refunded": false}));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_paid_cannot_be_given_back() {
    let bench = Bench::start();
    let session = session(&bench).await;
    submit(&bench, &session, "/decline").await;
    let list = good(get(&bench, "/charges")).await;
    let failed = &list["data"][0];
    assert_eq!(
        (&failed["status"], &failed["failure_code"]),
        (&"failed".into(), &"card_declined".into())
    );
    assert_eq!(refused(post(&bench, "/refunds", &[("charge", id(failed))])).await.0, 400);
    let intent = failed["payment_intent"].as_str().expect("an intent");
    let refusal = refused(post(&bench, "/refunds", &[("payment_intent", intent)])).await;
    assert_eq!(refusal, (400, "payment_intent_unexpected_state".into()));
    for form in
        [vec![], vec![("charge", "ch_nobody")], vec![("charge", "a"), ("payment_intent", "b")]]
    {
        assert_eq!(refused(post(&bench, "/refunds", &form)).await.0, 400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_can_refuse_to_take_money_back() {
    let bench = Bench::start();
    let (_, of) = paid(&bench, "4000000000005126").await;
    let refund = good(post(&bench, "/refunds", &[("charge", id(&of))])).await;
    assert_eq!(refund["status"], "succeeded");
    let refund = good(get(&bench, &format!("/refunds/{}", id(&refund)))).await;
    assert_eq!(refund["status"], "failed");
    assert_eq!(charge(&bench, &of).await["amount_refunded"], 0);
    assert_eq!(kinds(&bench).await[..2], ["refund.failed", "refund.updated"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_takes_the_money_and_a_won_one_gives_it_back() {
    for (verdict, told) in [
        ("won", vec!["charge.dispute.funds_reinstated", "charge.dispute.closed"]),
        ("lost", vec!["charge.dispute.closed"]),
    ] {
        let bench = Bench::start();
        let (intent, of) = paid(&bench, "4242424242424242").await;
        let about = json!({"payment_intent": id(&intent), "reason": "fraudulent"});
        let dispute = control(&bench, "/disputes", about.clone()).await;
        assert_eq!(
            (&dispute["status"], &dispute["amount"]),
            (&"needs_response".into(), &500.into())
        );
        assert_eq!(charge(&bench, &of).await["disputed"], true);
        let twice = bench.post("/_sandbox/stripe/disputes").json(&about);
        assert_eq!(send(twice).await.status(), 400);
        let refusal = refused(post(&bench, "/refunds", &[("charge", id(&of))])).await;
        assert_eq!(refusal, (400, "charge_disputed".into()));
        let path = format!("/disputes/{}", id(&dispute));
        let decided = control(&bench, &path, json!({"status": verdict})).await;
        assert_eq!(decided["status"], verdict);
        let twice = bench.post(&format!("/_sandbox/stripe{path}")).json(&json!({"status": "won"}));
        assert_eq!(send(twice).await.status(), 400);
        assert_eq!(good(get(&bench, &path)).await["status"], verdict);
        let kinds = kinds(&bench).await;
        assert_eq!(kinds[..told.len()], told);
        let opening =
            ["charge.dispute.funds_withdrawn", "charge.dispute.created", "charge.updated"];
        assert_eq!(kinds[told.len()..told.len() + 3], opening);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_decides_a_dispute_and_giving_in_loses_it() {
    let bench = Bench::start();
    paid(&bench, "4000000000000259").await;
    let list = good(get(&bench, "/disputes")).await;
    let dispute = &list["data"][0];
    let path = format!("/disputes/{}", id(dispute));
    let form = [("evidence[customer_name]", "Ada"), ("submit", "false")];
    let told = good(post(&bench, &path, &form)).await;
    assert_eq!(
        (&told["status"], &told["evidence_details"]["has_evidence"]),
        (&"needs_response".into(), &true.into())
    );
    let form = [("evidence[uncategorized_text]", "winning_evidence")];
    assert_eq!(good(post(&bench, &path, &form)).await["status"], "won");
    assert_eq!(refused(post(&bench, &format!("{path}/close"), &[])).await.0, 400);
    let bench = Bench::start();
    paid(&bench, "4000000000002685").await;
    let list = good(get(&bench, "/disputes")).await;
    assert_eq!(list["data"][0]["reason"], "product_not_received");
    let path = format!("/disputes/{}/close", id(&list["data"][0]));
    assert_eq!(good(post(&bench, &path, &[])).await["status"], "lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_kept_for_later_when_a_payment_asks_for_that() {
    let bench = Bench::start();
    let customer = good(post(&bench, "/customers", &[("email", "a@example.com")])).await;
    let more =
        [("customer", id(&customer)), ("payment_intent_data[setup_future_usage]", "off_session")];
    let form: Vec<_> = PACK.into_iter().chain(more).collect();
    let session = good(post(&bench, "/checkout/sessions", &form)).await;
    assert_eq!(submit(&bench, &session, "").await.status(), 303);
    let list = good(get(&bench, &format!("/payment_methods?customer={}", id(&customer)))).await;
    assert_eq!(list["data"][0]["card"]["last4"], "4242");
}
