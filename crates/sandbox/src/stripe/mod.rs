//! Stripe: customers and their cards, products and prices, checkout sessions, subscriptions that renew as
//! its time goes on, invoices, refunds, disputes, a billing portal, events and signed webhooks, all in
//! memory. There are no coupons, taxes, meters or connected accounts, invoices are made by
//! subscriptions alone, and nothing is forgotten before the sandbox stops. That a customer was made over
//! the API is told to nobody.
mod account;
mod agenda;
mod billing;
mod calendar;
mod cards;
mod charging;
mod checkout;
mod control;
mod courier;
mod currencies;
mod customers;
mod deliveries;
mod desk;
mod disputes;
mod endpoints;
mod error;
mod events;
mod expand;
mod facts;
mod faults;
mod form;
mod intents;
mod invoices;
mod kind;
mod office;
mod pages;
mod payment_methods;
mod portal;
mod prices;
mod products;
mod refunds;
mod routes;
mod setups;
mod shelf;
mod subscriptions;
mod version;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use actix_web::web::Data;
use tokio::{runtime::Handle, time::sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use self::routes::routes;
use self::{account::Account, courier::Courier, office::Office, subscriptions::renewal};
use crate::{options::WebhookEndpoint, world::World};

/// The version of Stripe's API whose shapes are emulated, where nobody asks for another.
pub const API_VERSION: &str = "2026-10-28.endive";
/// How often it looks what fell due when nobody asks it.
const LOOK: Duration = Duration::from_secs(1);

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
        let account = Arc::new(Mutex::new(Account::new(&world.ids)));
        let clock = Data::clone(&world);
        let courier = Courier::new(clock, Arc::clone(&account), tasks, runtime, stopping);
        Self { world, account, courier }
    }

    /// Does what falls due, for as long as it is polled.
    pub(crate) async fn keep_up(stripe: Data<Self>) {
        loop {
            sleep(LOOK).await;
            stripe.catch_up();
        }
    }

    /// Does what fell due.
    pub(crate) fn catch_up(&self) {
        self.change(|_| ());
    }

    /// Replaces the endpoint that receives everything.
    pub(crate) fn set_webhook(&self, endpoint: Option<WebhookEndpoint>) {
        lock(&self.account).webhook = endpoint;
    }

    /// Does what fell due, then changes the account, and sends what happened when it is unlocked again.
    fn change<T>(&self, act: impl FnOnce(&mut Office<'_>) -> T) -> T {
        let (done, parcels) = {
            let mut account = lock(&self.account);
            let (account, world) = (&mut *account, &*self.world);
            let now = world.unix() + account.ahead;
            while let Some((due, step)) = account.agenda.next(now) {
                renewal::step(&mut Office { account, world, now: due }, &step);
            }
            let done = act(&mut Office { account, world, now });
            (done, account.take_parcels())
        };
        self.courier.send(parcels);
        done
    }
}

fn lock(account: &Mutex<Account>) -> MutexGuard<'_, Account> {
    account.lock().unwrap_or_else(PoisonError::into_inner)
}
