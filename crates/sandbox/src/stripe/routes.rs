//! Where everything of Stripe is reached.
use actix_web::{
    HttpRequest, Resource,
    web::{ServiceConfig, delete, get, post, resource, scope, to},
};
use serde_json::json;

use super::{
    checkout, control, customers,
    desk::{Operation, operation},
    disputes, endpoints,
    error::StripeError,
    events, intents,
    invoices::{self, preview},
    pages, payment_methods, portal, prices, products, refunds, setups,
    subscriptions::{self, create, pause, update},
};
use crate::traffic::{Vendor, watch};

/// Show the account.
const ACCOUNT: Operation = Operation {
    parameters: &[],
    act: |desk| {
        Ok(json!({
            "id": desk.account.id, "object": "account", "business_profile": null,
            "business_type": null, "capabilities": { "card_payments": "active" },
            "charges_enabled": true, "country": "US", "created": 0, "default_currency": "usd",
            "details_submitted": true, "email": null, "metadata": {}, "payouts_enabled": true,
            "settings": null, "type": "standard",
        }))
    },
};

/// What is done at one place, by method.
struct Place {
    path: &'static str,
    get: Option<&'static Operation>,
    post: Option<&'static Operation>,
    delete: Option<&'static Operation>,
}

const fn place(
    path: &'static str,
    get: Option<&'static Operation>,
    post: Option<&'static Operation>,
) -> Place {
    Place { path, get, post, delete: None }
}

const fn with_delete(place: Place, delete: &'static Operation) -> Place {
    Place { delete: Some(delete), ..place }
}

/// Places with fixed names come before those that take any id.
const PLACES: &[Place] = &[
    place("/account", Some(&ACCOUNT), None),
    place("/balance_transactions/{id}", Some(&intents::FIND_BALANCE), None),
    place("/billing_portal/sessions", None, Some(&portal::CREATE)),
    place("/charges", Some(&intents::LIST_CHARGES), None),
    place("/charges/{id}", Some(&intents::FIND_CHARGE), None),
    place("/checkout/sessions", Some(&checkout::LIST), Some(&checkout::CREATE)),
    place("/checkout/sessions/{id}", Some(&checkout::FIND), None),
    place("/checkout/sessions/{id}/expire", None, Some(&checkout::EXPIRE)),
    place("/checkout/sessions/{id}/line_items", Some(&checkout::LINES), None),
    place("/customers", Some(&customers::LIST), Some(&customers::CREATE)),
    with_delete(
        place("/customers/{id}", Some(&customers::FIND), Some(&customers::UPDATE)),
        &customers::DELETE,
    ),
    place("/customers/{id}/payment_methods", Some(&payment_methods::OF_CUSTOMER), None),
    place("/disputes", Some(&disputes::LIST), None),
    place("/disputes/{id}", Some(&disputes::FIND), Some(&disputes::UPDATE)),
    place("/disputes/{id}/close", None, Some(&disputes::CLOSE)),
    place("/events", Some(&events::LIST), None),
    place("/events/{id}", Some(&events::FIND), None),
    place("/invoice_payments", Some(&invoices::LIST_PAYMENTS), None),
    place("/invoice_payments/{id}", Some(&invoices::FIND_PAYMENT), None),
    place("/invoices", Some(&invoices::LIST), None),
    place("/invoices/create_preview", None, Some(&preview::PREVIEW)),
    place("/invoices/{id}", Some(&invoices::FIND), None),
    place("/invoices/{id}/finalize", None, Some(&invoices::FINALIZE)),
    place("/invoices/{id}/lines", Some(&invoices::LINES), None),
    place("/invoices/{id}/mark_uncollectible", None, Some(&invoices::MARK_UNCOLLECTIBLE)),
    place("/invoices/{id}/pay", None, Some(&invoices::PAY)),
    place("/invoices/{id}/void", None, Some(&invoices::VOID)),
    place("/payment_intents", Some(&intents::LIST), None),
    place("/payment_intents/{id}", Some(&intents::FIND), None),
    place("/payment_intents/{id}/confirm", None, Some(&intents::CONFIRM)),
    place("/payment_methods", Some(&payment_methods::LIST), Some(&payment_methods::CREATE)),
    place("/payment_methods/{id}", Some(&payment_methods::FIND), Some(&payment_methods::UPDATE)),
    place("/payment_methods/{id}/attach", None, Some(&payment_methods::ATTACH)),
    place("/payment_methods/{id}/detach", None, Some(&payment_methods::DETACH)),
    place("/prices", Some(&prices::LIST), Some(&prices::CREATE)),
    place("/prices/{id}", Some(&prices::FIND), Some(&prices::UPDATE)),
    place("/products", Some(&products::LIST), Some(&products::CREATE)),
    with_delete(
        place("/products/{id}", Some(&products::FIND), Some(&products::UPDATE)),
        &products::DELETE,
    ),
    place("/refunds", Some(&refunds::LIST), Some(&refunds::CREATE)),
    place("/refunds/{id}", Some(&refunds::FIND), Some(&refunds::UPDATE)),
    place("/setup_intents/{id}", Some(&setups::FIND), None),
    place("/subscriptions", Some(&subscriptions::LIST), Some(&create::CREATE)),
    with_delete(
        place("/subscriptions/{id}", Some(&subscriptions::FIND), Some(&update::UPDATE)),
        &subscriptions::CANCEL,
    ),
    place("/subscriptions/{id}/pause", None, Some(&pause::PAUSE)),
    place("/subscriptions/{id}/resume", None, Some(&pause::RESUME)),
    place("/webhook_endpoints", Some(&endpoints::LIST), Some(&endpoints::CREATE)),
    with_delete(
        place("/webhook_endpoints/{id}", Some(&endpoints::FIND), Some(&endpoints::UPDATE)),
        &endpoints::DELETE,
    ),
];

impl Place {
    fn resource(&self) -> Resource {
        let mut resource = resource(self.path);
        for (method, done) in [(get(), self.get), (post(), self.post), (delete(), self.delete)] {
            if let Some(done) = done {
                resource = resource.route(method.to(operation(done)));
            }
        }
        resource.default_service(to(unknown))
    }
}

async fn unknown(request: HttpRequest) -> actix_web::HttpResponse {
    StripeError::unknown_url(request.method().as_str(), request.path()).answer()
}

/// Mounts `/stripe/v1`, the pages below `/stripe`, and `/_sandbox/stripe`.
pub(crate) fn routes(config: &mut ServiceConfig) {
    let v1 = scope("/stripe/v1")
        .wrap_fn(|request, service| watch(Vendor::Stripe, "request-id", request, service));
    let v1 = PLACES.iter().fold(v1, |v1, place| v1.service(place.resource()));
    config.service(v1.default_service(to(unknown)));
    pages::routes(config);
    control::routes(config);
}
