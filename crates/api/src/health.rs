//! Asking a running instance whether it lives, without anything but a socket: it is asked from
//! inside the container, where no other tool is.
use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// How long connecting, writing and each reading may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// As much of the answer as its first line may need.
const FIRST_LINE: u64 = 1024;

/// Why an instance is not known to live.
#[derive(Debug, thiserror::Error)]
pub enum NotLive {
    /// It does not answer.
    #[error("{address} does not answer")]
    Unreachable {
        /// Where it should be.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// It answers with something else than `200`.
    #[error("{address} answers `{status}`")]
    Unwell {
        /// Where it is.
        address: SocketAddr,
        /// The first line of the answer.
        status: String,
    },
}

/// Asks for `/healthz`. The caller waits for at most a few seconds.
///
/// # Errors
///
/// [`NotLive`] unless the answer is 200.
pub fn probe(address: SocketAddr) -> Result<(), NotLive> {
    let status = first_line(address).map_err(|source| NotLive::Unreachable { address, source })?;
    match status.split(' ').nth(1) {
        Some("200") => Ok(()),
        Some(_) | None => Err(NotLive::Unwell { address, status }),
    }
}

fn first_line(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(FIRST_LINE).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader},
        net::TcpListener,
        thread,
    };

    use super::*;

    fn asking_one_that_says(answer: &'static str) -> (Result<(), NotLive>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let asked = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a caller");
            let mut lines = BufReader::new(stream.try_clone().expect("a reader")).lines();
            let request = lines.next().expect("a line").expect("text");
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            stream.write_all(answer.as_bytes()).expect("an answer");
            request
        });
        (probe(address), asked.join().expect("the request"))
    }

    #[test]
    fn an_instance_that_answers_200_lives() {
        let (live, request) = asking_one_that_says("HTTP/1.1 200 OK\r\n\r\n{}");
        assert!(live.is_ok());
        assert_eq!(request, "GET /healthz HTTP/1.1");
    }

    #[test]
    fn an_instance_that_answers_anything_else_does_not() {
        for answer in ["HTTP/1.1 503 Service Unavailable\r\n\r\n", "200\r\n", ""] {
            let (live, _) = asking_one_that_says(answer);
            assert!(matches!(live, Err(NotLive::Unwell { .. })), "{answer}");
        }
    }

    #[test]
    fn an_instance_that_is_not_there_does_not_live() {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port");
        assert!(matches!(probe(free), Err(NotLive::Unreachable { .. })));
    }
}
