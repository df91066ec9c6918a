//! Limits that operators set: what they are about, and whose use is counted together.
//!
//! What a plan allows beside them stands in the plan. How much of a limit is used is *not* known
//! here: a [`Limiter`](super::Limiter) counts it.
use std::fmt;

use crate::{
    billing::PlanCode,
    ids::{ApiKeyId, LimitRuleId, UserId, WorkspaceId},
    time::Timestamp,
    usage::{Measure, Provider, Rule, RuleName, Subject, Window},
};

/// The highest limit: a million times a thousand million, which every limiter counts exactly.
pub const HIGHEST_LIMIT: u64 = 1_000_000_000_000_000;

/// The most rules there are: every call is judged by all of them.
pub const MOST_RULES: usize = 100;

/// A limit that operators set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitRule {
    /// Its identity. What was used of it stays used, whatever its limit becomes.
    pub id: LimitRuleId,
    /// What it says.
    pub terms: LimitTerms,
    /// How often it was written: 1 for a new one.
    pub version: u64,
    /// Since when it is there.
    pub created_at: Timestamp,
}

/// What a limit says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitTerms {
    /// What refusals call it.
    pub name: RuleName,
    /// What it is about.
    pub reach: Reach,
    /// Whose use is counted together.
    pub per: Per,
    /// What is counted.
    pub measure: Measure,
    /// Over how long.
    pub window: Window,
    /// The most there may be in any window, up to [`HIGHEST_LIMIT`]. Nothing closes: whatever
    /// counts anything is refused.
    pub limit: u64,
    /// Whether it holds. One that does not counts nothing either.
    pub enabled: bool,
}

/// Which calls a limit is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All of them.
    All,
    /// Those of workspaces with this plan.
    Plan(PlanCode),
    /// Those to the models of a provider.
    Provider(Provider),
    /// Those to a model, by its id.
    Model(String),
    /// Those that a workspace pays for.
    Workspace(WorkspaceId),
    /// Those of a person, with whichever key.
    User(UserId),
    /// Those with a key.
    Key(ApiKeyId),
}

/// Whose use is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// Everybody's.
    Platform,
    /// A workspace's.
    Workspace,
    /// A person's.
    User,
    /// A key's.
    Key,
}

/// What rules know of a call.
#[derive(Clone, Copy, Debug)]
pub struct CallFacts<'a> {
    /// Who pays.
    pub workspace: WorkspaceId,
    /// Whose key it is.
    pub user: UserId,
    /// The key. None where none is used: what is about one, or counted for one, is passed over.
    pub key: Option<ApiKeyId>,
    /// The plan of who pays.
    pub plan: &'a PlanCode,
    /// The model that is asked, and who runs it. None for any: what is about one applies.
    pub target: Option<(&'a str, Provider)>,
}

/// A text that names nothing that a limit can be about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReach {
    /// No such kind.
    #[error(
        "a limit is about `all`, a `plan`, `provider`, `model`, `workspace`, `user` or `key`, not about a `{0}`"
    )]
    Kind(String),
    /// No name of this kind.
    #[error("`{name}` is not the name of a {kind}")]
    Name {
        /// The kind.
        kind: &'static str,
        /// What was given as its name.
        name: String,
    },
    /// All have no name.
    #[error("`all` has no target")]
    NameOfAll,
}

/// A text that nobody's use is counted by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("use is counted per `platform`, `workspace`, `user` or `key`, not per `{0}`")]
pub struct UnknownPer(String);

impl LimitRule {
    /// The rule that a call is counted by, if this is about it and holds.
    #[must_use]
    pub fn applies_to(&self, call: &CallFacts<'_>) -> Option<Rule> {
        let terms = &self.terms;
        if !terms.enabled || !terms.reach.includes(call) {
            return None;
        }
        let subject = match terms.per {
            Per::Platform => Subject::Platform,
            Per::Workspace => Subject::Workspace(call.workspace),
            Per::User => Subject::User(call.user),
            Per::Key => Subject::Key(call.key?),
        };
        let LimitTerms { name, measure, window, limit, .. } = *terms;
        Some(Rule { id: Some(self.id), name: Some(name), subject, measure, window, limit })
    }
}

