//! Sending the mails that lie in the outbox. Links and codes are made here, at the last moment,
//! and are told to nobody but the receiver.
use std::sync::Arc;

use cape_domain::{
    accounts::{
        DeliveryError, Letter, Mail, MailDetail, MailKind, Mailer, OneTimeToken, PresentedToken,
        Purpose, SecretDeriver, User,
    },
    ids::{InvitationId, MailId, OneTimeId},
    jobs::Job,
    secret::Secret,
    store::{Durability, Scope, StoreError, UnitOfWork},
};

use super::{MailDisabled, one_time::invitation_token};
use crate::Base;

/// Sends mails.
pub struct MailService {
    base: Base,
    secrets: Arc<dyn SecretDeriver>,
    mailer: Option<Arc<dyn Mailer>>,
    links: Links,
}

/// Where links lead. The token is added as the query parameter `token`.
#[derive(Clone, Debug)]
pub struct Links {
    /// The page that shows that an address is one's own.
    pub verify_email: String,
    /// The page where a new password is chosen.
    pub reset_password: String,
    /// The page that agrees to move to another address.
    pub change_email: String,
    /// The page where somebody joins a workspace.
    pub invitation: String,
}

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// This process has no mail server, though another one had.
    #[error(transparent)]
    Disabled(#[from] MailDisabled),
    /// It could not be handed over; trying again may help.
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl MailService {
    /// Sends through a mailer. Without one, mails that somebody else put into the outbox wait,
    /// and are given up in the end with an alert.
    #[must_use]
    pub fn new(
        base: Base,
        secrets: Arc<dyn SecretDeriver>,
        mailer: Option<Arc<dyn Mailer>>,
        links: Links,
    ) -> Arc<Self> {
        Arc::new(Self { base, secrets, mailer, links })
    }

    /// Sends the mail of a job. One whose time is over, or whose receiver is nobody, is dropped.
    ///
    /// # Errors
    ///
    /// See [`MailError`].
    pub async fn send(&self, job: &Job, id: MailId) -> Result<(), MailError> {
        let found = {
            let mut work = self.base.store.read(Scope::Platform).await?;
            work.mails().find(id).await?
        };
        if let Some(mail) = found {
            let mailer = self.mailer.as_ref().ok_or(MailDisabled)?;
            let outcome = match self.open(&mail, job.attempt).await? {
                None => "dropped",
                Some(letter) => match mailer.deliver(&letter).await {
                    Ok(()) => "sent",
                    Err(DeliveryError::Refused(why)) => {
                        tracing::warn!(mail.id = %id, mail.kind = mail.kind.name(), why, "mail refused");
                        "refused"
                    }
                    Err(error @ DeliveryError::Unavailable(_)) => return Err(error.into()),
                },
            };
            metrics::counter!("cape_mails_total", "kind" => mail.kind.name(), "outcome" => outcome)
                .increment(1);
        }
        let mut work = self.base.store.begin(Scope::Platform, Durability::Process).await?;
        work.mails().remove(id).await?;
        work.jobs().complete(job).await?;
        Ok(work.commit().await?)
    }

    /// The letter, with a fresh link or code where one belongs in it. Nothing, if there is no
    /// reason any more to send it.
    async fn open(&self, mail: &Mail, attempt: u32) -> Result<Option<Letter>, StoreError> {
        let plain = Letter {
            id: mail.id,
            to: mail.to.clone(),
            kind: mail.kind,
            detail: mail.detail.clone(),
            link: None,
            code: None,
            link_life: None,
            at: mail.created_at,
        };
        if mail.kind == MailKind::Invitation {
            return self.invitation(mail, plain).await;
        }
        let Some(purpose) = mail.kind.purpose() else { return Ok(Some(plain)) };
        let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
        let Some(user) = receiver(&mut *work, mail, purpose).await? else { return Ok(None) };
        let now = self.base.now();
        let previous = work.one_time().current(user.id, purpose).await?;
        let repeats = previous.as_ref().is_some_and(|previous| previous.is_fresh(now));
        if repeats && attempt <= 1 {
            return Ok(None);
        }
        let id = OneTimeId::next(&*self.base.ids);
        let salt = self.base.random();
        let token = OneTimeToken::issue(id, user.id, purpose, salt, previous.as_ref(), now);
        work.one_time().put(&token).await?;
        work.commit().await?;
        let presented = PresentedToken { id, secret: self.secrets.link(&token) };
        Ok(Some(Letter {
            link: self.page(purpose).map(|page| link(page, &presented.reveal())),
            code: typed(purpose).then(|| self.secrets.code(&token)),
            link_life: Some(purpose.life()),
            ..plain
        }))
    }

    async fn invitation(&self, mail: &Mail, plain: Letter) -> Result<Option<Letter>, StoreError> {
        let id = InvitationId::new(mail.id.raw());
        let mut work = self.base.store.read(Scope::Platform).await?;
        let found = work.invitations().find(id).await?;
        let good = found.filter(|invitation| invitation.is_good(self.base.now()));
        let Some(invitation) = good else { return Ok(None) };
        let token = invitation_token(&*self.secrets, &invitation);
        Ok(Some(Letter {
            link: Some(link(&self.links.invitation, &token)),
            link_life: Some(invitation.expires_at - invitation.created_at),
            ..plain
        }))
    }

    const fn page(&self, purpose: Purpose) -> Option<&String> {
        match purpose {
            Purpose::VerifyEmail => Some(&self.links.verify_email),
            Purpose::ResetPassword => Some(&self.links.reset_password),
            Purpose::ReleaseEmail | Purpose::ClaimEmail => Some(&self.links.change_email),
            Purpose::SignIn | Purpose::SecondFactor => None,
        }
    }
}

/// Whether a purpose can be served by typing six digits.
const fn typed(purpose: Purpose) -> bool {
    match purpose {
        Purpose::VerifyEmail | Purpose::SignIn => true,
        Purpose::ResetPassword
        | Purpose::ReleaseEmail
        | Purpose::ClaimEmail
        | Purpose::SecondFactor => false,
    }
}

fn link(page: &str, token: &Secret) -> Secret {
    let mark = if page.contains('?') { '&' } else { '?' };
    Secret::new(format!("{page}{mark}token={}", token.expose()))
}

/// Whom the mail is for, if it still is for anybody.
async fn receiver(
    work: &mut dyn UnitOfWork,
    mail: &Mail,
    purpose: Purpose,
) -> Result<Option<User>, StoreError> {
    let id = match mail.user {
        Some(id) => Some(id),
        None => work.users().find_by_email(&mail.to).await?.map(|user| user.id),
    };
    let Some(id) = id else { return Ok(None) };
    // Whether the link is wanted must not change before it is stored: a move to another address
    // would leave it behind in the box of the old one.
    let user = work.users().lock(id).await?.filter(User::is_active);
    let Some(user) = user else { return Ok(None) };
    let wanted = match purpose {
        Purpose::VerifyEmail => user.email == mail.to && !user.is_verified(),
        Purpose::SignIn | Purpose::ResetPassword => user.email == mail.to,
        Purpose::ReleaseEmail => {
            let change = work.email_changes().find(user.id).await?;
            let told = mail.detail.as_ref().map(MailDetail::as_str);
            user.email == mail.to
                && change.is_some_and(|change| told == Some(change.new_email.as_str()))
        }
        Purpose::ClaimEmail => {
            let change = work.email_changes().find(user.id).await?;
            change.is_some_and(|change| change.new_email == mail.to)
        }
        Purpose::SecondFactor => false,
    };
    Ok(wanted.then_some(user))
}
