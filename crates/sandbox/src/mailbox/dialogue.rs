//! The dialogue with one sender: what may be said when, and what is answered. Mail is kept elsewhere.
use std::{borrow::Cow, io, ops::ControlFlow, time::Duration};

use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    Mailbox,
    command::{Command, LARGEST},
    message::Envelope,
    reply::{self, Reply},
    wire::{LONGEST_LINE, Line, Wire},
};

const MOST_RECIPIENTS: usize = 1_000;

struct Dialogue<'a, S> {
    wire: Wire<S>,
    mailbox: &'a Mailbox,
    greeted: bool,
    /// The mail that was begun.
    envelope: Option<Envelope>,
}

/// Talks to a sender until it leaves, or is silent for longer than this.
pub(crate) async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    mailbox: &Mailbox,
    patience: Duration,
) -> io::Result<()> {
    let wire = Wire::new(stream, patience);
    let mut dialogue = Dialogue { wire, mailbox, greeted: false, envelope: None };
    match dialogue.run().await {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            dialogue.wire.say(reply::IDLE).await?;
        }
        outcome => outcome?,
    }
    dialogue.wire.close().await
}

impl<S: AsyncRead + AsyncWrite + Unpin> Dialogue<'_, S> {
    async fn run(&mut self) -> io::Result<()> {
        self.wire.say(reply::GREETING).await?;
        while let Some(line) = self.wire.line().await? {
            if self.answer(line).await?.is_break() {
                break;
            }
        }
        Ok(())
    }

    async fn answer(&mut self, line: Line) -> io::Result<ControlFlow<()>> {
        let answer = match command(&line) {
            Err(refusal) => refusal.into(),
            Ok(Command::Hello) => {
                self.greet();
                reply::HELLO.into()
            }
            Ok(Command::ExtendedHello) => {
                self.greet();
                extensions().into()
            }
            Ok(Command::Mail { from }) => self.begin(from).into(),
            Ok(Command::Recipient { to }) => self.add(to).into(),
            Ok(Command::Data) => self.take().await?,
            Ok(Command::Reset) => {
                self.envelope = None;
                reply::OK.into()
            }
            Ok(Command::Nothing) => reply::OK.into(),
            Ok(Command::Verify) => reply::UNVERIFIED.into(),
            Ok(Command::Quit) => {
                self.wire.say(reply::BYE).await?;
                return Ok(ControlFlow::Break(()));
            }
        };
        self.wire.say(&answer).await?;
        Ok(ControlFlow::Continue(()))
    }

    /// A greeting in the middle begins anew.
    fn greet(&mut self) {
        self.greeted = true;
        self.envelope = None;
    }

    fn begin(&mut self, from: String) -> Reply {
        if !self.greeted || self.envelope.is_some() {
            return reply::OUT_OF_ORDER;
        }
        self.envelope = Some(Envelope { from, to: Vec::new() });
        reply::OK
    }

    fn add(&mut self, to: String) -> Reply {
        let Some(envelope) = &mut self.envelope else { return reply::OUT_OF_ORDER };
        if envelope.to.len() >= MOST_RECIPIENTS {
            return reply::TOO_MANY_RECIPIENTS;
        }
        match self.mailbox.admit(&to) {
            Ok(()) => {
                envelope.to.push(to);
                reply::OK
            }
            Err(refusal) => refusal,
        }
    }

    /// Takes the mail itself. It is over then, kept or refused; one that breaks off was never sent.
    async fn take(&mut self) -> io::Result<Cow<'static, str>> {
        let Some(envelope) = self.envelope.take_if(|envelope| !envelope.to.is_empty()) else {
            return Ok(reply::OUT_OF_ORDER.into());
        };
        self.wire.say(reply::START).await?;
        Ok(match self.source().await? {
            Ok(source) => format!("250 OK, kept as {}", self.mailbox.keep(envelope, source)).into(),
            Err(refusal) => refusal.into(),
        })
    }

    /// Reads to the last line, whatever comes before it, so that the sender hears why it is refused.
    async fn source(&mut self) -> io::Result<Result<Vec<u8>, Reply>> {
        let (mut source, mut refusal) = (Vec::new(), None);
        loop {
            let line = self.wire.line().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let fault = match line {
                Line::Whole(line) if line == b"." => break,
                Line::Whole(_) if refusal.is_some() => Ok(()),
                Line::Whole(line) => append(&mut source, line.strip_prefix(b".").unwrap_or(&line)),
                Line::TooLong => Err(reply::LINE_TOO_LONG),
                Line::Stray => Err(reply::STRAY),
            };
            if let Err(fault) = fault {
                refusal.get_or_insert(fault);
                source = Vec::new();
            }
        }
        Ok(refusal.map_or(Ok(source), Err))
    }
}

