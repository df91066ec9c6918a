//! Pieces of an answer on their way to whoever writes them down.
use std::time::Duration;

use cape_domain::{json::RawJson, usage::Piece};
use cape_services::usage::{Items, StreamItem};
use tokio::time::timeout;

/// How long a stream may be silent before something shows that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What comes next.
pub(super) enum Next {
    /// Nothing for a while: it is time to show that the stream lives.
    Nothing,
    /// Nothing ever.
    End,
    /// A piece; a text with how likely its tokens were, where that was told.
    Item(StreamItem, Option<RawJson>),
}

/// Pieces as they come.
pub(super) struct Pieces {
    items: Option<Items>,
    /// Whether texts wait for how likely they were: it follows at once.
    probable: bool,
    waiting: Option<StreamItem>,
}

impl Pieces {
    /// These, where `probable` says whether it was asked how likely tokens are.
    pub(super) const fn of(items: Items, probable: bool) -> Self {
        Self { items: Some(items), probable, waiting: None }
    }

    /// What comes next. After the last piece there is nothing.
    pub(super) async fn next(&mut self) -> Next {
        let item = match self.waiting.take() {
            Some(item) => item,
            None => match self.receive().await {
                Ok(Some(item)) => item,
                Ok(None) => return Next::End,
                Err(Silence) => return Next::Nothing,
            },
        };
        let last = matches!(item, StreamItem::Done { .. } | StreamItem::Failed(_));
        if last {
            self.items = None;
        }
        let StreamItem::Piece { choice, piece: Piece::Text(_) } = &item else {
            return Next::Item(item, None);
        };
        if !self.probable {
            return Next::Item(item, None);
        }
        let choice = *choice;
        match self.receive().await {
            Ok(Some(StreamItem::Piece { choice: of, piece: Piece::LogProbs(probable) }))
                if of == choice =>
            {
                Next::Item(item, Some(probable))
            }
            Ok(following) => {
                self.waiting = following;
                Next::Item(item, None)
            }
            Err(Silence) => Next::Item(item, None),
        }
    }

    async fn receive(&mut self) -> Result<Option<StreamItem>, Silence> {
        let Some(items) = &mut self.items else { return Ok(None) };
        timeout(KEEP_ALIVE, items.recv()).await.map_err(|_| Silence)
    }
}

/// Nothing came for a while.
struct Silence;

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    fn text(choice: u32, text: &str) -> StreamItem {
        StreamItem::Piece { choice, piece: Piece::Text(text.to_owned()) }
    }

    fn probable(choice: u32, json: &str) -> StreamItem {
        StreamItem::Piece { choice, piece: Piece::LogProbs(RawJson::new(json)) }
    }

    async fn told(sent: Vec<StreamItem>, wanted: bool) -> Vec<String> {
        let (sender, items) = mpsc::channel(8);
        for item in sent {
            sender.send(item).await.expect("a reader");
        }
        drop(sender);
        let mut pieces = Pieces::of(items.into(), wanted);
        let mut told = Vec::new();
        while let Next::Item(item, probable) = pieces.next().await {
            let StreamItem::Piece { choice, piece } = item else { panic!("{item:?}") };
            let probable = probable.map(|json| json.as_str().to_owned()).unwrap_or_default();
            told.push(match piece {
                Piece::Text(text) => format!("{choice}{text}{probable}"),
                other => format!("{choice}{other:?}"),
            });
        }
        told
    }

    #[tokio::test]
    async fn a_text_waits_for_how_likely_it_was_and_for_nothing_else() {
        let sent = || vec![text(0, "a"), probable(0, "1"), text(1, "b"), text(0, "c")];
        assert_eq!(told(sent(), true).await, ["0a1", "1b", "0c"]);
        assert_eq!(told(vec![text(0, "a"), text(0, "b")], false).await, ["0a", "0b"]);
        let of_another = told(vec![text(0, "a"), probable(1, "1")], true).await;
        assert_eq!(of_another.len(), 2, "{of_another:?}");
    }
}
