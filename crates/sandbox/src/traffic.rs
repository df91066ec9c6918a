//! How often each vendor was asked, and how many streams are open.
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use actix_web::{
    Error, HttpResponse,
    dev::{Service, ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    web::Data,
};
use serde_json::json;

use crate::world::World;

/// Who is emulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vendor {
    /// Payments.
    Stripe,
    /// Models.
    OpenAi,
    /// Models.
    Anthropic,
    /// Models.
    Gemini,
}

/// Counts, all from the start of the sandbox.
#[derive(Default)]
pub(crate) struct Traffic {
    stripe: AtomicU64,
    openai: AtomicU64,
    anthropic: AtomicU64,
    gemini: AtomicU64,
    open_streams: Arc<AtomicU64>,
}

impl Traffic {
    fn of(&self, vendor: Vendor) -> &AtomicU64 {
        match vendor {
            Vendor::Stripe => &self.stripe,
            Vendor::OpenAi => &self.openai,
            Vendor::Anthropic => &self.anthropic,
            Vendor::Gemini => &self.gemini,
        }
    }

    /// Counts a stream until the returned value is dropped, which happens also when the client
    /// hangs up.
    pub(crate) fn open_stream(&self) -> OpenStream {
        self.open_streams.fetch_add(1, Ordering::Relaxed);
        OpenStream(Arc::clone(&self.open_streams))
    }
}

/// A stream that is being sent.
pub(crate) struct OpenStream(Arc<AtomicU64>);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts a request and names it in the answer, under the header that this vendor uses.
pub(crate) fn watch<S, B>(
    vendor: Vendor,
    header: &'static str,
    request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<B>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    let id = request.app_data::<Data<World>>().map(|world| {
        world.traffic.of(vendor).fetch_add(1, Ordering::Relaxed);
        world.ids.mint("req_", 24)
    });
    let answer = service.call(request);
    async move {
        let mut answer = answer.await?;
        if let Some(value) = id.and_then(|id| HeaderValue::try_from(id).ok()) {
            answer.headers_mut().insert(HeaderName::from_static(header), value);
        }
        Ok(answer)
    }
}

/// Requests by vendor.
pub(crate) fn requests(world: &World) -> HttpResponse {
    let count = |vendor| world.traffic.of(vendor).load(Ordering::Relaxed);
    HttpResponse::Ok().json(json!({
        "stripe": count(Vendor::Stripe),
        "openai": count(Vendor::OpenAi),
        "anthropic": count(Vendor::Anthropic),
        "gemini": count(Vendor::Gemini),
    }))
}

/// Streams that are being sent.
pub(crate) fn streams(world: &World) -> HttpResponse {
    let open = world.traffic.open_streams.load(Ordering::Relaxed);
    HttpResponse::Ok().json(json!({ "open": open }))
}
