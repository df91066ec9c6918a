//! Pages that run no script and load nothing. What stands on them is their makers'.
use actix_web::{HttpResponse, http::StatusCode};

/// Holds for what is framed in a page too.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// A page. The title is escaped here, the body by whoever wrote it.
pub(crate) fn page(title: &str, style: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>{style}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{body}</body>\n</html>\n"
    )
}

/// A text that means nothing to a browser, in an element or in a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The answer that carries a page.
pub(crate) fn answer(status: StatusCode, html: String) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header(("Content-Security-Policy", POLICY))
        .insert_header(("Cache-Control", "no-store"))
        .body(html)
}
