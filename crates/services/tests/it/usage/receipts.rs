//! Receipts, the catalogue, and where limits stand.
use std::sync::Arc;

use cape_domain::{
    billing::{CreditGrant, Credits, GrantSource, HoldState, Overage},
    store::{Durability, Scope, Store as _},
    time::Clock as _,
    usage::{
        CallState, LotUse, Measure, ModelProviderError, Provider, Receipt, Subject, Switch,
        SwitchTarget, TokenPrices, Window,
    },
};
use cape_services::usage::{ProviderStanding, ReportError};
use cape_testkit::fixtures::{
    ACME, ADA, FREE_MODEL, LARGE_MODEL, MEDIUM_MODEL, SMALL_MODEL, completion, give, grant, permit,
    tokens,
};
use tokio::sync::Notify;

use super::{
    HELD, ask, begin, given_a_debt, given_a_program, question, question_to, refusal, spend,
};
use crate::world::{Setup, World};

/// The receipt of the only call.
async fn receipt(world: &World) -> Receipt {
    let call = world.calls().await.pop().expect("a call");
    world.reports.receipt(permit(ACME), call.id).await.expect("shown")
}

#[tokio::test]
async fn a_receipt_names_the_lots_that_paid_and_adds_up_to_the_charge() {
    let world = given_a_program(Setup::default()).await;
    let lot = |number, source, micros| grant(number, source, Credits::from_micros(micros));
    let bought = lot(1, GrantSource::Purchase, 1_000_000);
    let promoted = lot(2, GrantSource::Promotion, 500);
    let bonus = lot(3, GrantSource::Bonus, 100);
    for lot in [&bought, &promoted, &bonus] {
        give(&world.store, lot).await.expect("given");
    }
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    let call = ask(&world, "hello").await.expect("answered").call;
    let receipt = receipt(&world).await;
    assert_eq!(receipt.call, call);
    let paid = |lot: &CreditGrant, micros| LotUse {
        grant: lot.id,
        source: lot.source,
        amount: Credits::from_micros(micros),
    };
    assert_eq!(receipt.lots, [paid(&promoted, 500), paid(&bonus, 100), paid(&bought, 300)]);
    assert_eq!(receipt.overage, Overage::default());
    let hold = receipt.hold.expect("it was held");
    assert_eq!((Some(hold.id), hold.amount.micros()), (call.hold, HELD));
    assert!(matches!(hold.state, HoldState::Settled { used, .. } if used.micros() == 900));
    let prices = receipt.prices.expect("they are in the book");
    assert_eq!((prices.input, prices.output, prices.request), (150_000, 600_000, 0));
}

#[tokio::test]
async fn what_a_call_cost_beyond_its_hold_is_on_its_receipt() {
    let world = given_a_program(Setup::default()).await;
    given_a_debt(&world).await;
    let receipt = receipt(&world).await;
    let CallState::Settled { metered, .. } = &receipt.call.state else { panic!("{receipt:?}") };
    let from_hold: i64 = receipt.lots.iter().map(|lot| lot.amount.micros()).sum();
    let Overage { from_available, owed } = receipt.overage;
    assert_eq!(from_hold, HELD);
    assert_eq!((from_available.micros(), owed.micros()), (10_000 - HELD, 44_000));
    let sum = from_hold + from_available.micros() + owed.micros();
    assert_eq!(sum, metered.charge.micros(), "nothing is missing");
}

#[tokio::test]
async fn a_receipt_of_a_call_that_runs_or_failed_shows_what_is_held_and_that_nothing_was_paid() {
    let world = given_a_program(Setup::default()).await;
    world.give(1, 1_000_000).await;
    let gate = Arc::new(Notify::new());
    world.models.will_answer_after(gate.clone(), completion("hi", Some(tokens(10, 10))));
    let running = begin(&world, "hello").await;
    let receipt_now = receipt(&world).await;
    let hold = receipt_now.hold.expect("it is held");
    assert_eq!((hold.state, hold.amount.micros()), (HoldState::Open, HELD));
    assert_eq!((receipt_now.lots, receipt_now.overage), (vec![], Overage::default()));
    assert!(receipt_now.prices.is_some(), "of what was used so far");
    gate.notify_one();
    running.await.expect("no panic").expect("answered");
    world.models.will_fail(ModelProviderError::Timeout);
    refusal(&world, question("hello")).await;
    let failed = world.calls().await;
    let failed = failed.iter().find(|call| matches!(call.state, CallState::Failed { .. }));
    let id = failed.expect("one failed").id;
    let receipt = world.reports.receipt(permit(ACME), id).await.expect("shown");
    assert!(matches!(receipt.hold.expect("it was held").state, HoldState::Released { .. }));
    assert_eq!((receipt.lots, receipt.prices), (vec![], None));
}

