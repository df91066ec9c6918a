//! Time: what counts, for how long, and never for less.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the promises")]
use cape_domain::{
    time::Timestamp,
    usage::{Claim, Limiter, Measure, Refusal, Rule, Standing, Window},
};
use chrono::TimeDelta;

use super::steps::{
    MICRO, acmes, all, ask, forgotten, odd, per_minute, slack, tokens_per_hour, used, window,
};

/// Up to the last microsecond of the window, and not after a sixtieth more.
pub async fn what_was_admitted_counts_for_a_window_and_is_then_forgotten(limiter: &dyn Limiter) {
    let mut then = odd(0);
    let short = acmes(Measure::Requests, Window::Second, 7);
    let long = acmes(Measure::Tokens, Window::Day, 9_000);
    for rule in [short, per_minute(4), tokens_per_hour(500), long] {
        for _ in 0..3 {
            ask(limiter, rule, rule.limit, then).await.expect("admitted");
            let last = then + window(rule) - MICRO;
            assert_eq!(used(limiter, rule, last).await, rule.limit);
            assert!(ask(limiter, rule, 1, last).await.is_err());
            then = forgotten(rule, then);
            assert_eq!(used(limiter, rule, then).await, 0);
        }
    }
}

/// Nor does it disturb the limiter, and when the time has come again all is as before.
pub async fn a_clock_that_steps_back_frees_nothing(limiter: &dyn Limiter) {
    let rule = per_minute(3);
    ask(limiter, rule, 2, odd(0)).await.expect("admitted");
    ask(limiter, rule, 1, odd(-40)).await.expect("one is left");
    let back = [
        MICRO,
        TimeDelta::seconds(1),
        TimeDelta::seconds(59),
        TimeDelta::seconds(61),
        TimeDelta::hours(1),
        TimeDelta::days(1),
    ];
    for step in back {
        assert!(ask(limiter, rule, 1, odd(0) - step).await.is_err(), "{step}");
        let claim = Claim { rule, amount: 2 };
        limiter.correct(claim, odd(0), 2, odd(0) - step).await.expect("correct");
    }
    assert!(ask(limiter, rule, 2, odd(0) + window(rule) - MICRO).await.is_err());
    ask(limiter, rule, 3, forgotten(rule, odd(0))).await.expect("all is forgotten");
}

/// Thousands of arrivals by three rules, some at once, many at the very edge of a window, some
/// corrected: an exact log proves that whatever is admitted fits, and whatever is refused does
/// not, give or take a sixtieth of a window.
pub async fn no_window_ever_holds_more_than_the_limit(limiter: &dyn Limiter) {
    const ARRIVALS: u32 = 4_000;
    let mut chance = Chance(0x5EED_CAFE);
    let mut log = Log::default();
    let mut now = odd(0);
    let (mut admitted, mut refused) = (0, 0);
    for _ in 0..ARRIVALS {
        now = log.arrival(&mut chance, now);
        log.forget(now);
        if let Some((claim, then, used)) = log.correction(&mut chance, now) {
            limiter.correct(claim, then, used, now).await.expect("correct");
        }
        let claims = claims(&mut chance);
        match all(limiter, &claims, now).await {
            Ok(standings) => {
                log.check_admission(&claims, &standings, now);
                log.0.push(Entry { at: now, claims, corrected: false });
                admitted += 1;
            }
            Err(refusal) => {
                log.check_refusal(&claims, &refusal, now);
                refused += 1;
            }
        }
    }
    assert!(admitted > ARRIVALS / 10 && refused > ARRIVALS / 10, "{admitted} and {refused}");
}

/// Requests in a minute and in an hour, and tokens in an hour, each of which binds at times.
fn claims(chance: &mut Chance) -> [Claim; 3] {
    let hourly = Rule { window: Window::Hour, ..per_minute(60) };
    let requests = 1 + chance.below(3);
    let tokens = 1 + chance.below(900);
    [
        Claim { rule: per_minute(8), amount: requests },
        Claim { rule: hourly, amount: requests },
        Claim { rule: tokens_per_hour(20_000), amount: tokens },
    ]
}

/// What was admitted, exactly, the oldest first.
#[derive(Default)]
struct Log(Vec<Entry>);

struct Entry {
    at: Timestamp,
    claims: [Claim; 3],
    corrected: bool,
}

