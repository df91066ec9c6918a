//! A Redis server of a test's own, which it may stop, start and make slow.
use std::{
    env,
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(10);

/// A server that keeps nothing on disk. It goes with the test.
pub(super) struct RedisServer {
    port: u16,
    url: String,
    child: Option<Child>,
}

impl RedisServer {
    /// Starts one on a free port. None, where there is no program for it, which CI has.
    pub(super) fn start() -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = port.expect("a free port").port();
        let url = format!("redis://127.0.0.1:{port}");
        let mut server = Self { port, url, child: None };
        match server.begin() {
            Ok(()) => Some(server),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                assert!(!in_ci(), "CI needs redis-server");
                None
            }
            Err(error) => panic!("redis-server: {error}"),
        }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Starts it again where it was, with nothing in it.
    pub(super) fn start_again(&mut self) {
        self.begin().expect("it started before");
    }

    /// Ends it at once.
    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().and_then(|()| child.wait()).expect("it was running");
        }
    }

    /// Lets nobody be answered for so long.
    pub(super) fn pause(&self, lasting: Duration) {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).expect("it is running");
        let pause = format!("CLIENT PAUSE {}\r\n", lasting.as_millis());
        connection.write_all(pause.as_bytes()).expect("it listens");
        let mut answer = [0; 5];
        connection.read_exact(&mut answer).expect("it answers");
        assert_eq!(&answer, b"+OK\r\n");
    }

    fn begin(&mut self) -> io::Result<()> {
        let port = self.port.to_string();
        let child = Command::new("redis-server")
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .current_dir(env::temp_dir())
            .stdout(Stdio::null())
            .spawn()?;
        self.child = Some(child);
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "it does not listen");
            thread::sleep(PAUSE);
        }
        Ok(())
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

#[expect(clippy::disallowed_methods, reason = "tests have no configuration but the environment")]
fn in_ci() -> bool {
    env::var("CI").is_ok()
}
