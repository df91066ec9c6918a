//! The web server: what it serves, and within which bounds.
use std::{
    net::TcpListener,
    sync::{Arc, LazyLock},
    time::Duration,
};

use actix_cors::Cors;
use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::Server,
    http::StatusCode,
    middleware::{Compress, Condition, from_fn},
    web::{self, Data},
};
use cape_domain::{
    access::{AccessTokens, Network},
    ids::IdSource,
};
use cape_services::{
    Tasks,
    access::{ApiKeyService, Authenticator, IntrospectionService},
    accounts::{
        ClosingService, EmailChangeService, LoginService, MemberService, MfaService,
        OperatorService, PasswordService, ProfileService, RegistrationService, SessionService,
        VerificationService,
    },
    billing::{
        CreditService, PlanService, PricingService, PurchaseService, SubscriptionService,
        WebhookService,
    },
    health::HealthService,
    idempotency::IdempotencyService,
    usage::{
        ChatService, CountService, CredentialService, LimitRuleService, ModelAdmin, ModelCatalogue,
        ModelService, SwitchService, UsageReports, Violations,
    },
};
use utoipa_actix_web::AppExt;

use crate::{
    error::ApiError,
    middleware::{FloodGate, FloodRules, Observer, finish, flood, observe},
    openapi,
    operations::{
        documents,
        info::{About, MetricsPage},
    },
};

/// Everything that routes call.
#[expect(missing_docs, reason = "each is named after what it is")]
#[derive(Clone)]
pub struct Services {
    pub authenticator: Arc<Authenticator>,
    pub tokens: Arc<dyn AccessTokens>,
    pub api_keys: Arc<ApiKeyService>,
    pub introspection: Arc<IntrospectionService>,
    pub registration: Arc<RegistrationService>,
    pub verification: Arc<VerificationService>,
    pub logins: Arc<LoginService>,
    pub sessions: Arc<SessionService>,
    pub passwords: Arc<PasswordService>,
    pub email_changes: Arc<EmailChangeService>,
    pub mfa: Arc<MfaService>,
    pub members: Arc<MemberService>,
    pub closing: Arc<ClosingService>,
    pub operators: Arc<OperatorService>,
    pub profiles: Arc<ProfileService>,
    pub pricing: Arc<PricingService>,
    pub credits: Arc<CreditService>,
    pub purchases: Arc<PurchaseService>,
    pub webhooks: Arc<WebhookService>,
    pub subscriptions: Arc<SubscriptionService>,
    pub plans: Arc<PlanService>,
    pub chat: Arc<ChatService>,
    pub counts: Arc<CountService>,
    pub switches: Arc<SwitchService>,
    /// Sets limits.
    pub limit_rules: Arc<LimitRuleService>,
    /// Knows what limits refused.
    pub violations: Arc<Violations>,
    pub model_admin: Arc<ModelAdmin>,
    pub credentials: Arc<CredentialService>,
    pub models: Arc<ModelService>,
    pub reports: Arc<UsageReports>,
    pub catalogue: Arc<ModelCatalogue>,
    pub health: Arc<HealthService>,
    pub idempotency: Arc<IdempotencyService>,
    pub ids: Arc<dyn IdSource>,
    pub tasks: Tasks,
    pub about: About,
    pub metrics: MetricsPage,
}

/// Within which bounds requests are served.
#[derive(Clone, Debug)]
pub struct HttpRules {
    /// How many threads serve.
    pub workers: usize,
    /// The largest body, in bytes.
    pub body_limit: usize,
    /// How long a client may take to send the head of a request.
    pub request_timeout: Duration,
    /// How long a stop waits for answers that have begun.
    pub shutdown_timeout: Duration,
    /// Origins whose pages may call, exactly; `*` for any.
    pub cors_origins: Vec<String>,
    /// How many requests without credentials a network may send.
    pub flood: FloodRules,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted: Vec<Network>,
}

