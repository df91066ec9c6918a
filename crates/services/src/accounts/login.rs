//! Signing in: with a password or a code, and with a second factor where there is one.
use std::sync::Arc;

use cape_domain::{
    access::{Actor, Door, Network},
    accounts::{
        Email, MailKind, OneTimeToken, Password, PasswordHash, PasswordHasher, PresentedToken,
        Purpose, SecretDeriver, User, Verified,
    },
    ids::{OneTimeId, UserId},
    secret::Secret,
    store::{Durability, Scope, StoreError, UnitOfWork},
    time::Timestamp,
};

use super::{
    Client, Factor, Outbox, Pairs, SecondFactor, SignInError, SignedIn, VerificationService,
    one_time::{open, redeem_code},
};
use crate::{
    Base,
    access::{Doorkeeper, Origin},
    retry::retry,
};

/// Signs people in.
pub struct LoginService {
    base: Base,
    doorkeeper: Doorkeeper,
    hasher: Arc<dyn PasswordHasher>,
    secrets: Arc<dyn SecretDeriver>,
    pairs: Pairs,
    factor: SecondFactor,
    outbox: Outbox,
    verification: Arc<VerificationService>,
    rules: LoginRules,
}

/// Who is let in.
#[derive(Clone, Copy, Debug)]
pub struct LoginRules {
    /// Whether an address has to be verified first.
    pub verified_only: bool,
}

/// What came of a sign-in.
#[derive(Clone, Debug)]
pub enum Login {
    /// All was shown.
    SignedIn(Box<SignedIn>),
    /// A second factor has to be shown yet.
    SecondFactor {
        /// What has to be presented with it.
        challenge: Secret,
        /// Until when.
        expires_at: Timestamp,
    },
}

/// What somebody who wants in showed first.
enum First<'a> {
    /// The password that belongs to this hash; it may be hashed anew.
    Password { verified: &'a PasswordHash, better: Option<&'a PasswordHash> },
    /// A code from its mail box. If that is the first sign that the address is its own, the
    /// password that somebody chose with it becomes one that nobody knows.
    Code { code: &'a Secret, unknown_password: Option<&'a PasswordHash> },
}

impl LoginService {
    /// A service over these ports.
    #[expect(clippy::too_many_arguments, reason = "each is a part of signing in")]
    #[must_use]
    pub fn new(
        base: Base,
        doorkeeper: Doorkeeper,
        hasher: Arc<dyn PasswordHasher>,
        secrets: Arc<dyn SecretDeriver>,
        pairs: Pairs,
        factor: SecondFactor,
        outbox: Outbox,
        verification: Arc<VerificationService>,
        rules: LoginRules,
    ) -> Arc<Self> {
        Arc::new(Self {
            base,
            doorkeeper,
            hasher,
            secrets,
            pairs,
            factor,
            outbox,
            verification,
            rules,
        })
    }

    /// Signs somebody in with a password. An unknown address costs the same work as a wrong
    /// password.
    ///
    /// # Errors
    ///
    /// See [`SignInError`].
    pub async fn with_password(
        &self,
        client: &Client,
        email: &Email,
        password: &Password,
    ) -> Result<Login, SignInError> {
        let (user, familiar) = self.find(email, client.origin).await?;
        let door = (Door::Login, client.origin);
        let admitted = self.doorkeeper.admit(door.0, door.1, Some(email), familiar).await?;
        let hash = user.as_ref().map(|user| &user.password);
        let verified = self.hasher.verify(password, hash).await.map_err(SignInError::Hashing)?;
        let Some(user) = user.filter(|_| verified != Verified::No) else {
            return Err(SignInError::InvalidCredentials);
        };
        self.doorkeeper.succeeded(admitted).await;
        self.let_in(&user)?;
        let better = match verified {
            Verified::Outdated => {
                Some(self.hasher.hash(password).await.map_err(SignInError::Hashing)?)
            }
            Verified::Yes | Verified::No => None,
        };
        let first = First::Password { verified: &user.password, better: better.as_ref() };
        match retry!(self.proceed(client, user.id, &first)) {
            Err(SignInError::InvalidCredentials) => {
                self.verify_again(client, &user, password).await
            }
            outcome => outcome,
        }
    }

