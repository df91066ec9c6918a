//! Pieces of an answer on their way from who reads them at the provider to who passes them on.
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::mpsc;

use super::StreamItem;

/// Pieces as they come. Those that nobody took when the call was stopped are not passed on.
#[derive(Debug)]
pub struct Items {
    waiting: mpsc::Receiver<StreamItem>,
    cut: Arc<AtomicBool>,
}

/// The other end.
pub(super) struct Reader {
    items: mpsc::Sender<StreamItem>,
    cut: Arc<AtomicBool>,
}

/// How many pieces may wait for a slow reader.
const ROOM: usize = 64;

impl Items {
    /// Two ends.
    pub(super) fn channel() -> (Reader, Self) {
        let (items, waiting) = mpsc::channel(ROOM);
        let cut = Arc::new(AtomicBool::new(false));
        (Reader { items, cut: Arc::clone(&cut) }, Self { waiting, cut })
    }

    /// The next one. Nothing after the last one.
    pub async fn recv(&mut self) -> Option<StreamItem> {
        loop {
            let item = self.waiting.recv().await?;
            match item {
                StreamItem::Piece { .. } if self.cut.load(Ordering::Acquire) => {}
                StreamItem::Piece { .. } | StreamItem::Done { .. } | StreamItem::Failed(_) => {
                    return Some(item);
                }
            }
        }
    }
}

/// Items of nobody who could stop the call.
impl From<mpsc::Receiver<StreamItem>> for Items {
    fn from(waiting: mpsc::Receiver<StreamItem>) -> Self {
        Self { waiting, cut: Arc::default() }
    }
}

impl Reader {
    /// Passes an item on, as soon as there is room. Says whether somebody will take it.
    pub(super) async fn send(&self, item: StreamItem) -> bool {
        self.items.send(item).await.is_ok()
    }

    /// Comes back when nobody will take anything any more.
    pub(super) async fn gone(&self) {
        self.items.closed().await;
    }

    /// What was passed on and not taken yet is not passed on.
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::Release);
    }
}
