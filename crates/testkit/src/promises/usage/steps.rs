//! Calls to make reports of.
use std::time::Duration;

use cape_domain::{
    ids::{ApiKeyId, CallId, UserId, WorkspaceId},
    store::{Durability, Scope, Store},
    time::Timestamp,
    usage::{Call, CallFilter, CallPhase, CallState, FailureKind, Provider, Timing, TokenCounts},
};
use chrono::TimeDelta;

use crate::fixtures::{ACME, ADA, EVE, RIVAL, at, call, id, metered, timing, transaction_id};

/// How many calls a [history] has.
///
/// [history]: given_a_history
const CALLS: u32 = 240;

/// A call in a state, without the way there.
pub(super) fn ended(call: Call, unit: u64, charge: i64, timing: Timing) -> Call {
    let cost = i64::try_from(unit).expect("small");
    let used = metered(tokens(unit), cost, charge);
    call.settle(used, Some(transaction_id(9)), timing, at(5_000)).expect("running")
}

/// The same, that came to nothing.
pub(super) fn failed(call: Call, kind: FailureKind) -> Call {
    call.fail(kind, timing(), at(60)).expect("running")
}

/// The same call, to another model.
pub(super) fn of(model: &str, provider: Provider, call: Call) -> Call {
    Call { model: model.to_owned(), provider, ..call }
}

/// Another multiple of the unit for each class.
pub(super) fn tokens(unit: u64) -> TokenCounts {
    TokenCounts {
        input: unit,
        cached_input: 2 * unit,
        cache_write: 3 * unit,
        output: 4 * unit,
        reasoning: 5 * unit,
    }
}

/// Stores calls as they are.
pub(super) async fn given(store: &dyn Store, calls: &[Call]) {
    let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
    for call in calls {
        work.calls().insert(call).await.expect("insert");
    }
    work.commit().await.expect("commit");
}

/// Calls of three days, of two workspaces, of several users, keys, models and providers and in
/// every state. They look random and are the same in every run; some are alike in their time, in
/// what they took, and in what they were charged. Gives those of ACME.
pub(super) async fn given_a_history(store: &dyn Store) -> Vec<Call> {
    let mut numbers = Numbers(1);
    let calls: Vec<_> = (0..CALLS).map(|number| random(&mut numbers, 1_000 + number)).collect();
    given(store, &calls).await;
    calls.into_iter().filter(|call| call.workspace == ACME).collect()
}

/// When a [history](given_a_history) begins: not at a full hour.
pub(super) fn beginning() -> Timestamp {
    at(1_234)
}

/// What reports are asked about: everything, one thing each, and several together.
pub(super) fn filters() -> Vec<CallFilter> {
    let any = CallFilter::default;
    let later = |hours| Some(beginning() + TimeDelta::hours(hours));
    vec![
        any(),
        CallFilter { user: Some(ADA), ..any() },
        CallFilter { key: Some(key(2)), ..any() },
        CallFilter { model: Some("b".to_owned()), ..any() },
        CallFilter { model: Some("B".to_owned()), ..any() },
        CallFilter { provider: Some(Provider::GEMINI), ..any() },
        CallFilter { state: Some(CallPhase::Running), ..any() },
        CallFilter { state: Some(CallPhase::Settled), ..any() },
        CallFilter { state: Some(CallPhase::Failed), ..any() },
        CallFilter { from: later(30), ..any() },
        CallFilter { until: later(30), ..any() },
        CallFilter { from: later(20), until: later(21), ..any() },
        CallFilter {
            user: Some(EVE),
            key: Some(key(1)),
            model: Some("a".to_owned()),
            provider: Some(Provider::OPENAI),
            state: Some(CallPhase::Settled),
            from: later(3),
            until: later(70),
        },
        CallFilter { model: Some("none".to_owned()), ..any() },
    ]
}

fn key(number: u32) -> ApiKeyId {
    ApiKeyId::new(id(number.into()))
}

fn random(numbers: &mut Numbers, number: u32) -> Call {
    let users: [UserId; 2] = [ADA, EVE];
    let workspaces: [WorkspaceId; 3] = [ACME, ACME, RIVAL];
    let providers = [Provider::OPENAI, Provider::ANTHROPIC, Provider::GEMINI];
    let minutes = i64::from(numbers.below(3 * 24 * 60));
    let running = Call {
        id: CallId::new(id(number.into())),
        workspace: workspaces[numbers.below(3) as usize],
        user: users[numbers.below(2) as usize],
        key: key(numbers.below(3)),
        started_at: beginning() + TimeDelta::minutes(minutes),
        hold: None,
        ..of(
            ["a", "b", "c"][numbers.below(3) as usize],
            providers[numbers.below(3) as usize],
            call(number),
        )
    };
    let provider = Duration::from_micros(numbers.below(50).into());
    let timing = Timing {
        total: provider + Duration::from_micros(numbers.below(7).into()),
        provider,
        first_token: (numbers.below(3) > 0)
            .then(|| Duration::from_micros(numbers.below(50).into())),
    };
    let kind = FailureKind::ALL[numbers.below(7) as usize];
    match numbers.below(6) {
        0 => running,
        1 => failed(running, kind),
        _ => {
            let (unit, charge) = (numbers.below(1_000), numbers.below(1_000));
            ended(running, unit.into(), charge.into(), timing)
        }
    }
}

/// Calls that are paid for.
pub(super) fn is_settled(call: &Call) -> bool {
    matches!(call.state, CallState::Settled { .. })
}

/// Numbers that look random and are the same in every run (Knuth's constants).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(bound)).expect("below a bound")
    }
}
