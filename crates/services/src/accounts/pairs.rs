//! Pairs of tokens: the first of a session, and the current one.
use std::sync::Arc;

use cape_domain::{
    access::{AccessClaims, AccessTokens, Actor, Principal, TokenId},
    accounts::{
        Beginning, Device, MailDetail, MailKind, RefreshToken, SecretDeriver, Session, User,
        Workspace,
    },
    audit::Action,
    ids::SessionId,
    secret::Secret,
    store::{StoreError, UnitOfWork},
    time::Timestamp,
};

use super::Outbox;
use crate::{
    Base,
    access::Origin,
    audit::{Fact, Trail},
};

/// Begins sessions, and makes the tokens of those that live. A clone is another handle.
#[derive(Clone)]
pub struct Pairs {
    base: Base,
    trail: Trail,
    tokens: Arc<dyn AccessTokens>,
    secrets: Arc<dyn SecretDeriver>,
    outbox: Outbox,
}

/// What somebody signs in with, and from where.
#[derive(Clone, Debug)]
pub struct Client {
    /// The request.
    pub origin: Origin,
    /// What the program says it is.
    pub device: Option<Device>,
}

/// Somebody who is signed in: a pair of tokens, and whose they are.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// For the next minutes.
    pub access_token: Secret,
    /// When it stops being good.
    pub access_expires_at: Timestamp,
    /// When it was made.
    pub access_issued_at: Timestamp,
    /// For the next pair.
    pub refresh_token: Secret,
    /// What pages repeat in a header when the refresh token lives in a cookie.
    pub csrf_token: Secret,
    /// Until when the refresh token is good.
    pub refresh_expires_at: Timestamp,
    /// Who signed in.
    pub user: User,
    /// The workspace that is active.
    pub workspace: Workspace,
}

impl Pairs {
    /// Makes tokens of these kinds.
    #[must_use]
    pub const fn new(
        base: Base,
        trail: Trail,
        tokens: Arc<dyn AccessTokens>,
        secrets: Arc<dyn SecretDeriver>,
        outbox: Outbox,
    ) -> Self {
        Self { base, trail, tokens, secrets, outbox }
    }

    /// Begins a session of a user that showed all it has to. Nothing, for a user without a
    /// workspace. A device that was never seen is told of by mail.
    pub(super) async fn begin(
        &self,
        work: &mut dyn UnitOfWork,
        client: &Client,
        user: User,
    ) -> Result<Option<SignedIn>, StoreError> {
        let places = work.workspaces().memberships(user.id).await?;
        let Some(place) = places.first() else { return Ok(None) };
        let known = work.sessions().knows(user.id, client.device.as_ref()).await?;
        let beginning = Beginning {
            id: SessionId::next(&*self.base.ids),
            user: user.id,
            workspace: place.workspace,
            salt: self.base.random(),
            device: client.device.clone(),
            address: client.origin.address,
        };
        let session = Session::begin(beginning, self.base.now());
        work.sessions().insert(&session).await?;
        let fact = Fact {
            action: Action::SessionBegun,
            subject: session.id.to_string(),
            before: &[],
            after: &[],
        };
        self.trail.enter(work, &holder(&session, client.origin), None, fact).await?;
        if known.any && !known.this {
            self.outbox.tell(work, &user, MailKind::NewDevice, device(&session)).await?;
        }
        self.current(work, &session).await
    }

    /// The current pair of a session. Asking again gives the same refresh token, and the same
    /// access token while it is young. Nothing, if its user or its workspace are gone.
    pub(super) async fn current(
        &self,
        work: &mut dyn UnitOfWork,
        session: &Session,
    ) -> Result<Option<SignedIn>, StoreError> {
        let user = work.users().find(session.user).await?.filter(User::is_active);
        let workspace = work.workspaces().find(session.workspace).await?;
        let member = work.workspaces().membership(session.workspace, session.user).await?;
        let (Some(user), Some(workspace), Some(member)) = (user, workspace, member) else {
            return Ok(None);
        };
        let now = self.base.now();
        let proven = session.rotated_at.max(session.authenticated_at);
        let young = now < proven + AccessClaims::LIFE / 2;
        let issued_at = if young { proven } else { now };
        let claims = AccessClaims {
            user: user.id,
            session: session.id,
            epoch: session.epoch,
            workspace: workspace.id,
            role: member.role,
            operator: user.operator,
            authenticated_at: session.authenticated_at,
            issued_at,
            expires_at: issued_at + AccessClaims::LIFE,
            id: TokenId { session: session.id, generation: session.generation },
        };
        let refresh_token = RefreshToken {
            session: session.id,
            generation: session.generation,
            secret: self.secrets.refresh(session, session.generation),
        };
        Ok(Some(SignedIn {
            access_token: self.tokens.sign(&claims),
            access_expires_at: claims.expires_at,
            access_issued_at: claims.issued_at,
            refresh_token: refresh_token.reveal(),
            csrf_token: self.secrets.csrf(session),
            refresh_expires_at: session.rotated_at + Session::LIFE,
            user,
            workspace,
        }))
    }
}

/// Whoever holds the session's tokens.
pub(super) fn holder(session: &Session, origin: Origin) -> Actor {
    Actor {
        principal: Principal::User { id: session.user, session: session.id, impersonated_by: None },
        workspace: session.workspace,
        authenticated_at: session.authenticated_at,
        request: origin.request,
        address: origin.address,
    }
}

fn device(session: &Session) -> Option<MailDetail> {
    let device = session.device.as_ref().map_or("an unknown program", Device::as_str);
    let text = match session.address {
        Some(address) => format!("{device}, from {address}"),
        None => device.to_owned(),
    };
    text.parse().ok()
}
