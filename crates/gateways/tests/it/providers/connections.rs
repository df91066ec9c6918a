//! How providers are connected to.
use cape_domain::usage::ChatProvider as _;
use tokio::{io::AsyncReadExt as _, join, net::TcpListener};

use super::{openai, request};

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
