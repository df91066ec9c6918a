//! What the provider's word makes of a subscription.
//!
//! Every state is computed from what the provider says now, and from the rules: whoever observes
//! the same ends in the same state, from wherever it came. `now` plays no part. Only what has
//! ended stays so, and nothing is ever concluded from a word that is not known.
use std::fmt;

use super::{
    DunningRules, EndReason, RemoteStatus, RemoteSubscription, Subscription, SubscriptionState,
    Terms,
};
use crate::{billing::Period, time::Timestamp};

/// What a look at the provider's subscription means for ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reduced {
    /// Nothing new.
    Unchanged,
    /// It is otherwise now.
    Changed(Subscription),
    /// What was said is not understood. It is as it was, but for the note of that.
    Odd(Subscription),
}

/// Something that the provider said and that makes no sense to us, in words for who looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity(String);

impl Oddity {
    /// The longest that is kept of what somebody else wrote.
    const LONGEST: usize = 200;

    /// Keeps what was said, as far as it is not too long.
    #[must_use]
    pub fn new(said: impl Into<String>) -> Self {
        let mut said = said.into().replace(char::is_control, " ");
        if let Some((end, _)) = said.char_indices().nth(Self::LONGEST) {
            said.truncate(end);
        }
        Self(said)
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Subscription {
    /// Takes note of what the provider knows. `terms` are what its price was sold as, if we sold
    /// it.
    #[must_use]
    pub fn observe(
        self,
        remote: &RemoteSubscription,
        terms: Option<Terms>,
        rules: &DunningRules,
    ) -> Reduced {
        let seen = match self.seen(remote, terms, rules) {
            Ok(seen) => seen,
            Err(oddity) => {
                if self.oddity.as_ref() == Some(&oddity) {
                    return Reduced::Unchanged;
                }
                return Reduced::Odd(Self { oddity: Some(oddity), ..self });
            }
        };
        if seen == self { Reduced::Unchanged } else { Reduced::Changed(seen) }
    }

    fn seen(
        &self,
        remote: &RemoteSubscription,
        terms: Option<Terms>,
        rules: &DunningRules,
    ) -> Result<Self, Oddity> {
        if let Some(known) = self.remote.as_ref().filter(|known| **known != remote.id) {
            return Err(Oddity::new(format!("it is {known}, but {} says so, too", remote.id)));
        }
        let state = remote.state(&self.state, rules)?;
        if self.state.has_ended() {
            if state.has_ended() {
                return Ok(Self { oddity: None, ..self.clone() });
            }
            return Err(Oddity::new(format!("it has ended, but is {}", remote.status.name())));
        }
        let terms = match (&remote.price, terms) {
            // Whatever it cost, it is over.
            _ if state.has_ended() => self.terms.clone(),
            (Some(_), Some(terms)) => terms,
            (Some(price), None) => {
                return Err(Oddity::new(format!("its price {price} was never sold here")));
            }
            (None, _) => return Err(Oddity::new("it has no price, or several")),
        };
        let id = Some(remote.id.clone());
        Ok(Self { remote: id, state, terms, oddity: None, ..self.clone() })
    }

    /// Takes note of where it can be paid. Only what was not paid yet can be opened; any other
    /// stays as it is.
    #[must_use]
    pub fn open(self, checkout: super::OpenedCheckout) -> Option<Self> {
        match self.state {
            SubscriptionState::Incomplete { checkout: None } => {
                let state = SubscriptionState::Incomplete { checkout: Some(checkout) };
                Some(Self { state, ..self })
            }
            SubscriptionState::Incomplete { checkout: Some(_) }
            | SubscriptionState::Trialing { .. }
            | SubscriptionState::Active { .. }
            | SubscriptionState::PastDue { .. }
            | SubscriptionState::Paused { .. }
            | SubscriptionState::Canceling { .. }
            | SubscriptionState::Ended { .. } => None,
        }
    }

    /// Takes note that nobody can pay it any more. Only what the provider has not made a
    /// subscription of can be abandoned; any other stays as it is.
    #[must_use]
    pub fn abandon(self, now: Timestamp) -> Option<Self> {
        match (&self.state, &self.remote) {
            (SubscriptionState::Incomplete { .. }, None) => {
                let reason = EndReason::Abandoned;
                Some(Self { state: SubscriptionState::Ended { at: now, reason }, ..self })
            }
            (
                SubscriptionState::Incomplete { .. }
                | SubscriptionState::Trialing { .. }
                | SubscriptionState::Active { .. }
                | SubscriptionState::PastDue { .. }
                | SubscriptionState::Paused { .. }
                | SubscriptionState::Canceling { .. }
                | SubscriptionState::Ended { .. },
                _,
            ) => None,
        }
    }
}

impl RemoteSubscription {
    fn state(
        &self,
        before: &SubscriptionState,
        rules: &DunningRules,
    ) -> Result<SubscriptionState, Oddity> {
        Ok(match &self.status {
            RemoteStatus::Incomplete => match before {
                SubscriptionState::Incomplete { checkout } => {
                    SubscriptionState::Incomplete { checkout: checkout.clone() }
                }
                SubscriptionState::Trialing { .. }
                | SubscriptionState::Active { .. }
                | SubscriptionState::PastDue { .. }
                | SubscriptionState::Paused { .. }
                | SubscriptionState::Canceling { .. }
                | SubscriptionState::Ended { .. } => {
                    SubscriptionState::Incomplete { checkout: None }
                }
            },
            RemoteStatus::IncompleteExpired => self.ended(EndReason::Abandoned)?,
            RemoteStatus::Canceled if self.unpaid => self.ended(EndReason::Unpaid)?,
            RemoteStatus::Canceled => self.ended(EndReason::Canceled)?,
            RemoteStatus::Trialing | RemoteStatus::Active if self.ends_at.is_some() => {
                SubscriptionState::Canceling { period: self.rest()? }
            }
            RemoteStatus::Trialing => SubscriptionState::Trialing { period: self.paid()? },
            RemoteStatus::Active => SubscriptionState::Active { period: self.paid()? },
            RemoteStatus::PastDue | RemoteStatus::Unpaid => {
                let period = self.paid()?;
                let since = period.start();
                let until = rules.downgrade_at(since);
                let canceling = self.ends_at.is_some();
                let reminded = reminders_of(before, since);
                SubscriptionState::PastDue { period, since, until, canceling, reminded }
            }
            RemoteStatus::Paused => SubscriptionState::Paused { since: self.paid()?.start() },
            RemoteStatus::Unknown(word) => {
                return Err(Oddity::new(format!("its status is `{word}`")));
            }
        })
    }

    fn paid(&self) -> Result<Period, Oddity> {
        let missing = || Oddity::new(format!("{} without a period", self.status.name()));
        self.period.ok_or_else(missing)
    }

    /// The period, as far as it goes before the end.
    fn rest(&self) -> Result<Period, Oddity> {
        let period = self.paid()?;
        let end = self.ends_at.map_or(period.end(), |end| end.min(period.end()));
        Period::new(period.start(), end).map_err(|_| Oddity::new("it ends before it begins"))
    }

    fn ended(&self, reason: EndReason) -> Result<SubscriptionState, Oddity> {
        let at = self.ended_at.ok_or_else(|| Oddity::new("it is over, but not since when"))?;
        Ok(SubscriptionState::Ended { at, reason })
    }
}

/// The last reminder of what is owed since then.
fn reminders_of(before: &SubscriptionState, owed: Timestamp) -> u8 {
    match before {
        SubscriptionState::PastDue { since, reminded, .. } if *since == owed => *reminded,
        SubscriptionState::PastDue { .. }
        | SubscriptionState::Incomplete { .. }
        | SubscriptionState::Trialing { .. }
        | SubscriptionState::Active { .. }
        | SubscriptionState::Paused { .. }
        | SubscriptionState::Canceling { .. }
        | SubscriptionState::Ended { .. } => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            OpenedCheckout,
            samples::{at, every_state, period, subscription, terms},
        },
        *,
    };

    fn remote(status: RemoteStatus) -> RemoteSubscription {
        RemoteSubscription {
            id: "sub_1".to_owned(),
            subscription: Some(subscription(every_state().remove(0)).id),
            status,
            period: Some(period(40, 70)),
            ends_at: None,
            ended_at: None,
            unpaid: false,
            price: Some("price_1".to_owned()),
        }
    }

    fn every_word() -> Vec<RemoteSubscription> {
        let canceled =
            RemoteSubscription { ended_at: Some(at(50)), ..remote(RemoteStatus::Canceled) };
        vec![
            remote(RemoteStatus::Incomplete),
            RemoteSubscription { status: RemoteStatus::IncompleteExpired, ..canceled.clone() },
            remote(RemoteStatus::Trialing),
            remote(RemoteStatus::Active),
            RemoteSubscription { ends_at: Some(at(70)), ..remote(RemoteStatus::Active) },
            remote(RemoteStatus::PastDue),
            remote(RemoteStatus::Unpaid),
            RemoteSubscription { ends_at: Some(at(70)), ..remote(RemoteStatus::PastDue) },
            remote(RemoteStatus::Paused),
            canceled.clone(),
            RemoteSubscription { unpaid: true, ..canceled },
            remote(RemoteStatus::Unknown("frozen".to_owned())),
        ]
    }

    fn told(state: SubscriptionState, remote: &RemoteSubscription) -> Reduced {
        let terms = Some(terms("pro", 4, 2_900));
        subscription(state).observe(remote, terms, &DunningRules::default())
    }

    fn line(state: &SubscriptionState) -> String {
        match state {
            SubscriptionState::Ended { reason, .. } => format!("ended {}", reason.name()),
            SubscriptionState::PastDue { canceling: true, .. } => "past_due canceling".to_owned(),
            other => other.name().to_owned(),
        }
    }

    #[test]
    fn every_state_that_goes_on_becomes_what_the_provider_says_and_nothing_else() {
        let expected = [
            "incomplete",
            "ended abandoned",
            "trialing",
            "active",
            "canceling",
            "past_due",
            "past_due",
            "past_due canceling",
            "paused",
            "ended canceled",
            "ended unpaid",
            "odd",
        ];
        for state in every_state().into_iter().filter(|state| !state.has_ended()) {
            let seen: Vec<_> = every_word()
                .iter()
                .map(|word| match told(state.clone(), word) {
                    Reduced::Unchanged => format!("{} as before", state.name()),
                    Reduced::Changed(after) => line(&after.state),
                    Reduced::Odd(after) => {
                        assert_eq!(after.state, state);
                        "odd".to_owned()
                    }
                })
                .collect();
            assert_eq!(seen, expected, "from {}", state.name());
        }
    }

    #[test]
    fn what_has_ended_stays_so_and_somebody_looks_where_it_is_paid_for() {
        let ended = every_state().pop().expect("a state");
        let seen: Vec<_> = every_word()
            .iter()
            .map(|word| match told(ended.clone(), word) {
                Reduced::Unchanged => "unchanged",
                Reduced::Changed(_) => "changed",
                Reduced::Odd(after) => {
                    assert_eq!(after.state, ended);
                    "odd"
                }
            })
            .collect();
        let [odd, same] = ["odd", "unchanged"];
        assert_eq!(seen, [odd, same, odd, odd, odd, odd, odd, odd, odd, same, same, odd]);
    }

    #[test]
    fn the_same_word_changes_nothing_the_second_time_wherever_it_was_heard_first() {
        for word in every_word() {
            let mut heard = Vec::new();
            for state in every_state().into_iter().filter(|state| !state.has_ended()) {
                match told(state, &word) {
                    Reduced::Changed(after) | Reduced::Odd(after) => {
                        let again = after.clone().observe(
                            &word,
                            Some(after.terms.clone()),
                            &DunningRules::default(),
                        );
                        assert_eq!(again, Reduced::Unchanged, "{word:?}");
                        heard.push(after.state);
                    }
                    Reduced::Unchanged => {}
                }
            }
            let known = !matches!(word.status, RemoteStatus::Unknown(_) | RemoteStatus::Incomplete);
            assert!(!known || heard.windows(2).all(|two| two[0] == two[1]), "{heard:?}");
        }
    }

    #[test]
    fn times_are_the_providers() {
        let active = SubscriptionState::Active { period: period(10, 40) };
        for (word, expected) in [
            (
                remote(RemoteStatus::PastDue),
                SubscriptionState::PastDue {
                    period: period(40, 70),
                    since: at(40),
                    until: at(56),
                    canceling: false,
                    reminded: 0,
                },
            ),
            (
                RemoteSubscription { ends_at: Some(at(60)), ..remote(RemoteStatus::Active) },
                SubscriptionState::Canceling { period: period(40, 60) },
            ),
            (
                RemoteSubscription { ended_at: Some(at(45)), ..remote(RemoteStatus::Canceled) },
                SubscriptionState::Ended { at: at(45), reason: EndReason::Canceled },
            ),
        ] {
            let Reduced::Changed(after) = told(active.clone(), &word) else { panic!("{word:?}") };
            assert_eq!(after.state, expected);
        }
    }

    #[test]
    fn reminders_are_counted_for_one_payment() {
        let owed = |from| SubscriptionState::PastDue {
            period: period(from, from + 30),
            since: at(from),
            until: at(from + 16),
            canceling: false,
            reminded: 2,
        };
        let word = RemoteSubscription { ends_at: Some(at(70)), ..remote(RemoteStatus::PastDue) };
        for (from, expected) in [(40, 2), (10, 0)] {
            let Reduced::Changed(after) = told(owed(from), &word) else { panic!("{word:?}") };
            let SubscriptionState::PastDue { reminded, .. } = after.state else {
                panic!("{after:?}")
            };
            assert_eq!(reminded, expected);
        }
    }

    #[test]
    fn what_is_missing_or_foreign_is_odd_and_changes_nothing_but_the_note() {
        let active = SubscriptionState::Active { period: period(10, 40) };
        let rules = DunningRules::default();
        let sold = || Some(terms("pro", 4, 2_900));
        let one = Subscription { remote: Some("sub_1".to_owned()), ..subscription(active.clone()) };
        for (word, terms) in [
            (RemoteSubscription { period: None, ..remote(RemoteStatus::Active) }, sold()),
            (remote(RemoteStatus::Canceled), sold()),
            (RemoteSubscription { ends_at: Some(at(1)), ..remote(RemoteStatus::Active) }, sold()),
            (RemoteSubscription { id: "sub_2".to_owned(), ..remote(RemoteStatus::Active) }, sold()),
            (remote(RemoteStatus::Active), None),
            (RemoteSubscription { price: None, ..remote(RemoteStatus::Active) }, sold()),
        ] {
            let Reduced::Odd(odd) = one.clone().observe(&word, terms.clone(), &rules) else {
                panic!("{word:?}")
            };
            let oddity = odd.oddity.clone();
            assert_eq!(odd, Subscription { oddity: oddity.clone(), ..one.clone() });
            assert!(oddity.is_some_and(|said| !said.as_str().is_empty()));
            assert_eq!(odd.observe(&word, terms, &rules), Reduced::Unchanged, "noted once");
        }
    }

    #[test]
    fn a_word_that_is_understood_clears_the_note_and_a_new_price_changes_the_terms() {
        let active = SubscriptionState::Active { period: period(40, 70) };
        let odd = Subscription {
            oddity: Some(Oddity::new("its status is `frozen`")),
            remote: Some("sub_1".to_owned()),
            ..subscription(active)
        };
        let dearer = terms("enterprise", 5, 10_000);
        let word = remote(RemoteStatus::Active);
        let seen = odd.clone().observe(&word, Some(dearer.clone()), &DunningRules::default());
        assert_eq!(seen, Reduced::Changed(Subscription { oddity: None, terms: dearer, ..odd }));
    }

    #[test]
    fn only_what_was_not_paid_is_opened_or_abandoned() {
        let checkout = || OpenedCheckout { id: "cs_2".to_owned(), url: "https://pay".to_owned() };
        let outcomes = every_state().into_iter().map(|state| {
            let one = subscription(state);
            (one.clone().open(checkout()).is_some(), one.abandon(at(1)).is_some())
        });
        let [never, both, abandoned] = [(false, false), (true, true), (false, true)];
        let expected = [both, abandoned, never, never, never, never, never, never];
        assert!(outcomes.eq(expected));
        let made = Subscription {
            remote: Some("sub_1".to_owned()),
            ..subscription(SubscriptionState::Incomplete { checkout: None })
        };
        assert_eq!(made.abandon(at(1)), None, "the provider knows more");
    }

    #[test]
    fn what_others_wrote_is_kept_as_far_as_it_is_not_too_long() {
        let oddity = Oddity::new("ä\u{0}\n".repeat(300));
        assert_eq!(oddity.as_str().chars().count(), Oddity::LONGEST);
        assert!(!oddity.as_str().contains(char::is_control));
    }
}
