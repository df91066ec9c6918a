//! Ten thousand clients whose answers get lost, who ask again, and whose tabs ask all at once: no
//! session dies of it, and each has one successor. And then a thief.
use cape_domain::{
    accounts::{EndReason, RefreshToken, SecretDeriver as _, Session, SessionState},
    ids::SessionId,
    store::{Durability, Scope, Store as _},
    time::Clock as _,
};
use cape_services::accounts::{Carried, SignInError, SignedIn};
use cape_testkit::{
    fakes::PlainSecrets,
    fixtures::{id, session},
};
use chrono::TimeDelta;
use tokio::task::JoinSet;

use super::refresh::{call, refresh, token};
use crate::world::{World, origin};

const WORLDS: u64 = 1_000;
const CLIENTS_EACH: u32 = 10;
const ROUNDS: u32 = 3;

/// Chance, the same in every run (`SplitMix64`).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// Some time passes, at most so much.
    fn pass(&mut self, world: &World, at_most: TimeDelta) {
        let micros = at_most.num_microseconds().expect("not for ever").unsigned_abs();
        let micros = i64::try_from(self.below(micros + 1)).expect("no more than that");
        world.clock.advance(TimeDelta::microseconds(micros));
    }
}

/// Somebody signs in, and holds its first refresh token.
async fn given_a_client(world: &World, number: u32) -> RefreshToken {
    let now = world.clock.now();
    let id = SessionId::new(id(u128::from(number) + 1_000));
    let begun = Session { id, rotated_at: now, created_at: now, ..session(number) };
    let state = SessionState::Live { expires_at: now + Session::LIFE };
    let begun = Session { state, authenticated_at: now, last_seen_at: now, ..begun };
    let mut work = world.store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    work.sessions().insert(&begun).await.expect("inserted");
    work.commit().await.expect("commit");
    RefreshToken { session: id, generation: 1, secret: PlainSecrets.refresh(&begun, 1) }
}

/// Two answers to one token: whoever has one has the other.
fn same(one: &SignedIn, other: &SignedIn) {
    assert_eq!(one.refresh_token, other.refresh_token);
}

/// A client goes on to its next pair, more or less well.
async fn go_on(world: &World, chance: &mut Chance, held: &RefreshToken) -> RefreshToken {
    let pair = refresh(world, held).await;
    match chance.below(4) {
        // All goes well, and it goes on at once or when its access token is over.
        0 => {}
        // The answer was lost; it asks again soon, perhaps a few times.
        1 => {
            for _ in 0..=chance.below(3) {
                chance.pass(world, TimeDelta::seconds(30));
                same(&pair, &refresh(world, held).await);
            }
        }
        // The answer was lost, and the lid was closed.
        2 => {
            chance.pass(world, TimeDelta::days(7));
            same(&pair, &refresh(world, held).await);
        }
        // Its tabs ask all at once, and one of them is ahead of the others.
        _ => {
            let [one, other] = [refresh(world, held).await, refresh(world, held).await];
            same(&one, &other);
            call(world, &one).await;
            chance.pass(world, Session::RETRY_WINDOW);
            same(&pair, &refresh(world, held).await);
        }
    }
    let pair = refresh_again_if_stale(world, held, pair).await;
    if chance.below(2) == 0 {
        call(world, &pair).await;
    }
    chance.pass(world, TimeDelta::minutes(20));
    token(&pair)
}

/// An access token that was lost for long is over; asking once more gives a good one.
async fn refresh_again_if_stale(world: &World, held: &RefreshToken, pair: SignedIn) -> SignedIn {
    if world.clock.now() < pair.access_expires_at { pair } else { refresh(world, held).await }
}

/// Runs something for every client: some in each of many worlds, because the store in memory is
/// copied whole for every unit of work.
async fn for_every_client<F: Future<Output = ()> + Send + 'static>(play: fn(World, Chance) -> F) {
    let mut all = JoinSet::new();
    for number in 0..WORLDS {
        let world = World::new().await;
        all.spawn(play(world, Chance(number)));
    }
    all.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_clients_with_bad_luck_are_never_taken_for_thieves() {
    for_every_client(|world, mut chance| async move {
        for number in 0..CLIENTS_EACH {
            let mut held = given_a_client(&world, number).await;
            for _ in 0..ROUNDS {
                held = go_on(&world, &mut chance, &held).await;
            }
            let session = world.session(held.session).await;
            assert!(session.is_live(world.clock.now()), "{session:?}");
            assert_eq!((session.generation, held.generation), (ROUNDS + 1, ROUNDS + 1));
        }
        assert_eq!(world.control().await, []);
    })
    .await;
}

async fn caught(world: &World, token: &RefreshToken) {
    let refused = world.accounts.sessions.refresh(origin(), token, &Carried::InBody).await;
    assert!(matches!(refused, Err(SignInError::InvalidRefreshToken)), "{refused:?}");
    let session = world.session(token.session).await;
    let theft = matches!(session.state, SessionState::Ended { reason: EndReason::Theft, .. });
    assert!(theft, "{session:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thief_who_copied_a_token_is_caught_at_the_second_use_by_either_of_them() {
    for_every_client(|world, mut chance| async move {
        for number in 0..CLIENTS_EACH {
            let held = given_a_client(&world, number).await;
            let copied = go_on(&world, &mut chance, &held).await;
            // Whoever comes first, owner or thief, uses what it gets; or both get the same,
            // because nobody did, and then it is the next token that two of them hold.
            let mut first = refresh(&world, &copied).await;
            let mut second = copied;
            if chance.below(3) == 0 {
                let again = refresh(&world, &second).await;
                same(&first, &again);
                second = token(&again);
                first = refresh(&world, &token(&first)).await;
            }
            if chance.below(2) == 0 {
                call(&world, &first).await;
            } else {
                first = refresh(&world, &token(&first)).await;
            }
            world.clock.advance(Session::RETRY_WINDOW);
            chance.pass(&world, TimeDelta::days(1));
            world.clock.advance(TimeDelta::microseconds(1));
            caught(&world, &second).await;
            caught(&world, &token(&first)).await;
        }
        assert_eq!(world.control().await.len(), CLIENTS_EACH as usize);
    })
    .await;
}
