//! Starting, watching and stopping a sandbox.
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use cape_sandbox::{SandboxOptions, serve};

use crate::{BEGINNING, Bench, at, read, send};

#[tokio::test(flavor = "multi_thread")]
async fn it_says_what_it_is_and_counts_by_vendor() {
    let bench = Bench::start();
    assert_eq!(send(bench.get("/_sandbox/health")).await.status(), 200);
    let welcome = send(bench.get("/")).await.text().await.expect("a text");
    assert!(welcome.contains("sandbox"));
    for path in ["/openai/v1/models", "/openai/v1/nothing", "/stripe/v1/events"] {
        let response = send(bench.get(path)).await;
        let name = if path.starts_with("/stripe") { "request-id" } else { "x-request-id" };
        assert!(response.headers()[name].to_str().is_ok_and(|id| id.starts_with("req_")));
    }
    let (_, counts) = read(bench.get("/_sandbox/requests")).await;
    let expected = serde_json::json!({"stripe": 1, "openai": 2, "anthropic": 0, "gemini": 0});
    assert_eq!(counts, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_stop_nobody_listens() {
    let bench = Bench::start();
    let addr = bench.sandbox.addr();
    assert_eq!(bench.sandbox.base_url(), format!("http://{addr}"));
    assert!(TcpStream::connect(addr).is_ok());
    bench.sandbox.stop().await;
    assert!(TcpStream::connect(addr).is_err());
}

#[actix_web::test]
async fn it_serves_inside_an_actix_system_too() {
    let bench = Bench::start();
    assert_eq!(send(bench.get("/_sandbox/health")).await.status(), 200);
    bench.sandbox.stop().await;
}

#[test]
fn without_a_runtime_it_is_an_error_and_no_panic() {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    assert!(cape_sandbox::Sandbox::start(SandboxOptions::new(listen, || at(BEGINNING))).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_an_error() {
    let bench = Bench::start();
    let options = SandboxOptions::new(bench.sandbox.addr(), || at(BEGINNING));
    assert!(cape_sandbox::Sandbox::start(options).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn serving_ends_when_it_is_told_to() {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let options = SandboxOptions::new(listen, || at(BEGINNING));
    let mut served = None;
    let ready = |sandbox: &cape_sandbox::Sandbox| served = Some(sandbox.addr());
    serve(options, ready, async {}).await.expect("served");
    assert!(TcpStream::connect(served.expect("an address")).is_err());
}
