//! The gate in front of an app, by a clock that moves when it is told to.
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use actix_cors::Cors;
use actix_web::{
    App, HttpRequest,
    dev::Service,
    error::ErrorUnauthorized,
    middleware::from_fn,
    test::{TestRequest, init_service, read_body},
    web::Data,
};
use futures_util::future::LocalBoxFuture;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

use super::*;
use crate::error::Shape;

/// Three at once, and one every six seconds.
const RULES: FloodRules = FloodRules {
    requests: 10,
    per: Duration::from_mins(1),
    burst: 3,
    enabled: true,
    networks: 65_536,
};
const HERE: &str = "203.0.113.1";
const ELSEWHERE: &str = "203.0.113.2";

/// Milliseconds since the test began.
type Elapsed = Arc<AtomicU64>;

fn gate(rules: FloodRules) -> (FloodGate, Elapsed) {
    let (begun, elapsed) = (Instant::now(), Elapsed::default());
    let read = elapsed.clone();
    let now = move || begun + Duration::from_millis(read.load(Ordering::Relaxed));
    (FloodGate::with_clock(rules, now), elapsed)
}

/// Says where a request comes from, as what observes it would.
async fn arrived(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id = "req_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e".parse().expect("an id");
    let address = request.peer_addr().map(|peer| peer.ip());
    request.extensions_mut().insert(Origin { request: id, address });
    next.call(request).await
}

/// Answers, and counts what it was asked: 400 and 401 to what is bad.
async fn answer(request: HttpRequest, asked: Data<AtomicUsize>) -> HttpResponse {
    asked.fetch_add(1, Ordering::Relaxed);
    let carries = |name: &str, value| request.headers().get(name).is_some_and(|v| v == value);
    if carries("authorization", "Bearer bad") || carries("cookie", "__Host-cape_refresh=bad") {
        let unauthenticated = (StatusCode::UNAUTHORIZED, "access.invalid_token", "it is bad");
        let (status, code, detail) = unauthenticated;
        return HttpResponse::from_error(ApiError::client(status, code, detail));
    }
    if carries("stripe-signature", "bad") {
        return HttpResponse::BadRequest().finish();
    }
    HttpResponse::Ok().finish()
}

