//! One connection that stays open, and as little HTTP as it takes: what the load generator itself
//! needs of the processor is taken from those it measures.
use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
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
        let bearer = format!("Bearer {bearer}");
        Self::post_with(address, path, &[("Authorization", &bearer)], body)
    }

    /// A request with these headers and a body in JSON.
    pub fn post_with(
        address: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Self {
        let length = body.len();
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let headers = headers.concat();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\n{headers}\
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
    /// What there is of the body.
    pub body: Vec<u8>,
    /// When the first bytes of the body were there.
    pub first: Instant,
    length: Length,
}

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// So many bytes.
    Told(usize),
    /// An empty chunk.
    Chunked,
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

    /// Sends a request and reads the whole answer.
    pub fn exchange(&mut self, target: &Target) -> io::Result<Answer> {
        self.send(target)?;
        let begun = self.first_piece()?;
        self.rest(begun)
    }

    /// Sends a request.
    pub fn send(&mut self, target: &Target) -> io::Result<()> {
        self.0.get_mut().write_all(&target.request)
    }

    /// Reads the head of an answer, and its body as far as the first chunk, or to its end where
    /// its length is told.
    pub fn first_piece(&mut self) -> io::Result<Answer> {
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
                length = value.trim().parse().ok().map(Length::Told);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                length = Some(Length::Chunked);
            }
        }
        let length = length.ok_or_else(malformed)?;
        let mut body = Vec::new();
        match length {
            Length::Told(length) => {
                body.resize(length, 0);
                self.0.read_exact(&mut body)?;
            }
            Length::Chunked => {
                self.chunk(&mut body)?;
            }
        }
        Ok(Answer { status, body, first: Instant::now(), length })
    }

    /// Reads what is left of an answer.
    pub fn rest(&mut self, mut answer: Answer) -> io::Result<Answer> {
        if answer.length == Length::Chunked {
            while self.chunk(&mut answer.body)? {}
        }
        Ok(answer)
    }

    /// Reads one chunk. False, if it is the empty one.
    fn chunk(&mut self, body: &mut Vec<u8>) -> io::Result<bool> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let length = usize::from_str_radix(line.trim_end(), 16).map_err(|_| malformed())?;
        let begin = body.len();
        body.resize(begin + length, 0);
        self.0.read_exact(&mut body[begin..])?;
        line.clear();
        self.0.read_line(&mut line)?;
        Ok(length > 0)
    }
}

fn malformed() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

/// Asks once, on a connection of its own.
pub fn ask(target: &Target) -> io::Result<Vec<u8>> {
    Connection::open(target.address)?.exchange(target)?.success()
}
