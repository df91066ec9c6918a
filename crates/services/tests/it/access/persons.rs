//! Recognising people by their access tokens.
use cape_domain::{
    access::{
        AccessClaims, AccessTokens as _, ChangeEmail, EditProfile, Forbidden, ManageBilling,
        Principal, Role, TokenId, TokenRefused,
    },
    ids::{UserId, WorkspaceId},
    store::{Durability, Scope, Store as _, StoreError},
    time::Clock as _,
};
use cape_services::access::Refused;
use cape_testkit::{
    fakes::PlainTokens,
    fixtures::{ACME, ADA, REQUEST, SESSION, at},
};
use chrono::TimeDelta;

use crate::world::{ADDRESS, World, origin, soon};

fn claims(user: UserId, workspace: WorkspaceId) -> AccessClaims {
    AccessClaims {
        user,
        session: SESSION,
        epoch: 0,
        workspace,
        role: Role::Owner,
        operator: false,
        authenticated_at: at(-60),
        issued_at: at(0),
        expires_at: at(0) + AccessClaims::LIFE,
        id: TokenId { session: SESSION, generation: 1 },
    }
}

async fn refusal(world: &World, token: &str) -> TokenRefused {
    match world.authenticator.person(token, origin()).await {
        Err(Refused::Token(refused)) => refused,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_member_is_recognised_with_what_its_role_may_do() {
    let world = World::new().await;
    let token = world.tokens.sign(&claims(ADA, ACME));
    let caller = world.authenticator.person(token.expose(), origin()).await.expect("recognised");
    let person = Principal::User { id: ADA, session: SESSION, impersonated_by: None };
    assert_eq!((caller.actor.principal, caller.actor.workspace), (person, ACME));
    assert_eq!(caller.actor.authenticated_at, at(-60));
    assert_eq!((caller.actor.request, caller.actor.address), (REQUEST, Some(ADDRESS)));
    assert_eq!(caller.grants, Role::Owner.grants());
}

#[tokio::test]
async fn a_token_says_what_its_bearer_is() {
    let world = World::new().await;
    for role in Role::ALL {
        let token = world.tokens.sign(&AccessClaims { role, ..claims(ADA, ACME) });
        let person = world.authenticator.person(token.expose(), origin()).await;
        assert_eq!(person.expect("recognised").grants, role.grants());
    }
}

#[tokio::test]
async fn a_permit_is_given_for_what_was_granted_and_while_the_proof_is_fresh() {
    let world = World::new().await;
    let token = world.tokens.sign(&AccessClaims { role: Role::Member, ..claims(ADA, ACME) });
    let caller =
        async || world.authenticator.person(token.expose(), origin()).await.expect("recognised");
    assert!(world.authenticator.permit::<ChangeEmail>(caller().await).is_ok());
    let refused = world.authenticator.permit::<ManageBilling>(caller().await);
    assert!(matches!(refused, Err(Refused::Forbidden(Forbidden::Missing(_)))), "{refused:?}");
    // A minute has passed already.
    world.pass(TimeDelta::minutes(9)).await;
    let refused = world.authenticator.permit::<ChangeEmail>(caller().await);
    assert!(matches!(refused, Err(Refused::Forbidden(Forbidden::Stale(_)))), "{refused:?}");
    assert!(world.authenticator.permit::<EditProfile>(caller().await).is_ok());
}

#[tokio::test]
async fn a_token_that_is_not_ours_is_refused() {
    let world = World::new().await;
    let foreign = PlainTokens::signed_with(1).sign(&claims(ADA, ACME));
    let good = world.tokens.sign(&claims(ADA, ACME));
    let typo = format!("{}x", good.expose());
    for wrong in ["", "plain", "cape_sk_0_0", foreign.expose(), &typo] {
        assert_eq!(refusal(&world, wrong).await, TokenRefused::Malformed, "{wrong}");
    }
}

#[tokio::test]
async fn a_token_is_good_for_a_quarter_of_an_hour() {
    let world = World::new().await;
    let token = world.tokens.sign(&claims(ADA, ACME));
    world.clock.advance(AccessClaims::LIFE - TimeDelta::microseconds(1));
    assert!(world.authenticator.person(token.expose(), origin()).await.is_ok());
    world.clock.advance(TimeDelta::microseconds(1));
    assert_eq!(refusal(&world, token.expose()).await, TokenRefused::Expired);
}

#[tokio::test]
async fn only_the_first_use_of_a_pair_is_written() {
    let world = World::new().await;
    let token = world.tokens.sign(&claims(ADA, ACME));
    world.authenticator.person(token.expose(), origin()).await.expect("recognised");
    let busy = world.store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    let again = soon(world.authenticator.person(token.expose(), origin())).await;
    assert!(again.is_ok(), "nobody waits for the writer");
    drop(busy);
}

#[tokio::test]
async fn a_use_that_could_not_be_written_is_written_next_time() {
    let world = World::new().await;
    let pair = world.ada_signs_in().await;
    let token = pair.access_token.expose();
    world.unsteady.set_down(true);
    let refused = world.authenticator.person(token, origin()).await;
    assert!(matches!(refused, Err(Refused::Store(StoreError::Unavailable(_)))), "{refused:?}");
    world.unsteady.set_down(false);
    world.authenticator.person(token, origin()).await.expect("recognised");
    let session = world.tokens.verify(token, world.clock.now()).expect("good").session;
    assert_eq!(world.session(session).await.used_generation, 1);
}