fn append(source: &mut Vec<u8>, line: &[u8]) -> Result<(), Reply> {
    if line.len() + 2 > LONGEST_LINE {
        return Err(reply::LINE_TOO_LONG);
    }
    if source.len() + line.len() + 2 > LARGEST {
        return Err(reply::TOO_LARGE);
    }
    source.extend_from_slice(line);
    source.extend_from_slice(b"\r\n");
    Ok(())
}

fn command(line: &Line) -> Result<Command, Reply> {
    match line {
        Line::Whole(line) if line.len() + 2 <= LONGEST_LINE => Command::parse(line),
        Line::Whole(_) | Line::TooLong => Err(reply::LINE_TOO_LONG),
        Line::Stray => Err(reply::STRAY),
    }
}

fn extensions() -> String {
    format!("250-sandbox\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE {LARGEST}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actix_web::web::Data;
    use chrono::DateTime;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;
    use crate::world::World;

    fn mailbox() -> Mailbox {
        let clock = Arc::new(|| DateTime::UNIX_EPOCH);
        Mailbox::new(Data::new(World::new(clock, String::new())), String::new())
    }

    /// What is heard by a sender that says this, of which so many bytes arrive at a time, and waits
    /// to be left after so many milliseconds.
    async fn heard(mailbox: &Mailbox, said: &str, at_a_time: usize, millis: u64) -> Vec<String> {
        let (sender, stream) = duplex(at_a_time);
        let (mut reader, mut writer) = tokio::io::split(sender);
        let mut heard = String::new();
        let (outcome, said, read) = tokio::join!(
            converse(stream, mailbox, Duration::from_millis(millis)),
            writer.write_all(said.as_bytes()),
            reader.read_to_string(&mut heard),
        );
        outcome.and(said).and(read).expect("an orderly end");
        heard.lines().map(str::to_owned).collect()
    }

    #[tokio::test]
    async fn whoever_is_silent_is_told_so_and_left() {
        let mailbox = mailbox();
        let said = "HELO here\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nhalf";
        let heard = heard(&mailbox, said, 4096, 50).await;
        assert_eq!(heard.last().map(String::as_str), Some(reply::IDLE));
        assert!(mailbox.newest().is_empty());
    }

    #[tokio::test]
    async fn a_dialogue_may_come_byte_by_byte() {
        let mailbox = mailbox();
        let said = "HELO here\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n..\r\n.\r\nQUIT\r\n";
        let heard = heard(&mailbox, said, 1, 60_000).await;
        let codes: Vec<_> = heard.iter().map(|line| &line[..3]).collect();
        assert_eq!(codes, ["220", "250", "250", "250", "354", "250", "221"]);
        assert_eq!(mailbox.newest()[0].source, b".\r\n");
    }

    #[tokio::test]
    async fn recipients_beyond_a_thousand_are_refused() {
        let recipients = "RCPT TO:<c@d>\r\n".repeat(MOST_RECIPIENTS + 1);
        let said = format!("HELO here\r\nMAIL FROM:<a@b>\r\n{recipients}DATA\r\n.\r\nQUIT\r\n");
        let mailbox = mailbox();
        let heard = heard(&mailbox, &said, 4096, 60_000).await;
        let refused = heard.iter().filter(|line| *line == reply::TOO_MANY_RECIPIENTS);
        assert_eq!(refused.count(), 1);
        assert_eq!(mailbox.newest()[0].envelope.to.len(), MOST_RECIPIENTS);
    }
}
