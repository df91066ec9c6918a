//! Forwarding an answer piece by piece, and paying for it before its last piece is sent.
use std::{future::pending, sync::Arc, time::Duration};

use cape_domain::{
    time::{Sleeper, Timestamp},
    usage::{
        Call, ChatEvent, ChatStream, FinishReason, ModelProviderError, Piece, Timing, TokenCounts,
        likely_tokens,
    },
};
use chrono::TimeDelta;

use super::{
    Admission, Candidate, ChatError, Circuits, Leaving, Settler,
    chat::{estimated, is_credible},
    items::Reader,
    leaving::Drain,
    switchboard::Stop,
};
use crate::Base;

/// A piece of an answer, for the caller.
#[derive(Debug)]
pub enum StreamItem {
    /// More of one of the answers. None says that it ended: that comes last, with its payment.
    Piece {
        /// Which one, counted from 0.
        choice: u32,
        /// What.
        piece: Piece,
    },
    /// It ended and is paid for. This is the last one.
    Done {
        /// Why each of the answers ended.
        finishes: Vec<FinishReason>,
        /// What was used.
        tokens: TokenCounts,
        /// The record, settled.
        call: Box<Call>,
    },
    /// It broke off, or was stopped. What was produced is paid for. This is the last one.
    Failed(ChatError),
}

/// How often the output of a running call is written down.
const CHECKPOINT: TimeDelta = TimeDelta::seconds(1);

/// How long a caller may let a piece wait before it is taken for gone.
const STALLED: Duration = Duration::from_secs(30);

/// More bytes than this for each token that was asked for are no answer any more, but a flood. The
/// longest tokens of those in use, which are of spaces, have so many.
const LONGEST_TOKEN: u64 = 128;

/// What forwarding an answer needs.
pub(super) struct Means {
    pub(super) base: Base,
    pub(super) settler: Arc<Settler>,
    pub(super) sleeper: Arc<dyn Sleeper>,
    pub(super) circuits: Arc<Circuits>,
    pub(super) leaving: Arc<Leaving>,
}

/// Who reads along.
enum Audience {
    /// The caller.
    Caller(Reader),
    /// Nobody, and it is read to its end all the same.
    Left(Drain),
    /// Nobody, and it is hung up on.
    None,
}

/// Why an answer is not read any further.
enum End {
    /// It is complete.
    Whole,
    /// It broke off, or was stopped.
    Broken(ChatError),
    /// Nobody wants the rest.
    HungUp,
}

/// Forwards one answer.
pub(super) struct Pump {
    means: Means,
    admission: Box<Admission>,
    asked_at: Timestamp,
    audience: Audience,
    stop: Stop,
    choices: u32,
    /// More bytes than there can be in the answer.
    flood: u64,
    produced: u64,
    reported: Option<TokenCounts>,
    first_token_at: Option<Timestamp>,
    checkpointed_at: Timestamp,
}

impl Pump {
    pub(super) fn new(
        means: Means,
        admission: Admission,
        asked_at: Timestamp,
        reader: Reader,
    ) -> Self {
        let Candidate { model, provider, asked, .. } = &admission.candidate;
        let stop = admission.watch.over(model, *provider);
        let choices = asked.request.choices;
        let tokens = asked.request.max_output_tokens.saturating_mul(choices.into());
        Self {
            means,
            admission: Box::new(admission.without_what_was_asked()),
            asked_at,
            audience: Audience::Caller(reader),
            stop,
            choices,
            flood: tokens.saturating_mul(LONGEST_TOKEN),
            produced: 0,
            reported: None,
            first_token_at: None,
            checkpointed_at: asked_at,
        }
    }

    /// Reads the answer to its end, or until it is stopped, whether the provider says something or
    /// not. Who reads along may leave; then it is read on, or hung up on.
    pub(super) async fn run(mut self, mut stream: Box<dyn ChatStream>) {
        let wanted = usize::try_from(self.choices).unwrap_or(usize::MAX);
        let mut finishes = vec![FinishReason::Stop; wanted];
        let end = loop {
            if let Audience::None = self.audience {
                break End::HungUp;
            }
            let event = tokio::select! {
                biased;
                stopped = self.stop.wait() => break End::Broken(stopped),
                () = self.audience.over() => {
                    self.leave();
                    continue;
                }
                event = stream.next() => event,
            };
            match event {
                Some(Ok(ChatEvent::Piece { choice, piece: Piece::Finished(reason) })) => {
                    if let Some(finish) = finishes.get_mut(choice as usize) {
                        *finish = reason;
                    }
                }
                Some(Ok(ChatEvent::Piece { choice, piece })) => {
                    self.produce(piece.bytes());
                    if self.produced > self.flood {
                        break End::Broken(self.failed(endless()));
                    }
                    self.forward(StreamItem::Piece { choice, piece }).await;
                }
                Some(Ok(ChatEvent::Usage(tokens))) => {
                    self.reported = Some(tokens).filter(|told| is_credible(&self.admission, told));
                }
                Some(Err(error)) => break End::Broken(self.failed(error)),
                None => break End::Whole,
            }
            if self.checkpoint_is_due() {
                // Apart from what is kept for as long as the answer takes.
                Box::pin(self.checkpoint()).await;
            }
        };
        // Hangs up.
        drop(stream);
        if let (
            End::Broken(ChatError::Stopped(_) | ChatError::KeyTakenBack),
            Audience::Caller(reader),
        ) = (&end, &self.audience)
        {
            reader.cut();
        }
        let last = Box::pin(self.settle(finishes, end)).await;
        self.end(last).await;
    }

