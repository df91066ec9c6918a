//! Staying signed in, seeing where, and signing out.
use std::sync::Arc;

use cape_domain::{
    access::{Actor, Door, ManageSessions, Permit, SignOut},
    accounts::{
        EndReason, MailKind, Password, PasswordHasher, RefreshToken, RefreshVerdict, SecretDeriver,
        Session, User, Verified,
    },
    ids::SessionId,
    secret::Secret,
    store::{Durability, Scope, StoreError, UnitOfWork},
};

use super::{
    Factor, Outbox, Pairs, Revocation, SecondFactor, SignInError, SignedIn, pairs::holder,
};
use crate::{
    Base,
    access::{Doorkeeper, Origin},
    retry::{Contended, retry},
};

/// Continues, shows and ends sessions.
pub struct SessionService {
    base: Base,
    doorkeeper: Doorkeeper,
    hasher: Arc<dyn PasswordHasher>,
    secrets: Arc<dyn SecretDeriver>,
    pairs: Pairs,
    factor: SecondFactor,
    revocation: Revocation,
    outbox: Outbox,
}

/// How a refresh token came.
#[derive(Clone, Debug)]
pub enum Carried {
    /// In the body: whoever sent it has it.
    InBody,
    /// In a cookie, which a browser sends by itself. The page has to show that it is ours.
    InCookie {
        /// What it put into the header.
        csrf: Option<Secret>,
    },
}

/// What somebody shows again who it is with.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The password.
    pub password: Password,
    /// The second factor, where there is one.
    pub factor: Option<Factor>,
}

/// Sessions of a user, and which of them asks.
#[derive(Clone, Debug)]
pub struct OwnSessions {
    /// Those that live, the newest first.
    pub sessions: Vec<Session>,
    /// The one that asks.
    pub current: SessionId,
}

/// Why a session could not be shown or ended.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The actor has no such session, or it is over.
    #[error("session {0} does not exist")]
    NotFound(SessionId),
    /// The actor is no person.
    #[error("an API key has no sessions")]
    NotAPerson,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Contended for SessionError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Store(error) => error.is_conflict(),
            Self::NotFound(_) | Self::NotAPerson => false,
        }
    }
}

impl SessionService {
    /// A service over these parts.
    #[expect(clippy::too_many_arguments, reason = "each is a part of a session")]
    #[must_use]
    pub fn new(
        base: Base,
        doorkeeper: Doorkeeper,
        hasher: Arc<dyn PasswordHasher>,
        secrets: Arc<dyn SecretDeriver>,
        pairs: Pairs,
        factor: SecondFactor,
        revocation: Revocation,
        outbox: Outbox,
    ) -> Arc<Self> {
        Arc::new(Self { base, doorkeeper, hasher, secrets, pairs, factor, revocation, outbox })
    }

    /// Hands out the next pair of tokens, or the last one again to somebody who lost it. A
    /// token that should be gone ends the session, and its user is told by mail.
    ///
    /// # Errors
    ///
    /// See [`SignInError`].
    pub async fn refresh(
        &self,
        origin: Origin,
        token: &RefreshToken,
        carried: &Carried,
    ) -> Result<SignedIn, SignInError> {
        let outcome = retry!(self.judge(origin, token, carried));
        if let Err(SignInError::InvalidRefreshToken | SignInError::Csrf) = outcome {
            self.doorkeeper.refused(Door::Refresh, origin).await?;
        }
        outcome
    }

