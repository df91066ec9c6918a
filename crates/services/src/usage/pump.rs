//! Forwarding an answer piece by piece, and paying for it before its last piece is sent.
use std::{sync::Arc, time::Duration};

use cape_domain::{
    time::{Sleeper, Timestamp},
    usage::{
        Call, ChatEvent, ChatStream, FinishReason, ModelProviderError, Timing, TokenCounts,
        ToolCallPart,
    },
};
use chrono::TimeDelta;
use tokio::sync::mpsc;

use super::{Admission, ChatError, Settler, chat::estimated};
use crate::Base;

/// A piece of an answer, for the caller.
#[derive(Debug)]
pub enum StreamItem {
    /// More text.
    Text(String),
    /// More of a function it asks for.
    ToolCall(ToolCallPart),
    /// It ended and is paid for. This is the last one.
    Done {
        /// Why it ended.
        finish: FinishReason,
        /// What was used.
        tokens: TokenCounts,
        /// The record, settled.
        call: Box<Call>,
    },
    /// It broke off. What was produced is paid for. This is the last one.
    Failed(ChatError),
}

/// How often the output of a running call is written down.
const CHECKPOINT: TimeDelta = TimeDelta::seconds(1);

/// How long a caller may let a piece wait before it is taken for gone.
const STALLED: Duration = Duration::from_secs(30);

/// Forwards one answer.
pub(super) struct Pump {
    base: Base,
    settler: Arc<Settler>,
    sleeper: Arc<dyn Sleeper>,
    admission: Admission,
    asked_at: Timestamp,
    reader: Option<mpsc::Sender<StreamItem>>,
    produced: u64,
    reported: Option<TokenCounts>,
    first_token_at: Option<Timestamp>,
    checkpointed_at: Timestamp,
}

impl Pump {
    pub(super) fn new(
        base: Base,
        settler: Arc<Settler>,
        sleeper: Arc<dyn Sleeper>,
        admission: Admission,
        asked_at: Timestamp,
        reader: mpsc::Sender<StreamItem>,
    ) -> Self {
        Self {
            base,
            settler,
            sleeper,
            admission,
            asked_at,
            reader: Some(reader),
            produced: 0,
            reported: None,
            first_token_at: None,
            checkpointed_at: asked_at,
        }
    }

    /// Reads the answer to its end, whether somebody reads along or not.
    pub(super) async fn run(mut self, mut stream: Box<dyn ChatStream>) {
        let mut finish = FinishReason::Stop;
        let broken = loop {
            match stream.next().await {
                Some(Ok(ChatEvent::Text(text))) => {
                    self.produce(text.len());
                    self.forward(StreamItem::Text(text)).await;
                }
                Some(Ok(ChatEvent::ToolCall(part))) => {
                    self.produce(part.arguments.len() + part.name.as_ref().map_or(0, String::len));
                    self.forward(StreamItem::ToolCall(part)).await;
                }
                Some(Ok(ChatEvent::Usage(tokens))) => self.reported = Some(tokens),
                Some(Ok(ChatEvent::Finished(reason))) => finish = reason,
                Some(Err(error)) => break Some(error),
                None => break None,
            }
            self.checkpoint().await;
        };
        drop(stream);
        let last = self.settle(finish, broken).await;
        self.forward(last).await;
    }

    fn produce(&mut self, bytes: usize) {
        self.produced += bytes as u64;
        let now = self.base.now();
        self.first_token_at.get_or_insert(now);
    }

    /// Passes a piece on. A caller who has left, or stopped reading, is not waited for again.
    async fn forward(&mut self, item: StreamItem) {
        let Some(reader) = &self.reader else { return };
        let taken = tokio::select! {
            sent = reader.send(item) => sent.is_ok(),
            () = self.sleeper.sleep(STALLED) => false,
        };
        if !taken {
            self.reader = None;
        }
    }

    async fn checkpoint(&mut self) {
        let now = self.base.now();
        if now < self.checkpointed_at + CHECKPOINT {
            return;
        }
        self.checkpointed_at = now;
        let (tokens, _) = self.used();
        if let Err(error) = self.settler.checkpoint(&self.admission, tokens).await {
            tracing::warn!(%error, call.id = %self.admission.call.id, "no checkpoint");
        }
    }

    /// Pays for what was produced; for nothing, if nothing was.
    async fn settle(&self, finish: FinishReason, broken: Option<ModelProviderError>) -> StreamItem {
        let timing = self.timing();
        if let Some(error) = broken {
            let ended = if self.produced == 0 && self.reported.is_none() {
                self.settler.fail(&self.admission, error.kind(), timing).await.map(|_| ())
            } else {
                let (tokens, estimated) = self.used();
                self.settler.settle(&self.admission, tokens, estimated, timing).await.map(|_| ())
            };
            return StreamItem::Failed(ended.err().unwrap_or_else(|| error.into()));
        }
        let (tokens, estimated) = self.used();
        match self.settler.settle(&self.admission, tokens, estimated, timing).await {
            Ok(call) => StreamItem::Done { finish, tokens, call: Box::new(call) },
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
        let now = self.base.now();
        let between = |from: Timestamp, to: Timestamp| (to - from).to_std().unwrap_or_default();
        let started_at = self.admission.call.started_at;
        Timing {
            total: between(started_at, now),
            provider: between(self.asked_at, now),
            first_token: self.first_token_at.map(|first| between(started_at, first)),
        }
    }
}
