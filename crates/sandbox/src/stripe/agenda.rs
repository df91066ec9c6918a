//! What falls due, in the order of its time. Whether it still holds when it does is for whoever does it
//! to see: nothing is ever crossed out.
use std::collections::BTreeMap;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A checkout session is past its time.
    ExpireSession(String),
    /// A subscription's first payment was not made in time.
    ExpireSubscription(String),
    /// A change that waits for its payment was not paid in time.
    ExpireChange(String),
    /// A trial ends soon.
    WarnOfTrialEnd(String),
    /// A period of a subscription ends, or its trial.
    EndPeriod(String),
    /// A subscription was to end at this time.
    Cancel(String),
    /// Collection was paused until this time.
    ResumeCollection(String),
    /// A draft is done.
    Finalize(String),
    /// An invoice is tried again.
    Retry(String),
}

/// What falls due.
#[derive(Default)]
pub(crate) struct Agenda {
    made: u64,
    steps: BTreeMap<(i64, u64), Step>,
}

impl Agenda {
    /// Notes a step for this second.
    pub(crate) fn note(&mut self, at: i64, step: Step) {
        self.made += 1;
        self.steps.insert((at, self.made), step);
    }

    /// Hands out the next step that is due, and when it was.
    pub(crate) fn next(&mut self, now: i64) -> Option<(i64, Step)> {
        let first = self.steps.first_entry().filter(|entry| entry.key().0 <= now)?;
        let ((at, _), step) = first.remove_entry();
        Some((at, step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_handed_out_in_the_order_of_their_time_and_then_of_their_making() {
        let mut agenda = Agenda::default();
        for (at, id) in [(7, "c"), (5, "a"), (5, "b"), (9, "d")] {
            agenda.note(at, Step::Finalize(id.into()));
        }
        let due: Vec<_> = std::iter::from_fn(|| agenda.next(7)).collect();
        let expected = [(5, "a"), (5, "b"), (7, "c")];
        assert_eq!(due, expected.map(|(at, id)| (at, Step::Finalize(id.into()))));
        assert_eq!(agenda.next(8), None);
    }
}