    async fn judge(
        &self,
        origin: Origin,
        token: &RefreshToken,
        carried: &Carried,
    ) -> Result<SignedIn, SignInError> {
        let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
        let session = work.sessions().find(token.session).await?;
        let session = session.filter(|session| {
            let derived = self.secrets.refresh(session, token.generation);
            self.secrets.matches(&derived, &token.secret)
        });
        let session = session.ok_or(SignInError::InvalidRefreshToken)?;
        self.check_page(&session, carried)?;
        let now = self.base.now();
        let verdict = session.judge(token.generation, now);
        metrics::counter!("cape_refresh_verdicts_total", "verdict" => verdict.name()).increment(1);
        match verdict {
            RefreshVerdict::Rotate => {
                let session = self.at_home(&mut *work, session.rotate(now)).await?;
                work.sessions().update(&session).await?;
                let signed_in = self.pairs.current(&mut *work, &session).await?;
                let signed_in = signed_in.ok_or(SignInError::InvalidRefreshToken)?;
                work.commit().await?;
                Ok(signed_in)
            }
            RefreshVerdict::Repeat => {
                let workspace = session.workspace;
                let session = self.at_home(&mut *work, session).await?;
                let signed_in = self.pairs.current(&mut *work, &session).await?;
                let signed_in = signed_in.ok_or(SignInError::InvalidRefreshToken)?;
                if session.workspace != workspace {
                    work.sessions().update(&session).await?;
                    work.commit().await?;
                }
                Ok(signed_in)
            }
            RefreshVerdict::Theft => {
                tracing::warn!(session.id = %token.session, "a stolen refresh token came back");
                let actor = holder(&session, origin);
                if let Some(user) = work.users().find(session.user).await? {
                    self.outbox.tell(&mut *work, &user, MailKind::SessionTheft, None).await?;
                }
                self.revocation.end(&mut *work, &actor, session, EndReason::Theft).await?;
                work.commit().await?;
                Err(SignInError::InvalidRefreshToken)
            }
            RefreshVerdict::Refuse => Err(SignInError::InvalidRefreshToken),
        }
    }

    fn check_page(&self, session: &Session, carried: &Carried) -> Result<(), SignInError> {
        match carried {
            Carried::InBody => Ok(()),
            Carried::InCookie { csrf: Some(csrf) }
                if self.secrets.matches(&self.secrets.csrf(session), csrf) =>
            {
                Ok(())
            }
            Carried::InCookie { .. } => Err(SignInError::Csrf),
        }
    }

    /// A session whose user is no longer in its workspace goes on in the user's own.
    async fn at_home(
        &self,
        work: &mut dyn UnitOfWork,
        session: Session,
    ) -> Result<Session, StoreError> {
        let member = work.workspaces().membership(session.workspace, session.user).await?;
        if member.is_some() {
            return Ok(session);
        }
        let places = work.workspaces().memberships(session.user).await?;
        let workspace = places.first().map_or(session.workspace, |place| place.workspace);
        Ok(Session { workspace, ..session })
    }

    /// Takes note that the actor has shown again who it is. Its next access token says so; the
    /// refresh token stays the same.
    ///
    /// # Errors
    ///
    /// See [`SignInError`].
    pub async fn reauthenticate(
        &self,
        permit: Permit<ManageSessions>,
        proof: &Proof,
    ) -> Result<SignedIn, SignInError> {
        let (user, session) = permit.actor().person().ok_or(SignInError::InvalidCredentials)?;
        let origin = Origin { request: permit.actor().request, address: permit.actor().address };
        let found = {
            let mut work = self.base.store.read(Scope::Platform).await?;
            work.users().find(user).await?.ok_or(SignInError::InvalidCredentials)?
        };
        let admitted = self.doorkeeper.admit(Door::Login, origin, Some(&found.email), true).await?;
        let verified = self.hasher.verify(&proof.password, Some(&found.password)).await;
        if verified.map_err(SignInError::Hashing)? == Verified::No {
            return Err(SignInError::InvalidCredentials);
        }
        let signed_in = retry!(self.renew(origin, &found, session, proof.factor.as_ref()))?;
        self.doorkeeper.succeeded(admitted).await;
        Ok(signed_in)
    }

