//! Workspaces' own keys at providers: used for their calls and for nobody else's, and never
//! stood in for by the platform's.
use cape_domain::{
    access::{Grants, ManageCredentials, ViewCredentials, ViewModels, ViewUsage},
    audit::{Action, SealedSecret},
    billing::Account,
    ids::WorkspaceId,
    store::{Durability, Scope, Store as _, StoreError},
    usage::{
        CallState, CredentialUsed, FailureKind, ModelClass, ModelProviderError, Price, PriceBook,
        Provider, ProviderCredential, ProviderKey, Route, TokenPrices, UsdAmount,
    },
};
use cape_services::usage::{AttemptRules, ChatError, Completed, CredentialError, NewCall};
use cape_testkit::fixtures::{
    ACME, ADA, RIVAL, api_key, at, completion, credential, model, permit, program, tokens,
};
use chrono::TimeDelta;

use super::{by_program, given_a_program, question, read, settled, spend};
use crate::world::{Setup, World, soon};

const GIVEN: i64 = 1_000_000;
const KEY: &str = "sk-acme-1234";

fn price(input: u64, output: u64) -> Price {
    let (cached_input, cache_write) = (input, input);
    Price::Tokens(TokenPrices { input, cached_input, cache_write, output, request: 0 })
}

/// `smart` leads to `cheap`, and to `dear` when that does not answer. The platform has no key for
/// `claude`.
fn book() -> PriceBook {
    let of = |id, provider| model(id, provider, ModelClass::Small, price(150_000, 600_000));
    let cheap = of("cheap", Provider::OPENAI);
    let dear = model("dear", Provider::GEMINI, ModelClass::Small, price(1_500_000, 6_000_000));
    let smart = Route { fallbacks: vec!["dear".to_owned()], ..Route::to("smart", "cheap") };
    let book = PriceBook::new(vec![cheap, dear, of("claude", Provider::ANTHROPIC)]);
    book.expect("a sound book").with_routes(vec![smart]).expect("a sound route")
}

async fn given(attempts: AttemptRules) -> World {
    let world = given_a_program(Setup { book: book(), attempts, ..Setup::default() }).await;
    world.give(1, GIVEN).await;
    world
}

async fn given_once() -> World {
    given(AttemptRules { most: 1, ..AttemptRules::default() }).await
}

/// Somebody stores a key, in a process that nobody hears of but by the feed.
async fn store(
    world: &World,
    workspace: WorkspaceId,
    provider: Provider,
    key: &str,
) -> ProviderCredential {
    let key: ProviderKey = key.parse().expect("a key");
    world.credentials.put(permit(workspace), provider, key).await.expect("stored")
}

async fn remove(world: &World, provider: Provider) {
    world.credentials.remove(permit(ACME), provider).await.expect("removed");
}

async fn polled(world: &World) {
    world.feed.poll().await.expect("polled");
}

fn asking(model: &str) -> NewCall {
    let mut new = question("hello");
    model.clone_into(&mut new.chat.model);
    new
}

async fn ask(world: &World, model: &str) -> Result<Completed, ChatError> {
    soon(world.chat.complete(spend(), asking(model))).await
}

fn answers(world: &World) {
    world.lent.models.will_answer(completion("hi", Some(tokens(10, 10))));
}

fn unavailable() -> ModelProviderError {
    ModelProviderError::Unavailable("down".into())
}

fn is_refused(outcome: Result<Completed, ChatError>, by: Provider) -> bool {
    matches!(outcome, Err(ChatError::CredentialRefused(provider)) if provider == by)
}