impl Reach {
    fn includes(&self, call: &CallFacts<'_>) -> bool {
        match self {
            Self::All => true,
            Self::Plan(plan) => plan == call.plan,
            Self::Provider(provider) => call.target.is_none_or(|(_, runs)| runs == *provider),
            Self::Model(model) => call.target.is_none_or(|(asked, _)| asked == model),
            Self::Workspace(workspace) => *workspace == call.workspace,
            Self::User(user) => *user == call.user,
            Self::Key(key) => call.key == Some(*key),
        }
    }

    /// What is meant by a kind and a name, as they are stored and shown. All have no name.
    ///
    /// # Errors
    ///
    /// [`InvalidReach`] says what is wrong.
    pub fn read(kind: &str, name: &str) -> Result<Self, InvalidReach> {
        let wrong = |kind| InvalidReach::Name { kind, name: name.to_owned() };
        match kind {
            "all" if name.is_empty() => Ok(Self::All),
            "all" => Err(InvalidReach::NameOfAll),
            "plan" => name.parse().map(Self::Plan).map_err(|_| wrong("plan")),
            "provider" => name.parse().map(Self::Provider).map_err(|_| wrong("provider")),
            "model" if name.is_empty() => Err(wrong("model")),
            "model" => Ok(Self::Model(name.to_owned())),
            "workspace" => name.parse().map(Self::Workspace).map_err(|_| wrong("workspace")),
            "user" => name.parse().map(Self::User).map_err(|_| wrong("user")),
            "key" => name.parse().map(Self::Key).map_err(|_| wrong("key")),
            other => Err(InvalidReach::Kind(other.to_owned())),
        }
    }

    /// Which kind it is, as stored and as shown.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Plan(_) => "plan",
            Self::Provider(_) => "provider",
            Self::Model(_) => "model",
            Self::Workspace(_) => "workspace",
            Self::User(_) => "user",
            Self::Key(_) => "key",
        }
    }

    /// Which one of its kind, as stored and as shown. Nothing for all.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::All => String::new(),
            Self::Plan(code) => code.to_string(),
            Self::Provider(provider) => provider.to_string(),
            Self::Model(id) => id.clone(),
            Self::Workspace(id) => id.to_string(),
            Self::User(id) => id.to_string(),
            Self::Key(id) => id.to_string(),
        }
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            named => write!(f, "{} {}", named.kind(), named.name()),
        }
    }
}

impl Per {
    /// The stable name, as stored and as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Workspace => "workspace",
            Self::User => "user",
            Self::Key => "key",
        }
    }
}

impl std::str::FromStr for Per {
    type Err = UnknownPer;