    /// Somebody may have signed in meanwhile whose password was hashed anew: it is the same one.
    async fn verify_again(
        &self,
        client: &Client,
        before: &User,
        password: &Password,
    ) -> Result<Login, SignInError> {
        let found = {
            let mut work = self.base.store.read(Scope::Platform).await?;
            work.users().find(before.id).await?
        };
        let user = found.filter(|user| user.password != before.password);
        let user = user.ok_or(SignInError::InvalidCredentials)?;
        let verified = self.hasher.verify(password, Some(&user.password)).await;
        if verified.map_err(SignInError::Hashing)? == Verified::No {
            return Err(SignInError::InvalidCredentials);
        }
        let first = First::Password { verified: &user.password, better: None };
        retry!(self.proceed(client, user.id, &first))
    }

    /// Asks for a mail with a code. Nobody learns from the answer, or from the time it takes,
    /// who has an account.
    ///
    /// # Errors
    ///
    /// See [`SignInError`].
    pub async fn request_code(&self, origin: Origin, email: &Email) -> Result<(), SignInError> {
        self.outbox.require()?;
        let _ = self.doorkeeper.admit(Door::Code, origin, None, false).await?;
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            self.outbox.send(&mut *work, email, None, MailKind::SignInCode, None).await?;
            Ok(work.commit().await?)
        })
    }

    /// Signs somebody in with a code from a mail, which also shows that the address is its own.
    ///
    /// # Errors
    ///
    /// See [`SignInError`].
    pub async fn with_code(
        &self,
        client: &Client,
        email: &Email,
        code: &Secret,
    ) -> Result<Login, SignInError> {
        let (user, familiar) = self.find(email, client.origin).await?;
        let admitted =
            self.doorkeeper.admit(Door::Code, client.origin, Some(email), familiar).await?;
        let user = user.ok_or(SignInError::InvalidCode)?;
        let unknown_password =
            if user.is_verified() { None } else { Some(self.password_of_nobody().await?) };
        let first = First::Code { code, unknown_password: unknown_password.as_ref() };
        let login = retry!(self.proceed(client, user.id, &first))?;
        self.doorkeeper.succeeded(admitted).await;
        Ok(login)
    }

    async fn password_of_nobody(&self) -> Result<PasswordHash, SignInError> {
        let bytes: [u8; 32] = self.base.random();
        let letters = bytes.map(|byte| char::from(b'a' + byte % 26));
        let password = Password::given(String::from_iter(letters));
        self.hasher.hash(&password).await.map_err(SignInError::Hashing)
    }

    /// Ends a sign-in that asked for a second factor.
    ///
    /// # Errors
    ///
    /// See [`SignInError`].
    pub async fn with_second_factor(
        &self,
        client: &Client,
        challenge: &PresentedToken,
        factor: &Factor,
    ) -> Result<SignedIn, SignInError> {
        let admitted = self.doorkeeper.admit(Door::Mfa, client.origin, None, false).await?;
        let signed_in = retry!(self.answer(client, challenge, factor))?;
        self.doorkeeper.succeeded(admitted).await;
        Ok(signed_in)
    }

    async fn answer(
        &self,
        client: &Client,
        challenge: &PresentedToken,
        factor: &Factor,
    ) -> Result<SignedIn, SignInError> {
        let now = self.base.now();
        let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
        let token = open(&mut *work, &*self.secrets, challenge, Purpose::SecondFactor, now).await?;
        let token = token.ok_or(SignInError::InvalidToken)?;
        let user = work.users().lock(token.user).await?.ok_or(SignInError::InvalidToken)?;
        if !work.one_time().count_attempt(token.id, OneTimeToken::ATTEMPTS).await? {
            return Err(SignInError::InvalidToken);
        }
        if !self.factor.accepts(&mut *work, client.origin, &user, factor).await? {
            work.commit().await?;
            return Err(SignInError::InvalidCode);
        }
        if !work.one_time().consume(token.id).await? {
            return Err(SignInError::InvalidToken);
        }
        self.let_in(&user)?;
        let signed_in = self.pairs.begin(&mut *work, client, user).await?;
        let signed_in = signed_in.ok_or(SignInError::InvalidToken)?;
        work.commit().await?;
        Ok(signed_in)
    }

    /// Goes on with a user that showed the first thing: signs it in, or asks for the second.
    async fn proceed(
        &self,
        client: &Client,
        user: UserId,
        first: &First<'_>,
    ) -> Result<Login, SignInError> {
        let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
        let user = work.users().lock(user).await?.ok_or(SignInError::InvalidCredentials)?;
        let before = user.clone();
        let user = match *first {
            First::Password { verified, better } => {
                if user.password != *verified {
                    return Err(SignInError::InvalidCredentials);
                }
                match better {
                    Some(better) => user.change_password(better.clone()),
                    None => user,
                }
            }
            First::Code { code, unknown_password } => {
                let now = self.base.now();
                let purpose = Purpose::SignIn;
                let secrets = &*self.secrets;
                if !redeem_code(&mut *work, secrets, user.id, purpose, code, now).await? {
                    work.commit().await?;
                    return Err(SignInError::InvalidCode);
                }
                match unknown_password {
                    Some(unknown) if !user.is_verified() => {
                        self.claim(&mut *work, client.origin, user, unknown).await?
                    }
                    Some(_) | None => user,
                }
            }
        };
        self.let_in(&user)?;
        if user != before {
            work.users().update(&user).await?;
        }
        let totp = work.mfa().totp(user.id).await?;
        let login = if totp.is_some_and(|totp| totp.is_active()) {
            self.ask_for_second_factor(&mut *work, user.id).await?
        } else {
            let signed_in = self.pairs.begin(&mut *work, client, user).await?;
            Login::SignedIn(Box::new(signed_in.ok_or(SignInError::InvalidCredentials)?))
        };
        work.commit().await?;
        Ok(login)
    }

    /// Hands an account over to who has its mail box, and to nobody else.
    async fn claim(
        &self,
        work: &mut dyn UnitOfWork,
        origin: Origin,
        user: User,
        unknown: &PasswordHash,
    ) -> Result<User, SignInError> {
        let places = work.workspaces().memberships(user.id).await?;
        let place = places.first().ok_or(SignInError::InvalidCode)?;
        let now = self.base.now();
        let actor = Actor::visitor(place.workspace, now, origin.request, origin.address);
        let user = self.verification.claimed(work, &actor, user).await?;
        Ok(user.change_password(unknown.clone()))
    }

    /// Guesses at the second factor stay counted when the first one is shown again.
    async fn ask_for_second_factor(
        &self,
        work: &mut dyn UnitOfWork,
        user: UserId,
    ) -> Result<Login, StoreError> {
        let purpose = Purpose::SecondFactor;
        let previous = work.one_time().current(user, purpose).await?;
        let id = OneTimeId::next(&*self.base.ids);
        let (salt, now) = (self.base.random(), self.base.now());
        let token = OneTimeToken::issue(id, user, purpose, salt, previous.as_ref(), now);
        work.one_time().put(&token).await?;
        let presented = PresentedToken { id, secret: self.secrets.link(&token) };
        Ok(Login::SecondFactor { challenge: presented.reveal(), expires_at: token.expires_at })
    }

    /// The user of an address, and whether it was signed in from there before. An unknown one
    /// costs the same look-ups.
    async fn find(
        &self,
        email: &Email,
        origin: Origin,
    ) -> Result<(Option<User>, bool), StoreError> {
        let mut work = self.base.store.read(Scope::Platform).await?;
        let user = work.users().find_by_email(email).await?;
        let id = user.as_ref().map_or_else(|| UserId::next(&*self.base.ids), |user| user.id);
        let familiar = match origin.address.map(Network::of_client) {
            Some(network) => work.sessions().came_from(id, network).await?,
            None => false,
        };
        Ok((user, familiar))
    }

    fn let_in(&self, user: &User) -> Result<(), SignInError> {
        if !user.is_active() {
            return Err(SignInError::Deactivated);
        }
        if self.rules.verified_only && !user.is_verified() {
            return Err(SignInError::NotVerified);
        }
        Ok(())
    }
}
