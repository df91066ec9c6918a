//! What operators have stopped: a key, a workspace, a model or a provider.
//!
//! What is stopped refuses new calls, and calls that are running end within a second. Who may
//! stop something is *not* said here.
use std::{collections::BTreeMap, fmt};

use crate::{
    ids::{ApiKeyId, UserId, WorkspaceId},
    text::Line,
    time::Timestamp,
    usage::Provider,
};

/// Why something was stopped, for those who are refused.
pub type StopReason = Line<200>;

/// Something that is stopped until it is released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    /// What is stopped.
    pub target: SwitchTarget,
    /// Why.
    pub reason: StopReason,
    /// Since when.
    pub since: Timestamp,
    /// The operator who said so last.
    pub by: UserId,
}

/// What can be stopped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SwitchTarget {
    /// All calls with a key.
    Key(ApiKeyId),
    /// All calls that a workspace pays for.
    Workspace(WorkspaceId),
    /// All calls to a model, by its id.
    Model(String),
    /// All calls to a provider.
    Provider(Provider),
}

/// A text that names nothing that can be stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// No such kind.
    #[error("`{0}` cannot be stopped: it is `key`, `workspace`, `model` or `provider`")]
    Kind(String),
    /// No name of this kind.
    #[error("`{name}` is not the name of a {kind}")]
    Name {
        /// The kind.
        kind: &'static str,
        /// What was given as its name.
        name: String,
    },
}

const KEY: &str = "key";
const WORKSPACE: &str = "workspace";
const MODEL: &str = "model";
const PROVIDER: &str = "provider";

impl SwitchTarget {
    /// What is meant by a kind and a name, as they are stored and shown.
    ///
    /// # Errors
    ///
    /// [`InvalidTarget`] says which of the two is wrong.
    pub fn read(kind: &str, name: &str) -> Result<Self, InvalidTarget> {
        let wrong = |kind| InvalidTarget::Name { kind, name: name.to_owned() };
        match kind {
            KEY => name.parse().map(Self::Key).map_err(|_| wrong(KEY)),
            WORKSPACE => name.parse().map(Self::Workspace).map_err(|_| wrong(WORKSPACE)),
            MODEL if name.is_empty() => Err(wrong(MODEL)),
            MODEL => Ok(Self::Model(name.to_owned())),
            PROVIDER => name.parse().map(Self::Provider).map_err(|_| wrong(PROVIDER)),
            other => Err(InvalidTarget::Kind(other.to_owned())),
        }
    }

    /// Which kind it is, as stored and as shown.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Key(_) => KEY,
            Self::Workspace(_) => WORKSPACE,
            Self::Model(_) => MODEL,
            Self::Provider(_) => PROVIDER,
        }
    }

    /// Which one of its kind, as stored and as shown.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Key(id) => id.to_string(),
            Self::Workspace(id) => id.to_string(),
            Self::Model(id) => id.clone(),
            Self::Provider(provider) => provider.to_string(),
        }
    }
}

impl fmt::Display for SwitchTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.name())
    }
}

/// Everything that is stopped. There are few at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Switches(BTreeMap<SwitchTarget, Switch>);

impl Switches {
    /// The switch that stops this key, or its workspace.
    #[must_use]
    pub fn against_caller(&self, key: ApiKeyId, workspace: WorkspaceId) -> Option<&Switch> {
        let key = self.0.get(&SwitchTarget::Key(key));
        key.or_else(|| self.0.get(&SwitchTarget::Workspace(workspace)))
    }

    /// The switch that stops this model, or its provider.
    #[must_use]
    pub fn against_model(&self, model: &str, provider: Provider) -> Option<&Switch> {
        // Most of the time there is none, and nothing has to be copied for the look.
        if self.0.is_empty() {
            return None;
        }
        let model = self.0.get(&SwitchTarget::Model(model.to_owned()));
        model.or_else(|| self.0.get(&SwitchTarget::Provider(provider)))
    }
}

impl FromIterator<Switch> for Switches {
    fn from_iter<I: IntoIterator<Item = Switch>>(switches: I) -> Self {
        Self(switches.into_iter().map(|switch| (switch.target.clone(), switch)).collect())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const KEY: ApiKeyId = ApiKeyId::new(Uuid::from_u128(1));
    const OTHER_KEY: ApiKeyId = ApiKeyId::new(Uuid::from_u128(2));
    const ACME: WorkspaceId = WorkspaceId::new(Uuid::from_u128(3));
    const RIVAL: WorkspaceId = WorkspaceId::new(Uuid::from_u128(4));

    fn switches(targets: &[SwitchTarget]) -> Switches {
        let switch = |target: &SwitchTarget| Switch {
            target: target.clone(),
            reason: "misused".parse().expect("a reason"),
            since: Timestamp::UNIX_EPOCH,
            by: UserId::new(Uuid::nil()),
        };
        targets.iter().map(switch).collect()
    }

    #[test]
    fn a_target_has_one_kind_and_one_name() {
        for target in [
            SwitchTarget::Key(KEY),
            SwitchTarget::Workspace(ACME),
            SwitchTarget::Model("gpt-4o-mini".to_owned()),
            SwitchTarget::Provider(Provider::OPENAI),
        ] {
            assert_eq!(SwitchTarget::read(target.kind(), &target.name()), Ok(target));
        }
    }

    #[test]
    fn what_cannot_be_stopped_is_refused_by_name() {
        for (kind, name, told) in [
            (
                "user",
                "x",
                "`user` cannot be stopped: it is `key`, `workspace`, `model` or `provider`",
            ),
            ("key", "wsp_00000000000000000000000000000ace", "is not the name of a key"),
            ("workspace", "acme", "`acme` is not the name of a workspace"),
            ("model", "", "`` is not the name of a model"),
            ("provider", "Open AI", "`Open AI` is not the name of a provider"),
        ] {
            let refused = SwitchTarget::read(kind, name).expect_err("nothing").to_string();
            assert!(refused.contains(told), "{refused}");
        }
    }

    #[test]
    fn a_switch_stops_what_it_names_and_nothing_else() {
        let mini = || SwitchTarget::Model("mini".to_owned());
        for (target, callers, models) in [
            (SwitchTarget::Key(KEY), [true, false, false], [false; 3]),
            (SwitchTarget::Workspace(ACME), [true, true, false], [false; 3]),
            (mini(), [false; 3], [true, false, true]),
            (SwitchTarget::Provider(Provider::OPENAI), [false; 3], [true, true, false]),
        ] {
            let stopped = switches(std::slice::from_ref(&target));
            let of = |(key, workspace)| stopped.against_caller(key, workspace).is_some();
            assert_eq!([(KEY, ACME), (OTHER_KEY, ACME), (OTHER_KEY, RIVAL)].map(of), callers);
            let of = |(model, provider)| stopped.against_model(model, provider).is_some();
            let calls = [
                ("mini", Provider::OPENAI),
                ("maxi", Provider::OPENAI),
                ("mini", Provider::GEMINI),
            ];
            assert_eq!(calls.map(of), models, "{target}");
        }
    }

    #[test]
    fn the_nearest_switch_is_told() {
        let [key, workspace] = [SwitchTarget::Key(KEY), SwitchTarget::Workspace(ACME)];
        let all = switches(&[workspace, key.clone()]);
        assert_eq!(all.against_caller(KEY, ACME).map(|switch| &switch.target), Some(&key));
        assert_eq!(all.against_model("mini", Provider::OPENAI), None);
    }
}
