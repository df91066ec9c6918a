//! That a token was verified before makes nothing good that is not.
use super::*;

const DAY: i64 = 24 * 3_600;

fn both() -> [JwtTokens; 2] {
    [tokens(), under(hs256())]
}

#[test]
fn a_token_is_remembered_once_it_was_good_and_says_the_same_again() {
    for tokens in both() {
        let token = tokens.sign(&claims());
        assert_eq!(tokens.verified.count(), 0, "signing is no proof");
        for seconds in 1..4 {
            assert_eq!(tokens.verify(token.expose(), at(seconds)), Ok(claims()));
            assert_eq!(tokens.verified.count(), 1);
        }
    }
}

#[test]
fn what_is_refused_is_not_remembered() {
    for tokens in both() {
        let token = tokens.sign(&claims()).expose().to_owned();
        for (token, now) in [
            (token.clone(), at(900)),
            (token.clone(), at(-61)),
            (token[..token.len() - 2].to_owned(), at(1)),
            (String::new(), at(1)),
        ] {
            assert!(tokens.verify(&token, now).is_err(), "{token} {now}");
            assert_eq!(tokens.verified.count(), 0, "{token} {now}");
        }
    }
}

#[test]
fn a_remembered_token_is_no_help_to_one_that_only_looks_like_it() {
    for tokens in both() {
        let token = tokens.sign(&claims()).expose().to_owned();
        assert!(tokens.verify(&token, at(1)).is_ok());
        let (said, signature) = token.rsplit_once('.').expect("a signature");
        let other = tokens.sign(&AccessClaims { role: Role::Owner, ..claims() });
        let (other, _) = other.expose().rsplit_once('.').expect("a signature");
        let stranger = JwtTokens::new(tokens.options.clone(), &[8; 32]).expect("tokens");
        let strange = stranger.sign(&claims()).expose().to_owned();
        let (_, strange) = strange.rsplit_once('.').expect("a signature");
        for (what, forged) in [
            ("no signature", format!("{said}.")),
            ("the same claims, signed by a stranger", format!("{said}.{strange}")),
            ("other claims, with its signature", format!("{other}.{signature}")),
            ("half a signature", token[..token.len() - signature.len() / 2].to_owned()),
            ("something after it", format!("{token}A")),
        ] {
            assert_eq!(tokens.verify(&forged, at(1)), Err(TokenRefused::Malformed), "{what}");
        }
        assert_eq!(tokens.verified.count(), 1);
    }
}

#[test]
fn a_remembered_token_is_over_when_its_time_is() {
    for tokens in both() {
        let token = tokens.sign(&claims());
        let verdict = |now| tokens.verify(token.expose(), now).map(|_| ());
        let instant = TimeDelta::microseconds(1);
        for (now, expected) in [
            (at(0), Ok(())),
            (at(-60), Ok(())),
            (at(-60) - instant, Err(TokenRefused::Expired)),
            (at(900) - instant, Ok(())),
            (at(900), Err(TokenRefused::Expired)),
        ] {
            assert_eq!(verdict(now), expected, "{now}");
            assert_eq!(tokens.verified.count(), 1);
        }
    }
}

#[test]
fn a_remembered_token_is_refused_once_its_key_is_retired() {
    for tokens in both() {
        let next = DateTime::from_timestamp((PERIOD + 1) * 30 * DAY, 0).expect("a time");
        let made = next - TimeDelta::seconds(1);
        // Nobody makes such a token: its own end is far behind its key's.
        let claims = AccessClaims { expires_at: made + TimeDelta::days(9), ..claims_at(made) };
        let token = tokens.sign(&claims);
        let verdict = |now| tokens.verify(token.expose(), now).map(|_| ());
        let retired = next + TimeDelta::hours(1);
        assert_eq!(verdict(made), Ok(()));
        assert_eq!(verdict(retired - TimeDelta::microseconds(1)), Ok(()));
        assert_eq!(verdict(retired), Err(TokenRefused::Malformed));
        assert_eq!(tokens.verified.count(), 1, "it is the key that is refused");
        assert_eq!(verdict(made - TimeDelta::days(40)), Err(TokenRefused::Malformed), "too early");
    }
}
