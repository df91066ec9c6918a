//! How providers are connected to.
use std::time::Duration;

use cape_domain::{secret::Secret, usage::ChatProvider as _};
use tokio::{io::AsyncReadExt as _, join, net::TcpListener, time::timeout};

use super::{
    KEY, openai, request,
    vendor::{Step, Vendor},
};

/// Protocols that a handshake offers, as it writes them down (RFC 7301): each after its length.
const HTTP_2: &[u8] = b"\x02h2";

#[tokio::test]
async fn calls_do_not_share_one_connection_over_http_2() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let provider = openai(&format!("https://{address}/v1"));
    let overhear = async {
        let (mut stream, _) = listener.accept().await.expect("a caller");
        let mut hello = vec![0; 4096];
        let length = stream.read(&mut hello).await.expect("the beginning of a handshake");
        hello.truncate(length);
        hello
    };
    let request = request();
    let (hello, answered) = join!(overhear, provider.stream(&request));
    assert!(answered.is_err(), "nobody answered the handshake");
    assert!(hello.starts_with(&[0x16, 0x03]), "a handshake of TLS: {hello:?}");
    assert!(!hello.windows(HTTP_2.len()).any(|window| window == HTTP_2), "{hello:?}");
}

#[tokio::test]
async fn another_key_is_another_header_on_the_same_connection_and_is_told_by_nobody() {
    const OTHER: &str = "sk-other-456";
    let vendor = Vendor::open().await;
    let body = format!(r#"{{"error":{{"message":"not you, {KEY} or {OTHER}"}}}}"#);
    let head = format!("HTTP/1.1 400 Bad Request\r\ncontent-length: {}\r\n\r\n", body.len());
    let script = [Step::Send(format!("{head}{body}").into_bytes())];
    let provider = openai(&vendor.url());
    let other = provider.under(Secret::new(OTHER)).expect("a key");
    let ask = async {
        let request = request();
        let mut told = Vec::new();
        for (provider, key) in [(&provider, KEY), (&other, OTHER), (&provider, KEY)] {
            let error = provider.complete(&request).await.expect_err("refused").to_string();
            assert!(!error.contains(key), "{error}");
            told.push(error);
        }
        told
    };
    // Whoever connected a second time would never be answered.
    let scripts = [script.as_slice(); 3];
    let all = async { join!(vendor.play_all(&scripts), ask) };
    let (asked, told) = timeout(Duration::from_secs(5), all).await.expect("one connection");
    let shown: Vec<_> = asked.iter().filter_map(|asked| asked.header("authorization")).collect();
    assert_eq!(shown, [KEY, OTHER, KEY].map(|key| format!("Bearer {key}")));
    assert_eq!(told.len(), 3);
    assert!(provider.under(Secret::new("sk\n")).is_err(), "that cannot stand in a header");
}
