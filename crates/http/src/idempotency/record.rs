//! Keeping an answer while it is sent in pieces.
//!
//! The answer is read to its end whether its client reads along or not: one who has left is the
//! one who will ask again.
use std::{error::Error, future::poll_fn, pin::Pin, time::Duration};

use actix_web::{
    HttpResponse,
    body::{BodyStream, BoxBody, MessageBody},
    rt,
};
use bytes::Bytes;
use cape_domain::idempotency::Answer;
use cape_services::idempotency::{Attempt, Ending};
use futures_util::stream;
use tokio::{sync::mpsc, time::timeout};

use super::answer;
use crate::usage::Whole;

/// How many pieces may wait for a slow client.
const BUFFER: usize = 64;

/// How long a client may let a piece wait before it is taken for gone.
const STALLED: Duration = Duration::from_secs(30);

/// A piece, or why there is none.
type Piece = Result<Bytes, Box<dyn Error>>;

/// Sends a response piece by piece, and keeps what was sent if it came to its good end. The token
/// lives until that is stored: a stop waits for it.
pub(super) fn keep_what_is_sent(
    response: HttpResponse,
    attempt: Attempt,
    token: impl Sized + 'static,
) -> HttpResponse {
    let whole = response.extensions().get::<Whole>().cloned().unwrap_or_default();
    let kept = answer::kept(&response);
    let (head, body) = response.into_parts();
    let (sender, receiver) = mpsc::channel(BUFFER);
    let recording = Recording { body, whole, kept: Vec::new(), client: Some(sender) };
    rt::spawn(async move {
        recording.run(attempt, kept).await;
        drop(token);
    });
    let pieces = stream::unfold(receiver, |mut receiver: mpsc::Receiver<Piece>| async {
        let piece = receiver.recv().await?;
        Some((piece, receiver))
    });
    head.set_body(BoxBody::new(BodyStream::new(Box::pin(pieces))))
}

/// A body on its way to a client.
struct Recording {
    body: BoxBody,
    whole: Whole,
    /// What was sent so far, and no more than shows that it is too much.
    kept: Vec<u8>,
    client: Option<mpsc::Sender<Piece>>,
}

impl Recording {
    /// Reads the body to its end. It is stored before its last piece is sent, so that whoever has
    /// read it gets it again.
    async fn run(mut self, attempt: Attempt, kept: impl FnOnce(Vec<u8>) -> Answer) {
        let (mut attempt, mut kept) = (Some(attempt), Some(kept));
        while let Some(piece) = self.next().await {
            if let Ok(bytes) = &piece {
                self.keep(bytes);
            }
            if self.whole.is_reached()
                && let (Some(attempt), Some(kept)) = (attempt.take(), kept.take())
            {
                attempt.answered(&kept(std::mem::take(&mut self.kept))).await;
            }
            self.forward(piece).await;
        }
        if let Some(attempt) = attempt {
            // It broke off. What came is paid for, and is of no use to who asks again.
            attempt.ended(Ending::Nothing).await;
        }
    }

    async fn next(&mut self) -> Option<Piece> {
        poll_fn(|context| Pin::new(&mut self.body).poll_next(context)).await
    }

    fn keep(&mut self, bytes: &Bytes) {
        let room = (Answer::LARGEST + 1).saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Passes a piece on. A client who has left, or stopped reading, is not waited for again.
    async fn forward(&mut self, piece: Piece) {
        let Some(client) = &self.client else { return };
        let taken = timeout(STALLED, client.send(piece)).await.is_ok_and(|sent| sent.is_ok());
        if !taken {
            self.client = None;
        }
    }
}