/// Begins to serve on a socket that is already open. The server stops when its handle is told.
///
/// # Errors
///
/// When the socket cannot be used.
pub fn serve(
    listener: TcpListener,
    services: Services,
    rules: HttpRules,
) -> std::io::Result<Server> {
    let (workers, head, stop) = (rules.workers, rules.request_timeout, rules.shutdown_timeout);
    let observer =
        Data::new(Observer { ids: services.ids.clone(), trusted: rules.trusted.clone().into() });
    // One gate for all threads: each of its own would let a network send so much more.
    let gate = Data::new(FloodGate::new(rules.flood));
    let server = HttpServer::new(move || {
        App::new()
            .into_utoipa_app()
            .configure(|config| {
                config.configure(openapi::routes);
            })
            .into_app()
            .app_data(observer.clone())
            .app_data(gate.clone())
            .configure(|config| mount(config, &services, &rules))
            .wrap(from_fn(finish))
            .wrap(from_fn(flood))
            .wrap(Condition::new(!rules.cors_origins.is_empty(), cors(&rules.cors_origins)))
            .wrap(Compress::default())
            .wrap(from_fn(observe))
    })
    // A piece of a stream does not wait until the one before it was acknowledged.
    .tcp_nodelay(true)
    .workers(workers)
    .client_request_timeout(head)
    .shutdown_timeout(stop.as_secs())
    // Who hangs up is heard while nothing is being sent to them: their stream may be hung up on too.
    .h1_allow_half_closed(false)
    .disable_signals()
    .listen(listener)?;
    Ok(server.run())
}

fn mount(config: &mut web::ServiceConfig, services: &Services, rules: &HttpRules) {
    config
        .app_data(web::PayloadConfig::new(rules.body_limit))
        .app_data(Data::from(services.authenticator.clone()))
        .app_data(Data::new(services.tokens.clone()))
        .app_data(Data::from(services.api_keys.clone()))
        .app_data(Data::from(services.introspection.clone()))
        .app_data(Data::from(services.registration.clone()))
        .app_data(Data::from(services.verification.clone()))
        .app_data(Data::from(services.logins.clone()))
        .app_data(Data::from(services.sessions.clone()))
        .app_data(Data::from(services.passwords.clone()))
        .app_data(Data::from(services.email_changes.clone()))
        .app_data(Data::from(services.mfa.clone()))
        .app_data(Data::from(services.members.clone()))
        .app_data(Data::from(services.closing.clone()))
        .app_data(Data::from(services.profiles.clone()))
        .app_data(Data::from(services.pricing.clone()))
        .app_data(Data::from(services.credits.clone()))
        .app_data(Data::from(services.purchases.clone()))
        .app_data(Data::from(services.webhooks.clone()))
        .app_data(Data::from(services.subscriptions.clone()))
        .app_data(Data::from(services.plans.clone()))
        .app_data(Data::from(services.chat.clone()))
        .app_data(Data::from(services.counts.clone()))
        .app_data(Data::from(services.switches.clone()))
        .app_data(Data::from(services.limit_rules.clone()))
        .app_data(Data::from(services.violations.clone()))
        .app_data(Data::from(services.model_admin.clone()))
        .app_data(Data::from(services.credentials.clone()))
        .app_data(Data::from(services.models.clone()))
        .app_data(Data::from(services.reports.clone()))
        .app_data(Data::from(services.catalogue.clone()))
        .app_data(Data::from(services.health.clone()))
        .app_data(Data::from(services.idempotency.clone()))
        .app_data(Data::new(services.tasks.clone()))
        .app_data(Data::new(services.about.clone()))
        .app_data(Data::new(services.metrics.clone()))
        .configure(|config| documents::routes(config, openapi::document()))
        .default_service(web::to(unknown));
}

