//! What a change of a plan costs: said first, stored, and charged as it was said.
//!
//! What is left of the old plan is credited and the rest of the new one is charged, second by
//! second, in whole minor units: halves are rounded away from zero, each part for itself. Where the
//! interval changes, a new period begins, and all of it is charged.
use chrono::{SubsecRound as _, TimeDelta};

use super::{Subscription, SubscriptionRefusal, SubscriptionState, Terms};
use crate::{
    billing::{Calendar, Money, Period, PriceInterval, Zone},
    ids::{QuoteId, SubscriptionId, WorkspaceId},
    time::Timestamp,
};

/// What a change of a plan costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Its identity, and the idempotency key of the change.
    pub id: QuoteId,
    /// What is changed.
    pub subscription: SubscriptionId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The subscription's version that it is about: once that has changed, it is void.
    pub version: u32,
    /// What it is changed to.
    pub to: Terms,
    /// What is left of the old plan.
    pub credit: Money,
    /// What the new one costs until `renews_at`.
    pub charge: Money,
    /// From when on the new plan counts, to the second.
    pub at: Timestamp,
    /// When it is paid the next time.
    pub renews_at: Timestamp,
    /// How long it is good.
    pub expires_at: Timestamp,
}

/// Why a change cannot be had at a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuoteRefusal {
    /// The subscription is not in a state for it.
    #[error(transparent)]
    Subscription(#[from] SubscriptionRefusal),
    /// It is the same plan at the same price.
    #[error("the subscription is to this plan at this price already")]
    Same,
    /// A subscription stays in its currency.
    #[error("a subscription stays in its currency")]
    OtherCurrency,
    /// The sum does not fit.
    #[error("the price of the change is out of range")]
    OutOfRange,
    /// The subscription has changed since, or it is for another one.
    #[error("the quote is not about the subscription as it is now: ask for another one")]
    Stale,
    /// Its time is over.
    #[error("the quote has expired: ask for another one")]
    Expired,
}

impl Quote {
    /// How long a quote is good.
    pub const LIFE: TimeDelta = TimeDelta::minutes(15);

    /// What is charged at once; less than zero where the rest of the old plan is worth more, which
    /// is credited to later payments.
    #[must_use]
    pub fn due(&self) -> Money {
        // Both are parts of prices, which are far from the ends of the range.
        let minor = self.charge.minor().saturating_sub(self.credit.minor());
        Money::from_minor(minor, self.charge.currency())
    }

    /// Whether the change may be made as it was said.
    ///
    /// # Errors
    ///
    /// See [`QuoteRefusal`].
    pub fn check(&self, subscription: &Subscription, now: Timestamp) -> Result<(), QuoteRefusal> {
        subscription.change()?;
        if subscription.id != self.subscription || subscription.version != self.version {
            return Err(QuoteRefusal::Stale);
        }
        if self.expires_at <= now {
            return Err(QuoteRefusal::Expired);
        }
        Ok(())
    }
}

impl Subscription {
    /// What it costs to change to these terms at `now`.
    ///
    /// # Errors
    ///
    /// See [`QuoteRefusal`].
    pub fn quote(&self, id: QuoteId, to: Terms, now: Timestamp) -> Result<Quote, QuoteRefusal> {
        self.change()?;
        let (from, price) = (self.terms.price, to.price);
        if from.id == price.id {
            return Err(QuoteRefusal::Same);
        }
        if from.amount.currency() != price.amount.currency() {
            return Err(QuoteRefusal::OtherCurrency);
        }
        let (period, trial) = self.running()?;
        let at = now.trunc_subsecs(0).max(period.start()).min(period.end());
        let starts_anew = from.interval != price.interval && !trial;
        let renews_at =
            if starts_anew { a_period_later(at, price.interval)? } else { period.end() };
        let nothing = Money::from_minor(0, price.amount.currency());
        let (credit, charge) = match (trial, starts_anew) {
            (true, _) => (nothing, nothing),
            (false, true) => (rest(from.amount, period, at)?, price.amount),
            (false, false) => (rest(from.amount, period, at)?, rest(price.amount, period, at)?),
        };
        Ok(Quote {
            id,
            subscription: self.id,
            workspace: self.workspace,
            version: self.version,
            to,
            credit,
            charge,
            at,
            renews_at,
            expires_at: now + Quote::LIFE,
        })
    }

    /// The period that runs, and whether it costs nothing.
    fn running(&self) -> Result<(Period, bool), QuoteRefusal> {
        match self.state {
            SubscriptionState::Trialing { period } => Ok((period, true)),
            SubscriptionState::Active { period } => Ok((period, false)),
            SubscriptionState::Incomplete { .. }
            | SubscriptionState::PastDue { .. }
            | SubscriptionState::Paused { .. }
            | SubscriptionState::Canceling { .. }
            | SubscriptionState::Ended { .. } => Err(SubscriptionRefusal::NotBegun.into()),
        }
    }
}

fn a_period_later(at: Timestamp, interval: PriceInterval) -> Result<Timestamp, QuoteRefusal> {
    let calendar = Calendar { anchor: at, zone: Zone::UTC, interval };
    calendar.period(0).map(Period::end).ok_or(QuoteRefusal::OutOfRange)
}

