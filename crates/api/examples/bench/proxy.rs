//! The least that stands between a caller and a provider: a route of actix-web that hands every
//! request on with reqwest, and every answer back as it comes.
//!
//! What is *not* here, and is what the platform does beyond it: knowing who asks and what they have
//! paid, what a call costs, and writing any of it down.
use std::{env, net::SocketAddr};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    error::ErrorBadGateway,
    http::{StatusCode, header},
    rt,
    web::{Bytes, Data, to},
};
use anyhow::Context as _;

use crate::{
    connection::Target,
    place::Place,
    platform::{Call, address},
    process::Process,
};

/// The plain proxy, in a process of its own.
pub struct Proxy {
    address: SocketAddr,
    _process: Process,
}

impl Proxy {
    /// Starts it, before the sandbox.
    pub fn start(place: &Place, sandbox: SocketAddr) -> anyhow::Result<Self> {
        let (program, upstream) = (env::current_exe()?, format!("http://{sandbox}"));
        let args = ["proxy", upstream.as_str()];
        let (process, url) = Process::start(&program, &args, &[], place.directory(), "proxy at ")
            .context("the plain proxy")?;
        Ok(Self { address: address(&url)?, _process: process })
    }

    /// The call, made through the proxy.
    pub fn calls(&self, call: Call) -> Vec<Target> {
        vec![call.to_sandbox(self.address)]
    }
}

/// Where requests go on to.
struct Upstream {
    client: reqwest::Client,
    url: String,
}

/// Serves until it is ended.
#[expect(clippy::print_stdout, reason = "whoever started it waits for the address")]
pub fn serve(url: &str) -> anyhow::Result<()> {
    rt::System::new().block_on(async {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let upstream = Data::new(Upstream { client, url: url.to_owned() });
        let server = HttpServer::new(move || {
            App::new().app_data(upstream.clone()).default_service(to(pass))
        })
        .tcp_nodelay(true)
        .bind("127.0.0.1:0")?;
        let address = server.addrs().first().copied().context("no address")?;
        println!("proxy at http://{address}");
        Ok(server.run().await?)
    })
}

async fn pass(
    request: HttpRequest,
    body: Bytes,
    upstream: Data<Upstream>,
) -> Result<HttpResponse, actix_web::Error> {
    let mut onward = upstream.client.post(format!("{}{}", upstream.url, request.uri())).body(body);
    for name in [header::AUTHORIZATION, header::CONTENT_TYPE] {
        if let Some(value) = request.headers().get(&name) {
            onward = onward.header(name.as_str(), value.as_bytes());
        }
    }
    let answer = onward.send().await.map_err(ErrorBadGateway)?;
    let status = StatusCode::from_u16(answer.status().as_u16()).map_err(ErrorBadGateway)?;
    let mut response = HttpResponse::build(status);
    if let Some(kind) = answer.headers().get("content-type") {
        response.insert_header((header::CONTENT_TYPE, kind.as_bytes()));
    }
    Ok(match answer.content_length() {
        Some(_) => response.body(answer.bytes().await.map_err(ErrorBadGateway)?),
        None => response.streaming(answer.bytes_stream()),
    })
}
