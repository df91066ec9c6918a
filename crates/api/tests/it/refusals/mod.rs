//! What is refused: a clear answer with a stable code, and nothing is left behind.
mod bodies;
mod credentials;
mod envelope;
mod fields;
mod gateway;
mod providers;
mod webhooks;

use std::collections::BTreeMap;

use crate::app::TestApp;

/// What is stored before something that is to be refused.
struct Before(BTreeMap<String, i64>);

impl Before {
    async fn at(app: &TestApp) -> Self {
        app.mails_are_sent().await;
        Self(app.place.rows().await)
    }

    /// Nothing was added since, nor taken away.
    async fn still_holds(self, app: &TestApp) {
        assert_eq!(self.0, app.place.rows().await);
    }
}
