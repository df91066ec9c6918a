//! Forwarding an answer piece by piece, and paying for it before its last piece is sent.
use std::{sync::Arc, time::Duration};

use cape_domain::{
    time::{Sleeper, Timestamp},
    usage::{Call, ChatEvent, ChatStream, FinishReason, Piece, Timing, TokenCounts},
};
use chrono::TimeDelta;

use super::{
    Admission, Candidate, ChatError, Circuits, Settler, chat::estimated, items::Reader,
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

/// What forwarding an answer needs.
pub(super) struct Means {
    pub(super) base: Base,
    pub(super) settler: Arc<Settler>,
    pub(super) sleeper: Arc<dyn Sleeper>,
    pub(super) circuits: Arc<Circuits>,
}

/// Forwards one answer.
pub(super) struct Pump {
    means: Means,
    admission: Admission,
    asked_at: Timestamp,
    reader: Option<Reader>,
    stop: Stop,
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
        let Candidate { model, provider, .. } = &admission.candidate;
        let stop = admission.watch.over(model, *provider);
        Self {
            means,
            admission,
            asked_at,
            reader: Some(reader),
            stop,
            produced: 0,
            reported: None,
            first_token_at: None,
            checkpointed_at: asked_at,
        }
    }

    /// Reads the answer to its end, whether somebody reads along or not; or until it is stopped,
    /// whether the provider says something or not.
    pub(super) async fn run(mut self, mut stream: Box<dyn ChatStream>) {
        let wanted =
            usize::try_from(self.admission.candidate.asked.request.choices).unwrap_or(usize::MAX);
        let mut finishes = vec![FinishReason::Stop; wanted];
        let broken = loop {
            let event = tokio::select! {
                biased;
                stopped = self.stop.wait() => break Some(stopped),
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
                    self.forward(StreamItem::Piece { choice, piece }).await;
                }
                Some(Ok(ChatEvent::Usage(tokens))) => self.reported = Some(tokens),
                Some(Err(error)) => {
                    let now = self.means.base.now();
                    self.means.circuits.failed(&self.admission.candidate, &error, now);
                    break Some(error.into());
                }
                None => break None,
            }
            self.checkpoint().await;
        };
        // Hangs up.
        drop(stream);
        if let (Some(ChatError::Stopped(_) | ChatError::KeyTakenBack), Some(reader)) =
            (&broken, &self.reader)
        {
            reader.cut();
        }
        let last = self.settle(finishes, broken).await;
        self.end(last).await;
    }

    fn produce(&mut self, bytes: usize) {
        self.produced += bytes as u64;
        let now = self.means.base.now();
        self.first_token_at.get_or_insert(now);
    }

    /// Passes a piece on. A caller who has left, or stopped reading, is not waited for again.
    async fn forward(&mut self, item: StreamItem) {
        let Some(reader) = &self.reader else { return };
        let taken = tokio::select! {
            sent = reader.send(item) => sent,
            () = self.means.sleeper.sleep(STALLED) => false,
            // Whoever reads next is told why.
            _ = self.stop.wait() => true,
        };
        if !taken {
            self.reader = None;
        }
    }

    /// Passes the last item on.
    async fn end(self, last: StreamItem) {
        let Some(reader) = &self.reader else { return };
        tokio::select! {
            _ = reader.send(last) => {}
            () = self.means.sleeper.sleep(STALLED) => {}
        }
    }

    async fn checkpoint(&mut self) {
        let now = self.means.base.now();
        if now < self.checkpointed_at + CHECKPOINT {
            return;
        }
        self.checkpointed_at = now;
        let (tokens, _) = self.used();
        if let Err(error) = self.means.settler.checkpoint(&self.admission, tokens).await {
            tracing::warn!(%error, call.id = %self.admission.call.id, "no checkpoint");
        }
    }

    /// Pays for what was produced; for nothing, if nothing was.
    async fn settle(&self, finishes: Vec<FinishReason>, broken: Option<ChatError>) -> StreamItem {
        let timing = self.timing();
        if let Some(error) = broken {
            let ended = if self.produced == 0 && self.reported.is_none() {
                self.means.settler.fail(&self.admission, error.failure(), timing).await.map(|_| ())
            } else {
                let (tokens, estimated) = self.used();
                self.means
                    .settler
                    .settle(&self.admission, tokens, estimated, timing)
                    .await
                    .map(|_| ())
            };
            return StreamItem::Failed(ended.err().unwrap_or(error));
        }
        let (tokens, estimated) = self.used();
        match self.means.settler.settle(&self.admission, tokens, estimated, timing).await {
            Ok(call) => StreamItem::Done { finishes, tokens, call: Box::new(call) },
            Err(error) => {
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
