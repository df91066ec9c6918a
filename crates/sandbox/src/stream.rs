//! How an answer leaves the sandbox: in its own time, whole or cut. What is in it is not decided here.
use std::{fmt, time::Duration};

use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use futures_util::stream::{Stream, unfold};
use tokio::time::sleep;

use crate::{directive::Directive, traffic::OpenStream};

/// The server sends what it has whenever the stream makes it wait. Without this pause a cut would
/// also swallow the chunks before it.
const FLUSH: Duration = Duration::from_millis(20);

/// A piece of a stream.
pub(crate) enum Frame {
    /// Carries content: it is waited for, and counted towards a cut.
    Content(Bytes),
    /// Everything around the content.
    Around(Bytes),
}

/// The end of a connection that was asked to break.
#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was cut by a sandbox directive")
    }
}

impl std::error::Error for Cut {}

struct Run<I> {
    frames: I,
    chunk_delay: Duration,
    cut_after: Option<u64>,
    sent: u64,
    over: bool,
    _open: OpenStream,
}

impl<I: Iterator<Item = Frame>> Run<I> {
    async fn next(&mut self) -> Option<Result<Bytes, Cut>> {
        if self.over {
            return None;
        }
        let frame = self.frames.next()?;
        let content = matches!(frame, Frame::Content(_));
        if self.cut_after == Some(self.sent) && (content || self.sent > 0) {
            self.over = true;
            sleep(FLUSH).await;
            return Some(Err(Cut));
        }
        if content {
            if self.sent > 0 && !self.chunk_delay.is_zero() {
                sleep(self.chunk_delay).await;
            }
            self.sent += 1;
        }
        match frame {
            Frame::Content(bytes) | Frame::Around(bytes) => Some(Ok(bytes)),
        }
    }
}

/// The frames, each as a chunk of its own, paced and cut as the directive says. It is driven by the
/// connection: when the client hangs up, it is dropped and makes nothing more.
pub(crate) fn paced(
    frames: impl Iterator<Item = Frame> + 'static,
    directive: &Directive,
    open: OpenStream,
) -> impl Stream<Item = Result<Bytes, Cut>> + 'static {
    let Directive { chunk_delay, cut_after, .. } = *directive;
    let run = Run { frames, chunk_delay, cut_after, sent: 0, over: false, _open: open };
    unfold(run, |mut run| async move { run.next().await.map(|item| (item, run)) })
}

/// A JSON body, or half of it under the length of the whole when a cut is asked.
pub(crate) fn whole(
    mut builder: HttpResponseBuilder,
    body: Vec<u8>,
    directive: &Directive,
) -> HttpResponse {
    builder.content_type("application/json");
    if directive.cut_after.is_none() {
        return builder.body(body);
    }
    let length = body.len();
    builder.no_chunking(length as u64);
    let half = Bytes::from(body).slice(..length / 2);
    builder.streaming(unfold(Some(half), |half| async move {
        match half {
            Some(half) if !half.is_empty() => Some((Ok(half), Some(Bytes::new()))),
            Some(_) => {
                sleep(FLUSH).await;
                Some((Err(Cut), None))
            }
            None => None,
        }
    }))
}
