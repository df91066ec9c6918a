//! Showing again who one is.
use cape_domain::{
    access::{AccessTokens as _, ChangeEmail, ManageSessions},
    accounts::Password,
    secret::Secret,
    time::Clock as _,
};
use cape_services::accounts::{Factor, Proof, SignInError, SignedIn};
use cape_testkit::fixtures::PASSWORD;
use chrono::TimeDelta;

use super::{
    permit_of,
    refresh::{refresh, token},
    second_factors::{given_a_second_factor, totp},
};
use crate::world::World;

async fn reauthenticate(
    world: &World,
    pair: &SignedIn,
    password: &str,
    factor: Option<Factor>,
) -> Result<SignedIn, SignInError> {
    let permit = permit_of::<ManageSessions>(world, pair).await;
    let proof = Proof { password: Password::given(password), factor };
    world.accounts.sessions.reauthenticate(permit, &proof).await
}

#[tokio::test]
async fn the_next_access_token_tells_of_it_and_the_refresh_token_stays_the_same() {
    let world = World::new().await;
    let first = world.ada_signs_in().await;
    world.pass(TimeDelta::minutes(11)).await;
    let second = reauthenticate(&world, &first, PASSWORD, None).await.expect("shown");
    assert_eq!(second.refresh_token, first.refresh_token);
    let now = world.clock.now();
    let claims = world.tokens.verify(second.access_token.expose(), now).expect("good");
    assert_eq!((claims.authenticated_at, claims.issued_at), (now, now));
    let _ = permit_of::<ChangeEmail>(&world, &second).await;
    let third = refresh(&world, &token(&first)).await;
    let claims = world.tokens.verify(third.access_token.expose(), now).expect("good");
    assert_eq!((claims.authenticated_at, claims.id.generation), (now, 2));
}

#[tokio::test]
async fn a_wrong_password_is_no_proof() {
    let world = World::new().await;
    let pair = world.ada_signs_in().await;
    let before = world.session(token(&pair).session).await;
    world.pass(TimeDelta::minutes(1)).await;
    let refused = reauthenticate(&world, &pair, "wrong", None).await;
    assert!(matches!(refused, Err(SignInError::InvalidCredentials)), "{refused:?}");
    let after = world.session(token(&pair).session).await;
    assert_eq!(after.authenticated_at, before.authenticated_at);
}

#[tokio::test]
async fn where_a_second_factor_is_in_use_it_is_part_of_the_proof() {
    let world = World::new().await;
    let pair = world.ada_signs_in().await;
    given_a_second_factor(&world).await;
    let wrong = Factor::Totp(Secret::new("999999"));
    for factor in [None, Some(wrong)] {
        let refused = reauthenticate(&world, &pair, PASSWORD, factor).await;
        assert!(matches!(refused, Err(SignInError::InvalidCode)), "{refused:?}");
    }
    let factor = totp(&world);
    reauthenticate(&world, &pair, PASSWORD, Some(factor.clone())).await.expect("shown");
    let again = reauthenticate(&world, &pair, PASSWORD, Some(factor)).await;
    assert!(matches!(again, Err(SignInError::InvalidCode)), "{again:?}");
}

#[tokio::test]
async fn a_session_that_is_over_is_not_revived() {
    let world = World::new().await;
    let pair = world.ada_signs_in().await;
    let permit = permit_of::<ManageSessions>(&world, &pair).await;
    let out = permit_of(&world, &pair).await;
    world.accounts.sessions.log_out(out).await.expect("signed out");
    let proof = Proof { password: Password::given(PASSWORD), factor: None };
    let refused = world.accounts.sessions.reauthenticate(permit, &proof).await;
    assert!(matches!(refused, Err(SignInError::InvalidCredentials)), "{refused:?}");
}