    /// What the caller is told of a provider that failed.
    fn failed(&self, error: ModelProviderError) -> ChatError {
        let now = self.means.base.now();
        self.means.circuits.failed(&self.admission.candidate, &error, now);
        error.into()
    }

    /// The caller has left, or nobody reads on any longer.
    fn leave(&mut self) {
        self.audience = match &self.audience {
            Audience::Caller(_) => {
                let drain = self.means.leaving.leave(self.admission.candidate.provider);
                drain.map_or(Audience::None, Audience::Left)
            }
            Audience::Left(_) | Audience::None => Audience::None,
        };
    }

    fn produce(&mut self, bytes: usize) {
        self.produced += bytes as u64;
        let now = self.means.base.now();
        self.first_token_at.get_or_insert(now);
    }

    /// Passes a piece on. A caller who has left, or stopped reading, is not waited for again.
    async fn forward(&mut self, item: StreamItem) {
        let Audience::Caller(reader) = &self.audience else { return };
        let taken = tokio::select! {
            sent = reader.send(item) => sent,
            () = self.means.sleeper.sleep(STALLED) => false,
            // Whoever reads next is told why.
            _ = self.stop.wait() => true,
        };
        if !taken {
            self.leave();
        }
    }

    /// Passes the last item on.
    async fn end(self, last: StreamItem) {
        let Audience::Caller(reader) = &self.audience else { return };
        tokio::select! {
            _ = reader.send(last) => {}
            () = self.means.sleeper.sleep(STALLED) => {}
        }
    }

    fn checkpoint_is_due(&self) -> bool {
        self.means.base.now() >= self.checkpointed_at + CHECKPOINT
    }

    async fn checkpoint(&mut self) {
        self.checkpointed_at = self.means.base.now();
        let (tokens, _) = self.used();
        if let Err(error) = self.means.settler.checkpoint(&self.admission, tokens).await {
            tracing::warn!(%error, call.id = %self.admission.call.id, "no checkpoint");
        }
    }

    /// Pays for what was produced; for nothing, if nothing was. Who leaves pays for what was put in
    /// at least.
    async fn settle(&self, finishes: Vec<FinishReason>, end: End) -> StreamItem {
        let (settler, timing) = (&self.means.settler, self.timing());
        let (tokens, estimated) = match end {
            End::Whole | End::Broken(_) => self.used(),
            End::HungUp => (self.used_until_now(), true),
        };
        let broken = match end {
            End::Broken(error) => Some(error),
            End::Whole | End::HungUp => None,
        };
        let nothing = self.produced == 0 && self.reported.is_none();
        let ended = match &broken {
            Some(error) if nothing => settler.fail(&self.admission, error.failure(), timing).await,
            Some(_) | None => settler.settle(&self.admission, tokens, estimated, timing).await,
        };
        match (ended, broken) {
            (Ok(call), None) => StreamItem::Done { finishes, tokens, call: Box::new(call) },
            (Ok(_), Some(error)) => StreamItem::Failed(error),
            (Err(error), _) => {
                let id = self.admission.call.id;
                tracing::error!(%error, call.id = %id, "a hold stays open until it is swept");
                StreamItem::Failed(error)
            }
        }
    }

    /// What was used so far: as the provider told, or else estimated, which is said.
    fn used(&self) -> (TokenCounts, bool) {
        match self.reported {
            Some(tokens) => (tokens, false),
            None => (estimated(&self.admission, self.produced), true),
        }
    }

    /// What was used of an answer that was hung up on: what was put in, as far as the provider told,
    /// and what came out, as it told or as is likely of what came, whichever is more.
    fn used_until_now(&self) -> TokenCounts {
        let likely = estimated(&self.admission, self.produced);
        let Some(told) = self.reported else { return likely };
        let written = likely_tokens(self.produced).saturating_sub(told.reasoning);
        TokenCounts { output: told.output.max(written), ..told }
    }

    fn timing(&self) -> Timing {
        let now = self.means.base.now();
        let between = |from: Timestamp, to: Timestamp| (to - from).to_std().unwrap_or_default();
        let started_at = self.admission.call.started_at;
        Timing {
            total: between(started_at, now),
            provider: between(self.asked_at, now),
            first_token: self.first_token_at.map(|first| between(started_at, first)),
        }
    }
}

impl Audience {
    /// Comes back when the caller has left, or when nobody has read along for long enough.
    async fn over(&mut self) {
        match self {
            Self::Caller(reader) => reader.gone().await,
            Self::Left(drain) => drain.over().await,
            Self::None => pending().await,
        }
    }
}

/// A provider writes more than it can have been asked for.
fn endless() -> ModelProviderError {
    ModelProviderError::Malformed("the answer is longer than it can be".into())
}
