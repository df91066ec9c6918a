//! The services of accounts, put together.
use std::sync::Arc;

use cape_domain::{
    access::AccessTokens,
    accounts::{Mailer, PasswordHasher, PasswordMeter, SecretDeriver, TotpCodes},
    audit::Vault,
    billing::Credits,
};
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
use cape_testkit::{
    fakes::{PlainMeter, PlainSecrets, PlainTotp, PostBox, Watchful},
    memory::MemoryStore,
};

/// The services of accounts.
pub struct Accounts {
    pub login: Arc<LoginService>,
    pub registration: Arc<RegistrationService>,
    pub sessions: Arc<SessionService>,
    pub verification: Arc<VerificationService>,
    pub passwords: Arc<PasswordService>,
    pub email_changes: Arc<EmailChangeService>,
    pub mfa: Arc<MfaService>,
    pub closing: Arc<ClosingService>,
    pub operators: Arc<OperatorService>,
    pub members: Arc<MemberService>,
    pub profiles: Arc<ProfileService>,
    pub mails: Arc<MailService>,
}

/// What they are made of.
pub struct Parts {
    pub base: Base,
    pub trail: Trail,
    pub doorkeeper: Doorkeeper,
    pub hasher: Arc<dyn PasswordHasher>,
    pub tokens: Arc<dyn AccessTokens>,
    pub vault: Arc<dyn Vault>,
    /// Where letters go, and the store that nobody may be working on then.
    pub post: Option<(PostBox, MemoryStore)>,
    pub verified_only: bool,
    pub welcome: Credits,
}

/// What most of them share.
struct Shared {
    base: Base,
    trail: Trail,
    doorkeeper: Doorkeeper,
    hasher: Arc<dyn PasswordHasher>,
    secrets: Arc<dyn SecretDeriver>,
    pairs: Pairs,
    factor: SecondFactor,
    revocation: Revocation,
    outbox: Outbox,
}

impl Parts {
    pub fn assemble(self) -> Accounts {
        let Self { base, trail, doorkeeper, hasher, tokens, vault, .. } = self;
        let secrets: Arc<dyn SecretDeriver> = Arc::new(PlainSecrets);
        let codes: Arc<dyn TotpCodes> = Arc::new(PlainTotp);
        let outbox = Outbox::new(base.clone(), self.post.is_some());
        let mailer = self.post.map(|(post, store)| {
            Arc::new(Watchful::over(Arc::new(post), store)) as Arc<dyn Mailer>
        });
        let pairs =
            Pairs::new(base.clone(), trail.clone(), tokens, secrets.clone(), outbox.clone());
        let factor = SecondFactor::new(base.clone(), trail.clone(), vault, codes.clone());
        let revocation = Revocation::new(base.clone(), trail.clone());
        let shared =
            Shared { base, trail, doorkeeper, hasher, secrets, pairs, factor, revocation, outbox };
        shared.offer(self.verified_only, self.welcome, codes, mailer)
    }
}

impl Shared {
    fn offer(
        &self,
        verified_only: bool,
        welcome: Credits,
        codes: Arc<dyn TotpCodes>,
        mailer: Option<Arc<dyn Mailer>>,
    ) -> Accounts {
        let Self { base, trail, doorkeeper, hasher, secrets, pairs, factor, revocation, outbox } =
            self;
        let (base, trail, outbox) = (|| base.clone(), || trail.clone(), || outbox.clone());
        let (doorkeeper, secrets) = (|| doorkeeper.clone(), || secrets.clone());
        let (revocation, factor) = (|| revocation.clone(), || factor.clone());
        let (hasher, pairs) = (|| hasher.clone(), || pairs.clone());
        let rules = LoginRules { verified_only };
        let meter: Arc<dyn PasswordMeter> = Arc::new(PlainMeter);
        let verification = VerificationService::new(
            base(),
            trail(),
            doorkeeper(),
            secrets(),
            revocation(),
            outbox(),
        );
        Accounts {
            login: LoginService::new(
                base(),
                doorkeeper(),
                hasher(),
                secrets(),
                pairs(),
                factor(),
                outbox(),
                verification.clone(),
                rules,
            ),
            registration: RegistrationService::new(
                base(),
                trail(),
                hasher(),
                secrets(),
                outbox(),
                welcome,
            ),
            sessions: SessionService::new(
                base(),
                doorkeeper(),
                hasher(),
                secrets(),
                pairs(),
                factor(),
                revocation(),
                outbox(),
            ),
            verification: verification.clone(),
            passwords: PasswordService::new(
                base(),
                trail(),
                doorkeeper(),
                hasher(),
                meter,
                secrets(),
                revocation(),
                outbox(),
                verification,
            ),
            email_changes: EmailChangeService::new(
                base(),
                trail(),
                doorkeeper(),
                secrets(),
                revocation(),
                outbox(),
            ),
            mfa: MfaService::new(base(), trail(), doorkeeper(), codes, factor(), outbox()),
            closing: ClosingService::new(base(), trail(), revocation()),
            operators: OperatorService::new(base(), trail(), revocation()),
            members: MemberService::new(
                base(),
                trail(),
                doorkeeper(),
                secrets(),
                pairs(),
                revocation(),
                outbox(),
            ),
            profiles: ProfileService::new(base(), trail()),
            mails: MailService::new(base(), secrets(), mailer, links()),
        }
    }
}

/// Where letters lead. One of the pages has a query already.
fn links() -> Links {
    Links {
        verify_email: "https://cape.example/verify".to_owned(),
        reset_password: "https://cape.example/reset?lang=en".to_owned(),
        change_email: "https://cape.example/move".to_owned(),
        invitation: "https://cape.example/join".to_owned(),
    }
}
