//! Where senders come in. What is said to them is the dialogue's.
use std::{io, sync::Arc, time::Duration};

use actix_web::web::Data;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Mailbox, dialogue::converse, reply};

const MOST_CONNECTIONS: usize = 64;
const PATIENCE: Duration = Duration::from_mins(1);
/// For whom there is no room. A few bytes to somebody who has just come go at once.
const FAREWELL: Duration = Duration::from_secs(1);
/// After an error that would repeat itself, such as too many open files.
const RECOVERY: Duration = Duration::from_millis(100);

struct Porter {
    mailbox: Data<Mailbox>,
    seats: Arc<Semaphore>,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

/// Lets senders in. Every dialogue is a task of this tracker, and is cut when the token is cancelled.
///
/// # Errors
///
/// When the listener cannot be used by the runtime.
pub(crate) fn listen(
    listener: std::net::TcpListener,
    mailbox: Data<Mailbox>,
    tasks: &TaskTracker,
    stopping: &CancellationToken,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let seats = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let porter = Porter { mailbox, seats, tasks: tasks.clone(), stopping: stopping.clone() };
    let stopping = stopping.clone();
    tasks.spawn(async move {
        stopping.run_until_cancelled(porter.serve(listener)).await;
    });
    Ok(())
}

impl Porter {
    async fn serve(&self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => self.welcome(stream).await,
                Err(error) => {
                    tracing::warn!(%error, "the mailbox could not let a sender in");
                    sleep(RECOVERY).await;
                }
            }
        }
    }

    async fn welcome(&self, mut stream: TcpStream) {
        let Ok(seat) = Arc::clone(&self.seats).try_acquire_owned() else {
            let farewell = format!("{}\r\n", reply::CROWDED);
            // It is refused, whether it hears why or not.
            drop(timeout(FAREWELL, stream.write_all(farewell.as_bytes())).await);
            return;
        };
        let (mailbox, stopping) = (self.mailbox.clone(), self.stopping.clone());
        self.tasks.spawn(async move {
            let dialogue = async {
                stream.set_nodelay(true)?;
                converse(stream, &mailbox, PATIENCE).await
            };
            if let Some(Err(error)) = stopping.run_until_cancelled(dialogue).await {
                tracing::debug!(%error, "a sender of mail has gone");
            }
            drop(seat);
        });
    }
}
