//! An answer in pieces, from the events of a connection.
use std::{collections::VecDeque, time::Duration};

use async_trait::async_trait;
use cape_domain::usage::{ChatEvent, ChatStream, ModelProviderError};
use futures_util::stream::StreamExt as _;
use tokio::time::timeout;

use super::{
    events::{Broken, Events},
    failure::{Censor, Complaint, Outage, Unreadable},
};

/// How long to wait for what may follow a complete answer: usage, or the end of the connection.
const GRACE: Duration = Duration::from_secs(5);
/// How long to wait for the end of the connection once nothing follows: a connection that was read
/// to its end is used again. Providers end it at once; one that does not delays the last piece by
/// this much.
const PARTING: Duration = Duration::from_millis(100);

/// How far an answer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to it.
    Going,
    /// All is said; something about it may follow.
    Complete,
    /// Nothing follows.
    Over,
}

/// What one event can say instead of a piece of an answer.
#[derive(Debug, PartialEq, Eq)]
pub enum EventError {
    /// The provider gave up.
    Complaint(Complaint),
    /// It cannot be read.
    Unreadable(Unreadable),
}

impl From<Complaint> for EventError {
    fn from(complaint: Complaint) -> Self {
        Self::Complaint(complaint)
    }
}

impl From<Unreadable> for EventError {
    fn from(error: Unreadable) -> Self {
        Self::Unreadable(error)
    }
}

impl From<serde_json::Error> for EventError {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable(error.into())
    }
}

/// Translates the events of one answer, in order.
pub trait EventReader: Send {
    /// What the `data` of the next event says: any number of pieces.
    ///
    /// # Errors
    ///
    /// See [`EventError`].
    fn read(&mut self, data: &str) -> Result<Vec<ChatEvent>, EventError>;

    /// How far the answer has come with the events read.
    fn progress(&self) -> Progress;
}

/// An answer that is being read. Dropping it, or an error, closes the connection.
pub struct AnswerStream<R> {
    events: Option<Events>,
    reader: R,
    ready: VecDeque<ChatEvent>,
    censor: Censor,
}

impl<R: EventReader> AnswerStream<R> {
    /// Reads these events.
    pub fn new(events: Events, reader: R, censor: Censor) -> Self {
        Self { events: Some(events), reader, ready: VecDeque::new(), censor }
    }

    fn is_complete(&self) -> bool {
        match self.reader.progress() {
            Progress::Going => false,
            Progress::Complete | Progress::Over => true,
        }
    }

    /// Takes in one event, or what is there instead of it.
    fn take(&mut self, event: Option<Result<String, Broken>>) -> Result<(), ModelProviderError> {
        let Some(event) = event else {
            return Err(ModelProviderError::Unavailable(Box::new(Outage::BrokenOff)));
        };
        let pieces = self.reader.read(&event?).map_err(|error| match error {
            EventError::Complaint(complaint) => self.censor.tell(complaint),
            EventError::Unreadable(error) => error.into(),
        })?;
        self.ready.extend(pieces);
        Ok(())
    }
}

#[async_trait]
impl<R: EventReader> ChatStream for AnswerStream<R> {
    async fn next(&mut self) -> Option<Result<ChatEvent, ModelProviderError>> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Some(Ok(piece));
            }
            let events = self.events.as_mut()?;
            let event = match self.reader.progress() {
                Progress::Going => events.next().await,
                Progress::Complete => timeout(GRACE, events.next()).await.unwrap_or_default(),
                Progress::Over => {
                    drop(timeout(PARTING, events.next()).await);
                    None
                }
            };
            let complete = self.is_complete();
            if let Err(error) = self.take(event) {
                self.events = None;
                // What goes wrong after the answer takes nothing from it.
                return if complete { None } else { Some(Err(error)) };
            }
        }
    }
}
