//! Lines to and from a sender, bounded in length and in time. What they mean is not known here.
use std::{io, mem};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, BufWriter},
    time::{Duration, timeout},
};

/// The longest line of a mail and of a command, its end included.
pub(crate) const LONGEST_LINE: usize = 1_000;
/// What a line of a mail may have besides: the dot that keeps it from being the last.
const DOT: usize = 1;

/// A line that was sent, up to CR and LF.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Without its end.
    Whole(Vec<u8>),
    /// Its bytes are forgotten.
    TooLong,
    /// There is a CR or a LF inside.
    Stray,
}

/// A connection.
pub(crate) struct Wire<S> {
    stream: BufReader<BufWriter<S>>,
    patience: Duration,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// A connection on which nothing is waited for any longer than this.
    pub(crate) fn new(stream: S, patience: Duration) -> Self {
        Self { stream: BufReader::new(BufWriter::new(stream)), patience }
    }

    /// The next line, or nothing when the sender has gone, also in the middle of a line. A LF alone
    /// does not end one: whoever took it for an end would see other lines than everybody else.
    pub(crate) async fn line(&mut self) -> io::Result<Option<Line>> {
        let (mut line, mut too_long, mut last) = (Vec::new(), false, b' ');
        loop {
            self.fill().await?;
            let sent = self.stream.buffer();
            if sent.is_empty() {
                return Ok(None);
            }
            let end = sent
                .iter()
                .position(|byte| mem::replace(&mut last, *byte) == b'\r' && *byte == b'\n');
            let taken = end.map_or(sent.len(), |end| end + 1);
            too_long |= line.len() + taken > LONGEST_LINE + DOT;
            if !too_long {
                line.extend_from_slice(&sent[..taken]);
            }
            self.stream.consume(taken);
            if end.is_some() {
                break;
            }
        }
        if too_long {
            return Ok(Some(Line::TooLong));
        }
        line.truncate(line.len() - b"\r\n".len());
        let stray = line.iter().any(|byte| matches!(byte, b'\r' | b'\n'));
        Ok(Some(if stray { Line::Stray } else { Line::Whole(line) }))
    }

    /// Says a line. It is sent before anything is waited for, so that the answers to what was sent in
    /// one go come back in one go.
    pub(crate) async fn say(&mut self, line: &str) -> io::Result<()> {
        let line = format!("{line}\r\n");
        timeout(self.patience, self.stream.write_all(line.as_bytes())).await?
    }

    /// Sends what was said, and says that nothing will follow.
    pub(crate) async fn close(&mut self) -> io::Result<()> {
        timeout(self.patience, self.stream.shutdown()).await?
    }

    async fn fill(&mut self) -> io::Result<()> {
        if self.stream.buffer().is_empty() {
            timeout(self.patience, self.stream.flush()).await??;
            timeout(self.patience, self.stream.fill_buf()).await??;
        }
        Ok(())
    }
}
