//! Section `sandbox`: what stands in for integrations that are not configured.
use serde::{Deserialize, Serialize};

use super::{Environment, problem::Rules, values::BaseUrl};

/// Whether this program can start a sandbox of its own.
pub(super) const BUILT_IN: bool = cfg!(feature = "sandbox");

/// What stands in for integrations that are not configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sandbox {
    /// Whether it does. If that is not set, it does where an address of one is set, and in the
    /// local environment where an integration is not configured.
    pub enabled: bool,
    /// The loopback port of the sandbox that is started here; 0 takes any free one.
    pub port: u16,
    /// A sandbox that runs alone already. None is started here then.
    pub url: Option<BaseUrl>,
}

impl Sandbox {
    pub(super) const fn defaults() -> Self {
        Self { enabled: false, port: 0, url: None }
    }

    pub(super) fn check(&self, environment: Environment, rules: &mut Rules) {
        let guarded = environment.is_guarded();
        rules.refuse(guarded && self.enabled, "sandbox.enabled", || {
            format!("cannot be true in {environment}: nothing is emulated there")
        });
        rules.refuse(guarded && self.url.is_some(), "sandbox.url", || {
            format!("cannot be set in {environment}: nothing is emulated there")
        });
        let missing = self.enabled && self.url.is_none() && !BUILT_IN;
        rules.refuse(missing && !guarded, "sandbox.enabled", || {
            "cannot be true without sandbox.url: no sandbox is built into this program".to_owned()
        });
    }
}
