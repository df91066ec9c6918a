//! Messages of Stripe, from their delivery until they were acted on: taken in, the object asked for
//! as it is now, and the outcome written down. Beside it, the rate at which the same database writes
//! single rows down as durably.
use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant, SystemTime},
};

use anyhow::Context as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use sqlx::{Connection as _, PgConnection, SqliteConnection};
use tokio::runtime::Runtime;

use crate::{
    Args,
    commits::CommitRates,
    connection::{Connection, Target},
    figures::WebhookFigures,
    place::Place,
    platform::{Platform, Sandbox, WEBHOOK_SECRET},
};

/// Orders that messages are about: those about one are acted on one after the other.
const ORDERS: u32 = 64;
/// Messages in all.
const MESSAGES: usize = 3000;
/// How many are delivered at once.
const COURIERS: usize = 8;
const PAUSE: Duration = Duration::from_millis(20);
/// How long acting on all of them may take.
const PATIENCE: Duration = Duration::from_mins(5);

const WAITING: &str =
    "SELECT count(*) FROM jobs WHERE kind = 'webhook.handle' AND state = 'pending'";
const DONE: &str = "SELECT count(*) FROM jobs WHERE kind = 'webhook.handle' AND state = 'done'";

/// Measures everything.
pub fn measure(args: &Args, place: &Place) -> anyhow::Result<WebhookFigures> {
    let sandbox = Sandbox::start(&args.binary, place)?;
    let platform = Platform::start(&args.binary, place, sandbox.address)?;
    let checkouts =
        (0..ORDERS).map(|number| platform.order(number)).collect::<Result<Vec<_>, _>>()?;
    let messages: Vec<Target> = (0..MESSAGES)
        .map(|number| message(number, &checkouts[number % checkouts.len()]))
        .map(|message| Ok(platform.webhook(&message?)))
        .collect::<anyhow::Result<_>>()?;
    let commits = CommitRates::measure(place)?;
    let runtime = Runtime::new()?;
    let before = runtime.block_on(count(place, DONE))?;
    let begun = Instant::now();
    deliver(&messages)?;
    let taken_in = begun.elapsed();
    while runtime.block_on(count(place, WAITING))? > 0 {
        anyhow::ensure!(begun.elapsed() < PATIENCE, "not all were acted on");
        thread::sleep(PAUSE);
    }
    let acted_on = begun.elapsed();
    let done = runtime.block_on(count(place, DONE))? - before;
    anyhow::ensure!(usize::try_from(done)? == MESSAGES, "{done} were acted on");
    platform.stop()?;
    Ok(WebhookFigures { messages: MESSAGES, taken_in, acted_on, commits })
}

/// A message, signed as Stripe signs it.
pub struct Message {
    pub body: String,
    pub signature: String,
}

fn message(number: usize, checkout: &str) -> anyhow::Result<Message> {
    let body = format!(
        r#"{{"id":"evt_bench{number}","object":"event","type":"checkout.session.completed","livemode":false,"data":{{"object":{{"id":"{checkout}","object":"checkout.session"}}}}}}"#
    );
    let at = SystemTime::UNIX_EPOCH.elapsed()?.as_secs();
    let mac = Hmac::<Sha256>::new_from_slice(WEBHOOK_SECRET.as_bytes())?;
    let signature = mac.chain_update(format!("{at}.{body}")).finalize().into_bytes();
    Ok(Message { body, signature: format!("t={at},v1={}", hex::encode(signature)) })
}

fn deliver(messages: &[Target]) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let courier = || {
        let mut connection = None;
        while let Some(message) = messages.get(next.fetch_add(1, Ordering::Relaxed)) {
            let connection = match &mut connection {
                Some(connection) => connection,
                none => none.insert(Connection::open(message.address)?),
            };
            connection.exchange(message)?.success()?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let couriers: Vec<_> = (0..COURIERS).map(|_| scope.spawn(courier)).collect();
        couriers.into_iter().try_for_each(|courier| {
            courier.join().unwrap_or_else(|_| Err(io::Error::other("a courier panicked")))
        })
    })
}

async fn count(place: &Place, what: &'static str) -> anyhow::Result<i64> {
    let url = place.platform_url();
    let counted = if url.starts_with("sqlite:") {
        let mut file = SqliteConnection::connect(&url).await?;
        let counted = sqlx::query_scalar(what).fetch_one(&mut file).await;
        file.close().await?;
        counted
    } else {
        let mut server = PgConnection::connect(&url).await?;
        let counted = sqlx::query_scalar(what).fetch_one(&mut server).await;
        server.close().await?;
        counted
    };
    counted.context(what)
}
