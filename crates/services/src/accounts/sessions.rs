//! Signing in, staying signed in, and signing out.
use std::sync::Arc;

use cape_domain::{
    access::{
        AccessClaims, AccessTokens, Actor, ControlChange, ControlEntry, Permit, Principal, SignOut,
        TokenId,
    },
    accounts::{
        Email, EndReason, Password, PasswordHasher, RefreshSecrets, RefreshToken, RefreshVerdict,
        Session, User, Workspace,
    },
    audit::Action,
    ids::{ControlId, SessionId},
    secret::Secret,
    store::{BoxError, Durability, Scope, StoreError, UnitOfWork},
    time::Timestamp,
};

use crate::{
    Base,
    access::Origin,
    audit::{Fact, Trail},
    retry::{Contended, retry},
};

/// Begins, continues and ends sessions.
pub struct SessionService {
    base: Base,
    trail: Trail,
    hasher: Arc<dyn PasswordHasher>,
    tokens: Arc<dyn AccessTokens>,
    secrets: Arc<dyn RefreshSecrets>,
    rules: SessionRules,
}

/// Who is let in.
#[derive(Clone, Copy, Debug)]
pub struct SessionRules {
    /// Whether an address has to be verified first.
    pub verified_only: bool,
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
    /// Who signed in.
    pub user: User,
    /// The workspace that is active.
    pub workspace: Workspace,
}

/// Why somebody is not signed in.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Unknown address or wrong password; which of them is not said.
    #[error("e-mail or password is wrong")]
    InvalidCredentials,
    /// The password is right, but nobody knows whose the address is.
    #[error("the e-mail address is not verified yet")]
    NotVerified,
    /// The refresh token is not good. It does not say why.
    #[error("the refresh token is not valid")]
    InvalidRefreshToken,
    /// Passwords cannot be checked.
    #[error("the password could not be checked")]
    Hashing(#[source] BoxError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Contended for SessionError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Store(error) => error.is_conflict(),
            Self::InvalidCredentials
            | Self::NotVerified
            | Self::InvalidRefreshToken
            | Self::Hashing(_) => false,
        }
    }
}

impl SessionService {
    /// A service over these ports.
    #[must_use]
    pub fn new(
        base: Base,
        trail: Trail,
        hasher: Arc<dyn PasswordHasher>,
        tokens: Arc<dyn AccessTokens>,
        secrets: Arc<dyn RefreshSecrets>,
        rules: SessionRules,
    ) -> Arc<Self> {
        Arc::new(Self { base, trail, hasher, tokens, secrets, rules })
    }

    /// Signs somebody in. An unknown address costs the same work as a wrong password.
    ///
    /// # Errors
    ///
    /// See [`SessionError`].
    pub async fn log_in(
        &self,
        origin: Origin,
        email: &Email,
        password: &Password,
    ) -> Result<SignedIn, SessionError> {
        let user = {
            let mut work = self.base.store.read(Scope::Platform).await?;
            work.users().find_by_email(email).await?
        };
        let hash = user.as_ref().map(|user| &user.password);
        let right = self.hasher.verify(password, hash).await.map_err(SessionError::Hashing)?;
        let Some(user) = user.filter(|_| right) else {
            return Err(SessionError::InvalidCredentials);
        };
        if self.rules.verified_only && !user.is_verified() {
            return Err(SessionError::NotVerified);
        }
        retry!(self.begin(origin, user.clone()))
    }

