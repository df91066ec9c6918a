//! Passwords: what is too weak, and what is stored instead of them.
use crate::{accounts::Email, secret::Secret, text::Name};

/// A password that somebody chose or gives. Never printed, never stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Password(Secret);

/// What is stored: a PHC string with algorithm, parameters, salt and hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordHash(Secret);

/// Whether a password is the one that was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// It is not.
    No,
    /// It is.
    Yes,
    /// It is, but it was hashed with less work than a new one would be.
    Outdated,
}

/// What is known of whoever chooses a password: it must not be made from that.
#[derive(Clone, Copy, Debug)]
pub struct Chooser<'a> {
    /// The address it signs in with.
    pub email: Option<&'a Email>,
    /// Its name.
    pub full_name: Option<&'a Name>,
    /// Whom it works for.
    pub company: Option<&'a Name>,
}

/// What a meter says about a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appraisal {
    /// How hard it is to guess: 0 (at once) to 4 (not in this century), as zxcvbn counts.
    pub score: u8,
    /// Whether it is among those that are tried first, because they leaked before.
    pub breached: bool,
    /// What would make it better, for people.
    pub suggestions: Vec<String>,
}

/// Why a password cannot be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Easy to try out.
    #[error(
        "must have at least {} characters, or be so unusual that {} are enough",
        Password::LONG_ENOUGH,
        Password::SHORTEST
    )]
    TooShort,
    /// More than anybody types, and work to hash.
    #[error("must have at most {} characters", Password::LONGEST)]
    TooLong,
    /// The first thing a stranger tries.
    #[error("must not be made from the e-mail address or the name")]
    LikeItsOwner,
    /// One or two characters, repeated.
    #[error("must not repeat the same few characters")]
    Monotonous,
    /// Known to everybody who tries passwords.
    #[error("is on a list of leaked passwords, which are tried first")]
    Breached,
}

impl WeakPassword {
    /// The stable name, for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::LikeItsOwner => "like_its_owner",
            Self::Monotonous => "monotonous",
            Self::Breached => "breached",
        }
    }
}

impl Password {
    /// The fewest characters of any new password (OWASP ASVS 5.0, 6.2.1).
    pub const SHORTEST: usize = 8;
    /// With so many characters a password need not be unusual.
    pub const LONG_ENOUGH: usize = 12;
    /// The score from which a password is unusual.
    pub const UNUSUAL: u8 = 3;
    /// The most characters a password has.
    pub const LONGEST: usize = 128;

    /// A password that somebody gives, to compare. Whether it is strong is not asked.
    #[must_use]
    pub fn given(text: impl Into<String>) -> Self {
        Self(Secret::new(text))
    }

    /// A password that somebody chooses, and that a meter has looked at.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn choose(
        text: impl Into<String>,
        chooser: Chooser<'_>,
        appraisal: &Appraisal,
    ) -> Result<Self, Vec<WeakPassword>> {
        let text = text.into();
        let length = text.chars().count();
        let lower = text.to_lowercase();
        let unusual = length >= Self::SHORTEST && appraisal.score >= Self::UNUSUAL;
        let wrong: Vec<WeakPassword> = [
            (length < Self::LONG_ENOUGH && !unusual, WeakPassword::TooShort),
            (length > Self::LONGEST, WeakPassword::TooLong),
            (is_like(&lower, chooser), WeakPassword::LikeItsOwner),
            (is_monotonous(&lower), WeakPassword::Monotonous),
            (appraisal.breached, WeakPassword::Breached),
        ]
        .into_iter()
        .filter_map(|(is_wrong, reason)| is_wrong.then_some(reason))
        .collect();
        if wrong.is_empty() { Ok(Self::given(text)) } else { Err(wrong) }
    }

    /// The password itself, for the hasher alone.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Whether it is so long that hashing it would be work for nothing.
    #[must_use]
    pub fn is_absurd(&self) -> bool {
        self.expose().chars().count() > Self::LONGEST
    }
}

impl<'a> Chooser<'a> {
    /// Nobody that is known.
    pub const UNKNOWN: Self = Self { email: None, full_name: None, company: None };

    /// Every word that a stranger would try, in lower case, the longest first.
    #[must_use]
    pub fn words(self) -> Vec<String> {
        let Self { email, full_name, company } = self;
        let mut words: Vec<String> = email
            .iter()
            .flat_map(|email| [email.as_str(), email.local_part()])
            .map(str::to_owned)
            .collect();
        for name in [full_name, company].into_iter().flatten() {
            let name: &'a str = name.as_str();
            words.push(name.to_lowercase());
            words.extend(name.split_whitespace().map(str::to_lowercase));
        }
        words.retain(|word| word.chars().count() >= 4);
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        words
    }
}

/// Whether little is left of it without what is known of its owner.
fn is_like(lower: &str, chooser: Chooser<'_>) -> bool {
    let words = chooser.words();
    let rest = words.iter().fold(lower.to_owned(), |rest, word| rest.replace(word, ""));
    rest.len() < lower.len() && rest.chars().count() < Password::LONG_ENOUGH / 2
}

fn is_monotonous(lower: &str) -> bool {
    let mut distinct: Vec<char> = lower.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    distinct.len() < 4
}

impl PasswordHash {
    /// Wraps a PHC string.
    #[must_use]
    pub fn from_phc(phc: impl Into<String>) -> Self {
        Self(Secret::new(phc))
    }

    /// The PHC string, for storage and for the hasher.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weak_password_is_told_why() {
        use WeakPassword as W;
        let email: Email = "ada.lovelace@example.com".parse().expect("an address");
        let name: Name = "Augusta Ada King".parse().expect("a name");
        let chooser = Chooser { email: Some(&email), full_name: Some(&name), company: Some(&name) };
        let long = "x1Y2".repeat(33);
        for (text, score, breached, expected) in [
            ("short", 0, false, vec![W::TooShort]),
            ("elevenchars", 2, false, vec![W::TooShort]),
            ("tR7#qLw9", 3, false, vec![]),
            ("R7#qLw9", 4, false, vec![W::TooShort]),
            (&long, 1, false, vec![W::TooLong]),
            ("Ada.Lovelace@example.com", 4, false, vec![W::LikeItsOwner]),
            ("ada.lovelace1", 3, false, vec![W::LikeItsOwner]),
            ("augusta king 12", 3, false, vec![W::LikeItsOwner]),
            ("aaaaaaaaaaaa", 0, false, vec![W::Monotonous]),
            ("abababababababab", 0, false, vec![W::Monotonous]),
            ("password", 0, true, vec![W::TooShort, W::Breached]),
            ("correct horse battery", 0, false, vec![]),
            ("ada.lovelace wrote notes", 4, false, vec![]),
        ] {
            let appraisal = Appraisal { score, breached, suggestions: Vec::new() };
            let wrong = Password::choose(text, chooser, &appraisal).err().unwrap_or_default();
            assert_eq!(wrong, expected, "{text}");
        }
    }

    #[test]
    fn short_names_forbid_nothing() {
        let name: Name = "Li Wu".parse().expect("a name");
        let chooser = Chooser { full_name: Some(&name), ..Chooser::UNKNOWN };
        assert_eq!(chooser.words(), ["li wu"]);
    }
}
