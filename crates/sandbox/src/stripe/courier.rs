//! Delivery of events: signed, at least once, in no promised order. Nothing is locked while an
//! endpoint is waited for.
use std::{
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use actix_web::web::Data;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{Client, redirect::Policy};
use sha2::Sha256;
use tokio::{runtime::Handle, time::sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    account::{Account, Parcel},
    deliveries::Signing,
    lock,
};
use crate::world::World;

/// The secret of nobody.
const OTHER_SECRET: &str = "whsec_of_somebody_else";
/// How old a stale signature is, in seconds.
const STALE: i64 = 600;
const TIMEOUT: Duration = Duration::from_secs(10);
/// Waits before the second and every later try.
const RETRY_AFTER: [Duration; 5] = [
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(10),
];

/// Delivers parcels.
pub(crate) struct Courier {
    van: Arc<Van>,
    tasks: TaskTracker,
    runtime: Handle,
    stopping: CancellationToken,
}

struct Van {
    world: Data<World>,
    account: Arc<Mutex<Account>>,
    /// Made when first needed: it reads the system's certificates.
    client: OnceLock<Client>,
}

impl Courier {
    /// A courier whose deliveries are tasks of this tracker on this runtime, and end when the token
    /// is cancelled.
    pub(crate) fn new(
        world: Data<World>,
        account: Arc<Mutex<Account>>,
        tasks: TaskTracker,
        runtime: Handle,
        stopping: CancellationToken,
    ) -> Self {
        let van = Arc::new(Van { world, account, client: OnceLock::new() });
        Self { van, tasks, runtime, stopping }
    }

    /// Starts the delivery of these parcels, each after the one before it was taken or given up.
    pub(crate) fn send_in_turn(&self, parcels: Vec<Parcel>) {
        let (van, stopping) = (Arc::clone(&self.van), self.stopping.clone());
        let round = async move {
            for parcel in parcels {
                van.deliver(parcel).await;
            }
        };
        let delivery = async move {
            stopping.run_until_cancelled(round).await;
        };
        self.tasks.spawn_on(delivery, &self.runtime);
    }

    /// Starts the delivery of each parcel.
    pub(crate) fn send(&self, parcels: Vec<Parcel>) {
        for parcel in parcels {
            let (van, stopping) = (Arc::clone(&self.van), self.stopping.clone());
            let delivery = async move {
                stopping.run_until_cancelled(van.deliver(parcel)).await;
            };
            self.tasks.spawn_on(delivery, &self.runtime);
        }
    }
}

impl Van {
    async fn deliver(&self, parcel: Parcel) {
        let mut waits = RETRY_AFTER.iter();
        while let Err(reason) = self.attempt(&parcel).await {
            let Some(wait) = waits.next() else {
                tracing::warn!(event = %parcel.event, %reason, "webhook given up");
                return;
            };
            tracing::debug!(event = %parcel.event, %reason, "webhook not taken");
            sleep(*wait).await;
        }
        lock(&self.account).delivered(&parcel.event);
    }

    async fn attempt(&self, parcel: &Parcel) -> Result<(), String> {
        let client = self.client()?;
        // By the starter's clock, however far ahead the account's time is.
        let signature = header(parcel, self.world.unix());
        let response = client
            .post(&parcel.to.url)
            .header("Content-Type", "application/json; charset=utf-8")
            .header("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
            .header("Stripe-Signature", signature)
            .body(parcel.body.clone())
            .send()
            .await
            .map_err(|error| error.to_string())?;
        if response.status().is_success() {
            return Ok(());
        }
        Err(format!("answered {}", response.status().as_u16()))
    }

    fn client(&self) -> Result<&Client, String> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = Client::builder().timeout(TIMEOUT).redirect(Policy::none()).no_proxy();
        let client = client.build().map_err(|error| error.to_string())?;
        Ok(self.client.get_or_init(|| client))
    }
}

/// The header `Stripe-Signature` of a parcel sent at this second.
fn header(parcel: &Parcel, now: i64) -> String {
    let (secret, body) = (parcel.to.secret.as_str(), parcel.body.as_str());
    match parcel.signing {
        Signing::Usual => format!("t={now},v1={}", sign(secret, now, body)),
        Signing::Wrong => format!("t={now},v1={}", sign(OTHER_SECRET, now, body)),
        Signing::Stale => format!("t={},v1={}", now - STALE, sign(secret, now - STALE, body)),
        Signing::Rolled => {
            let (other, own) = (sign(OTHER_SECRET, now, body), sign(secret, now, body));
            format!("t={now},v1={other},v1={own},v0={other}")
        }
        Signing::TestScheme => format!("t={now},v0={}", sign(secret, now, body)),
    }
}

/// The signature of a body sent at this second.
fn sign(secret: &str, at: i64, body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
    let mut mac = mac.expect("a key may have any length");
    mac.update(format!("{at}.{body}").as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_hmac_of_time_and_body() {
        assert_eq!(
            sign("whsec_test", 1_800_000_000, "{\"id\": \"evt_é\"}"),
            "83875142e16334218131f972a49cdf488def00b752e49d93caeae1d58167ad16"
        );
    }
}
