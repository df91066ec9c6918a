//! The contract, for people and programs: `/openapi.json`, `/docs` and `/redoc`. Nothing is
//! loaded from elsewhere.
use actix_web::{HttpResponse, web};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::SwaggerUi;

const REDOC: &str = include_str!("../../assets/redoc.standalone.js");
const PAGE: &str = include_str!("../../assets/redoc.html");

/// What a page of documents may load: its own scripts and styles.
const POLICY: &str = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' \
    'unsafe-inline'; img-src 'self' data:; worker-src 'self' blob:; frame-ancestors 'none'";

/// Mounts the documents.
pub fn routes(config: &mut web::ServiceConfig, document: OpenApi) {
    config
        .service(web::redirect("/docs", "/docs/"))
        .route("/redoc", web::get().to(redoc))
        .route("/redoc.standalone.js", web::get().to(redoc_script))
        .service(
            web::scope("")
                .wrap(
                    actix_web::middleware::DefaultHeaders::new()
                        .add(("content-security-policy", POLICY)),
                )
                .service(SwaggerUi::new("/docs/{_:.*}").url("/openapi.json", document)),
        );
}

async fn redoc() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header(("content-security-policy", POLICY))
        .body(PAGE)
}

async fn redoc_script() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/javascript; charset=utf-8")
        .insert_header(("cache-control", "public, max-age=86400"))
        .body(REDOC)
}
