//! Codes of apps that everybody can compute.
use cape_domain::{
    accounts::{Email, TotpCodes},
    secret::{Secret, SecretSource},
    time::Timestamp,
};

/// How many seconds a code is shown.
const SECONDS: u64 = 30;

const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Shows the number of the time step as its code, whatever the secret.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainTotp;

impl PlainTotp {
    /// The time step of an instant: half minutes since 1970.
    #[must_use]
    pub fn step_at(now: Timestamp) -> u64 {
        u64::try_from(now.timestamp()).unwrap_or(0) / SECONDS
    }

    /// The code of a time step.
    #[must_use]
    pub fn code_of(step: u64) -> String {
        format!("{:06}", step % 1_000_000)
    }

    /// What every app shows at an instant.
    #[must_use]
    pub fn code_at(now: Timestamp) -> String {
        Self::code_of(Self::step_at(now))
    }
}

impl TotpCodes for PlainTotp {
    fn generate(&self, source: &dyn SecretSource) -> Secret {
        let mut bytes = [0; 32];
        source.fill(&mut bytes);
        // Five bits of each byte: 32 × 5 = 160.
        let letters = bytes.map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
        Secret::new(String::from_iter(letters))
    }

    fn step(&self, _: &Secret, code: &str, now: Timestamp) -> Option<u64> {
        let current = Self::step_at(now);
        let steps = [Some(current), current.checked_sub(1), current.checked_add(1)];
        steps.into_iter().flatten().find(|step| Self::code_of(*step) == code)
    }

    fn uri(&self, secret: &Secret, account: &Email) -> Secret {
        Secret::new(format!("otpauth://totp/{account}?secret={}", secret.expose()))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::{
        fixtures::{ADA, at, user},
        secrets::CountingSecrets,
    };

    #[test]
    fn a_code_is_good_in_its_step_and_in_the_ones_beside_it() {
        let code = PlainTotp::code_at(at(0));
        let step = PlainTotp::step_at(at(0));
        assert_eq!((step, code.as_str()), (63_115_200, "115200"));
        let secret = Secret::new("any");
        for (steps, expected) in
            [(-2, None), (-1, Some(step)), (0, Some(step)), (1, Some(step)), (2, None)]
        {
            let now = at(0) + TimeDelta::seconds(30) * steps;
            assert_eq!(PlainTotp.step(&secret, &code, now), expected, "{steps}");
        }
        assert_eq!(PlainTotp.step(&secret, "", at(0)), None);
    }

    #[test]
    fn every_secret_is_a_new_one_and_an_app_can_read_it() {
        let source = CountingSecrets::default();
        let [one, other] = [(); 2].map(|()| PlainTotp.generate(&source));
        assert_ne!(one, other);
        let text = one.expose();
        assert!(text.len() == 32 && text.bytes().all(|letter| LETTERS.contains(&letter)));
        let uri = PlainTotp.uri(&one, &user(ADA).email);
        assert_eq!(uri.expose(), format!("otpauth://totp/user3@example.com?secret={text}"));
    }
}
