//! What is done about a payment that failed, and when.
use chrono::TimeDelta;

use crate::time::Timestamp;

/// When somebody who did not pay is reminded, and when it is given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DunningRules {
    /// So long after the payment failed, one reminder each.
    reminders: Vec<TimeDelta>,
    /// For so long after the last reminder the plan's rights stay open; then it is free.
    grace: TimeDelta,
}

/// Something that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DunningStep {
    /// The reminder with this number, from 1.
    Reminder(u8),
    /// The end of the subscription.
    Downgrade,
}

impl Default for DunningRules {
    fn default() -> Self {
        Self { reminders: [3, 6, 9].map(TimeDelta::days).to_vec(), grace: TimeDelta::days(7) }
    }
}

impl DunningRules {
    /// Reminders so long after the payment failed, and a grace after the last one.
    #[must_use]
    pub fn new(mut reminders: Vec<TimeDelta>, grace: TimeDelta) -> Self {
        reminders.sort_unstable();
        Self { reminders, grace }
    }

    /// When it is given up.
    #[must_use]
    pub fn downgrade_at(&self, since: Timestamp) -> Timestamp {
        since + self.reminders.last().copied().unwrap_or_default() + self.grace
    }

    /// What comes after the reminder with this number, and when.
    #[must_use]
    pub fn next(&self, since: Timestamp, reminded: u8) -> (DunningStep, Timestamp) {
        match self.reminders.get(usize::from(reminded)) {
            Some(after) => (DunningStep::Reminder(reminded.saturating_add(1)), since + *after),
            None => (DunningStep::Downgrade, self.downgrade_at(since)),
        }
    }

    /// The step that is due at `now` where a payment is owed since then. A reminder whose
    /// successor is due, too, is not: nobody gets three mails at once because a server was off.
    #[must_use]
    pub fn due(&self, since: Timestamp, now: Timestamp) -> Option<DunningStep> {
        if self.downgrade_at(since) <= now {
            return Some(DunningStep::Downgrade);
        }
        let due = self.reminders.iter().filter(|after| since + **after <= now).count();
        u8::try_from(due).ok().filter(|number| *number > 0).map(DunningStep::Reminder)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::samples::at, *};

    #[test]
    fn reminders_come_at_three_six_and_nine_days_and_after_seven_more_it_is_over() {
        let rules = DunningRules::default();
        let due = [9, 10, 12, 13, 15, 16, 19, 25, 26, 90].map(|day| rules.due(at(10), at(day)));
        let reminder = |number| Some(DunningStep::Reminder(number));
        let end = Some(DunningStep::Downgrade);
        assert_eq!(
            due,
            [
                None,
                None,
                None,
                reminder(1),
                reminder(1),
                reminder(2),
                reminder(3),
                reminder(3),
                end,
                end
            ]
        );
        assert_eq!(rules.downgrade_at(at(10)), at(26));
        let next = [0, 1, 2, 3, 9].map(|reminded| rules.next(at(10), reminded));
        let steps = [(1, 13), (2, 16), (3, 19)]
            .map(|(number, day)| (DunningStep::Reminder(number), at(day)));
        assert_eq!(next[..3], steps);
        assert_eq!(next[3..], [(DunningStep::Downgrade, at(26)); 2]);
    }

    #[test]
    fn without_reminders_there_is_only_the_grace() {
        let rules = DunningRules::new(vec![], TimeDelta::days(2));
        let due = [0, 1, 2].map(|day| rules.due(at(0), at(day)));
        assert_eq!(due, [None, None, Some(DunningStep::Downgrade)]);
    }
}
