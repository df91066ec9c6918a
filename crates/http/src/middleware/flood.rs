//! Nobody floods us: in front of everything, requests that carry no credentials are counted for
//! each network, and refused when there are too many.
//!
//! Whoever carries credentials is let in, so that nobody is kept out by those behind the same
//! address. Where the answer says that they were bad, the request is counted after all, and told
//! no more than that there were too many.
//!
//! What this is *not*: the limits of a plan, which are counted by workspace and shared by all
//! processes. This counts in the memory of one process, by network, and verifies nothing. It does
//! not keep anybody from guessing either, since a good guess is let in; secrets have to be long
//! enough.
mod budget;
mod entry;
mod networks;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use actix_web::{
    Error, HttpMessage as _, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{StatusCode, header::VARY},
    middleware::Next,
    web,
};
use cape_services::access::Origin;

use self::{
    budget::{Budget, Exhausted},
    entry::Entry,
    networks::{Network, Shard},
};
use crate::error::ApiError;

/// The most networks behind one lock: as many are looked at when room has to be made.
const NETWORKS_PER_SHARD: usize = 1_024;

/// How many requests without credentials a network may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloodRules {
    /// So many come back within `per`, steadily. At least 1.
    pub requests: u32,
    /// Within how long they come back. Longer than nothing.
    pub per: Duration,
    /// So many may be sent at once by who was silent. At least 1.
    pub burst: u32,
    /// Whether anybody is refused at all.
    pub enabled: bool,
    /// The most networks that are remembered, of about 70 bytes each. Where there is no room, it
    /// is made by forgetting those that have all of their budget again; if there are none, those
    /// that come new share a budget, and those that are remembered keep their own.
    pub networks: usize,
}

impl Default for FloodRules {
    fn default() -> Self {
        Self {
            requests: 100,
            per: Duration::from_mins(1),
            burst: 50,
            enabled: true,
            networks: 65_536,
        }
    }
}

/// Counts what networks send. One is shared by everything that serves.
pub struct FloodGate {
    enabled: bool,
    budget: Budget,
    shards: Vec<Mutex<Shard>>,
    /// With a key of its own: nobody can choose addresses that all share one shard.
    spread: RandomState,
    begun: Instant,
    clock: Box<dyn Fn() -> Instant + Send + Sync>,
}

impl FloodGate {
    /// A gate that nobody has come to yet.
    #[must_use]
    pub fn new(rules: FloodRules) -> Self {
        Self::with_clock(rules, Instant::now)
    }

    /// The same, by another clock.
    #[must_use]
    pub fn with_clock(
        rules: FloodRules,
        clock: impl Fn() -> Instant + Send + Sync + 'static,
    ) -> Self {
        let shards = rules.networks.div_ceil(NETWORKS_PER_SHARD).max(1);
        let most = rules.networks / shards;
        Self {
            enabled: rules.enabled,
            budget: Budget::new(rules.requests, rules.per, rules.burst),
            shards: (0..shards).map(|_| Mutex::new(Shard::new(most))).collect(),
            spread: RandomState::new(),
            begun: clock(),
            clock: Box::new(clock),
        }
    }

    /// Counts one request of whoever is at this address.
    fn count(&self, address: Option<IpAddr>) -> Result<(), ApiError> {
        if !self.enabled {
            return Ok(());
        }
        let network = Network::of(address);
        let now = (self.clock)().saturating_duration_since(self.begun);
        let shards = u64::try_from(self.shards.len()).unwrap_or(u64::MAX);
        let shard = usize::try_from(self.spread.hash_one(network) % shards).unwrap_or_default();
        // What is behind the lock is sound after every step, even of somebody who panicked.
        let mut shard = self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = shard.take(&self.budget, network, now);
        drop(shard);
        verdict.map_err(refusal)
    }
}

impl fmt::Debug for FloodGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FloodGate")
            .field("enabled", &self.enabled)
            .field("budget", &self.budget)
            .field("shards", &self.shards.len())
            .finish_non_exhaustive()
    }
}

fn refusal(exhausted: Exhausted) -> ApiError {
    metrics::counter!("cape_flood_refused_total").increment(1);
    let seconds = exhausted.seconds();
    let detail = format!("too many requests from this network: try again in {seconds} seconds");
    ApiError::client(StatusCode::TOO_MANY_REQUESTS, "request.too_many", detail)
        .with_header("retry-after", seconds)
}

/// Lets a request in, or refuses it with 429 when its network has sent too many.
///
/// # Errors
///
/// Those of the handler.
///
/// # Panics
///
/// When no [`FloodGate`] is mounted.
pub async fn flood(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let gate = request.app_data::<web::Data<FloodGate>>().expect("mounted").clone();
    let address = request.extensions().get::<Origin>().and_then(|origin| origin.address);
    let entry = Entry::of(request.path(), request.headers(), request.query_string());
    match entry {
        Entry::Probe => next.call(request).await.map(ServiceResponse::map_into_boxed_body),
        Entry::Anonymous => match gate.count(address) {
            Ok(()) => next.call(request).await.map(ServiceResponse::map_into_boxed_body),
            Err(refused) => Ok(request.error_response(refused)),
        },
        Entry::Credentials | Entry::Webhook => match next.call(request).await {
            Ok(answer) if entry.is_bad(answer.status()) => {
                let answer = answer.map_into_boxed_body();
                Ok(match gate.count(address) {
                    Ok(()) => answer,
                    Err(refused) => replaced(answer, refused),
                })
            }
            Ok(answer) => Ok(answer.map_into_boxed_body()),
            Err(error) => {
                if entry.is_bad(error.as_response_error().status_code()) {
                    gate.count(address)?;
                }
                Err(error)
            }
        },
    }
}

/// A refusal instead of an answer. Pages of other origins are allowed to read it wherever they
/// were allowed to read the answer.
fn replaced(answer: ServiceResponse, refused: ApiError) -> ServiceResponse {
    let mut told = HttpResponse::from_error(refused);
    for (name, value) in answer.headers() {
        if *name == VARY || name.as_str().starts_with("access-control-") {
            told.headers_mut().append(name.clone(), value.clone());
        }
    }
    answer.into_response(told)
}
