//! How an answer leaves the sandbox: in its own time, whole or cut. What is in it is not decided here.
use std::{fmt, future::pending, time::Duration};

use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use futures_util::stream::{Stream, unfold};
use tokio::time::sleep;

use crate::{
    directive::Directive,
    hostile::{Body, Figures, strange_end, strange_event},
    traffic::OpenStream,
};

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

struct Run {
    frames: Box<dyn Iterator<Item = Frame>>,
    directive: Directive,
    /// What is sent before the next frame.
    next: Option<Bytes>,
    sent: u64,
    over: bool,
    _open: OpenStream,
}

impl Run {
    async fn next(&mut self) -> Option<Result<Bytes, Cut>> {
        if let Some(bytes) = self.next.take() {
            return Some(Ok(bytes));
        }
        if self.over {
            return None;
        }
        let Some(frame) = self.frames.next() else {
            if self.directive.body == Body::Silent {
                pending::<()>().await;
            }
            return None;
        };
        let Directive { chunk_delay, cut_after, .. } = self.directive;
        let content = matches!(frame, Frame::Content(_));
        if cut_after == Some(self.sent) && (content || self.sent > 0) {
            self.over = true;
            sleep(FLUSH).await;
            return Some(Err(Cut));
        }
        if content {
            if self.sent > 0 && !chunk_delay.is_zero() {
                sleep(chunk_delay).await;
            }
            self.sent += 1;
        }
        match frame {
            Frame::Content(bytes) => Some(Ok(self.content(bytes))),
            Frame::Around(bytes) => Some(Ok(self.around(bytes))),
        }
    }

    fn content(&mut self, bytes: Bytes) -> Bytes {
        if self.sent == 1 {
            if let Some(frames) = self.directive.body.frames(&bytes) {
                self.frames = frames;
            }
            if self.directive.strange_event {
                self.next = Some(strange_event(&bytes));
            }
        }
        self.directive.figures.of(bytes)
    }

    fn around(&mut self, bytes: Bytes) -> Bytes {
        let figures = self.directive.figures;
        let bytes = if self.directive.strange_end { strange_end(&bytes) } else { bytes };
        if self.sent > 0
            && let Some(before) = figures.before(&bytes)
        {
            self.next = Some(bytes);
            return before;
        }
        figures.of(bytes)
    }
}

/// The frames, each as a chunk of its own, paced and cut as the directive says. It is driven by the
/// connection: when the client hangs up, it is dropped and makes nothing more.
pub(crate) fn paced(
    frames: impl Iterator<Item = Frame> + 'static,
    directive: &Directive,
    open: OpenStream,
) -> impl Stream<Item = Result<Bytes, Cut>> + 'static {
    let frames: Box<dyn Iterator<Item = Frame>> = match directive.body {
        // Not even a first content comes.
        Body::Empty | Body::Silent => Box::new(std::iter::empty()),
        Body::Sound | Body::Garbage | Body::Deep | Body::Huge | Body::Endless | Body::Unending => {
            Box::new(frames)
        }
    };
    let directive = directive.clone();
    let run = Run { frames, directive, next: None, sent: 0, over: false, _open: open };
    unfold(run, |mut run| async move { run.next().await.map(|item| (item, run)) })
}

/// A JSON body, or half of it under the length of the whole when a cut is asked.
pub(crate) fn whole(
    mut builder: HttpResponseBuilder,
    body: Vec<u8>,
    directive: &Directive,
) -> HttpResponse {
    builder.content_type("application/json");
    if let Some(pieces) = directive.body.pieces() {
        let silent = directive.body == Body::Silent;
        return builder.streaming(unfold(pieces, move |mut pieces| async move {
            if let Some(piece) = pieces.next() {
                return Some((Ok::<_, Cut>(piece), pieces));
            }
            if silent {
                pending::<()>().await;
            }
            None
        }));
    }
    let body = mangled(body, directive);
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

/// A body whose figures and words are those that are wanted.
fn mangled(body: Vec<u8>, directive: &Directive) -> Vec<u8> {
    if directive.figures == Figures::Sound && !directive.strange_end {
        return body;
    }
    let body = Bytes::from(body);
    let body = if directive.strange_end { strange_end(&body) } else { body };
    directive.figures.of(body).to_vec()
}
