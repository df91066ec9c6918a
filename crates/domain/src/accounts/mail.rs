//! Mails, from the moment somebody decided that one is due to the moment it is sent.
//!
//! What lies here carries no secret: links and codes are made when the mail is sent, and are
//! stored nowhere. Wording is *not* here: it is the mailer's.
use std::str::FromStr;

use chrono::TimeDelta;

use crate::{
    accounts::{Email, Purpose},
    ids::{MailId, UserId},
    secret::Secret,
    text::Line,
    time::Timestamp,
};

/// A mail that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Its identity.
    pub id: MailId,
    /// Where to.
    pub to: Email,
    /// Whom it is about, if that was known when it was asked for. Otherwise it is found out by
    /// the address when it is sent, so that asking takes the same time for everybody.
    pub user: Option<UserId>,
    /// What it says.
    pub kind: MailKind,
    /// What it says it about: a device, an address, a workspace.
    pub detail: Option<MailDetail>,
    /// When it was asked for.
    pub created_at: Timestamp,
}

/// What a mail is about, beside its kind.
pub type MailDetail = Line<400>;

/// What a mail says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MailKind {
    /// Show that this address is yours.
    VerifyEmail,
    /// Somebody tried to sign up with your address, and you have an account.
    AddressTaken,
    /// Your address is verified, and all is ready.
    Welcome,
    /// This code signs you in.
    SignInCode,
    /// This link lets you choose a new password.
    ResetPassword,
    /// Your password was changed.
    PasswordChanged,
    /// Agree to move to another address, which is the detail.
    ReleaseEmail,
    /// Show that this address is yours, to move to it.
    ClaimEmail,
    /// You no longer sign in with this address, but with another one.
    EmailChanged,
    /// Somebody signed in from a device that was never seen.
    NewDevice,
    /// The second factor was switched on or off, as the detail says.
    SecondFactorChanged,
    /// A session was ended because its token was used twice.
    SessionTheft,
    /// Join a workspace, which is the detail.
    Invitation,
    /// The payment of a plan, which is the detail, failed.
    PaymentOwed,
    /// A plan, which is the detail, ended because it was not paid.
    SubscriptionEnded,
}

impl MailKind {
    /// Every kind.
    pub const ALL: [Self; 15] = [
        Self::VerifyEmail,
        Self::AddressTaken,
        Self::Welcome,
        Self::SignInCode,
        Self::ResetPassword,
        Self::PasswordChanged,
        Self::ReleaseEmail,
        Self::ClaimEmail,
        Self::EmailChanged,
        Self::NewDevice,
        Self::SecondFactorChanged,
        Self::SessionTheft,
        Self::Invitation,
        Self::PaymentOwed,
        Self::SubscriptionEnded,
    ];

    /// The stable name, as stored, and of the mailer's templates.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::AddressTaken => "address_taken",
            Self::Welcome => "welcome",
            Self::SignInCode => "sign_in_code",
            Self::ResetPassword => "reset_password",
            Self::PasswordChanged => "password_changed",
            Self::ReleaseEmail => "release_email",
            Self::ClaimEmail => "claim_email",
            Self::EmailChanged => "email_changed",
            Self::NewDevice => "new_device",
            Self::SecondFactorChanged => "second_factor_changed",
            Self::SessionTheft => "session_theft",
            Self::Invitation => "invitation",
            Self::PaymentOwed => "payment_owed",
            Self::SubscriptionEnded => "subscription_ended",
        }
    }

    /// What the link or the code in it is good for, if there is one.
    #[must_use]
    pub const fn purpose(self) -> Option<Purpose> {
        match self {
            Self::VerifyEmail => Some(Purpose::VerifyEmail),
            Self::SignInCode => Some(Purpose::SignIn),
            Self::ResetPassword => Some(Purpose::ResetPassword),
            Self::ReleaseEmail => Some(Purpose::ReleaseEmail),
            Self::ClaimEmail => Some(Purpose::ClaimEmail),
            Self::AddressTaken
            | Self::Welcome
            | Self::PasswordChanged
            | Self::EmailChanged
            | Self::NewDevice
            | Self::SecondFactorChanged
            | Self::SessionTheft
            | Self::Invitation
            | Self::PaymentOwed
            | Self::SubscriptionEnded => None,
        }
    }
}

/// A name that is no kind of mail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind of mail")]
pub struct UnknownMailKind(String);

impl FromStr for MailKind {
    type Err = UnknownMailKind;

    fn from_str(name: &str) -> Result<Self, UnknownMailKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| UnknownMailKind(name.to_owned()))
    }
}

/// A mail as it goes out, with what only its receiver may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The mail's identity: two with the same one are the same mail.
    pub id: MailId,
    /// Where to.
    pub to: Email,
    /// What it says.
    pub kind: MailKind,
    /// What it says it about.
    pub detail: Option<MailDetail>,
    /// Where to click.
    pub link: Option<Secret>,
    /// What to type instead.
    pub code: Option<Secret>,
    /// How long the link is good.
    pub link_life: Option<TimeDelta>,
    /// When it was asked for.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_mail_is_known_by_its_name() {
        for kind in MailKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        assert!("spam".parse::<MailKind>().is_err());
    }

    #[test]
    fn every_purpose_but_the_second_factor_comes_by_mail_and_by_one_kind_alone() {
        for purpose in Purpose::ALL {
            let kinds = MailKind::ALL.iter().filter(|kind| kind.purpose() == Some(purpose)).count();
            assert_eq!(kinds, usize::from(purpose != Purpose::SecondFactor), "{purpose:?}");
        }
    }
}
