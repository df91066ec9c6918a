//! Calling models: admission, the call, its settlement, and what is left when a process dies.
mod charges;
mod concurrency;
mod counting;
mod credentials;
mod embeddings;
mod explaining;
mod failures;
mod key_caps;
mod late;
mod leaving;
mod limit_rules;
mod limits;
mod lots;
mod model_admin;
mod moderations;
mod prices;
mod receipts;
mod records;
mod refusals;
mod reports;
mod routing;
mod stops;
mod streams;
mod sweeping;
mod switches;
mod together;

use cape_domain::{
    access::{ApiKey, Grants, KeyScope, Permission, Permit, UseAi},
    store::{Durability, Scope, Store as _},
    usage::{Call, CallState, ChatEvent, ChatRequest, FinishReason, Metered, Piece, TokenCounts},
};
use cape_services::usage::{ChatError, Completed, NewCall, StreamItem, Streaming};
use cape_testkit::{
    fakes::Step,
    fixtures::{api_key, at, chat_request, completion, program, tokens},
};
use tokio::task::JoinHandle;

use crate::world::{Setup, World, soon};

/// What a call of `hello` holds, in millionths of a credit: 5 bytes and 2 × 16 tokens around
/// them at 0.15, 100 tokens at 0.60 dollars a million, and a fifth on top.
pub const HELD: i64 = 7_866;

/// Too little even for the shortest answer, of 16 tokens: that would hold 1 818.
pub const TOO_LITTLE: i64 = 1_817;

/// What it is charged if nothing is ever heard of it: 4 likely tokens of input.
pub const LIKELY: i64 = 72;

/// A world where ACME has a program.
pub async fn given_a_program(setup: Setup) -> World {
    let world = World::with(setup).await;
    given_a_key(&world, &api_key(10)).await;
    world
}

/// Somebody made a key.
pub async fn given_a_key(world: &World, key: &ApiKey) {
    let mut work = world.store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    work.api_keys().insert(key).await.expect("inserted");
    work.commit().await.expect("commit");
}

/// ACME's program may spend.
pub fn spend() -> Permit<UseAi> {
    by_program(10)
}

/// What the program with the key of this number may do.
pub fn by_program<P: Permission>(number: u32) -> Permit<P> {
    Grants::of_api_key(&KeyScope::ALL.into()).permit(program(number), at(0)).expect("permitted")
}

/// One question to the small model, to be answered with a hundred tokens at most.
pub fn question(text: &str) -> NewCall {
    NewCall { chat: chat_request(text), max_output_tokens: Some(100), streamed: false }
}

/// The same of another model.
pub fn question_to(model: &str) -> NewCall {
    let chat = ChatRequest { model: model.to_owned(), ..chat_request("hello") };
    NewCall { chat, ..question("hello") }
}

pub async fn ask(world: &World, text: &str) -> Result<Completed, ChatError> {
    world.chat.complete(spend(), question(text)).await
}

/// Why a call is refused.
pub async fn refusal(world: &World, new: NewCall) -> ChatError {
    world.chat.complete(spend(), new).await.err().expect("refused")
}

/// A call whose provider is being asked. The answer has to be written down before.
pub async fn begin(world: &World, text: &str) -> JoinHandle<Result<Completed, ChatError>> {
    let (chat, new, before) = (world.chat.clone(), question(text), world.models.calls());
    let call = world.tasks.spawn(async move { chat.complete(spend(), new).await });
    soon(async {
        while world.models.calls() == before {
            tokio::task::yield_now().await;
        }
    })
    .await;
    call
}

/// ACME has nothing and owes 0.044 credits: a call of 1 000 and 500 tokens, of which 0.01 was
/// there.
pub async fn given_a_debt(world: &World) {
    world.give(900, 10_000).await;
    world.models.will_answer(completion("much", Some(tokens(1_000, 500))));
    ask(world, "hello").await.expect("answered");
}

pub async fn stream(world: &World, text: &str) -> Streaming {
    let new = NewCall { streamed: true, ..question(text) };
    world.chat.stream(spend(), new).await.expect("a stream")
}

/// All pieces, to the last one.
pub async fn read(streaming: &mut Streaming) -> Vec<StreamItem> {
    let mut all = Vec::new();
    while let Some(item) = soon(streaming.items.recv()).await {
        all.push(item);
    }
    all
}

pub fn text(text: &str) -> Step {
    Step::Event(Piece::Text(text.to_owned()).of_first())
}

pub fn end(usage: Option<TokenCounts>) -> Vec<Step> {
    let finished = Step::Event(Piece::Finished(FinishReason::Stop).of_first());
    let usage = usage.map(|tokens| Step::Event(ChatEvent::Usage(tokens)));
    [finished].into_iter().chain(usage).collect()
}

/// What a call that was paid for used.
pub fn settled(call: &Call) -> Metered {
    match &call.state {
        CallState::Settled { metered, .. } => *metered,
        CallState::Running { .. } | CallState::Failed { .. } => panic!("{call:?}"),
    }
}

/// What a running call would be charged if nothing more were heard of it.
pub fn so_far(call: &Call) -> Metered {
    match &call.state {
        CallState::Running { so_far } => *so_far,
        CallState::Settled { .. } | CallState::Failed { .. } => panic!("{call:?}"),
    }
}

/// Nothing is held, recorded, counted or asked, and so many millionths are available.
pub async fn nothing_happened(world: &World, available: i64) {
    assert_eq!(world.micros().await, [available, 0, 0]);
    assert_eq!(world.calls().await, []);
    assert_eq!(world.counted().await, 0);
    assert_eq!(world.models.calls(), 0);
    let claimed: usize = world.limiter.claims().iter().map(|(claims, _)| claims.len()).sum();
    let corrected = world.limiter.corrections();
    assert_eq!((corrected.len(), corrected.iter().map(|c| c.used).sum::<u64>()), (claimed, 0));
    world.proves_its_ledger().await;
}
