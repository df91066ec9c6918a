//! Trying again when somebody else was faster. *Not* for a store that is unavailable: that
//! one needs time, and its caller an answer.
use cape_domain::store::StoreError;

/// How often a unit of work is tried, the first time included.
pub(crate) const TRIES: usize = 3;

/// An error that may come from losing a race.
pub(crate) trait Contended {
    /// Whether the same steps may succeed on what is stored now.
    fn is_conflict(&self) -> bool;
}

impl Contended for StoreError {
    fn is_conflict(&self) -> bool {
        Self::is_conflict(self)
    }
}

/// Awaits a whole unit of work, from begin to commit, until it meets no conflict; three times at
/// most. The expression is evaluated anew for each attempt. (It is a macro because the future
/// of an async closure cannot be shown to be `Send`, and these run in tracked tasks.)
macro_rules! retry {
    ($work:expr) => {{
        let mut tries = 1;
        loop {
            match $work.await {
                Err(error)
                    if tries < $crate::retry::TRIES
                        && $crate::retry::Contended::is_conflict(&error) =>
                {
                    tries += 1;
                }
                outcome => break outcome,
            }
        }
    }};
}
pub(crate) use retry;

#[cfg(test)]
mod tests {
    use super::*;

    async fn attempts(conflicts: usize) -> (usize, bool) {
        let mut made = 0;
        let outcome = retry!(async {
            made += 1;
            if made > conflicts { Ok(()) } else { Err(StoreError::Conflict { what: "row" }) }
        });
        (made, outcome.is_ok())
    }

    #[tokio::test]
    async fn a_lost_race_is_run_again_but_not_for_ever() {
        assert_eq!(attempts(0).await, (1, true));
        assert_eq!(attempts(2).await, (3, true));
        assert_eq!(attempts(3).await, (3, false));
    }
}
