//! Keys that follow one another, by a clock that stands where it is put.
use super::*;

const DAY: i64 = 24 * 3_600;
const INSTANT: TimeDelta = TimeDelta::microseconds(1);

/// When the key of a period begins to sign.
fn start(period: i64) -> Timestamp {
    DateTime::from_timestamp(period * 30 * DAY, 0).expect("a time")
}

fn seconds(seconds: i64) -> TimeDelta {
    TimeDelta::seconds(seconds)
}

fn id(tokens: &JwtTokens, period: i64) -> String {
    tokens.keys.of(period).id().to_owned()
}

/// The number of the key that a token made at this time is signed with.
fn signed_with(tokens: &JwtTokens, now: Timestamp) -> i64 {
    let kid = parts(tokens.sign(&claims_at(now)).expose())[0]["kid"].clone();
    (PERIOD - 3..PERIOD + 3).find(|period| kid == id(tokens, *period)).expect("a key")
}

#[test]
fn a_key_signs_for_thirty_days_and_then_the_next_one_does() {
    for tokens in [tokens(), under(hs256())] {
        assert_eq!(at(0), start(PERIOD) + seconds(INTO));
        for (now, period) in [
            (start(PERIOD) - INSTANT, PERIOD - 1),
            (start(PERIOD), PERIOD),
            (at(0), PERIOD),
            (start(PERIOD + 1) - INSTANT, PERIOD),
            (start(PERIOD + 1), PERIOD + 1),
        ] {
            assert_eq!(signed_with(&tokens, now), period, "{now}");
        }
    }
}

#[test]
fn a_key_is_published_a_day_before_it_signs_and_for_an_hour_after() {
    let tokens = tokens();
    let next = start(PERIOD + 1);
    for (now, periods) in [
        (at(0), PERIOD..=PERIOD),
        (next - seconds(DAY) - INSTANT, PERIOD..=PERIOD),
        (next - seconds(DAY), PERIOD..=PERIOD + 1),
        (next - INSTANT, PERIOD..=PERIOD + 1),
        (next, PERIOD..=PERIOD + 1),
        (next + seconds(3_600) - INSTANT, PERIOD..=PERIOD + 1),
        (next + seconds(3_600), PERIOD + 1..=PERIOD + 1),
    ] {
        let expected: Vec<String> = periods.map(|period| id(&tokens, period)).collect();
        assert_eq!(published(&tokens, now), expected, "{now}");
    }
}

#[test]
fn a_key_is_published_before_it_signs_however_time_goes_by() {
    let tokens = under(JwtOptions {
        rotation: Duration::from_hours(2),
        publish_ahead: Duration::from_hours(2),
        ..options()
    });
    let mut before = Vec::new();
    for minutes in 0..600 {
        let now = at(minutes * 60);
        let kid = parts(tokens.sign(&claims_at(now)).expose())[0]["kid"].clone();
        let published = published(&tokens, now);
        assert!(published.iter().any(|id| kid == **id));
        assert!((2..=3).contains(&published.len()), "{published:?}");
        let known = minutes == 0 || before.iter().any(|id: &String| kid == **id);
        assert!(known, "the key was published a minute before, too");
        before = published;
    }
}

#[test]
fn a_token_that_was_made_just_before_a_rotation_is_good_for_its_life() {
    for tokens in [tokens(), under(hs256())] {
        let next = start(PERIOD + 1);
        let claims = claims_at(next - seconds(1));
        let token = tokens.sign(&claims);
        for now in [next - seconds(1), next, next + seconds(450), claims.expires_at - INSTANT] {
            assert_eq!(tokens.verify(token.expose(), now), Ok(claims.clone()), "{now}");
        }
        let verdict = |now| tokens.verify(token.expose(), now);
        assert_eq!(verdict(claims.expires_at), Err(TokenRefused::Expired));
        assert_eq!(verdict(next + seconds(3_600) - INSTANT), Err(TokenRefused::Expired));
        assert_eq!(verdict(next + seconds(3_600)), Err(TokenRefused::Malformed), "retired");
    }
}

#[test]
fn a_process_whose_clock_is_ahead_rotates_a_little_earlier_and_is_understood() {
    let tokens = tokens();
    let next = start(PERIOD + 1);
    let claims = claims_at(next);
    let token = tokens.sign(&claims);
    let verdict = |now| tokens.verify(token.expose(), now);
    assert_eq!(verdict(next - seconds(60)), Ok(claims));
    assert_eq!(verdict(next - seconds(60) - INSTANT), Err(TokenRefused::Malformed), "not yet");
    let behind = tokens.sign(&claims_at(next - seconds(60)));
    assert!(tokens.verify(behind.expose(), next).is_ok());
}

#[test]
fn a_key_that_was_replaced_makes_no_new_tokens() {
    let tokens = tokens();
    let next = start(PERIOD + 1);
    for (period, made_at) in [(PERIOD, next), (PERIOD + 1, next - seconds(1))] {
        let claims = WireClaims::new(&claims_at(made_at), &options());
        let token = tokens.keys.of(period).sign(&claims);
        let verdict = tokens.verify(token.expose(), next + seconds(1));
        assert_eq!(verdict, Err(TokenRefused::Malformed), "{period}");
    }
}

#[test]
fn two_instances_with_one_root_agree_at_any_time_and_another_root_is_a_stranger() {
    for options in [options(), hs256()] {
        let (one, other) = (under(options.clone()), under(options.clone()));
        let stranger = JwtTokens::new(options, &[8; 32]).expect("tokens");
        for days in (0..200).step_by(7) {
            let now = at(days * DAY);
            let claims = claims_at(now);
            assert_eq!(one.sign(&claims), other.sign(&claims), "day {days}");
            assert_eq!(other.verify(one.sign(&claims).expose(), now), Ok(claims.clone()));
            assert_eq!(one.key_set(now), other.key_set(now));
            let strange = stranger.sign(&claims);
            assert_eq!(one.verify(strange.expose(), now), Err(TokenRefused::Malformed));
        }
    }
}

#[test]
fn every_period_has_a_key_of_its_own_and_few_are_kept() {
    for tokens in [tokens(), under(hs256())] {
        let ids: Vec<String> = (0..50).map(|period| id(&tokens, period)).collect();
        for (index, id) in ids.iter().enumerate() {
            assert!(!ids[..index].contains(id));
        }
        assert_eq!(id(&tokens, -1), id(&tokens, -1), "before 1970, too");
        assert!(tokens.keys.remembered() <= 5);
    }
}

#[test]
fn where_keys_are_shared_none_is_published() {
    let tokens = under(hs256());
    for now in [at(0), start(PERIOD + 1)] {
        assert_eq!(tokens.key_set(now).as_str(), r#"{"keys":[]}"#);
    }
}
