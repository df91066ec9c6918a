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
        MemberService, MfaService, Outbox, Pairs, PasswordService, ProfileService,
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

impl Parts {
    pub fn assemble(self) -> Accounts {
        let Self { base, trail, doorkeeper, hasher, tokens, vault, .. } = self;
        let secrets: Arc<dyn SecretDeriver> = Arc::new(PlainSecrets);
        let codes: Arc<dyn TotpCodes> = Arc::new(PlainTotp);
        let meter: Arc<dyn PasswordMeter> = Arc::new(PlainMeter);
        let outbox = Outbox::new(base.clone(), self.post.is_some());
        let mailer = self.post.map(|(post, store)| {
            Arc::new(Watchful::over(Arc::new(post), store)) as Arc<dyn Mailer>
        });
        let (b, t, s, o) =
            (|| base.clone(), || trail.clone(), || secrets.clone(), || outbox.clone());
        let (d, h) = (|| doorkeeper.clone(), || hasher.clone());
        let pairs = Pairs::new(b(), t(), tokens, s(), o());
        let factor = SecondFactor::new(b(), t(), vault, codes.clone());
        let revocation = Revocation::new(b(), t());
        let rules = LoginRules { verified_only: self.verified_only };
        let (p, f, r) = (|| pairs.clone(), || factor.clone(), || revocation.clone());
        Accounts {
            login: LoginService::new(b(), d(), h(), s(), p(), f(), o(), rules),
            registration: RegistrationService::new(b(), t(), h(), s(), o(), self.welcome),
            sessions: SessionService::new(b(), d(), h(), s(), p(), f(), r(), o()),
            verification: VerificationService::new(b(), t(), d(), s(), r(), o()),
            passwords: PasswordService::new(b(), t(), d(), h(), meter, s(), r(), o()),
            email_changes: EmailChangeService::new(b(), t(), d(), s(), r(), o()),
            mfa: MfaService::new(b(), t(), d(), codes, f(), o()),
            closing: ClosingService::new(b(), t(), r()),
            members: MemberService::new(b(), t(), s(), p(), r(), o()),
            profiles: ProfileService::new(b(), t()),
            mails: MailService::new(b(), s(), mailer, links()),
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