#[tokio::test]
async fn a_call_that_costs_nothing_has_a_receipt_without_a_hold() {
    let world = given_a_program(Setup::default()).await;
    world.models.will_answer(completion("hi", Some(tokens(7, 7))));
    world.chat.complete(spend(), question_to(FREE_MODEL)).await.expect("answered");
    let receipt = receipt(&world).await;
    assert_eq!((receipt.hold, receipt.lots), (None, vec![]));
    assert_eq!(receipt.prices, Some(TokenPrices::FREE));
}

#[tokio::test]
async fn limits_are_those_of_the_plan_and_asking_where_they_stand_counts_nowhere() {
    let world = given_a_program(Setup::default()).await;
    for _ in 0..3 {
        let shown = world.reports.limits(permit(ACME)).await.expect("shown");
        let rules: Vec<_> =
            shown.limits.iter().map(|it| (it.rule.measure, it.rule.window)).collect();
        assert_eq!(
            rules,
            [
                (Measure::Requests, Window::Minute),
                (Measure::Requests, Window::Hour),
                (Measure::Tokens, Window::Hour),
            ]
        );
        let limits = &shown.plan.limits;
        let told: Vec<_> = shown.limits.iter().map(|it| it.rule.limit).collect();
        let expected =
            [limits.requests_per_minute, limits.requests_per_hour, limits.tokens_per_hour];
        assert_eq!(told, expected);
        assert!(
            shown
                .limits
                .iter()
                .all(|it| it.rule.subject == Subject::Workspace(ACME) && it.used == 0)
        );
        let quota = shown.quota.expect("quotas hold");
        assert_eq!((quota.limit, quota.used), (limits.requests_per_month, 0));
    }
    world.limiter.set_broken(true);
    let refused = world.reports.limits(permit(ACME)).await;
    assert!(matches!(refused, Err(ReportError::Limiter(_))), "{refused:?}");
    let lifted = World::with(Setup { limited: false, ..Setup::default() }).await;
    let shown = lifted.reports.limits(permit(ACME)).await.expect("shown");
    assert_eq!((shown.limits, shown.quota), (vec![], None));
}

#[tokio::test]
async fn the_catalogue_tells_what_a_plan_reaches_and_what_can_be_called() {
    let world = World::new().await;
    let models = world.catalogue.models(permit(ACME)).await.expect("listed");
    let told: Vec<_> = models
        .iter()
        .map(|it| (it.model.id.as_str(), it.in_plan, it.configured, it.is_callable()))
        .collect();
    assert_eq!(
        told,
        [
            (SMALL_MODEL, true, true, true),
            (MEDIUM_MODEL, false, false, false),
            (LARGE_MODEL, false, false, false),
            (FREE_MODEL, true, true, true),
        ]
    );
    assert!(models.iter().all(|it| it.markup.0 == 2_000));
    let versions = models.iter().map(|it| it.price.as_ref().map(|price| price.version.as_str()));
    assert!(versions.into_iter().all(|version| version == Some("1")));
    let providers = world.catalogue.providers(permit(ACME)).await.expect("listed");
    let standing = |provider, configured, models, in_plan, callable| ProviderStanding {
        provider,
        configured,
        models,
        in_plan,
        callable,
    };
    assert_eq!(
        providers,
        [
            standing(Provider::ANTHROPIC, false, 2, 0, 0),
            standing(Provider::GEMINI, true, 1, 1, 1),
            standing(Provider::OPENAI, true, 1, 1, 1),
        ]
    );
}

#[tokio::test]
async fn a_model_that_is_stopped_is_told_to_be_so_and_cannot_be_called() {
    for (target, stopped) in [
        (SwitchTarget::Model(SMALL_MODEL.to_owned()), &[SMALL_MODEL][..]),
        (SwitchTarget::Provider(Provider::ANTHROPIC), &[MEDIUM_MODEL, LARGE_MODEL]),
    ] {
        let world = World::new().await;
        let mut work = world.store.begin(Scope::Platform, Durability::Power).await.expect("begin");
        let switch = Switch {
            target,
            reason: "too dear".parse().expect("a reason"),
            since: world.clock.now(),
            by: ADA,
        };
        work.switches().put(&switch).await.expect("stopped");
        work.commit().await.expect("commit");
        let models = world.catalogue.models(permit(ACME)).await.expect("listed");
        let told = models.iter().filter(|it| it.stopped).map(|it| it.model.id.as_str());
        assert_eq!(told.collect::<Vec<_>>(), stopped);
        assert!(models.iter().all(|it| !(it.stopped && it.is_callable())));
    }
}
