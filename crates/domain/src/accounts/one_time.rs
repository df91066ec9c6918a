//! What is good once: links in mails, six digits, and the question for a second factor.
//!
//! Of one purpose a user has one at a time; the next replaces it. Neither the secret of the link
//! nor the code is stored: both are derived from a server key and the token's salt, so a stolen
//! table opens nothing. Deriving and comparing is *not* done here.
//!
//! Codes are short, so guesses are counted: five per account within a quarter of an hour, over
//! all codes of one purpose, which is also how long a code is good. A link cannot be guessed, so
//! nobody who guesses codes can keep its owner from using it.
use std::str::FromStr;

use chrono::TimeDelta;
use uuid::Uuid;

use crate::{
    ids::{OneTimeId, UserId},
    secret::Secret,
    time::Timestamp,
};

/// What something that is good once is good for. One that was made for one purpose never serves
/// another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// Showing that the address is one's own.
    VerifyEmail,
    /// Signing in with a code instead of a password.
    SignIn,
    /// Choosing a new password without the old one.
    ResetPassword,
    /// Agreeing, at the old address, to move to another one.
    ReleaseEmail,
    /// Showing, at the new address, that it is one's own.
    ClaimEmail,
    /// Answering for the second factor, after the first was right.
    SecondFactor,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 6] = [
        Self::VerifyEmail,
        Self::SignIn,
        Self::ResetPassword,
        Self::ReleaseEmail,
        Self::ClaimEmail,
        Self::SecondFactor,
    ];

    /// The stable name, as stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::SignIn => "sign_in",
            Self::ResetPassword => "reset_password",
            Self::ReleaseEmail => "release_email",
            Self::ClaimEmail => "claim_email",
            Self::SecondFactor => "second_factor",
        }
    }

    /// How long one is good.
    #[must_use]
    pub const fn life(self) -> TimeDelta {
        match self {
            Self::VerifyEmail => TimeDelta::hours(24),
            Self::SignIn => OneTimeToken::CODE_LIFE,
            Self::ResetPassword | Self::ReleaseEmail | Self::ClaimEmail => TimeDelta::minutes(30),
            Self::SecondFactor => TimeDelta::minutes(5),
        }
    }
}

/// A name that is no purpose.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a purpose")]
pub struct UnknownPurpose(String);

impl FromStr for Purpose {
    type Err = UnknownPurpose;

    fn from_str(name: &str) -> Result<Self, UnknownPurpose> {
        Self::ALL
            .into_iter()
            .find(|purpose| purpose.name() == name)
            .ok_or_else(|| UnknownPurpose(name.to_owned()))
    }
}

/// Something that is good once, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneTimeToken {
    /// Its identity.
    pub id: OneTimeId,
    /// Whose it is.
    pub user: UserId,
    /// What it is good for.
    pub purpose: Purpose,
    /// Random bytes that go into its link and its code.
    pub salt: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// When its link is no longer good.
    pub expires_at: Timestamp,
    /// How many codes were tried, those for its predecessors included.
    pub attempts: u32,
    /// Since when they are counted.
    pub counted_since: Timestamp,
}

impl OneTimeToken {
    /// How long six digits are good, and how long guesses are counted.
    pub const CODE_LIFE: TimeDelta = TimeDelta::minutes(15);

    /// How many codes may be tried for an account in [`CODE_LIFE`](Self::CODE_LIFE).
    pub const ATTEMPTS: u32 = 5;

    /// How long after one was made another mail with the same purpose is not sent: the first is
    /// in the mail box.
    pub const PAUSE: TimeDelta = TimeDelta::seconds(60);

    /// A fresh one, in place of `previous`. Guesses that were counted stay counted.
    #[must_use]
    pub fn issue(
        id: OneTimeId,
        user: UserId,
        purpose: Purpose,
        salt: [u8; 32],
        previous: Option<&Self>,
        now: Timestamp,
    ) -> Self {
        let counted = previous.filter(|previous| now < previous.counted_since + Self::CODE_LIFE);
        Self {
            id,
            user,
            purpose,
            salt,
            created_at: now,
            expires_at: now + purpose.life(),
            attempts: counted.map_or(0, |previous| previous.attempts),
            counted_since: match counted {
                Some(previous) if previous.attempts > 0 => previous.counted_since,
                Some(_) | None => now,
            },
        }
    }

