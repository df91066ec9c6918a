//! Limits counted in a Redis server, for all processes that ask it.
//!
//! A decision is one script, of all its claims at once: nobody else comes between looking and
//! counting, and it takes one round trip. Without the server nothing can be told, and nothing is
//! remembered here meanwhile.
//!
//! The time is that of whoever asks. Where processes' clocks differ, a window is as much shorter
//! or longer; a counter never moves back, so a slow clock frees nothing.
use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use cape_domain::{
    store::BoxError,
    time::Timestamp,
    usage::{Claim, Decision, Limiter, LimiterError, Refusal, Rule, Standing, Subject},
};
use futures_util::FutureExt as _;
use redis::Script;

use super::counter::{COUNTED, bucket_length};
use crate::redis_link::RedisLink;

/// The largest number that a script counts exactly (Lua's numbers are doubles), halved: two of them
/// can be added up.
const MOST: u64 = 1 << 52;
/// What says in an answer that a claim never fits.
const NEVER: i64 = -1;

/// Counts in sixtieths of a window, as [`InProcessLimiter`](super::InProcessLimiter) does.
///
/// A counter is a hash of at most 62 numbers. It goes when it counts nothing any more, by the
/// server's own clock.
#[derive(Debug)]
pub struct RedisLimiter {
    link: Arc<RedisLink>,
    prefix: String,
    admit: Script,
    correct: Script,
}

impl RedisLimiter {
    /// A limiter that keeps its counters on this server, under keys that begin so.
    #[must_use]
    pub fn new(link: Arc<RedisLink>, prefix: &str) -> Self {
        let script = |rest: &str| Script::new(&format!("{}\n{rest}", include_str!("counter.lua")));
        Self {
            link,
            prefix: prefix.to_owned(),
            admit: script(include_str!("admit.lua")),
            correct: script(include_str!("correct.lua")),
        }
    }

    /// Where what is counted together is kept.
    fn key(&self, rule: &Rule) -> String {
        let (id, subject, measure, window) = rule.counted();
        let whose = match subject {
            Subject::Platform => "platform".to_owned(),
            Subject::Workspace(id) => id.to_string(),
            Subject::User(id) => id.to_string(),
            Subject::Key(id) => id.to_string(),
        };
        let (prefix, what, how_long) = (&self.prefix, measure.name(), window.name());
        match id {
            None => format!("{prefix}limit:{whose}:{what}:{how_long}"),
            Some(id) => format!("{prefix}limit:{id}:{whose}:{what}:{how_long}"),
        }
    }

    async fn run(&self, script: &Script, keys: &[String], numbers: &[i64]) -> Answer {
        let ask = |mut connection| {
            async move {
                let mut invocation = script.prepare_invoke();
                for key in keys {
                    invocation.key(key);
                }
                for number in numbers {
                    invocation.arg(*number);
                }
                invocation.invoke_async::<Vec<i64>>(&mut connection).await
            }
            .boxed()
        };
        let numbers = self.link.ask(ask).await;
        numbers.map(Vec::into_iter).map_err(LimiterError)
    }

    /// Asks about claims; counts them, if all fit.
    async fn ask(&self, claims: &[Claim], now: Timestamp) -> Result<Decision, LimiterError> {
        let keys: Vec<_> = claims.iter().map(|claim| self.key(&claim.rule)).collect();
        let mut numbers = vec![now.timestamp_micros(), COUNTED];
        for Claim { rule, amount } in claims {
            numbers.extend([bucket_length(rule.window), exact(*amount), exact(rule.limit)]);
        }
        let mut answer = self.run(&self.admit, &keys, &numbers).await?;
        let refused = answer.next().ok_or_else(malformed)?;
        if refused == 0 {
            let standing = |claim: &Claim| standing(claim.rule, &mut answer);
            return claims.iter().map(standing).collect::<Result<_, _>>().map(Decision::Admitted);
        }
        let place = usize::try_from(refused - 1).map_err(|_| malformed())?;
        let Claim { rule, amount: wanted } = *claims.get(place).ok_or_else(malformed)?;
        let standing = standing(rule, &mut answer)?;
        let retry_after = match answer.next().ok_or_else(malformed)? {
            NEVER => None,
            micros => Some(duration(micros)?),
        };
        Ok(Decision::Refused(Refusal { standing, wanted, retry_after }))
    }
}

/// The numbers of an answer, one after the other.
type Answer = Result<std::vec::IntoIter<i64>, LimiterError>;

fn standing(rule: Rule, answer: &mut impl Iterator<Item = i64>) -> Result<Standing, LimiterError> {
    let used = answer.next().and_then(|used| u64::try_from(used).ok()).ok_or_else(malformed)?;
    let reset = duration(answer.next().ok_or_else(malformed)?)?;
    Ok(Standing { rule, used, reset })
}

fn duration(micros: i64) -> Result<Duration, LimiterError> {
    u64::try_from(micros).map(Duration::from_micros).map_err(|_| malformed())
}

fn malformed() -> LimiterError {
    LimiterError(BoxError::from("the script answered something else"))
}

/// A number that a script counts exactly, or the largest of them.
fn exact(number: u64) -> i64 {
    i64::try_from(number.min(MOST)).unwrap_or(i64::MAX)
}

#[async_trait]
impl Limiter for RedisLimiter {
    async fn admit(&self, claims: &[Claim], now: Timestamp) -> Result<Decision, LimiterError> {
        if claims.is_empty() {
            return Ok(Decision::Admitted(Vec::new()));
        }
        self.ask(claims, now).await
    }

    async fn correct(
        &self,
        claim: Claim,
        claimed_at: Timestamp,
        used: u64,
        now: Timestamp,
    ) -> Result<(), LimiterError> {
        let length = bucket_length(claim.rule.window);
        let numbers = [
            now.max(claimed_at).timestamp_micros(),
            COUNTED,
            length,
            claimed_at.timestamp_micros().div_euclid(length),
            exact(used) - exact(claim.amount),
        ];
        self.run(&self.correct, &[self.key(&claim.rule)], &numbers).await.map(drop)
    }
}
