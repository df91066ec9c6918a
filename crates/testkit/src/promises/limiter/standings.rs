//! Where rules stand, for who only looks.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the promises")]
use cape_domain::usage::{Limiter, Rule, Subject};

use super::steps::{ask, odd, per_minute, tokens_per_hour, used};
use crate::fixtures::RIVAL;

/// The same as who claims is told, in the order of the rules, also of what nobody claimed yet.
/// Looking counts nothing and changes nothing, even where everything is used.
pub async fn whoever_looks_where_rules_stand_counts_nothing(limiter: &dyn Limiter) {
    let (requests, tokens) = (per_minute(2), tokens_per_hour(100));
    let foreign = Rule { subject: Subject::Workspace(RIVAL), ..requests };
    ask(limiter, requests, 2, odd(0)).await.expect("admitted");
    let claimed = ask(limiter, tokens, 60, odd(0)).await.expect("admitted");
    for _ in 0..5 {
        let rules = [tokens, requests, foreign];
        let standings = limiter.standings(&rules, odd(0)).await.expect("told");
        assert_eq!(standings.iter().map(|s| s.rule).collect::<Vec<_>>(), rules);
        assert_eq!(standings.iter().map(|s| s.used).collect::<Vec<_>>(), [60, 2, 0]);
        assert_eq!(standings[0], claimed);
        assert!(standings[2].reset.is_zero(), "nothing has to be forgotten");
    }
    assert_eq!(limiter.standings(&[], odd(0)).await.expect("told"), []);
    assert_eq!(used(limiter, requests, odd(1)).await, 2);
    ask(limiter, tokens, 40, odd(1)).await.expect("as much as was left");
    let later = limiter.standings(&[requests], odd(62)).await.expect("told");
    assert_eq!((later[0].used, later[0].remaining()), (0, 2), "it is forgotten");
}
