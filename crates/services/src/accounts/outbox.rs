//! Putting mails into the outbox: with the change that makes them necessary, or not at all.
//! Sending is *not* done here: a job does it, later.
use cape_domain::{
    accounts::{Email, Mail, MailDetail, MailKind, User},
    ids::{InvitationId, JobId, MailId, UserId},
    jobs::{Job, Task},
    store::{StoreError, UnitOfWork},
};

use crate::Base;

/// Puts mails into the outbox, if there is anybody who sends them. A clone is another handle.
#[derive(Clone)]
pub struct Outbox {
    base: Base,
    enabled: bool,
}

/// Mails cannot be sent: no mail server is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("mail is not configured on this server")]
pub struct MailDisabled;

impl Outbox {
    /// An outbox. Where mail is not configured, what is only news is not written.
    #[must_use]
    pub const fn new(base: Base, enabled: bool) -> Self {
        Self { base, enabled }
    }

    /// Fails where nobody sends mails: for whatever makes no sense without one.
    ///
    /// # Errors
    ///
    /// [`MailDisabled`].
    pub(super) const fn require(&self) -> Result<(), MailDisabled> {
        if self.enabled { Ok(()) } else { Err(MailDisabled) }
    }

    /// A mail to a user, about something that it has to know.
    pub(crate) async fn tell(
        &self,
        work: &mut dyn UnitOfWork,
        user: &User,
        kind: MailKind,
        detail: Option<MailDetail>,
    ) -> Result<(), StoreError> {
        self.send(work, &user.email, Some(user.id), kind, detail).await
    }

    /// A mail to an address. Whose it is may be found out when the mail is sent.
    pub(super) async fn send(
        &self,
        work: &mut dyn UnitOfWork,
        to: &Email,
        user: Option<UserId>,
        kind: MailKind,
        detail: Option<MailDetail>,
    ) -> Result<(), StoreError> {
        self.put(work, MailId::next(&*self.base.ids), to, user, kind, detail).await
    }

    /// The mail of an invitation. It has the invitation's identity, and finds it by that.
    pub(super) async fn invite(
        &self,
        work: &mut dyn UnitOfWork,
        invitation: InvitationId,
        to: &Email,
        detail: Option<MailDetail>,
    ) -> Result<(), StoreError> {
        let id = MailId::new(invitation.raw());
        self.put(work, id, to, None, MailKind::Invitation, detail).await
    }

    async fn put(
        &self,
        work: &mut dyn UnitOfWork,
        id: MailId,
        to: &Email,
        user: Option<UserId>,
        kind: MailKind,
        detail: Option<MailDetail>,
    ) -> Result<(), StoreError> {
        if !self.enabled {
            return Ok(());
        }
        let now = self.base.now();
        let mail = Mail { id, to: to.clone(), user, kind, detail, created_at: now };
        work.mails().insert(&mail).await?;
        // Each mail is a subject of its own: one that is given up holds up no other.
        let job = Job {
            id: JobId::next(&*self.base.ids),
            task: Task::SendMail(id),
            unique_key: id.to_string(),
            subject: id.to_string(),
            run_at: now,
            attempt: 0,
        };
        work.jobs().enqueue(&job).await
    }
}
