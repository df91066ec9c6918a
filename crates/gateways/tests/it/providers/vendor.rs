//! A vendor that plays a script, byte for byte, to whoever asks next.
use std::time::Duration;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::sleep,
};

/// What the vendor does next.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Sends these bytes at once.
    Send(Vec<u8>),
    /// Lets them arrive before the next ones.
    Pause(Duration),
    /// Waits until the client has left.
    UntilLeft,
}

/// What the vendor was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// All before the body, as it was sent.
    pub(crate) head: String,
    /// The body.
    pub(crate) body: Value,
}

impl Asked {
    /// The first line without the version.
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().and_then(|line| line.strip_suffix(" HTTP/1.1")).expect("a line")
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// A vendor. It serves nobody until it is told to play.
pub(crate) struct Vendor(TcpListener);

impl Vendor {
    pub(crate) async fn open() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.expect("a port"))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().expect("an address"))
    }

    /// Answers one request, and closes the connection.
    pub(crate) async fn play(&self, script: &[Step]) -> Asked {
        self.play_all(&[script]).await.pop().expect("a request")
    }

    /// Answers as many requests as there are scripts on one connection, and closes it.
    pub(crate) async fn play_all(&self, scripts: &[&[Step]]) -> Vec<Asked> {
        let (mut client, _) = self.0.accept().await.expect("a client");
        client.set_nodelay(true).expect("a live socket");
        let mut asked = Vec::new();
        for script in scripts {
            asked.push(read(&mut client).await);
            for step in *script {
                act(&mut client, step).await;
            }
        }
        asked
    }
}

async fn act(client: &mut TcpStream, step: &Step) {
    match step {
        // A client may leave before all is said; the test sees what it made of it.
        Step::Send(bytes) => drop(client.write_all(bytes).await),
        Step::Pause(time) => sleep(*time).await,
        Step::UntilLeft => while client.read(&mut [0; 64]).await.is_ok_and(|n| n > 0) {},
    }
}

async fn read(client: &mut TcpStream) -> Asked {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.expect("a head"));
    }
    let head = String::from_utf8(head).expect("a head in ASCII");
    let asked = Asked { head, body: Value::Null };
    let length = asked.header("content-length").map_or(0, |n| n.parse().expect("a length"));
    let mut body = vec![0; length];
    client.read_exact(&mut body).await.expect("a body");
    Asked { body: serde_json::from_slice(&body).expect("a body in JSON"), ..asked }
}

/// An answer with a length.
pub(crate) fn whole(status: &str, headers: &str, body: &str) -> Vec<Step> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n");
    vec![Step::Send(format!("{head}connection: close\r\n\r\n{body}").into_bytes())]
}

/// The beginning of a stream that ends with its connection: a cut looks like an end.
pub(crate) fn stream_head() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n".to_vec()
}

/// A stream in one piece.
pub(crate) fn stream(body: &str) -> Vec<Step> {
    vec![Step::Send(stream_head()), Step::Send(body.as_bytes().to_vec())]
}

/// A stream whose bytes arrive in two pieces.
pub(crate) fn cut_stream(body: &str, at: usize) -> Vec<Step> {
    let (first, second) = body.as_bytes().split_at(at);
    let first = [stream_head(), first.to_vec()].concat();
    let pause = Step::Pause(Duration::from_micros(500));
    vec![Step::Send(first), pause, Step::Send(second.to_vec())]
}
