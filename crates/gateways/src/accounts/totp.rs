//! Codes of apps: TOTP (RFC 6238).
//!
//! That a code is good once is *not* seen to here: whoever asks remembers the step.
use cape_domain::{
    accounts::{Email, TotpCodes},
    secret::{Secret, SecretSource},
    time::Timestamp,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use totp_rs::{Algorithm, Builder, Secret as Seed, Totp};

/// How many bytes a secret has: as many as the hash (RFC 4226, section 4).
const SEED: usize = 20;

/// How long a code is shown, in seconds.
const STEP: u64 = 30;

/// How many steps a clock may be off, either way (RFC 6238, section 5.2).
const SKEW: u16 = 1;

/// All that needs no escape in an address (RFC 3986, section 2.3).
const PLAIN: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Codes as every app computes them: HMAC-SHA-1, six digits, thirty seconds.
#[derive(Clone, Debug)]
pub struct TotpApp {
    issuer: String,
}

/// A name that apps cannot show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the issuer's name must not be empty, nor have a colon in it")]
pub struct InvalidIssuer;

impl TotpApp {
    /// Codes that an app shows under the name of `issuer`.
    ///
    /// # Errors
    ///
    /// [`InvalidIssuer`] when it is empty, or has a colon, which ends it in an app.
    pub fn new(issuer: impl Into<String>) -> Result<Self, InvalidIssuer> {
        let issuer = issuer.into();
        if issuer.trim().is_empty() || issuer.contains(':') {
            return Err(InvalidIssuer);
        }
        Ok(Self { issuer })
    }
}

impl Default for TotpApp {
    fn default() -> Self {
        Self { issuer: "CapeControl".to_owned() }
    }
}

impl TotpCodes for TotpApp {
    fn generate(&self, source: &dyn SecretSource) -> Secret {
        let mut seed = [0; SEED];
        source.fill(&mut seed);
        Secret::new(Seed::from(seed).to_base32())
    }

    fn step(&self, secret: &Secret, code: &str, now: Timestamp) -> Option<u64> {
        // The library refuses what is not six digits, and compares in constant time.
        codes(secret)?.check(code, u64::try_from(now.timestamp()).ok()?)
    }

    fn uri(&self, secret: &Secret, account: &Email) -> Secret {
        let issuer = utf8_percent_encode(&self.issuer, &PLAIN);
        let account = utf8_percent_encode(account.as_str(), &PLAIN);
        let secret = secret.expose();
        Secret::new(format!(
            "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}\
             &algorithm=SHA1&digits=6&period={STEP}"
        ))
    }
}

/// Nothing if the secret is not one of ours.
fn codes(secret: &Secret) -> Option<Totp> {
    let seed = Seed::try_from_base32(secret.expose()).ok()?;
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_step_duration(STEP)
        .with_skew(SKEW)
        .with_secret(seed)
        .build()
        .ok()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::secrets::OsSecrets;

    /// `12345678901234567890`, the key of RFC 6238, appendix B.
    const RFC: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn step(code: &str, seconds: i64) -> Option<u64> {
        TotpApp::default().step(&Secret::new(RFC), code, at(seconds))
    }

    #[test]
    fn the_codes_are_those_of_the_rfc() {
        // Appendix B has eight digits; six are the last six of them.
        for (seconds, code, expected) in [
            (59, "94287082", 0x1),
            (1_111_111_109, "07081804", 0x0235_23EC),
            (1_111_111_111, "14050471", 0x0235_23ED),
            (1_234_567_890, "89005924", 0x0273_EF07),
            (2_000_000_000, "69279037", 0x03F9_40AA),
            (20_000_000_000, "65353130", 0x27BC_86AA),
        ] {
            assert_eq!(step(&code[2..], seconds), Some(expected), "{code}");
        }
    }

    #[test]
    fn a_code_is_good_in_its_own_step_in_the_one_before_and_in_the_next() {
        let (code, begin) = ("005924", 0x0273_EF07 * 30);
        for (seconds, expected) in [
            (-31, None),
            (-30, Some(0x0273_EF07)),
            (0, Some(0x0273_EF07)),
            (29, Some(0x0273_EF07)),
            (59, Some(0x0273_EF07)),
            (60, None),
        ] {
            assert_eq!(step(code, begin + seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn what_is_not_six_digits_is_no_code() {
        for wrong in [
            "",
            "28708",
            "2870820",
            "94287082",
            "287 08",
            " 28708",
            "+28708",
            "-28708",
            "28708a",
            "0x2870",
            "２８７０８２",
            "28708\u{663}",
        ] {
            assert_eq!(step(wrong, 59), None, "{wrong}");
        }
        assert_eq!(step("287082", 59), Some(1));
        assert_eq!(step("287083", 59), None);
    }

    #[test]
    fn time_before_the_epoch_and_a_secret_that_is_none_give_no_step() {
        assert_eq!(step("287082", -1), None);
        for wrong in ["", "1", "not base 32", "GEZDGNBV"] {
            let secret = Secret::new(wrong);
            assert_eq!(TotpApp::default().step(&secret, "287082", at(59)), None, "{wrong}");
        }
    }

    #[test]
    fn a_fresh_secret_has_160_bits_and_works() {
        let app = TotpApp::default();
        let (one, two) = (app.generate(&OsSecrets), app.generate(&OsSecrets));
        assert_ne!(one, two);
        assert_eq!(one.expose().len(), 32);
        let code = codes(&one).expect("a secret").generate(1_000_000).to_string();
        assert_eq!(app.step(&one, &code, at(1_000_000)), Some(33_333));
    }

    #[test]
    fn an_app_is_told_everything_by_the_address() {
        let account = "ada+x@example.com".parse().expect("an address");
        let app = TotpApp::new("Cape Control").expect("a name");
        assert_eq!(
            app.uri(&Secret::new(RFC), &account).expose(),
            "otpauth://totp/Cape%20Control:ada%2Bx%40example.com\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Cape%20Control\
             &algorithm=SHA1&digits=6&period=30"
        );
        let usual = TotpApp::default().uri(&Secret::new(RFC), &account);
        assert!(usual.expose().starts_with("otpauth://totp/CapeControl:ada"), "{usual:?}");
    }

    #[test]
    fn a_name_that_apps_cannot_show_is_refused() {
        for wrong in ["", " ", "Cape:Control"] {
            assert_eq!(TotpApp::new(wrong).err(), Some(InvalidIssuer), "{wrong}");
        }
    }
}