#[tokio::test]
async fn a_call_is_made_under_the_workspaces_own_key_and_charged_the_mark_up_alone() {
    let world = given_once().await;
    let stored = store(&world, ACME, Provider::OPENAI, KEY).await;
    polled(&world).await;
    answers(&world);
    let done = ask(&world, "cheap").await.expect("answered");
    assert_eq!(world.lent.asked(), [(Provider::OPENAI, KEY.to_owned())]);
    assert_eq!(world.models.calls(), 0);
    let call = world.call(done.call.id).await;
    assert_eq!(call.credential, CredentialUsed::Workspace(stored.id));
    // A fifth of 10 x 0.15 + 10 x 0.60 millionths of a dollar.
    let used = settled(&call);
    assert_eq!((used.cost, used.charge.micros()), (UsdAmount::ZERO, 150));
    // A fifth of what would be set aside otherwise.
    let hold = world.hold(call.hold.expect("a hold")).await;
    assert_eq!(hold.amount.micros(), 1_311);
    assert_eq!(world.micros().await, [GIVEN - 150, 0, 0]);
    for transaction in world.transactions(ACME).await {
        let ours = |account| matches!(account, Account::ProviderCost | Account::ProviderPayable);
        let mut moved = transaction.transfers.iter().flat_map(|moved| [moved.from(), moved.to()]);
        assert!(!moved.any(ours), "{transaction:?}");
    }
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_stream_is_made_and_charged_in_the_same_way() {
    let world = given_once().await;
    store(&world, ACME, Provider::OPENAI, KEY).await;
    polled(&world).await;
    answers(&world);
    let new = NewCall { streamed: true, ..asking("cheap") };
    let mut streaming = soon(world.chat.stream(spend(), new)).await.expect("a stream");
    read(&mut streaming).await;
    let call = &world.calls().await[0];
    assert_eq!((call.credential.name(), settled(call).charge.micros()), ("workspace", 150));
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn another_workspaces_key_is_never_used() {
    let world = given_once().await;
    store(&world, RIVAL, Provider::OPENAI, "sk-rival-1234").await;
    store(&world, RIVAL, Provider::ANTHROPIC, "sk-rival-5678").await;
    polled(&world).await;
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    let done = ask(&world, "cheap").await.expect("answered");
    assert_eq!(done.call.credential, CredentialUsed::Platform);
    assert_eq!(settled(&done.call).charge.micros(), 900);
    let refused = ask(&world, "claude").await;
    assert!(matches!(refused, Err(ChatError::Disabled(Provider::ANTHROPIC))));
    assert_eq!(world.lent.asked(), []);
}

#[tokio::test]
async fn a_key_opens_a_provider_that_the_platform_has_no_key_for() {
    let world = given_once().await;
    let reaches = async |world: &World| {
        let listed = world.listing.list(by_program::<ViewModels>(10)).await.expect("listed");
        let providers = world.catalogue.providers(permit::<ViewUsage>(ACME)).await.expect("told");
        let claude = providers.iter().find(|p| p.provider == Provider::ANTHROPIC);
        (listed.iter().any(|model| model.id == "claude"), claude.is_some_and(|c| c.configured))
    };
    assert!(matches!(ask(&world, "claude").await, Err(ChatError::Disabled(_))));
    assert_eq!(reaches(&world).await, (false, false));
    store(&world, ACME, Provider::ANTHROPIC, KEY).await;
    polled(&world).await;
    assert_eq!(reaches(&world).await, (true, true));
    answers(&world);
    ask(&world, "claude").await.expect("answered");
    remove(&world, Provider::ANTHROPIC).await;
    polled(&world).await;
    assert!(matches!(ask(&world, "claude").await, Err(ChatError::Disabled(_))));
    assert_eq!(reaches(&world).await, (false, false));
}

#[tokio::test]
async fn a_key_that_is_refused_is_told_and_nobody_is_asked_under_another() {
    let world = given(AttemptRules::default()).await;
    store(&world, ACME, Provider::OPENAI, KEY).await;
    polled(&world).await;
    for _ in 0..2 {
        world.lent.models.will_fail(ModelProviderError::Credentials);
    }
    // `smart` could be answered by `dear`, under the platform's key.
    assert!(is_refused(ask(&world, "smart").await, Provider::OPENAI));
    let new = NewCall { streamed: true, ..asking("smart") };
    let refused = soon(world.chat.stream(spend(), new)).await.err();
    assert!(matches!(refused, Some(ChatError::CredentialRefused(Provider::OPENAI))));
    world.lent.models.will_count(Err(ModelProviderError::Credentials));
    let refused = world.counts.count(spend(), asking("cheap").chat).await.err();
    assert!(matches!(refused, Some(ChatError::CredentialRefused(Provider::OPENAI))));
    assert_eq!((world.lent.asked().len(), world.models.calls()), (3, 0));
    for call in world.calls().await {
        let CallState::Failed { kind, .. } = call.state else { panic!("{call:?}") };
        assert_eq!((kind, call.credential.name()), (FailureKind::Credentials, "workspace"));
    }
    assert_eq!(world.micros().await, [GIVEN, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn the_platforms_refused_key_is_still_the_platforms_matter() {
    let world = given_once().await;
    world.models.will_fail(ModelProviderError::Credentials);
    let refused = ask(&world, "cheap").await;
    assert!(matches!(refused, Err(ChatError::Provider(ModelProviderError::Credentials))));
}

#[tokio::test]
async fn a_replaced_key_and_a_removed_one_are_not_used_after_the_next_poll() {
    let world = given_once().await;
    store(&world, ACME, Provider::OPENAI, KEY).await;
    polled(&world).await;
    answers(&world);
    ask(&world, "cheap").await.expect("answered");
    let second = store(&world, ACME, Provider::OPENAI, "sk-acme-5678").await;
    polled(&world).await;
    answers(&world);
    let done = ask(&world, "cheap").await.expect("answered");
    assert_eq!(done.call.credential, CredentialUsed::Workspace(second.id));
    remove(&world, Provider::OPENAI).await;
    polled(&world).await;
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    let done = ask(&world, "cheap").await.expect("answered");
    assert_eq!(done.call.credential, CredentialUsed::Platform);
    let keys: Vec<String> = world.lent.asked().into_iter().map(|(_, key)| key).collect();
    assert_eq!(keys, [KEY, "sk-acme-5678"]);
}

#[tokio::test]
async fn a_key_that_is_removed_between_two_attempts_is_not_used_for_the_second() {
    let world = given(AttemptRules::default()).await;
    store(&world, ACME, Provider::OPENAI, KEY).await;
    polled(&world).await;
    world.lent.models.will_fail(unavailable());
    let answer = world.tasks.spawn({
        let chat = world.chat.clone();
        async move { chat.complete(spend(), asking("cheap")).await }
    });
    soon(world.sleeper.until_somebody_sleeps()).await;
    remove(&world, Provider::OPENAI).await;
    polled(&world).await;
    world.sleeper.wake();
    assert!(is_refused(soon(answer).await.expect("a task"), Provider::OPENAI));
    assert_eq!((world.lent.asked().len(), world.models.calls()), (1, 0));
    assert_eq!(world.micros().await, [GIVEN, 0, 0]);
}

#[tokio::test]
async fn each_of_the_models_that_a_call_may_try_is_charged_by_its_own_key() {
    let world = given(AttemptRules::default()).await;
    store(&world, ACME, Provider::OPENAI, KEY).await;
    polled(&world).await;
    world.lent.models.will_fail(unavailable());
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    let done = ask(&world, "smart").await.expect("answered");
    let call = world.call(done.call.id).await;
    assert_eq!((call.model.as_str(), call.credential), ("dear", CredentialUsed::Platform));
    // In full: 12 x (10 x 15 + 10 x 60)
    assert_eq!(settled(&call).charge.micros(), 9_000);
    assert!(settled(&call).cost.pico() > 0);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn what_a_workspaces_own_key_meets_opens_no_circuit_but_its_own() {
    let world = given_once().await;
    store(&world, ACME, Provider::OPENAI, KEY).await;
    polled(&world).await;
    for _ in 0..5 {
        world.lent.models.will_fail(unavailable());
        assert!(matches!(ask(&world, "cheap").await, Err(ChatError::Provider(_))));
    }
    assert!(matches!(ask(&world, "cheap").await, Err(ChatError::NotAnswering { .. })));
    // Another key has not failed yet.
    store(&world, ACME, Provider::OPENAI, "sk-acme-5678").await;
    polled(&world).await;
    answers(&world);
    ask(&world, "cheap").await.expect("answered");
    // Neither has the platform's.
    remove(&world, Provider::OPENAI).await;
    polled(&world).await;
    world.models.will_answer(completion("hi", None));
    ask(&world, "cheap").await.expect("answered");
}

#[tokio::test]
async fn what_the_platforms_key_meets_keeps_no_workspaces_own_key_out() {
    let world = given_once().await;
    for _ in 0..5 {
        world.models.will_fail(unavailable());
        assert!(matches!(ask(&world, "cheap").await, Err(ChatError::Provider(_))));
    }
    assert!(matches!(ask(&world, "cheap").await, Err(ChatError::NotAnswering { .. })));
    store(&world, ACME, Provider::OPENAI, KEY).await;
    polled(&world).await;
    answers(&world);
    ask(&world, "cheap").await.expect("answered");
}

#[tokio::test]
async fn a_bad_key_is_told_as_such_however_often_it_is_tried() {
    let world = given_once().await;
    store(&world, ACME, Provider::OPENAI, KEY).await;
    polled(&world).await;
    for _ in 0..7 {
        world.lent.models.will_fail(ModelProviderError::Credentials);
        assert!(is_refused(ask(&world, "cheap").await, Provider::OPENAI));
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_opened_or_sent_leads_to_nobody_else() {
    for sealed in ["garbage", "unusable"] {
        let world = given_once().await;
        match sealed {
            "garbage" => {
                let mut work = begin(&world).await;
                let broken = credential(20, Provider::OPENAI);
                let broken = ProviderCredential { sealed: SealedSecret(vec![7; 99]), ..broken };
                work.credentials().put(&broken).await.expect("put");
                work.commit().await.expect("commit");
            }
            _ => drop(store(&world, ACME, Provider::OPENAI, crate::world::Lent::UNUSABLE).await),
        }
        polled(&world).await;
        let refused = ask(&world, "cheap").await;
        assert!(matches!(refused, Err(ChatError::Store(StoreError::Corrupt { .. }))), "{sealed}");
        assert_eq!((world.lent.asked().len(), world.models.calls()), (0, 0));
    }
}

async fn begin(world: &World) -> Box<dyn cape_domain::store::UnitOfWork> {
    world.store.begin(Scope::Workspace(ACME), Durability::Power).await.expect("begin")
}

#[tokio::test]
async fn a_key_is_opened_once_in_ten_minutes() {
    let world = given_once().await;
    store(&world, ACME, Provider::OPENAI, KEY).await;
    world.pass(TimeDelta::seconds(11)).await;
    for _ in 0..3 {
        answers(&world);
        ask(&world, "cheap").await.expect("answered");
    }
    assert_eq!(world.lent.opened(), 1);
    world.pass(TimeDelta::minutes(10)).await;
    answers(&world);
    ask(&world, "cheap").await.expect("answered");
    assert_eq!(world.lent.opened(), 2);
}

#[tokio::test]
async fn what_is_stored_is_sealed_and_the_trail_and_everybody_else_sees_its_end_alone() {
    let world = given_once().await;
    let first = store(&world, ACME, Provider::OPENAI, KEY).await;
    let second = store(&world, ACME, Provider::OPENAI, "sk-acme-5678").await;
    assert_eq!((first.ending.as_str(), second.ending.as_str()), ("1234", "5678"));
    assert_eq!((second.created_at, second.created_by), (at(0), ADA));
    assert!(!second.sealed.0.windows(7).any(|part| part == b"sk-acme"));
    assert!(!format!("{second:?}").contains("sk-acme"));
    let listed = world.credentials.list(permit::<ViewCredentials>(ACME)).await.expect("listed");
    assert_eq!(listed.as_slice(), std::slice::from_ref(&second));
    let found = world.credentials.find(permit(ACME), Provider::OPENAI).await.expect("found");
    assert_eq!(found, second);
    for workspace in [RIVAL] {
        let listed = world.credentials.list(permit::<ViewCredentials>(workspace)).await;
        assert_eq!(listed.expect("listed"), []);
        let found = world.credentials.find(permit(workspace), Provider::OPENAI).await;
        assert!(matches!(found, Err(CredentialError::NotFound(Provider::OPENAI))));
        let removed = world.credentials.remove(permit(workspace), Provider::OPENAI).await;
        assert!(matches!(removed, Err(CredentialError::NotFound(Provider::OPENAI))));
    }
    remove(&world, Provider::OPENAI).await;
    let gone = world.credentials.remove(permit(ACME), Provider::OPENAI).await;
    assert!(matches!(gone, Err(CredentialError::NotFound(Provider::OPENAI))));
    let entries = world.entries().await;
    let told: Vec<_> = entries.iter().map(|entry| (entry.action, entry.subject.clone())).collect();
    assert_eq!(
        told,
        [
            (Action::CredentialStored, first.id.to_string()),
            (Action::CredentialStored, second.id.to_string()),
            (Action::CredentialRemoved, second.id.to_string()),
        ]
    );
    let shown = format!("{entries:?}");
    assert!(!shown.contains("sk-acme") && shown.contains("5678"), "{shown}");
    assert_eq!(world.control().await.len(), 3);
}

#[tokio::test]
async fn a_key_is_stored_by_a_person_and_for_a_provider_that_there_is() {
    let world = given_once().await;
    let key: ProviderKey = KEY.parse().expect("a key");
    let nowhere: Provider = "nowhere".parse().expect("a name");
    let refused = world.credentials.put(permit(ACME), nowhere, key.clone()).await;
    assert!(
        matches!(refused, Err(CredentialError::UnknownProvider(provider)) if provider == nowhere)
    );
    let by_key = Grants::default().with::<ManageCredentials>().permit(program(10), at(0));
    let refused = world.credentials.put(by_key.expect("granted"), Provider::OPENAI, key).await;
    assert!(matches!(refused, Err(CredentialError::NotAPerson)));
    assert_eq!(world.entries().await, []);
    assert_eq!(api_key(10).workspace, ACME);
}