/// The part of a price that falls upon the rest of a period.
fn rest(price: Money, period: Period, at: Timestamp) -> Result<Money, QuoteRefusal> {
    let seconds = |span: TimeDelta| i128::from(span.num_seconds());
    let (left, whole) = (seconds(period.end() - at), seconds(period.end() - period.start()));
    // Half a unit is added before the division: none of these is below zero.
    let minor = (i128::from(price.minor()) * left * 2 + whole) / (whole * 2).max(1);
    let minor = i64::try_from(minor).map_err(|_| QuoteRefusal::OutOfRange)?;
    Ok(Money::from_minor(minor, price.currency()))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{
        super::samples::{at, every_state, period, subscription, terms},
        *,
    };
    use crate::billing::Currency;

    const ID: QuoteId = QuoteId::new(Uuid::from_u128(9));

    /// Paid 29.00 from day 10 to day 40.
    fn active() -> Subscription {
        let state = SubscriptionState::Active { period: period(10, 40) };
        Subscription { remote: Some("sub_1".to_owned()), version: 3, ..subscription(state) }
    }

    fn yearly(minor: i64) -> Terms {
        let mut yearly = terms("pro", 6, minor);
        yearly.price.interval = PriceInterval::Year;
        yearly
    }

    #[test]
    fn what_is_left_is_credited_and_the_rest_is_charged_to_the_second() {
        let after = |seconds: i64| at(10) + TimeDelta::seconds(seconds);
        let day = 86_400;
        for (to, now, credit, charge, due, renews) in [
            // At the first second all of it, at the last none.
            (terms("enterprise", 5, 10_000), after(0), 2_900, 10_000, 7_100, at(40)),
            (terms("enterprise", 5, 10_000), after(15 * day), 1_450, 5_000, 3_550, at(40)),
            (terms("enterprise", 5, 10_000), after(30 * day), 0, 0, 0, at(40)),
            // 2 591 999 of 2 592 000 seconds: 2899.9989 and 9999.996.
            (terms("enterprise", 5, 10_000), after(1), 2_900, 10_000, 7_100, at(40)),
            // 29 and a half days of 30: 2851.67 and 9833.33.
            (terms("enterprise", 5, 10_000), after(day / 2), 2_852, 9_833, 6_981, at(40)),
            // Halves go up, each for itself: 50.5 of 101, 966.67 of 2900.
            (terms("basic", 5, 101), after(15 * day), 1_450, 51, -1_399, at(40)),
            (terms("basic", 5, 900), after(20 * day), 967, 300, -667, at(40)),
            // Another interval: a new period, all of it. A year from day 25.
            (yearly(29_000), after(15 * day), 1_450, 29_000, 27_550, at(25 + 365)),
        ] {
            let quote = active().quote(ID, to, now).expect("a quote");
            let minors = [quote.credit, quote.charge, quote.due()].map(Money::minor);
            assert_eq!(minors, [credit, charge, due], "at {now}");
            assert_eq!((quote.renews_at, quote.version), (renews, 3));
            assert_eq!(quote.expires_at, now + Quote::LIFE);
        }
    }

    #[test]
    fn a_change_within_a_trial_costs_nothing() {
        let state = SubscriptionState::Trialing { period: period(10, 40) };
        let trial = Subscription { state, ..active() };
        for to in [terms("enterprise", 5, 10_000), yearly(29_000)] {
            let quote = trial.quote(ID, to, at(20)).expect("a quote");
            assert_eq!((quote.due().minor(), quote.renews_at), (0, at(40)));
        }
    }

    #[test]
    fn the_clock_of_another_never_leads_out_of_the_period() {
        for (now, credit) in [(at(1), 2_900), (at(99), 0)] {
            let quote = active().quote(ID, terms("basic", 5, 900), now).expect("a quote");
            assert_eq!(quote.credit.minor(), credit);
            assert!(at(10) <= quote.at && quote.at <= at(40));
        }
    }

    #[test]
    fn what_cannot_be_changed_has_no_price() {
        let to = terms("enterprise", 5, 10_000);
        let quoted = |state| {
            let one = Subscription { state, ..active() };
            one.quote(ID, to.clone(), at(20)).is_ok()
        };
        let outcomes: Vec<_> = every_state().into_iter().map(quoted).collect();
        assert_eq!(outcomes, [false, false, true, true, false, false, false, false]);
        let same = active().quote(ID, terms("pro", 4, 2_900), at(20));
        assert_eq!(same, Err(QuoteRefusal::Same));
        let mut rands = terms("enterprise", 5, 10_000);
        rands.price.amount = Money::from_minor(10_000, Currency::ZAR);
        assert_eq!(active().quote(ID, rands, at(20)), Err(QuoteRefusal::OtherCurrency));
    }

    #[test]
    fn a_quote_is_good_for_what_it_was_about_and_for_a_quarter_of_an_hour() {
        let quote = active().quote(ID, terms("basic", 5, 900), at(20)).expect("a quote");
        assert_eq!(quote.check(&active(), at(20)), Ok(()));
        let late = at(20) + Quote::LIFE;
        assert_eq!(quote.check(&active(), late - TimeDelta::microseconds(1)), Ok(()));
        assert_eq!(quote.check(&active(), late), Err(QuoteRefusal::Expired));
        let moved_on = Subscription { version: 4, ..active() };
        assert_eq!(quote.check(&moved_on, at(20)), Err(QuoteRefusal::Stale));
        let other = Subscription { id: SubscriptionId::new(Uuid::from_u128(77)), ..active() };
        assert_eq!(quote.check(&other, at(20)), Err(QuoteRefusal::Stale));
        let state = SubscriptionState::Canceling { period: period(10, 40) };
        let canceling = Subscription { state, ..active() };
        let refused = QuoteRefusal::Subscription(SubscriptionRefusal::AlreadyCanceling);
        assert_eq!(quote.check(&canceling, at(20)), Err(refused));
    }
}
