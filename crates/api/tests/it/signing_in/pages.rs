//! The pages behind the links of mails.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

use crate::app::TestApp;

const PAGES: [&str; 3] =
    ["/api/auth/verify", "/api/auth/password/reset", "/api/auth/email/confirm"];

/// What stands between two texts.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(begin).expect("a beginning");
    rest.split_once(end).expect("an end").0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_runs_its_own_script_alone_and_shows_nothing_of_its_address() {
    let app = TestApp::on_sqlite(&[]).await;
    for path in PAGES {
        let plain = app.http.get(path).await;
        let asked = "?token=cape_ot_1.%3Cscript%3Ealert(1)%3C/script%3E&title=pwned";
        let page = app.http.get(&format!("{path}{asked}")).await;
        assert_eq!((page.status, plain.status), (200, 200), "{path}");
        assert_eq!(page.text, plain.text, "nothing comes from the query");
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        let script = between(&page.text, "<script>", "</script>");
        let hash = STANDARD.encode(Sha256::digest(script));
        let policy = format!(
            "default-src 'none'; script-src 'sha256-{hash}'; style-src 'unsafe-inline'; \
             connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
        );
        assert_eq!(page.header("content-security-policy"), Some(&*policy), "{path}");
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert_eq!(page.text.matches("<script").count(), 1);
        for foreign in ["http://", "https://", "src=", "href=", "onclick", "{{"] {
            assert!(!page.text.contains(foreign), "{path}: {foreign}");
        }
    }
    app.finish().await;
}
