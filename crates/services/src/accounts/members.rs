//! Who is in a workspace, and who was asked to join.
use std::sync::Arc;

use cape_domain::{
    access::{Actor, Door, ManageMembers, ManageSessions, Permit, Role, ViewMembers},
    accounts::{Email, Invitation, Membership, PresentedToken, SecretDeriver, User},
    audit::Action,
    ids::{InvitationId, UserId, WorkspaceId},
    page::{Page, PageRequest},
    store::{Durability, Scope, StoreError, UnitOfWork},
};

use chrono::TimeDelta;

use super::{MailDisabled, Outbox, Pairs, Revocation, SignedIn, one_time::open_invitation};
use crate::{
    Base,
    access::{Doorkeeper, Origin, Wait},
    audit::{Fact, Trail},
    retry::{Contended, retry},
};

/// Asks people to join a workspace, changes what they are, and removes them.
pub struct MemberService {
    base: Base,
    trail: Trail,
    doorkeeper: Doorkeeper,
    secrets: Arc<dyn SecretDeriver>,
    pairs: Pairs,
    revocation: Revocation,
    outbox: Outbox,
}

/// Somebody's place in a workspace, and who it is.
#[derive(Clone, Debug)]
pub struct Member {
    /// The place.
    pub membership: Membership,
    /// Who has it.
    pub user: User,
}

/// Why a workspace's members were not changed.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// Nobody of this id is in the actor's workspace.
    #[error("{0} is not a member of this workspace")]
    NotAMember(UserId),
    /// The workspace would be left without an owner.
    #[error("a workspace keeps at least one owner")]
    LastOwner,
    /// There is no such invitation in the actor's workspace.
    #[error("invitation {0} does not exist")]
    InvitationNotFound(InvitationId),
    /// The invitation is not good, or was meant for somebody else.
    #[error("the invitation is not valid, or was used before")]
    InvalidInvitation,
    /// Whoever asks has no place in that workspace.
    #[error("you are not a member of {0}")]
    NoPlace(WorkspaceId),
    /// Too many mails were asked for from there.
    #[error(transparent)]
    Throttled(#[from] Wait),
    /// Invitations come by mail, and mail is not configured.
    #[error(transparent)]
    Mail(#[from] MailDisabled),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Contended for MemberError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Store(error) => error.is_conflict(),
            Self::NotAMember(_)
            | Self::LastOwner
            | Self::InvitationNotFound(_)
            | Self::InvalidInvitation
            | Self::NoPlace(_)
            | Self::Throttled(_)
            | Self::Mail(_) => false,
        }
    }
}

impl MemberService {
    /// A service over these parts.
    #[must_use]
    pub fn new(
        base: Base,
        trail: Trail,
        doorkeeper: Doorkeeper,
        secrets: Arc<dyn SecretDeriver>,
        pairs: Pairs,
        revocation: Revocation,
        outbox: Outbox,
    ) -> Arc<Self> {
        Arc::new(Self { base, trail, doorkeeper, secrets, pairs, revocation, outbox })
    }

    /// Everybody in the actor's workspace, the oldest member first.
    ///
    /// # Errors
    ///
    /// See [`MemberError`].
    pub async fn list(&self, permit: Permit<ViewMembers>) -> Result<Vec<Member>, MemberError> {
        let mut work = self.base.store.read(Scope::Platform).await?;
        let mut members = Vec::new();
        for membership in work.workspaces().members(permit.actor().workspace).await? {
            if let Some(user) = work.users().find(membership.user).await? {
                members.push(Member { membership, user });
            }
        }
        Ok(members)
    }