/// What pages of other origins may send: what is read here, and what the vendors' own clients say of
/// themselves with every request.
const SENT: [&str; 19] = [
    "anthropic-beta",
    "anthropic-dangerous-direct-browser-access",
    "anthropic-version",
    "authorization",
    "content-type",
    "idempotency-key",
    "x-api-key",
    "x-csrf-token",
    "x-goog-api-client",
    "x-goog-api-key",
    "x-request-id",
    "x-stainless-arch",
    "x-stainless-lang",
    "x-stainless-os",
    "x-stainless-package-version",
    "x-stainless-retry-count",
    "x-stainless-runtime",
    "x-stainless-runtime-version",
    "x-stainless-timeout",
];

fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allow_any_method()
        .allowed_headers(SENT)
        .expose_headers([
            "x-request-id",
            "x-cape-call-id",
            "x-cape-max-tokens-lowered-to",
            "x-cape-model",
            "x-cape-provider",
            "x-quota-reset",
            "x-should-retry",
            "idempotent-replayed",
            "retry-after",
            "x-ratelimit-rule",
            "x-ratelimit-scope",
            "x-ratelimit-wanted",
            "x-ratelimit-limit-requests",
            "x-ratelimit-remaining-requests",
            "x-ratelimit-reset-requests",
            "x-ratelimit-limit-tokens",
            "x-ratelimit-remaining-tokens",
            "x-ratelimit-reset-tokens",
        ])
        .max_age(600);
    if origins.iter().any(|origin| origin == "*") {
        return cors.allow_any_origin();
    }
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}

/// A path that nobody serves, or not by this method.
async fn unknown(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let allowed = methods_of(request.path());
    if allowed.is_empty() {
        let (status, code) = (StatusCode::NOT_FOUND, "route.not_found");
        return Err(ApiError::client(status, code, "there is nothing at this path"));
    }
    let (status, code) = (StatusCode::METHOD_NOT_ALLOWED, "route.method_not_allowed");
    let allowed = allowed.join(", ");
    let told = ApiError::client(status, code, format!("this path answers to {allowed}"));
    Err(told.with_header("allow", allowed))
}

/// Every pattern of a path, with a method by which it is served.
static SERVED: LazyLock<Vec<(String, &'static str)>> = LazyLock::new(|| {
    let document = openapi::document();
    let each = document.paths.paths.into_iter().flat_map(|(pattern, item)| {
        let methods = [
            ("DELETE", item.delete),
            ("GET", item.get),
            ("PATCH", item.patch),
            ("POST", item.post),
            ("PUT", item.put),
        ];
        let served = methods.into_iter().filter(|(_, operation)| operation.is_some());
        served.map(move |(method, _)| (pattern.clone(), method)).collect::<Vec<_>>()
    });
    each.collect()
});

/// The methods by which a path is served.
fn methods_of(path: &str) -> Vec<&'static str> {
    let served = SERVED.iter().filter(|(pattern, _)| matches(pattern, path));
    served.map(|(_, method)| *method).collect()
}

fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path) = (pattern.split('/'), path.split('/'));
    pattern.clone().count() == path.clone().count() && pattern.zip(path).all(|(a, b)| fits(a, b))
}

/// Whether a segment is that of a pattern: `{id}` is any, `{model}:go` any that ends so.
fn fits(pattern: &str, segment: &str) -> bool {
    if pattern == segment {
        return true;
    }
    let Some((_, ending)) = pattern.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
        return false;
    };
    segment.strip_suffix(ending).is_some_and(|any| !any.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_known_by_its_pattern() {
        assert_eq!(methods_of("/api/keys"), ["GET", "POST"]);
        assert_eq!(methods_of("/api/keys/key_1"), ["DELETE"]);
        assert_eq!(methods_of("/api/keys/"), [""; 0]);
        assert_eq!(methods_of("/v1/chat/completions"), ["POST"]);
        assert_eq!(methods_of("/v1/models/m"), ["GET"]);
        assert_eq!(methods_of("/v1/models/m:countTokens"), ["GET", "POST"]);
        assert_eq!(methods_of("/v1beta/models/m:nothing"), ["GET"]);
    }
}