    fn from_str(name: &str) -> Result<Self, UnknownPer> {
        let all = [Self::Platform, Self::Workspace, Self::User, Self::Key];
        let named = all.into_iter().find(|per| per.name() == name);
        named.ok_or_else(|| UnknownPer(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ACME: WorkspaceId = WorkspaceId::new(Uuid::from_u128(1));
    const RIVAL: WorkspaceId = WorkspaceId::new(Uuid::from_u128(2));
    const ADA: UserId = UserId::new(Uuid::from_u128(3));
    const EVE: UserId = UserId::new(Uuid::from_u128(4));
    const KEY: ApiKeyId = ApiKeyId::new(Uuid::from_u128(5));
    const OTHER_KEY: ApiKeyId = ApiKeyId::new(Uuid::from_u128(6));

    fn rule(reach: Reach, per: Per) -> LimitRule {
        let name = "a-rule".parse().expect("a name");
        let (measure, window) = (Measure::Requests, Window::Minute);
        LimitRule {
            id: LimitRuleId::new(Uuid::from_u128(7)),
            terms: LimitTerms { name, reach, per, measure, window, limit: 60, enabled: true },
            version: 1,
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn plan(code: &str) -> PlanCode {
        code.parse().expect("a code")
    }

    #[test]
    fn a_rule_applies_to_what_it_is_about_and_to_nothing_else() {
        let (pro, free) = (plan("pro"), plan("free"));
        let own = CallFacts {
            workspace: ACME,
            user: ADA,
            key: Some(KEY),
            plan: &pro,
            target: Some(("mini", Provider::OPENAI)),
        };
        let calls = [
            own,
            CallFacts { plan: &free, ..own },
            CallFacts { target: Some(("mini", Provider::GEMINI)), ..own },
            CallFacts { target: Some(("maxi", Provider::OPENAI)), ..own },
            CallFacts { workspace: RIVAL, ..own },
            CallFacts { user: EVE, ..own },
            CallFacts { key: Some(OTHER_KEY), ..own },
            // Nothing is asked yet: what is about a model or a provider may apply.
            CallFacts { key: None, target: None, ..own },
        ];
        for (reach, expected) in [
            (Reach::All, [true; 8]),
            (Reach::Plan(plan("pro")), [true, false, true, true, true, true, true, true]),
            (Reach::Provider(Provider::OPENAI), [true, true, false, true, true, true, true, true]),
            (Reach::Model("mini".to_owned()), [true, true, true, false, true, true, true, true]),
            (Reach::Workspace(ACME), [true, true, true, true, false, true, true, true]),
            (Reach::User(ADA), [true, true, true, true, true, false, true, true]),
            (Reach::Key(KEY), [true, true, true, true, true, true, false, false]),
        ] {
            let rule = rule(reach.clone(), Per::Workspace);
            assert_eq!(calls.map(|call| rule.applies_to(&call).is_some()), expected, "{reach}");
        }
    }

    #[test]
    fn use_is_counted_for_whom_the_rule_says() {
        let pro = plan("pro");
        let target = Some(("mini", Provider::OPENAI));
        let call = CallFacts { workspace: ACME, user: ADA, key: Some(KEY), plan: &pro, target };
        for (per, subject) in [
            (Per::Platform, Subject::Platform),
            (Per::Workspace, Subject::Workspace(ACME)),
            (Per::User, Subject::User(ADA)),
            (Per::Key, Subject::Key(KEY)),
        ] {
            let found = rule(Reach::All, per).applies_to(&call).expect("it applies");
            assert_eq!((found.subject, found.limit), (subject, 60));
            assert_eq!((found.name(), subject.scope()), ("a-rule".to_owned(), per.name()));
            assert_eq!(per.name().parse(), Ok(per));
        }
        let nobodys = CallFacts { key: None, ..call };
        assert_eq!(rule(Reach::All, Per::Key).applies_to(&nobodys), None);
    }

    #[test]
    fn a_rule_that_is_switched_off_applies_to_nothing() {
        let pro = plan("pro");
        let call = CallFacts { workspace: ACME, user: ADA, key: None, plan: &pro, target: None };
        let mut rule = rule(Reach::All, Per::Platform);
        assert!(rule.applies_to(&call).is_some());
        rule.terms.enabled = false;
        assert_eq!(rule.applies_to(&call), None);
    }

    #[test]
    fn what_a_limit_is_about_has_one_kind_and_one_name() {
        for reach in [
            Reach::All,
            Reach::Plan(plan("pro")),
            Reach::Provider(Provider::OPENAI),
            Reach::Model("gpt-4o-mini".to_owned()),
            Reach::Workspace(ACME),
            Reach::User(ADA),
            Reach::Key(KEY),
        ] {
            assert_eq!(Reach::read(reach.kind(), &reach.name()), Ok(reach));
        }
        for (kind, name, told) in [
            ("team", "x", "not about a `team`"),
            ("all", "x", "`all` has no target"),
            ("plan", "Pro!", "`Pro!` is not the name of a plan"),
            ("provider", "Open AI", "`Open AI` is not the name of a provider"),
            ("model", "", "`` is not the name of a model"),
            ("workspace", "acme", "`acme` is not the name of a workspace"),
            ("user", "ada", "`ada` is not the name of a user"),
            ("key", "x", "`x` is not the name of a key"),
        ] {
            let refused = Reach::read(kind, name).expect_err("nothing").to_string();
            assert!(refused.contains(told), "{refused}");
        }
    }
}
