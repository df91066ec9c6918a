//! An HTTP server that answers as it is told to, and remembers what it was asked.
//!
//! It is written by hand, so that what a gateway sends is seen as it was sent.
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// What the server does with a request.
pub(crate) enum Reply {
    /// Answers it.
    Answer {
        /// The status.
        status: u16,
        /// Lines of the head, each `name: value`.
        headers: &'static [&'static str],
        /// The body.
        body: String,
    },
    /// Closes the connection.
    HangUp,
    /// Waits until the client leaves.
    Silence,
}

impl Reply {
    /// An answer in JSON.
    pub(crate) fn json(status: u16, body: impl ToString) -> Self {
        let headers = &["content-type: application/json"];
        Self::Answer { status, headers, body: body.to_string() }
    }
}

/// What the server was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// `POST /v1/customers`.
    pub(crate) line: String,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    /// The body, as a text.
    pub(crate) body: String,
}

impl Asked {
    /// The value of a header, if it was sent exactly once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(other, _)| other == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }
}

/// A server. It stops when it is dropped.
pub(crate) struct Server {
    /// Where it listens, without a slash at the end.
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    _serving: JoinSet<()>,
}

impl Server {
    /// Starts a server that gives these replies, one for each request, and then hangs up.
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let mut replies: VecDeque<Reply> = replies.into_iter().collect();
        let seen = Arc::clone(&asked);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut silent = Vec::new();
            while let Ok((mut connection, _)) = listener.accept().await {
                let Some(request) = read(&mut connection).await else { continue };
                seen.lock().expect("no test has failed").push(request);
                match replies.pop_front() {
                    Some(Reply::Answer { status, headers, body }) => {
                        answer(&mut connection, status, headers, &body).await;
                    }
                    Some(Reply::Silence) => silent.push(connection),
                    Some(Reply::HangUp) | None => drop(connection),
                }
            }
        });
        Self { url, asked, _serving: serving }
    }

    /// What it was asked so far, the oldest first.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no test has failed").clone()
    }
}

async fn read(connection: &mut TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(connection);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(reader.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).expect("a head in ASCII");
    let mut lines = head.lines();
    let line = lines.next()?.strip_suffix(" HTTP/1.1")?.to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().expect("a length"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await.ok()?;
    Some(Asked { line, headers, body: String::from_utf8(body).expect("a body in UTF-8") })
}

/// The client may have left already; that is not the server's business.
async fn answer(connection: &mut TcpStream, status: u16, headers: &[&str], body: &str) {
    let length = body.len();
    let headers: String = headers.iter().flat_map(|header| [header, "\r\n"]).collect();
    let text = format!(
        "HTTP/1.1 {status} Status\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    );
    if connection.write_all(text.as_bytes()).await.is_ok() {
        drop(connection.shutdown().await);
    }
}
