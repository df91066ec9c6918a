//! A limiter that limits nobody.
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cape_domain::{
    time::Timestamp,
    usage::{Claim, Decision, Limiter, LimiterError, Refusal, Rule, Standing},
};

/// Admits everything, and remembers what was claimed and what was corrected. It counts nothing:
/// every standing shows its own claim alone.
#[derive(Default)]
pub struct OpenLimiter(Mutex<State>);

#[derive(Default)]
struct State {
    claims: Vec<(Vec<Claim>, Timestamp)>,
    corrections: Vec<Correction>,
    refusal: Option<Refusal>,
    broken: bool,
    used_up: bool,
}

/// A claim that was corrected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Correction {
    /// The claim.
    pub claim: Claim,
    /// When it was made.
    pub claimed_at: Timestamp,
    /// What was really used.
    pub used: u64,
    /// When it was corrected.
    pub at: Timestamp,
}

impl OpenLimiter {
    /// What was admitted and when, the oldest first.
    #[must_use]
    pub fn claims(&self) -> Vec<(Vec<Claim>, Timestamp)> {
        self.state().claims.clone()
    }

    /// What was corrected, the oldest first.
    #[must_use]
    pub fn corrections(&self) -> Vec<Correction> {
        self.state().corrections.clone()
    }

    /// The next call is refused like this, once.
    pub fn refuse_next(&self, refusal: Refusal) {
        self.state().refusal = Some(refusal);
    }

    /// From now on it cannot tell, or can again.
    pub fn set_broken(&self, broken: bool) {
        self.state().broken = broken;
    }

    /// From now on every limit is shown as used up, though nobody is refused.
    pub fn show_used_up(&self) {
        self.state().used_up = true;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn working(&self) -> Result<MutexGuard<'_, State>, LimiterError> {
        let state = self.state();
        if state.broken { Err(LimiterError("the limiter is broken".into())) } else { Ok(state) }
    }
}

#[async_trait]
impl Limiter for OpenLimiter {
    async fn admit(&self, claims: &[Claim], now: Timestamp) -> Result<Decision, LimiterError> {
        let mut state = self.working()?;
        if let Some(refusal) = state.refusal.take() {
            return Ok(Decision::Refused(refusal));
        }
        state.claims.push((claims.to_vec(), now));
        let standing = |Claim { rule, amount }: &Claim| Standing {
            rule: *rule,
            used: *amount,
            reset: rule.window.length(),
        };
        Ok(Decision::Admitted(claims.iter().map(standing).collect()))
    }

    async fn standings(&self, rules: &[Rule], _: Timestamp) -> Result<Vec<Standing>, LimiterError> {
        let used_up = self.working()?.used_up;
        let standing = |rule: &Rule| Standing {
            rule: *rule,
            used: if used_up { rule.limit } else { 0 },
            reset: rule.window.length(),
        };
        Ok(rules.iter().map(standing).collect())
    }

    async fn correct(
        &self,
        claim: Claim,
        claimed_at: Timestamp,
        used: u64,
        now: Timestamp,
    ) -> Result<(), LimiterError> {
        self.working()?.corrections.push(Correction { claim, claimed_at, used, at: now });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{at, claim};

    #[tokio::test]
    async fn everything_is_admitted_and_remembered() {
        let limiter = OpenLimiter::default();
        let claims = [claim(5, 1), claim(0, 0)];
        let decision = limiter.admit(&claims, at(1)).await.expect("told");
        let Decision::Admitted(standings) = decision else { panic!("refused") };
        assert_eq!(standings.iter().map(|s| s.used).collect::<Vec<_>>(), [5, 0]);
        limiter.correct(claims[0], at(1), 3, at(2)).await.expect("told");
        assert_eq!(limiter.claims(), [(claims.to_vec(), at(1))]);
        let corrected = Correction { claim: claims[0], claimed_at: at(1), used: 3, at: at(2) };
        assert_eq!(limiter.corrections(), [corrected]);
    }

    #[tokio::test]
    async fn a_refusal_comes_once_and_a_broken_limiter_cannot_tell() {
        let limiter = OpenLimiter::default();
        let Claim { rule, .. } = claim(1, 1);
        let standing = Standing { rule, used: 1, reset: rule.window.length() };
        let refusal = Refusal { standing, wanted: 1, retry_after: None };
        limiter.refuse_next(refusal);
        let first = limiter.admit(&[claim(1, 1)], at(0)).await.expect("told");
        assert_eq!(first, Decision::Refused(refusal));
        let second = limiter.admit(&[claim(1, 1)], at(0)).await.expect("told");
        assert!(matches!(second, Decision::Admitted(_)));
        limiter.set_broken(true);
        assert!(limiter.admit(&[claim(1, 1)], at(0)).await.is_err());
        assert_eq!(limiter.claims().len(), 1);
    }
}
