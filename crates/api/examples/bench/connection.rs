//! One connection that stays open, and as little HTTP as it takes: what the load generator itself
//! needs of the processor is taken from those it measures.
use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// How long connecting, and each reading and writing, may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request that is sent again and again.
#[derive(Clone, Debug)]
pub struct Target {
    /// To whom.
    pub address: SocketAddr,
    /// The request, as it goes over the wire.
    pub request: Vec<u8>,
}

impl Target {
    /// A request with a body in JSON. `bearer` may be empty.
    pub fn post(address: SocketAddr, path: &str, bearer: &str, body: &str) -> Self {
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {bearer}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        Self { address, request: request.into_bytes() }
    }

    /// A request without a body. `bearer` may be empty.
    pub fn get(address: SocketAddr, path: &str, bearer: &str) -> Self {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {bearer}\r\n\r\n"
        );
        Self { address, request: request.into_bytes() }
    }
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body of a success.
    pub fn success(self) -> io::Result<Vec<u8>> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        let text = String::from_utf8_lossy(&self.body);
        Err(io::Error::other(format!("answered with {}: {text}", self.status)))
    }
}

/// An open connection.
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends a request and reads the whole answer, which has to tell its length.
    pub fn exchange(&mut self, target: &Target) -> io::Result<Answer> {
        self.0.get_mut().write_all(&target.request)?;
        let malformed = || io::Error::from(io::ErrorKind::InvalidData);
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(malformed)?;
        let mut length = None;
        loop {
            line.clear();
            self.0.read_line(&mut line)?;
            if line.trim_end().is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(malformed)?;
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok();
            }
        }
        let mut body = vec![0; length.ok_or_else(malformed)?];
        self.0.read_exact(&mut body)?;
        Ok(Answer { status, body })
    }
}

/// Asks once, on a connection of its own.
pub fn ask(target: &Target) -> io::Result<Vec<u8>> {
    Connection::open(target.address)?.exchange(target)?.success()
}
