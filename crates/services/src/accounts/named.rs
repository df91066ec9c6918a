//! Whom an operator names on the command line.
use cape_domain::{
    access::{Actor, Principal},
    accounts::{Email, User},
    ids::RequestId,
    store::{StoreError, UnitOfWork},
};

use crate::Base;

/// The user with this address, whom nobody else changes until the work ends, and the operator as
/// whoever acts, in the user's first workspace. None, when there is nobody.
pub(super) async fn named(
    base: &Base,
    work: &mut dyn UnitOfWork,
    email: &Email,
) -> Result<Option<(Actor, User)>, StoreError> {
    let Some(found) = work.users().find_by_email(email).await? else { return Ok(None) };
    let Some(user) = work.users().lock(found.id).await? else { return Ok(None) };
    let places = work.workspaces().memberships(user.id).await?;
    let actor = places.first().map(|place| Actor {
        principal: Principal::System,
        workspace: place.workspace,
        authenticated_at: base.now(),
        request: RequestId::next(&*base.ids),
        address: None,
    });
    Ok(actor.map(|actor| (actor, user)))
}