    /// Hands out the next pair of tokens, or the last one again to somebody who lost it. A
    /// token that should be gone ends the session.
    ///
    /// # Errors
    ///
    /// See [`SessionError`].
    pub async fn refresh(
        &self,
        origin: Origin,
        token: &RefreshToken,
    ) -> Result<SignedIn, SessionError> {
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let session = work.sessions().find(token.session).await?;
            let session = session.filter(|session| {
                let derived = self.secrets.derive(session, token.generation);
                self.secrets.matches(&derived, &token.secret)
            });
            let session = session.ok_or(SessionError::InvalidRefreshToken)?;
            let now = self.base.now();
            let verdict = session.judge(token.generation, now);
            metrics::counter!("cape_refresh_verdicts_total", "verdict" => verdict.name())
                .increment(1);
            match verdict {
                RefreshVerdict::Rotate => {
                    let session = session.rotate(now);
                    work.sessions().update(&session).await?;
                    let signed_in = self.signed_in(&mut *work, &session).await?;
                    work.commit().await?;
                    Ok(signed_in)
                }
                RefreshVerdict::Repeat => self.signed_in(&mut *work, &session).await,
                RefreshVerdict::Theft => {
                    let actor = actor(&session, origin);
                    self.end(&mut *work, &actor, session, EndReason::Theft).await?;
                    work.commit().await?;
                    tracing::warn!(session.id = %token.session, "a stolen refresh token came back");
                    Err(SessionError::InvalidRefreshToken)
                }
                RefreshVerdict::Refuse => Err(SessionError::InvalidRefreshToken),
            }
        })
    }

    /// Ends the actor's session. Within a second its access tokens are refused everywhere.
    ///
    /// # Errors
    ///
    /// See [`SessionError`].
    pub async fn log_out(&self, permit: Permit<SignOut>) -> Result<(), SessionError> {
        let actor = permit.actor();
        let Principal::User { session: id, .. } = actor.principal else {
            return Ok(());
        };
        retry!(async {
            let mut work = self.base.store.begin(permit.scope(), Durability::Power).await?;
            let session = work.sessions().find(id).await?;
            let Some(session) = session.filter(|session| session.is_live(self.base.now())) else {
                return Ok(());
            };
            self.end(&mut *work, actor, session, EndReason::LoggedOut).await?;
            Ok(work.commit().await?)
        })
    }

    async fn begin(&self, origin: Origin, user: User) -> Result<SignedIn, SessionError> {
        let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
        let places = work.workspaces().memberships(user.id).await?;
        let place = places.first().ok_or(SessionError::InvalidCredentials)?;
        let id = SessionId::next(&*self.base.ids);
        let salt = self.base.random();
        let session = Session::begin(id, user.id, place.workspace, salt, self.base.now());
        work.sessions().insert(&session).await?;
        let fact =
            Fact { action: Action::SessionBegun, subject: id.to_string(), before: &[], after: &[] };
        self.trail.enter(&mut *work, &actor(&session, origin), None, fact).await?;
        let signed_in = self.signed_in(&mut *work, &session).await?;
        work.commit().await?;
        Ok(signed_in)
    }

    async fn end(
        &self,
        work: &mut dyn UnitOfWork,
        actor: &Actor,
        session: Session,
        reason: EndReason,
    ) -> Result<(), StoreError> {
        let at = self.base.now();
        let session = session.end(reason, at);
        work.sessions().update(&session).await?;
        let change = ControlChange::SessionEpoch { session: session.id, epoch: session.epoch };
        let entry = ControlEntry { id: ControlId::next(&*self.base.ids), at, change };
        work.control().publish(&entry).await?;
        let action = match reason {
            EndReason::LoggedOut => Action::SessionEnded,
            EndReason::Theft => Action::SessionStolen,
        };
        let fact = Fact { action, subject: session.id.to_string(), before: &[], after: &[] };
        self.trail.enter(work, actor, None, fact).await
    }

    /// The current pair of a session. Asking again gives the same refresh token, and the same
    /// access token while it is young.
    async fn signed_in(
        &self,
        work: &mut dyn UnitOfWork,
        session: &Session,
    ) -> Result<SignedIn, SessionError> {
        let user = work.users().find(session.user).await?;
        let workspace = work.workspaces().find(session.workspace).await?;
        let (Some(user), Some(workspace)) = (user, workspace) else {
            return Err(SessionError::InvalidRefreshToken);
        };
        let now = self.base.now();
        let young = now < session.rotated_at + AccessClaims::LIFE / 2;
        let issued_at = if young { session.rotated_at } else { now };
        let claims = AccessClaims {
            user: user.id,
            session: session.id,
            epoch: session.epoch,
            workspace: workspace.id,
            authenticated_at: session.authenticated_at,
            issued_at,
            expires_at: issued_at + AccessClaims::LIFE,
            id: TokenId { session: session.id, generation: session.generation },
        };
        let refresh_token = RefreshToken {
            session: session.id,
            generation: session.generation,
            secret: self.secrets.derive(session, session.generation),
        };
        Ok(SignedIn {
            access_token: self.tokens.sign(&claims),
            access_expires_at: claims.expires_at,
            access_issued_at: claims.issued_at,
            refresh_token: refresh_token.reveal(),
            user,
            workspace,
        })
    }
}

/// Whoever holds the session's tokens.
fn actor(session: &Session, origin: Origin) -> Actor {
    Actor {
        principal: Principal::User { id: session.user, session: session.id, impersonated_by: None },
        workspace: session.workspace,
        authenticated_at: session.authenticated_at,
        request: origin.request,
        address: origin.address,
    }
}
