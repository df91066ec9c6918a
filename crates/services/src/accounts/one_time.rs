//! Using what is good once.
use cape_domain::{
    accounts::{Invitation, OneTimeToken, PresentedToken, Purpose, SecretDeriver},
    ids::{InvitationId, OneTimeId, UserId},
    secret::Secret,
    store::{StoreError, UnitOfWork},
    time::Timestamp,
};

/// Finds the token of a link, if it is good for this purpose, without using it up.
pub(super) async fn open(
    work: &mut dyn UnitOfWork,
    secrets: &dyn SecretDeriver,
    presented: &PresentedToken,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<OneTimeToken>, StoreError> {
    let found = work.one_time().find(presented.id).await?;
    Ok(found.filter(|token| {
        token.purpose == purpose
            && token.is_good(now)
            && secrets.matches(&secrets.link(token), &presented.secret)
    }))
}

/// Uses a link up: of many at the same time, one gets the token.
pub(super) async fn redeem(
    work: &mut dyn UnitOfWork,
    secrets: &dyn SecretDeriver,
    presented: &PresentedToken,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<OneTimeToken>, StoreError> {
    let Some(token) = open(work, secrets, presented, purpose, now).await? else { return Ok(None) };
    Ok(work.one_time().consume(token.id).await?.then_some(token))
}

/// Compares a code, and uses it up if it is right. The attempt is counted in any case: the
/// caller commits whatever the answer.
pub(super) async fn redeem_code(
    work: &mut dyn UnitOfWork,
    secrets: &dyn SecretDeriver,
    user: UserId,
    purpose: Purpose,
    code: &Secret,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let current = work.one_time().current(user, purpose).await?;
    let Some(token) = current.filter(|token| token.code_is_good(now)) else { return Ok(false) };
    if !work.one_time().count_attempt(token.id, OneTimeToken::ATTEMPTS).await? {
        return Ok(false);
    }
    if !secrets.matches(&secrets.code(&token), code) {
        return Ok(false);
    }
    work.one_time().consume(token.id).await
}

/// The token of an invitation's link.
pub(super) fn invitation_token(secrets: &dyn SecretDeriver, invitation: &Invitation) -> Secret {
    let id = OneTimeId::new(invitation.id.raw());
    PresentedToken { id, secret: secrets.invitation(invitation) }.reveal()
}

/// Finds the invitation of a link, if it is good, without using it up.
pub(super) async fn open_invitation(
    work: &mut dyn UnitOfWork,
    secrets: &dyn SecretDeriver,
    presented: &PresentedToken,
    now: Timestamp,
) -> Result<Option<Invitation>, StoreError> {
    let found = work.invitations().find(InvitationId::new(presented.id.raw())).await?;
    Ok(found.filter(|invitation| {
        invitation.is_good(now)
            && secrets.matches(&secrets.invitation(invitation), &presented.secret)
    }))
}
