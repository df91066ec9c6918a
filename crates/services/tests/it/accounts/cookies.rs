//! Refreshing from a cookie, which a browser sends by itself.
use cape_domain::secret::Secret;
use cape_services::accounts::{Carried, SignInError, SignedIn};

use super::refresh::{refresh, token};
use crate::world::{World, origin};

async fn from_cookie(
    world: &World,
    pair: &SignedIn,
    csrf: Option<Secret>,
) -> Result<SignedIn, SignInError> {
    let carried = Carried::InCookie { csrf };
    world.accounts.sessions.refresh(origin(), &token(pair), &carried).await
}

#[tokio::test]
async fn the_page_repeats_what_belongs_to_its_session_for_as_long_as_that_lives() {
    let world = World::new().await;
    let first = world.ada_signs_in().await;
    let second = from_cookie(&world, &first, Some(first.csrf_token.clone())).await;
    let second = second.expect("refreshed");
    assert_eq!(second.csrf_token, first.csrf_token);
    from_cookie(&world, &second, Some(first.csrf_token.clone())).await.expect("refreshed");
}

#[tokio::test]
async fn a_page_that_cannot_read_it_is_refused_and_nothing_is_handed_out() {
    let world = World::new().await;
    let [own, other] = [world.ada_signs_in().await, world.ada_signs_in().await];
    for csrf in [None, Some(Secret::new("")), Some(other.csrf_token.clone())] {
        let refused = from_cookie(&world, &own, csrf).await;
        assert!(matches!(refused, Err(SignInError::Csrf)), "{refused:?}");
    }
    assert_eq!(world.session(token(&own).session).await.generation, 1);
}

#[tokio::test]
async fn a_page_that_cannot_read_it_ends_no_session_with_an_old_token_either() {
    let world = World::new().await;
    let first = world.ada_signs_in().await;
    let second = refresh(&world, &token(&first)).await;
    refresh(&world, &token(&second)).await;
    let refused = from_cookie(&world, &first, None).await;
    assert!(matches!(refused, Err(SignInError::Csrf)), "{refused:?}");
    let session = world.session(token(&first).session).await;
    assert!(session.is_live(world.base.now()), "{session:?}");
    assert_eq!(world.control().await, []);
}
