//! The services of signing up and in.
use std::sync::Arc;

use cape_domain::billing::Credits;
use cape_services::{
    Base,
    access::Doorkeeper,
    accounts::{
        ClosingService, EmailChangeService, Links, LoginRules, LoginService, MailService,
        MemberService, MfaService, OperatorService, Outbox, Pairs, PasswordService, ProfileService,
        RegistrationService, Revocation, SecondFactor, SessionService, VerificationService,
    },
    audit::Trail,
};

use super::Ports;
use crate::config::{Config, values::BaseUrl};

/// The services of signing up and in.
pub(super) struct Accounts {
    pub(super) registration: Arc<RegistrationService>,
    pub(super) verification: Arc<VerificationService>,
    pub(super) logins: Arc<LoginService>,
    pub(super) sessions: Arc<SessionService>,
    pub(super) passwords: Arc<PasswordService>,
    pub(super) email_changes: Arc<EmailChangeService>,
    pub(super) mfa: Arc<MfaService>,
    pub(super) members: Arc<MemberService>,
    pub(super) closing: Arc<ClosingService>,
    pub(super) operators: Arc<OperatorService>,
    pub(super) profiles: Arc<ProfileService>,
    pub(super) mails: Arc<MailService>,
}

impl Accounts {
    /// Puts them together.
    pub(super) fn compose(
        config: &Config,
        base: &Base,
        trail: &Trail,
        ports: &Ports,
        public_url: &str,
    ) -> Self {
        let verified_only = config.accounts.verified_only;
        let door = Doorkeeper::new(base.clone(), ports.throttle.clone());
        let outbox = Outbox::new(base.clone(), ports.mailer.is_some());
        let revocation = Revocation::new(base.clone(), trail.clone());
        let (hasher, deriver) = (&ports.hasher, &ports.deriver);
        let factor =
            SecondFactor::new(base.clone(), trail.clone(), ports.vault.clone(), ports.totp.clone());
        let pairs = Pairs::new(
            base.clone(),
            trail.clone(),
            ports.tokens.clone(),
            deriver.clone(),
            outbox.clone(),
        );
        let verification = VerificationService::new(
            base.clone(),
            trail.clone(),
            door.clone(),
            deriver.clone(),
            revocation.clone(),
            outbox.clone(),
        );
        Self {
            registration: RegistrationService::new(
                base.clone(),
                trail.clone(),
                hasher.clone(),
                deriver.clone(),
                outbox.clone(),
                welcome(config),
            ),
            verification: verification.clone(),
            logins: LoginService::new(
                base.clone(),
                door.clone(),
                hasher.clone(),
                deriver.clone(),
                pairs.clone(),
                factor.clone(),
                outbox.clone(),
                verification.clone(),
                LoginRules { verified_only },
            ),
            sessions: SessionService::new(
                base.clone(),
                door.clone(),
                hasher.clone(),
                deriver.clone(),
                pairs.clone(),
                factor.clone(),
                revocation.clone(),
                outbox.clone(),
            ),
            passwords: PasswordService::new(
                base.clone(),
                trail.clone(),
                door.clone(),
                hasher.clone(),
                ports.meter.clone(),
                deriver.clone(),
                revocation.clone(),
                outbox.clone(),
                verification,
            ),
            email_changes: EmailChangeService::new(
                base.clone(),
                trail.clone(),
                door.clone(),
                deriver.clone(),
                revocation.clone(),
                outbox.clone(),
            ),
            mfa: MfaService::new(
                base.clone(),
                trail.clone(),
                door.clone(),
                ports.totp.clone(),
                factor,
                outbox.clone(),
            ),
            members: MemberService::new(
                base.clone(),
                trail.clone(),
                door,
                deriver.clone(),
                pairs,
                revocation.clone(),
                outbox,
            ),
            closing: ClosingService::new(base.clone(), trail.clone(), revocation.clone()),
            operators: OperatorService::new(base.clone(), trail.clone(), revocation),
            profiles: ProfileService::new(base.clone(), trail.clone()),
            mails: MailService::new(
                base.clone(),
                deriver.clone(),
                ports.mailer.clone(),
                links(config, public_url),
            ),
        }
    }
}

fn welcome(config: &Config) -> Credits {
    let whole = i64::try_from(config.accounts.welcome_credits).unwrap_or(0);
    Credits::whole(whole).unwrap_or(Credits::ZERO)
}

/// The pages that the platform shows itself, unless others are configured.
fn links(config: &Config, public_url: &str) -> Links {
    let links = &config.accounts.links;
    let at = |own: &Option<BaseUrl>, path: &str| {
        own.as_ref().map_or_else(|| format!("{public_url}{path}"), ToString::to_string)
    };
    Links {
        verify_email: at(&links.verify_email, "/api/auth/verify"),
        reset_password: at(&links.reset_password, "/api/auth/password/reset"),
        change_email: at(&links.change_email, "/api/auth/email/confirm"),
        invitation: at(&links.invitation, "/api/auth/register"),
    }
}
