//! The fields of Stripe's objects, as its published description has them in autumn 2026: which ones every
//! object has, and which ones it may have. Everything that the sandbox shows is held against them.
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{changes::subscribed, control, days, get, good, id, post, session, submit};
use crate::Bench;

/// The object, the fields that it always has, and those that it has where they are asked for.
const FIELDS: [(&str, &str, &str); 20] = [
    (
        "balance_transaction",
        "amount available_on balance_type created currency description exchange_rate fee \
         fee_details id net object reporting_category source status type",
        "",
    ),
    (
        "billing_portal.session",
        "configuration created customer customer_account flow id livemode locale object \
         on_behalf_of return_url url",
        "after_expiration",
    ),
    (
        "charge",
        "amount amount_captured amount_refunded application application_fee \
         application_fee_amount balance_transaction billing_details \
         calculated_statement_descriptor captured created currency customer description \
         disputed failure_balance_transaction failure_code failure_message fraud_details id \
         livemode metadata object on_behalf_of outcome paid payment_intent payment_method \
         payment_method_details receipt_email receipt_number receipt_url refunded review \
         shipping source source_transfer statement_descriptor statement_descriptor_suffix \
         status transfer_data transfer_group",
        "authorization_code level3 presentment_details radar_options refunds transfer",
    ),
    (
        "checkout.session",
        "adaptive_pricing after_expiration allow_promotion_codes amount_subtotal amount_total \
         automatic_tax billing_address_collection cancel_url client_reference_id \
         client_secret collected_information consent consent_collection created currency \
         currency_conversion custom_fields custom_text customer customer_account \
         customer_creation customer_details customer_email discounts expires_at id invoice \
         invoice_creation livemode locale metadata mode object origin_context payment_intent \
         payment_link payment_method_collection payment_method_configuration_details \
         payment_method_options payment_method_types payment_status permissions \
         phone_number_collection recovered_from saved_payment_method_options setup_intent \
         shipping_address_collection shipping_cost shipping_options status submit_type \
         subscription success_url total_details ui_mode url wallet_options",
        "allowed_payment_method_types branding_settings excluded_payment_method_types \
         integration_identifier line_items managed_payments name_collection optional_items \
         presentment_details redirect_on_completion return_url tax_id_collection",
    ),
    (
        "customer",
        "address balance created currency default_source delinquent description discount \
         email id invoice_prefix invoice_settings livemode metadata name \
         next_invoice_sequence object phone preferred_locales shipping tax_exempt test_clock",
        "business_name cash_balance customer_account deleted individual_name \
         invoice_credit_balance sources subscriptions tax tax_ids",
    ),
    (
        "dispute",
        "amount balance_transactions charge created currency enhanced_eligibility_types \
         evidence evidence_details id is_charge_refundable livemode metadata object \
         payment_intent payment_method_details reason status",
        "intended_submission_method network_reason_code",
    ),
    (
        "event",
        "api_version created data id livemode object pending_webhooks request type",
        "account context",
    ),
    (
        "invoice",
        "account_country account_name account_tax_ids amount_due amount_overpaid amount_paid \
         amount_remaining amount_shipping application attempt_count attempted auto_advance \
         automatic_tax automatically_finalizes_at billing_reason collection_method created \
         currency custom_fields customer customer_account customer_address customer_email \
         customer_name customer_phone customer_shipping customer_tax_exempt customer_tax_ids \
         default_payment_method default_source default_tax_rates description discounts \
         due_date effective_at ending_balance footer from_invoice hosted_invoice_url id \
         invoice_pdf issuer last_finalization_error latest_revision lines livemode metadata \
         next_payment_attempt number object on_behalf_of parent payment_settings period_end \
         period_start post_payment_credit_notes_amount pre_payment_credit_notes_amount \
         receipt_number rendering shipping_cost shipping_details starting_balance \
         statement_descriptor status status_transitions subtotal subtotal_excluding_tax \
         test_clock total total_discount_amounts total_excluding_tax \
         total_pretax_credit_amounts total_taxes webhooks_delivered_at",
        "amount_paid_off_stripe confirmation_secret deleted payments status_details \
         threshold_reason",
    ),
    (
        "invoice_payment",
        "amount_paid amount_requested created currency id invoice is_default livemode object \
         payment status status_transitions",
        "",
    ),
    (
        "invoiceitem",
        "amount currency customer customer_account date description discountable discounts id \
         invoice livemode metadata net_amount object parent period pricing proration quantity \
         quantity_decimal tax_rates test_clock",
        "deleted frozen_fields invoicing_rules proration_details",
    ),
    (
        "line_item",
        "amount currency description discount_amounts discountable discounts id invoice \
         livemode metadata object parent period pretax_credit_amounts pricing quantity \
         quantity_decimal subscription subtotal taxes",
        "",
    ),
    (
        "payment_intent",
        "amount amount_capturable amount_details amount_received application \
         application_fee_amount automatic_payment_methods canceled_at cancellation_reason \
         capture_method client_secret confirmation_method created currency customer \
         customer_account description excluded_payment_method_types id last_payment_error \
         latest_charge livemode metadata next_action object on_behalf_of payment_method \
         payment_method_configuration_details payment_method_options payment_method_types \
         processing receipt_email review setup_future_usage shipping source \
         statement_descriptor statement_descriptor_suffix status transfer_data transfer_group",
        "allowed_payment_method_types hooks managed_payments payment_details payment_record \
         presentment_details",
    ),
    (
        "payment_method",
        "allow_redisplay billing_details card created customer customer_account id livemode \
         metadata object type",
        "radar_options",
    ),
    (
        "price",
        "active billing_scheme created currency custom_unit_amount id livemode lookup_key \
         metadata nickname object product recurring tax_behavior tiers_mode \
         transform_quantity type unit_amount unit_amount_decimal",
        "currency_options deleted tiers",
    ),
    (
        "product",
        "active created default_price description id images livemode marketing_features \
         metadata name object package_dimensions shippable statement_descriptor tax_code type \
         unit_label updated url",
        "deleted tax_details",
    ),
    (
        "refund",
        "amount balance_transaction charge created currency customer customer_account \
         destination_details id metadata object payment_intent payment_method reason \
         receipt_number source_transfer_reversal status transfer_reversal",
        "description failure_balance_transaction failure_reason instructions_email \
         next_action pending_reason presentment_details",
    ),
    (
        "setup_intent",
        "application automatic_payment_methods cancellation_reason client_secret created \
         customer description excluded_payment_method_types flow_directions id \
         last_setup_error latest_attempt livemode mandate metadata next_action object \
         on_behalf_of payment_method payment_method_configuration_details \
         payment_method_options payment_method_types single_use_mandate status usage",
        "allowed_payment_method_types attach_to_self customer_account managed_payments",
    ),
    (
        "subscription",
        "application application_fee_percent automatic_tax billing_cycle_anchor \
         billing_cycle_anchor_config billing_mode billing_schedules billing_thresholds \
         cancel_at cancel_at_period_end canceled_at cancellation_details collection_method \
         created currency customer customer_account days_until_due default_payment_method \
         default_source default_tax_rates description discounts ended_at id invoice_settings \
         items latest_invoice livemode managed_payments metadata \
         next_pending_invoice_item_invoice object on_behalf_of pause_collection \
         payment_settings pending_invoice_item_interval pending_setup_intent pending_update \
         schedule start_date status test_clock transfer_data trial_end trial_settings \
         trial_start",
        "presentment_details status_details",
    ),
    (
        "subscription_item",
        "billing_thresholds created current_period_end current_period_start discounts id \
         metadata object plan price quantity subscription tax_rates",
        "billed_until current_trial deleted",
    ),
    (
        "webhook_endpoint",
        "api_version application created description enabled_events id livemode metadata \
         object status url",
        "deleted secret",
    ),
];

