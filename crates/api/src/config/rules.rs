//! What values have to keep to, each alone and together.
use super::{Config, problem::Rules, values::CorsOrigin};

impl Config {
    pub(super) fn check(&self, rules: &mut Rules) {
        let environment = self.environment;
        let anybody = self.http.cors_origins.iter().any(CorsOrigin::is_anybody);
        rules.refuse(environment.is_guarded() && anybody, "http.cors_origins", || {
            format!("cannot be `*` in {environment}: name every origin")
        });
        self.secrets.check(environment, rules);
        self.http.check(rules);
        self.access.check(rules);
        self.accounts.check(environment, rules);
        self.billing.check(environment, &self.http, rules);
        self.usage.check(environment, self.sandbox.enabled, rules);
        self.sandbox.check(environment, rules);
        self.telemetry.check(rules);
    }
}