/// An app behind a gate.
struct Served(Box<dyn Fn(TestRequest) -> LocalBoxFuture<'static, Result<ServiceResponse, Error>>>);

/// An app, once it is ready for requests.
macro_rules! served {
    ($app:expr) => {{
        let app = init_service($app).await;
        Served(Box::new(move |request| {
            let answer = app.call(request.to_request());
            Box::pin(async { answer.await.map(ServiceResponse::map_into_boxed_body) })
        }))
    }};
}

async fn serve(gate: FloodGate, asked: Data<AtomicUsize>) -> Served {
    served!(
        App::new()
            .app_data(Data::new(gate))
            .app_data(asked)
            .default_service(web::to(answer))
            .wrap(Cors::default().allowed_origin("https://app.example"))
            .wrap(from_fn(flood))
            .wrap(from_fn(arrived))
    )
}

async fn app(gate: FloodGate) -> Served {
    serve(gate, Data::default()).await
}

fn get(path: &str, from: &str) -> TestRequest {
    let request = TestRequest::with_uri(path);
    match from.parse() {
        Ok(address) => request.peer_addr(SocketAddr::new(address, 40_000)),
        Err(_) => request,
    }
}

async fn ask(app: &Served, request: TestRequest) -> ServiceResponse {
    let request = request.insert_header(("origin", "https://app.example"));
    (app.0)(request).await.expect("it answers")
}

async fn status(app: &Served, request: TestRequest) -> u16 {
    ask(app, request).await.status().as_u16()
}

/// Uses up the budget of a network.
async fn exhaust(app: &Served, from: &str) {
    for expected in [200, 200, 200, 429] {
        assert_eq!(status(app, get("/", from)).await, expected);
    }
}

#[actix_web::test]
async fn who_sends_too_many_is_told_when_to_come_back_and_nothing_is_done() {
    let ((gate, elapsed), asked) = (gate(RULES), Data::<AtomicUsize>::default());
    let app = serve(gate, asked.clone()).await;
    exhaust(&app, HERE).await;
    for (passed, seconds) in [(0, "6"), (1, "6"), (1_000, "5"), (5_001, "1"), (5_999, "1")] {
        elapsed.store(passed, Ordering::Relaxed);
        let refused = ask(&app, get("/", HERE)).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        let told = refused.headers().get("retry-after").expect("when").to_str().expect("a text");
        assert_eq!(told, seconds, "{passed}");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

#[actix_web::test]
async fn a_refusal_is_an_error_that_has_a_code_in_either_shape() {
    let (gate, _) = gate(RULES);
    let app = app(gate).await;
    exhaust(&app, HERE).await;
    let refused = ask(&app, get("/v1/models", HERE)).await;
    let error = refused.response().error().expect("an error").as_error::<ApiError>();
    for (shape, expected) in [
        (Shape::Problem, r#""code":"request.too_many""#),
        (Shape::OpenAi, r#""type":"rate_limit_error""#),
    ] {
        let told = error.expect("ours").answer(shape, None);
        assert_eq!(told.headers().get("retry-after").expect("when"), "6");
        let told = read_body(ServiceResponse::new(refused.request().clone(), told)).await;
        let told = String::from_utf8_lossy(&told);
        assert!(told.contains(expected), "{told}");
    }
}

#[actix_web::test]
async fn another_network_is_not_affected() {
    let (gate, _) = gate(RULES);
    let app = app(gate).await;
    exhaust(&app, HERE).await;
    exhaust(&app, ELSEWHERE).await;
    exhaust(&app, "unknown").await;
    exhaust(&app, "2001:db8:0:1::1").await;
    assert_eq!(status(&app, get("/", "2001:db8:0:1:ffff::2")).await, 429, "it is the same /64");
    assert_eq!(status(&app, get("/", "2001:db8:0:2::1")).await, 200);
}

#[actix_web::test]
async fn after_some_time_the_budget_is_back() {
    let (gate, elapsed) = gate(RULES);
    let app = app(gate).await;
    exhaust(&app, HERE).await;
    elapsed.store(6_000, Ordering::Relaxed);
    assert_eq!(status(&app, get("/", HERE)).await, 200);
    assert_eq!(status(&app, get("/", HERE)).await, 429);
    elapsed.store(24_000, Ordering::Relaxed);
    exhaust(&app, HERE).await;
}

#[actix_web::test]
async fn by_default_fifty_come_at_once_and_a_hundred_a_minute() {
    let (gate, elapsed) = gate(FloodRules::default());
    let app = app(gate).await;
    for passed in [0, 30_000, 60_000] {
        elapsed.store(passed, Ordering::Relaxed);
        for _ in 0..50 {
            assert_eq!(status(&app, get("/", HERE)).await, 200);
        }
        assert_eq!(status(&app, get("/", HERE)).await, 429);
    }
}

#[actix_web::test]
async fn a_good_credential_is_never_refused_nor_counted() {
    let (gate, _) = gate(RULES);
    let app = app(gate).await;
    for (path, carried) in [
        ("/", ("authorization", "Bearer good")),
        ("/", ("x-api-key", "good")),
        ("/api/auth/refresh", ("cookie", "__Host-cape_refresh=good")),
    ] {
        for _ in 0..60 {
            assert_eq!(status(&app, get(path, HERE).insert_header(carried)).await, 200);
        }
    }
    exhaust(&app, HERE).await;
    for _ in 0..10 {
        let good = get("/v1/models", HERE).insert_header(("authorization", "Bearer good"));
        assert_eq!(status(&app, good).await, 200);
    }
}

#[actix_web::test]
async fn a_bad_credential_is_counted_when_it_turns_out_to_be_bad() {
    for carried in [("authorization", "Bearer bad"), ("cookie", "__Host-cape_refresh=bad")] {
        let (gate, _) = gate(RULES);
        let app = app(gate).await;
        for expected in [401, 401, 401, 429, 429] {
            assert_eq!(status(&app, get("/", HERE).insert_header(carried)).await, expected);
        }
        assert_eq!(status(&app, get("/", HERE)).await, 429, "it is one budget");
        assert_eq!(status(&app, get("/", ELSEWHERE).insert_header(carried)).await, 401);
    }
}

#[actix_web::test]
async fn what_stands_instead_of_an_answer_is_for_the_same_readers() {
    let (gate, _) = gate(RULES);
    let app = app(gate).await;
    exhaust(&app, HERE).await;
    let refused = ask(&app, get("/", HERE).insert_header(("authorization", "Bearer bad"))).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers().get("retry-after").expect("when"), "6");
    let readers = refused.headers().get("access-control-allow-origin").expect("told");
    assert_eq!(readers, "https://app.example");
    assert!(refused.headers().contains_key("vary"));
    let told = read_body(refused.map_into_boxed_body()).await;
    assert!(!String::from_utf8_lossy(&told).contains("access.invalid_token"));
}

#[actix_web::test]
async fn a_failure_below_is_counted_like_an_answer() {
    async fn fail(
        _: ServiceRequest,
        _: Next<impl MessageBody + 'static>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        Err(ErrorUnauthorized("bad"))
    }
    let (gate, _) = gate(RULES);
    let gate = Data::new(gate);
    let app = App::new().app_data(gate).wrap(from_fn(fail)).wrap(from_fn(flood));
    let app = served!(app.wrap(from_fn(arrived)));
    for expected in [401, 401, 401, 429] {
        let bad = get("/", HERE).insert_header(("authorization", "Bearer bad"));
        let error = (app.0)(bad).await.map(|_| ()).expect_err("it fails");
        assert_eq!(error.as_response_error().status_code().as_u16(), expected);
    }
}

#[actix_web::test]
async fn a_message_of_a_payment_provider_is_refused_only_if_it_is_forged() {
    for path in ["/api/payment/webhook", "/api/payments/payfast/itn"] {
        let (gate, _) = gate(RULES);
        let app = app(gate).await;
        let message = |signature| get(path, HERE).insert_header(("stripe-signature", signature));
        for expected in [400, 400, 400, 429, 429] {
            assert_eq!(status(&app, message("bad")).await, expected);
        }
        for _ in 0..10 {
            assert_eq!(status(&app, message("good")).await, 200);
            assert_eq!(status(&app, get(path, HERE)).await, 200, "signed in its body");
        }
    }
}

#[actix_web::test]
async fn probes_are_not_counted() {
    let (gate, _) = gate(RULES);
    let app = app(gate).await;
    for _ in 0..10 {
        for path in ["/healthz", "/healthz/ready", "/metrics"] {
            assert_eq!(status(&app, get(path, HERE)).await, 200);
        }
    }
    exhaust(&app, HERE).await;
    assert_eq!(status(&app, get("/healthz", HERE)).await, 200);
}

#[actix_web::test]
async fn a_gate_that_is_not_enabled_refuses_nobody() {
    let (gate, _) = gate(FloodRules { enabled: false, ..RULES });
    let app = app(gate).await;
    for _ in 0..10 {
        assert_eq!(status(&app, get("/", HERE)).await, 200);
    }
}

#[test]
fn a_million_addresses_neither_fill_the_memory_nor_free_who_is_limited() {
    for networks in [0, 1_025, 65_536] {
        let (gate, elapsed) = gate(FloodRules { networks, ..RULES });
        let limited = Some(IpAddr::from([203, 0, 113, 1]));
        while gate.count(limited).is_ok() {}
        for number in 0..1_000_000 {
            drop(gate.count(Some(Ipv4Addr::from_bits(number).into())));
        }
        let remembered = || -> usize {
            gate.shards.iter().map(|shard| shard.lock().expect("sound").remembered()).sum()
        };
        assert!(remembered() <= networks, "{} of {networks}", remembered());
        assert!(remembered() >= networks * 9 / 10, "{} of {networks}", remembered());
        assert!(gate.count(limited).is_err(), "{networks}");
        // A minute later there is room for anybody.
        elapsed.store(60_000, Ordering::Relaxed);
        assert!(gate.count(Some(Ipv4Addr::from_bits(u32::MAX).into())).is_ok());
        assert!(remembered() <= networks);
    }
}

/// Adds up the one counter that there is.
#[derive(Default)]
struct Refusals(Arc<AtomicU64>);

impl Recorder for Refusals {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        assert_eq!(key.name(), "cape_flood_refused_total");
        Counter::from_arc(self.0.clone())
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[test]
fn refusals_are_counted() {
    let refusals = Refusals::default();
    metrics::with_local_recorder(&refusals, || {
        let (gate, _) = gate(RULES);
        let refused = (0..10).filter(|_| gate.count(None).is_err()).count();
        assert_eq!(refused, 7);
    });
    assert_eq!(refusals.0.load(Ordering::Relaxed), 7);
}