/// Walks through everything, and notes what is missing and what is too much.
fn check(value: &Value, seen: &mut BTreeSet<String>, faults: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            let object = value["object"].as_str().unwrap_or_default();
            let known = FIELDS.iter().find(|(name, ..)| *name == object);
            let whole = fields.get("deleted").is_none_or(Value::is_null);
            if let Some((_, always, sometimes)) = known
                && whole
            {
                seen.insert(object.to_owned());
                for name in always.split(' ').filter(|name| !fields.contains_key(*name)) {
                    faults.insert(format!("{object}.{name}"), "is missing".into());
                }
                let known = |name: &str| {
                    always.split(' ').chain(sometimes.split(' ')).any(|known| known == name)
                };
                for name in fields.keys().filter(|name| !known(name)) {
                    faults.insert(format!("{object}.{name}"), "is not Stripe's".into());
                }
            }
            fields.values().for_each(|inner| check(inner, seen, faults));
        }
        Value::Array(items) => items.iter().for_each(|item| check(item, seen, faults)),
        _ => {}
    }
}

#[test]
fn what_is_missing_and_what_is_too_much_is_found_at_any_depth() {
    let (mut seen, mut faults) = (BTreeSet::new(), BTreeMap::new());
    let odd = json!({"data": [{"object": "refund", "amount": 5, "colour": "red"}]});
    check(&odd, &mut seen, &mut faults);
    assert_eq!(faults["refund.colour"], "is not Stripe's");
    assert_eq!(faults["refund.charge"], "is missing");
    assert!(!faults.contains_key("refund.amount"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_object_has_the_fields_that_are_published_and_no_others() {
    let bench = Bench::start();
    let (customer, subscription) = subscribed(&bench, "1000", "month").await;
    let session = session(&bench).await;
    submit(&bench, &session, "/decline").await;
    submit(&bench, &session, "").await;
    let charges = good(get(&bench, "/charges?limit=1")).await;
    let charge = id(&charges["data"][0]);
    let refund = good(post(&bench, "/refunds", &[("charge", charge), ("amount", "5")])).await;
    control(&bench, "/disputes", json!({"charge": charge})).await;
    let portal =
        good(post(&bench, "/billing_portal/sessions", &[("customer", id(&customer))])).await;
    let page = portal["url"].as_str().expect("a page");
    crate::send(bench.client.post(format!("{page}/payment_method"))).await;
    let path = format!("/subscriptions/{}", id(&subscription));
    let item = id(&subscription["items"]["data"][0]);
    good(post(&bench, &path, &[("items[0][id]", item), ("items[0][quantity]", "2")])).await;
    days(&bench, 32).await;
    let hook = [("url", "http://127.0.0.1:9/hook"), ("enabled_events[]", "none.at.all")];
    good(post(&bench, "/webhook_endpoints", &hook)).await;
    let preview = [("subscription", id(&subscription))];
    let mut shown = vec![
        refund,
        portal,
        good(post(&bench, "/invoices/create_preview", &preview)).await,
        good(get(&bench, &format!("/charges/{charge}?expand[]=balance_transaction"))).await,
        good(get(&bench, &format!("/customers/{}?expand[]=subscriptions", id(&customer)))).await,
    ];
    for path in [
        "/products",
        "/prices",
        "/events",
        "/invoices",
        "/invoice_payments",
        "/subscriptions",
        "/payment_intents",
        "/charges",
        "/checkout/sessions",
        "/disputes",
        "/webhook_endpoints",
    ] {
        shown.push(good(get(&bench, &format!("{path}?limit=100"))).await);
    }
    let (mut seen, mut faults) = (BTreeSet::new(), BTreeMap::new());
    for one in &shown {
        check(one, &mut seen, &mut faults);
    }
    assert_eq!(faults, BTreeMap::new());
    let all: BTreeSet<String> = FIELDS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(seen, all, "each was looked at");
}
