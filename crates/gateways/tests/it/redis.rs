//! Whether Redis can be reached.
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cape_domain::secret::Secret;
use cape_gateways::{health::RedisHealth, redis_link::RedisLink};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};

/// The server to test with. In CI there has to be one.
pub(super) fn test_url() -> Option<Secret> {
    let read = |name| {
        #[expect(clippy::disallowed_methods, reason = "tests have no configuration but this")]
        std::env::var(name).ok().filter(|value| !value.is_empty())
    };
    let url = read("TEST_REDIS_URL").map(Secret::new);
    assert!(url.is_some() || read("CI").is_none(), "CI needs TEST_REDIS_URL");
    url
}

fn health(url: &str) -> RedisHealth {
    RedisHealth::new(link(&Secret::new(url)))
}

fn link(url: &Secret) -> Arc<RedisLink> {
    Arc::new(RedisLink::new(url).expect("an address"))
}

#[tokio::test]
async fn a_server_that_is_there_answers_again_and_again() {
    let Some(url) = test_url() else { return };
    let health = RedisHealth::new(link(&url));
    for _ in 0..3 {
        health.ping().await.expect("an answer");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_noticed_within_a_second_every_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let health = health(&format!("redis://127.0.0.1:{port}"));
    for _ in 0..3 {
        let begun = Instant::now();
        assert!(health.ping().await.is_err());
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_within_a_second() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let health = health(&format!("redis://127.0.0.1:{port}"));
    for _ in 0..2 {
        let answer = timeout(Duration::from_secs(1), health.ping()).await;
        assert!(answer.expect("it is given up in time").is_err());
    }
}

/// Answers each command, until the answers are used up.
async fn speak(mut connection: TcpStream, answers: usize) {
    let mut answered = 0;
    let mut buffer = [0; 4_096];
    while let Ok(length @ 1..) = connection.read(&mut buffer).await {
        let asked = String::from_utf8_lossy(&buffer[..length]).into_owned();
        for command in asked.split('*').skip(1) {
            let ping = command.contains("PING");
            if ping && answered == answers {
                return;
            }
            answered += usize::from(ping);
            let answer = if ping { "+PONG\r\n" } else { "+OK\r\n" };
            if connection.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

/// A server that speaks just enough, and hangs up at every third ping.
fn serve(listener: TcpListener) -> JoinSet<()> {
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((connection, _)) = listener.accept().await {
            connections.spawn(speak(connection, 2));
        }
    });
    serving
}

#[tokio::test]
async fn a_connection_that_was_lost_and_a_server_that_comes_back_are_found_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut serving = serve(listener);
    let health = health(&format!("redis://{address}"));
    for time in 0..7 {
        health.ping().await.unwrap_or_else(|error| panic!("ping {time}: {error}"));
    }
    serving.shutdown().await;
    for _ in 0..3 {
        assert!(health.ping().await.is_err());
    }
    let listener = TcpListener::bind(address).await.expect("the same port");
    let _serving = serve(listener);
    health.ping().await.expect("it is back");
}

#[test]
fn an_address_that_is_none_is_refused_and_a_password_is_not_printed() {
    assert!(RedisLink::new(&Secret::new("postgres://127.0.0.1")).is_err());
    let link = link(&Secret::new("redis://:hunter2@127.0.0.1:1"));
    assert_eq!(format!("{link:?}"), "RedisLink(…)");
}