    async fn renew(
        &self,
        origin: Origin,
        verified: &User,
        session: SessionId,
        factor: Option<&Factor>,
    ) -> Result<SignedIn, SignInError> {
        let now = self.base.now();
        let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
        let user = work.users().lock(verified.id).await?;
        let user = user.filter(|user| user.password == verified.password);
        let user = user.ok_or(SignInError::InvalidCredentials)?;
        if work.mfa().totp(user.id).await?.is_some_and(|totp| totp.is_active()) {
            let factor = factor.ok_or(SignInError::InvalidCode)?;
            if !self.factor.accepts(&mut *work, origin, &user, factor).await? {
                return Err(SignInError::InvalidCode);
            }
        }
        let session = work.sessions().find(session).await?.filter(|s| s.is_live(now));
        let session = session.ok_or(SignInError::InvalidCredentials)?.reauthenticate(now);
        work.sessions().update(&session).await?;
        let signed_in = self.pairs.current(&mut *work, &session).await?;
        let signed_in = signed_in.ok_or(SignInError::InvalidCredentials)?;
        work.commit().await?;
        Ok(signed_in)
    }

    /// The actor's sessions that live.
    ///
    /// # Errors
    ///
    /// See [`SessionError`].
    pub async fn list(&self, permit: Permit<ManageSessions>) -> Result<OwnSessions, SessionError> {
        let (user, current) = permit.actor().person().ok_or(SessionError::NotAPerson)?;
        let mut work = self.base.store.read(Scope::Platform).await?;
        let sessions = work.sessions().live(user, self.base.now()).await?;
        Ok(OwnSessions { sessions, current })
    }

    /// Ends one of the actor's sessions.
    ///
    /// # Errors
    ///
    /// See [`SessionError`].
    pub async fn revoke(
        &self,
        permit: Permit<ManageSessions>,
        id: SessionId,
    ) -> Result<(), SessionError> {
        let (user, _) = permit.actor().person().ok_or(SessionError::NotAPerson)?;
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let found = work.sessions().find(id).await?;
            let own = found.filter(|s| s.user == user && s.is_live(self.base.now()));
            let session = own.ok_or(SessionError::NotFound(id))?;
            self.revocation.end(&mut *work, permit.actor(), session, EndReason::Revoked).await?;
            Ok(work.commit().await?)
        })
    }

    /// Ends all of the actor's sessions but the one that asks.
    ///
    /// # Errors
    ///
    /// See [`SessionError`].
    pub async fn revoke_others(&self, permit: Permit<ManageSessions>) -> Result<(), SessionError> {
        let (_, current) = permit.actor().person().ok_or(SessionError::NotAPerson)?;
        self.end_all(permit.actor(), Some(current), EndReason::Revoked).await
    }

    /// Ends the actor's session. Its access token is refused everywhere within a second.
    ///
    /// # Errors
    ///
    /// See [`SessionError`].
    pub async fn log_out(&self, permit: Permit<SignOut>) -> Result<(), SessionError> {
        let actor = permit.actor();
        let (_, id) = actor.person().ok_or(SessionError::NotAPerson)?;
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let session = work.sessions().find(id).await?;
            let Some(session) = session.filter(|session| session.is_live(self.base.now())) else {
                return Ok(());
            };
            self.revocation.end(&mut *work, actor, session, EndReason::LoggedOut).await?;
            Ok(work.commit().await?)
        })
    }

    /// Ends all of the actor's sessions.
    ///
    /// # Errors
    ///
    /// See [`SessionError`].
    pub async fn log_out_everywhere(&self, permit: Permit<SignOut>) -> Result<(), SessionError> {
        self.end_all(permit.actor(), None, EndReason::LoggedOut).await
    }

    async fn end_all(
        &self,
        actor: &Actor,
        except: Option<SessionId>,
        reason: EndReason,
    ) -> Result<(), SessionError> {
        let (user, _) = actor.person().ok_or(SessionError::NotAPerson)?;
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            work.users().lock(user).await?;
            self.revocation.end_all(&mut *work, actor, user, except, reason).await?;
            Ok(work.commit().await?)
        })
    }
}
