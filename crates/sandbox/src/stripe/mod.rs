//! Stripe: customers, checkout sessions in mode `payment` with their page, payment intents, charges,
//! events and signed webhooks, all in memory. There are no subscriptions, refunds or products, and
//! nothing is forgotten before the sandbox stops.
mod account;
mod checkout;
mod courier;
mod customers;
mod desk;
mod endpoints;
mod error;
mod events;
mod form;
mod html;
mod page;
mod payments;
mod shelf;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::{
    HttpRequest,
    web::{Data, ServiceConfig, delete, get, post, scope, to},
};
use tokio::runtime::Handle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{account::Account, courier::Courier, desk::operation, error::StripeError};
use crate::{
    options::WebhookEndpoint,
    traffic::{Vendor, watch},
    world::World,
};

/// The version of Stripe's API whose shapes are emulated.
pub const API_VERSION: &str = "2026-10-29.dahlia";

/// Stripe, with all that it knows.
pub(crate) struct Stripe {
    world: Data<World>,
    account: Arc<Mutex<Account>>,
    courier: Courier,
}

impl Stripe {
    /// A Stripe that knows nothing yet. Its deliveries are tasks of this tracker on this runtime.
    pub(crate) fn new(
        world: Data<World>,
        tasks: TaskTracker,
        runtime: Handle,
        stopping: CancellationToken,
    ) -> Self {
        let account = Arc::new(Mutex::new(Account::default()));
        let clock = Data::clone(&world);
        let courier = Courier::new(clock, Arc::clone(&account), tasks, runtime, stopping);
        Self { world, account, courier }
    }

    /// Replaces the endpoint that receives everything.
    pub(crate) fn set_webhook(&self, endpoint: Option<WebhookEndpoint>) {
        lock(&self.account).webhook = endpoint;
    }

    /// Changes the account, and sends what happened when it is unlocked again.
    fn change<T>(&self, act: impl FnOnce(&mut Account) -> T) -> T {
        let (done, parcels) = {
            let mut account = lock(&self.account);
            (act(&mut account), account.take_parcels())
        };
        self.courier.send(parcels);
        done
    }
}

fn lock(account: &Mutex<Account>) -> MutexGuard<'_, Account> {
    account.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Mounts `/stripe/v1` and `/stripe/pay`.
pub(crate) fn routes(config: &mut ServiceConfig) {
    let v1 = scope("/stripe/v1")
        .wrap_fn(|request, service| watch(Vendor::Stripe, "request-id", request, service))
        .route("/customers", post().to(operation(&customers::CREATE)))
        .route("/customers", get().to(operation(&customers::LIST)))
        .route("/customers/{id}", get().to(operation(&customers::FIND)))
        .route("/checkout/sessions", post().to(operation(&checkout::CREATE)))
        .route("/checkout/sessions", get().to(operation(&checkout::LIST)))
        .route("/checkout/sessions/{id}", get().to(operation(&checkout::FIND)))
        .route("/payment_intents/{id}", get().to(operation(&payments::FIND_INTENT)))
        .route("/charges/{id}", get().to(operation(&payments::FIND_CHARGE)))
        .route("/balance_transactions/{id}", get().to(operation(&payments::FIND_BALANCE)))
        .route("/events", get().to(operation(&events::LIST)))
        .route("/events/{id}", get().to(operation(&events::FIND)))
        .route("/webhook_endpoints", post().to(operation(&endpoints::CREATE)))
        .route("/webhook_endpoints", get().to(operation(&endpoints::LIST)))
        .route("/webhook_endpoints/{id}", get().to(operation(&endpoints::FIND)))
        .route("/webhook_endpoints/{id}", delete().to(operation(&endpoints::DELETE)))
        .default_service(to(|request: HttpRequest| async move {
            StripeError::unknown_url(request.method().as_str(), request.path()).answer()
        }));
    let pay = scope("/stripe/pay")
        .route("/{id}", get().to(page::show))
        .route("/{id}", post().to(page::pay))
        .route("/{id}/cancel", post().to(page::cancel))
        .route("/{id}/decline", post().to(page::decline));
    config.service(v1).service(pay);
}