    /// Changes what a member is. Its access tokens die within a second; the next ones say what
    /// it is now. Keys of a member who may not spend any more are refused.
    ///
    /// # Errors
    ///
    /// See [`MemberError`].
    pub async fn change_role(
        &self,
        permit: Permit<ManageMembers>,
        user: UserId,
        role: Role,
    ) -> Result<(), MemberError> {
        let actor = permit.actor();
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let before = self.place(&mut *work, actor.workspace, user, role).await?;
            if before == role {
                return Ok(());
            }
            work.workspaces().change_role(actor.workspace, user, role).await?;
            self.revocation.outdate(&mut *work, user, actor.workspace).await?;
            self.revocation.recheck_keys(&mut *work, user).await?;
            let fact = Fact {
                action: Action::MemberRoleChanged,
                subject: user.to_string(),
                before: &[("role", before.name())],
                after: &[("role", role.name())],
            };
            self.trail.enter(&mut *work, actor, None, fact).await?;
            Ok(work.commit().await?)
        })
    }

    /// Removes a member. Its access tokens die within a second, and its keys are refused.
    ///
    /// # Errors
    ///
    /// See [`MemberError`].
    pub async fn remove(
        &self,
        permit: Permit<ManageMembers>,
        user: UserId,
    ) -> Result<(), MemberError> {
        let actor = permit.actor();
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let before = self.place(&mut *work, actor.workspace, user, Role::Viewer).await?;
            work.workspaces().remove(actor.workspace, user).await?;
            self.revocation.outdate(&mut *work, user, actor.workspace).await?;
            self.revocation.recheck_keys(&mut *work, user).await?;
            let fact = Fact {
                action: Action::MemberRemoved,
                subject: user.to_string(),
                before: &[("role", before.name())],
                after: &[],
            };
            self.trail.enter(&mut *work, actor, None, fact).await?;
            Ok(work.commit().await?)
        })
    }

    /// What a user is in a workspace, if it may become `then`: somebody has to stay owner.
    async fn place(
        &self,
        work: &mut dyn UnitOfWork,
        workspace: WorkspaceId,
        user: UserId,
        then: Role,
    ) -> Result<Role, MemberError> {
        let members = work.workspaces().lock_members(workspace).await?;
        let place = members.iter().find(|member| member.user == user);
        let role = place.ok_or(MemberError::NotAMember(user))?.role;
        let owners = members.iter().filter(|member| member.role == Role::Owner).count();
        if role == Role::Owner && then != Role::Owner && owners == 1 {
            return Err(MemberError::LastOwner);
        }
        Ok(role)
    }

    /// Asks somebody to join the actor's workspace, by mail. Asking again sends another link,
    /// and the former one is no longer good.
    ///
    /// # Errors
    ///
    /// See [`MemberError`].
    pub async fn invite(
        &self,
        permit: Permit<ManageMembers>,
        email: &Email,
        role: Role,
    ) -> Result<Invitation, MemberError> {
        self.outbox.require()?;
        let actor = permit.actor();
        let (inviter, _) = actor.person().ok_or(MemberError::NoPlace(actor.workspace))?;
        let origin = Origin { request: actor.request, address: actor.address };
        let _ = self.doorkeeper.admit(Door::Code, origin, None, false).await?;
        retry!(async {
            let now = self.base.now();
            let invitation = Invitation {
                id: InvitationId::next(&*self.base.ids),
                workspace: actor.workspace,
                email: email.clone(),
                role,
                invited_by: inviter,
                salt: self.base.random(),
                created_at: now,
                expires_at: now + Invitation::LIFE,
            };
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let workspace = work.workspaces().find(actor.workspace).await?;
            let workspace = workspace.ok_or(MemberError::NoPlace(actor.workspace))?;
            work.invitations().put(&invitation).await?;
            let detail = workspace.name.as_str().parse().ok();
            self.outbox.invite(&mut *work, invitation.id, email, detail).await?;
            let fact = Fact {
                action: Action::MemberInvited,
                subject: invitation.id.to_string(),
                before: &[],
                after: &[("role", role.name())],
            };
            self.trail.enter(&mut *work, actor, None, fact).await?;
            work.commit().await?;
            Ok(invitation)
        })
    }

    /// Who was asked and has not answered, newest first.
    ///
    /// # Errors
    ///
    /// See [`MemberError`].
    pub async fn invitations(
        &self,
        permit: Permit<ViewMembers>,
        page: PageRequest,
    ) -> Result<Page<Invitation>, MemberError> {
        let mut work = self.base.store.read(permit.scope()).await?;
        Ok(work.invitations().list(permit.actor().workspace, page).await?)
    }

    /// Takes an invitation back.
    ///
    /// # Errors
    ///
    /// See [`MemberError`].
    pub async fn uninvite(
        &self,
        permit: Permit<ManageMembers>,
        id: InvitationId,
    ) -> Result<(), MemberError> {
        retry!(async {
            let mut work = self.base.store.begin(permit.scope(), Durability::Power).await?;
            let own = work.invitations().find(id).await?.is_some();
            if !own || !work.invitations().consume(id).await? {
                return Err(MemberError::InvitationNotFound(id));
            }
            let fact = Fact {
                action: Action::InvitationRevoked,
                subject: id.to_string(),
                before: &[],
                after: &[],
            };
            self.trail.enter(&mut *work, permit.actor(), None, fact).await?;
            Ok(work.commit().await?)
        })
    }

    /// Joins the workspace that the actor was asked into.
    ///
    /// # Errors
    ///
    /// See [`MemberError`].
    pub async fn accept(
        &self,
        permit: Permit<ManageSessions>,
        token: &PresentedToken,
    ) -> Result<WorkspaceId, MemberError> {
        let actor = permit.actor();
        let (user, _) = actor.person().ok_or(MemberError::InvalidInvitation)?;
        let origin = Origin { request: actor.request, address: actor.address };
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let user = work.users().lock(user).await?.ok_or(MemberError::InvalidInvitation)?;
            let now = self.base.now();
            let found = open_invitation(&mut *work, &*self.secrets, token, now).await?;
            let meant = found.filter(|invitation| invitation.email == user.email);
            let invitation = meant.ok_or(MemberError::InvalidInvitation)?;
            join(&self.base, &self.trail, &mut *work, origin, &user, &invitation).await?;
            work.commit().await?;
            Ok(invitation.workspace)
        })
    }

    /// Makes another workspace of the actor's the active one.
    ///
    /// # Errors
    ///
    /// See [`MemberError`].
    pub async fn switch(
        &self,
        permit: Permit<ManageSessions>,
        workspace: WorkspaceId,
    ) -> Result<SignedIn, MemberError> {
        let (user, session) = permit.actor().person().ok_or(MemberError::NoPlace(workspace))?;
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let member = work.workspaces().membership(workspace, user).await?;
            let session = work.sessions().find(session).await?;
            let live = session.filter(|session| session.is_live(self.base.now()));
            let (Some(session), Some(_)) = (live, member) else {
                return Err(MemberError::NoPlace(workspace));
            };
            let session = session.switch(workspace);
            work.sessions().update(&session).await?;
            self.revocation.announce(&mut *work, &session).await?;
            let signed_in = self.pairs.current(&mut *work, &session).await?;
            let signed_in = signed_in.ok_or(MemberError::NoPlace(workspace))?;
            work.commit().await?;
            Ok(signed_in)
        })
    }
}

/// Gives a user the place it was asked into. One that is in already keeps what it is.
pub(super) async fn join(
    base: &Base,
    trail: &Trail,
    work: &mut dyn UnitOfWork,
    origin: Origin,
    user: &User,
    invitation: &Invitation,
) -> Result<(), StoreError> {
    let Invitation { id, workspace, role, .. } = *invitation;
    if !work.invitations().consume(id).await? {
        return Err(StoreError::Conflict { what: "invitation" });
    }
    if work.workspaces().membership(workspace, user.id).await?.is_some() {
        return Ok(());
    }
    let now = base.now();
    // After its own workspace, even if that was made in the same instant: the oldest is active.
    let created_at = now + TimeDelta::microseconds(1);
    let membership = Membership { workspace, user: user.id, role, created_at };
    work.workspaces().add(&membership).await?;
    let actor = Actor::visitor(workspace, now, origin.request, origin.address);
    let fact = Fact {
        action: Action::MemberJoined,
        subject: user.id.to_string(),
        before: &[],
        after: &[("role", role.name())],
    };
    trail.enter(work, &actor, Some(user.id), fact).await
}
