//! Server-sent events, whatever is in them.
use std::{cell::Cell, future::Future, rc::Rc};

use actix_web::{HttpResponse, HttpResponseBuilder, http::header};
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;

/// An answer of events: `next` gives some, with what gives the next ones.
pub(super) fn answer<W, F>(
    answer: &mut HttpResponseBuilder,
    writer: W,
    next: impl Fn(W) -> F + 'static,
) -> HttpResponse
where
    W: 'static,
    F: Future<Output = Option<(Bytes, W)>> + 'static,
{
    let pieces = stream::unfold((writer, next), |(writer, next)| async {
        let (bytes, writer) = next(writer).await?;
        Some((Ok::<_, actix_web::Error>(bytes), (writer, next)))
    });
    answer
        .content_type("text/event-stream")
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(pieces)
}

/// Whether an answer of events came to its good end. Whoever writes its last event says so. An
/// answer of which nobody said so is not given again to who asks again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Whole(Rc<Cell<bool>>);

impl Whole {
    /// That of an answer that is being built.
    pub(super) fn of(answer: &mut HttpResponseBuilder) -> Self {
        let whole = Self::default();
        answer.extensions_mut().insert(whole.clone());
        whole
    }

    /// The last event is about to be sent, and everything went well.
    pub(super) fn reach(&self) {
        self.0.set(true);
    }

    /// Whether the last event is on its way.
    pub(crate) fn is_reached(&self) -> bool {
        self.0.get()
    }
}

/// Writes an event, with its name if it has one.
pub(super) fn event(out: &mut Vec<u8>, name: Option<&str>, data: &impl Serialize) {
    match serde_json::to_vec(data) {
        Ok(json) => {
            if let Some(name) = name {
                out.extend_from_slice(format!("event: {name}\n").as_bytes());
            }
            out.extend_from_slice(b"data: ");
            out.extend_from_slice(&json);
            out.extend_from_slice(b"\n\n");
        }
        Err(error) => tracing::error!(%error, "an event could not be written"),
    }
}
