//! Checking a second factor.
use std::{str::FromStr, sync::Arc};

use cape_domain::{
    access::Actor,
    accounts::{RecoveryCode, Totp, TotpCodes, User},
    audit::{Action, Vault},
    secret::Secret,
    store::{StoreError, UnitOfWork},
};

use crate::{
    Base,
    access::Origin,
    audit::{Fact, Trail},
};

/// Checks second factors. A clone is another handle.
#[derive(Clone)]
pub struct SecondFactor {
    base: Base,
    trail: Trail,
    vault: Arc<dyn Vault>,
    codes: Arc<dyn TotpCodes>,
}

/// What somebody shows as a second factor.
#[derive(Clone, Debug)]
pub enum Factor {
    /// The six digits that the app shows.
    Totp(Secret),
    /// A recovery code.
    Recovery(RecoveryCode),
}

/// A text that is neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the six digits that the app shows, or a recovery code")]
pub struct InvalidFactor;

impl FromStr for Factor {
    type Err = InvalidFactor;

    fn from_str(text: &str) -> Result<Self, InvalidFactor> {
        if text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self::Totp(Secret::new(text)));
        }
        text.parse().map(Self::Recovery).map_err(|_| InvalidFactor)
    }
}

impl SecondFactor {
    /// Checks codes of this kind, computed from secrets that this vault opens.
    #[must_use]
    pub const fn new(
        base: Base,
        trail: Trail,
        vault: Arc<dyn Vault>,
        codes: Arc<dyn TotpCodes>,
    ) -> Self {
        Self { base, trail, vault, codes }
    }

    /// Whether a factor is good, which uses it up: of many at the same time, one is.
    pub(super) async fn accepts(
        &self,
        work: &mut dyn UnitOfWork,
        origin: Origin,
        user: &User,
        factor: &Factor,
    ) -> Result<bool, StoreError> {
        let Some(totp) = work.mfa().totp(user.id).await?.filter(Totp::is_active) else {
            return Ok(false);
        };
        match factor {
            Factor::Totp(code) => self.accepts_code(work, &totp, code).await,
            Factor::Recovery(code) => {
                if !work.mfa().use_recovery_code(user.id, code.hash()).await? {
                    return Ok(false);
                }
                let left = work.mfa().recovery_codes_left(user.id).await?;
                let places = work.workspaces().memberships(user.id).await?;
                if let Some(place) = places.first() {
                    let actor = Actor::visitor(
                        place.workspace,
                        self.base.now(),
                        origin.request,
                        origin.address,
                    );
                    let fact = Fact {
                        action: Action::RecoveryCodeUsed,
                        subject: user.id.to_string(),
                        before: &[],
                        after: &[("left", &left.to_string())],
                    };
                    self.trail.enter(work, &actor, Some(user.id), fact).await?;
                }
                Ok(true)
            }
        }
    }

    /// Whether the code of an app is good, whether the app is in use already or not.
    pub(super) async fn accepts_code(
        &self,
        work: &mut dyn UnitOfWork,
        totp: &Totp,
        code: &Secret,
    ) -> Result<bool, StoreError> {
        let secret = self.open(work, totp).await?;
        match self.codes.step(&secret, code.expose(), self.base.now()) {
            Some(step) => work.mfa().accept_step(totp.user, step).await,
            None => Ok(false),
        }
    }

    async fn open(&self, work: &mut dyn UnitOfWork, totp: &Totp) -> Result<Secret, StoreError> {
        let corrupt = |source: String| StoreError::Corrupt { what: "totp", source: source.into() };
        let key = work.personal_keys().find(totp.user).await?;
        let key = key.ok_or_else(|| corrupt("its key is gone".to_owned()))?;
        let opened = self.vault.open(&key, &totp.secret);
        opened.map(Secret::new).map_err(|error| corrupt(error.to_string()))
    }
}