impl Log {
    /// When the next one comes: at once, soon, later, or as something is about to be forgotten.
    fn arrival(&self, chance: &mut Chance, now: Timestamp) -> Timestamp {
        let pause = |most: i64, chance: &mut Chance| TimeDelta::microseconds(chance.up_to(most));
        let next = match chance.below(16) {
            0..=2 => now,
            3..=7 => now + pause(1_000_000, chance),
            8..=10 => now + pause(20_000_000, chance),
            11 => now + pause(900_000_000, chance),
            _ => self.edge(chance).unwrap_or(now),
        };
        next.max(now)
    }

    /// Just before, at, or just after the end of something, of its window or of the slack.
    fn edge(&self, chance: &mut Chance) -> Option<Timestamp> {
        let entry = self.0.get(chance.place(self.0.len())?)?;
        let rule = entry.claims[chance.place(3)?].rule;
        let end = entry.at + window(rule);
        let end = if chance.below(4) == 0 { end + slack(rule) } else { end };
        Some(end + MICRO * i32::try_from(chance.below(3)).ok()? - MICRO)
    }

    /// Drops what cannot count any more.
    fn forget(&mut self, now: Timestamp) {
        let longest = tokens_per_hour(0);
        self.0.retain(|entry| now - entry.at <= window(longest) + slack(longest));
    }

    /// Now and then, the tokens of a call turn out to be more or less. Each call is corrected
    /// once, as long as it counts.
    fn correction(
        &mut self,
        chance: &mut Chance,
        now: Timestamp,
    ) -> Option<(Claim, Timestamp, u64)> {
        if chance.below(8) != 0 {
            return None;
        }
        let place = chance.place(self.0.len())?;
        let entry = self.0.get_mut(place)?;
        let tokens = entry.claims.iter_mut().find(|c| c.rule.measure == Measure::Tokens)?;
        if entry.corrected || now - entry.at >= window(tokens.rule) {
            return None;
        }
        entry.corrected = true;
        let claimed = *tokens;
        tokens.amount = chance.below(1_200);
        Some((claimed, entry.at, tokens.amount))
    }

    /// What counts of a rule: no less than this, and no more than that.
    fn bounds(&self, rule: Rule, now: Timestamp) -> (u64, u64) {
        let sum = |counts: &dyn Fn(TimeDelta) -> bool| {
            let entries = self.0.iter().filter(|entry| counts(now - entry.at));
            let claims = entries.flat_map(|entry| entry.claims);
            claims.filter(|claim| claim.rule == rule).map(|claim| claim.amount).sum()
        };
        (sum(&|age| age < window(rule)), sum(&|age| age <= window(rule) + slack(rule)))
    }

    fn check_admission(&self, claims: &[Claim], standings: &[Standing], now: Timestamp) {
        for (claim, standing) in claims.iter().zip(standings) {
            let (least, most) = self.bounds(claim.rule, now);
            let (name, limit) = (claim.rule.name(), claim.rule.limit);
            assert!(least + claim.amount <= limit, "{name}: {least} + {claim:?} at {now}");
            let counted = least + claim.amount..=most + claim.amount;
            assert!(counted.contains(&standing.used), "{name}: {counted:?}, {standing:?}");
        }
    }

    fn check_refusal(&self, claims: &[Claim], refusal: &Refusal, now: Timestamp) {
        let Standing { rule, used, .. } = refusal.standing;
        let claim = claims.iter().find(|claim| claim.rule == rule).expect("one of the claims");
        let (least, most) = self.bounds(rule, now);
        assert_eq!(refusal.wanted, claim.amount);
        assert!(most + claim.amount > rule.limit, "{}: {most} + {claim:?} at {now}", rule.name());
        assert!((least..=most).contains(&used), "{}: {least} to {most}, {used}", rule.name());
        assert!(refusal.retry_after.is_some(), "what is below the limit will fit");
    }
}

/// Numbers that look like chance, and are the same in every run.
struct Chance(u64);

impl Chance {
    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    /// A number from 0 to `most`.
    fn up_to(&mut self, most: i64) -> i64 {
        i64::try_from(self.below(most.unsigned_abs() + 1)).unwrap_or(most)
    }

    /// A place in a list of this length, if it has any.
    fn place(&mut self, length: usize) -> Option<usize> {
        let length = u64::try_from(length).ok().filter(|length| *length > 0)?;
        usize::try_from(self.below(length)).ok()
    }
}