    /// Whether its link is good at `now`.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// Whether its code is good at `now`, if not too many were tried.
    #[must_use]
    pub fn code_is_good(&self, now: Timestamp) -> bool {
        self.is_good(now) && now < self.created_at + Self::CODE_LIFE
    }

    /// Whether another mail would only repeat this one.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.created_at + Self::PAUSE
    }
}

/// A link's token as it is presented: `cape_ot_<id>.<secret>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentedToken {
    /// Which one.
    pub id: OneTimeId,
    /// What only its receiver knows, in hex.
    pub secret: Secret,
}

/// A text that is not one of our tokens. It does not say why: that would help a guesser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a token of this platform")]
pub struct InvalidToken;

const PREFIX: &str = "cape_ot_";

impl PresentedToken {
    /// The whole token, for its receiver.
    #[must_use]
    pub fn reveal(&self) -> Secret {
        Secret::new(format!("{PREFIX}{}.{}", self.id.raw().simple(), self.secret.expose()))
    }
}

impl FromStr for PresentedToken {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let rest = text.strip_prefix(PREFIX).ok_or(InvalidToken)?;
        let (id, secret) = rest.split_once('.').ok_or(InvalidToken)?;
        let id = OneTimeId::new(Uuid::try_parse(id).map_err(|_| InvalidToken)?);
        let token = Self { id, secret: Secret::new(secret) };
        if token.reveal().expose() == text { Ok(token) } else { Err(InvalidToken) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn issue(previous: Option<&OneTimeToken>, now: i64) -> OneTimeToken {
        let nil = Uuid::nil();
        let (id, user) = (OneTimeId::new(nil), UserId::new(nil));
        OneTimeToken::issue(id, user, Purpose::SignIn, [0; 32], previous, at(now))
    }

    #[test]
    fn guesses_stay_counted_for_a_quarter_of_an_hour_whatever_is_issued() {
        let tried = OneTimeToken { attempts: 4, ..issue(None, 0) };
        for (now, attempts, since) in [(1, 4, 0), (899, 4, 0), (900, 0, 900)] {
            let next = issue(Some(&tried), now);
            assert_eq!((next.attempts, next.counted_since), (attempts, at(since)), "{now}");
        }
        let untried = issue(Some(&issue(None, 0)), 500);
        assert_eq!(untried.counted_since, at(500), "the window begins with the code");
    }

    #[test]
    fn a_code_is_good_for_a_quarter_of_an_hour_and_a_link_for_as_long_as_its_purpose() {
        for (purpose, link) in [
            (Purpose::VerifyEmail, 86_400),
            (Purpose::SignIn, 900),
            (Purpose::ResetPassword, 1_800),
            (Purpose::ReleaseEmail, 1_800),
            (Purpose::ClaimEmail, 1_800),
            (Purpose::SecondFactor, 300),
        ] {
            let expires_at = at(0) + purpose.life();
            let token = OneTimeToken { purpose, expires_at, ..issue(None, 0) };
            let code = link.min(900);
            assert!(token.is_good(at(link - 1)) && !token.is_good(at(link)), "{purpose:?}");
            assert!(token.code_is_good(at(code - 1)) && !token.code_is_good(at(code)));
            assert_eq!(purpose.name().parse(), Ok(purpose));
        }
    }

    #[test]
    fn a_presented_token_has_one_spelling() {
        let id = OneTimeId::new(Uuid::from_u128(7));
        let token = PresentedToken { id, secret: Secret::new("0123abcd") };
        let text = token.reveal();
        assert_eq!(text.expose().parse(), Ok(token));
        let upper = text.expose().to_uppercase();
        for wrong in ["", "cape_ot_", "cape_ot_7.x", "cape_rt_1.2", &upper] {
            assert_eq!(wrong.parse::<PresentedToken>(), Err(InvalidToken), "{wrong}");
        }
    }
}
