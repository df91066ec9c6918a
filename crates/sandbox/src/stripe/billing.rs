//! How an account has chosen to be: how long drafts wait, when a failed invoice is tried again, and what
//! becomes of a subscription that nobody pays.
use serde_json::{Value, json};

/// What becomes of a subscription when the last try has failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LastResort {
    /// It is canceled.
    #[default]
    Cancel,
    /// It stays, as `unpaid`.
    Unpaid,
    /// It stays, as `past_due`.
    PastDue,
}

/// How an account has chosen to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Billing {
    /// How long a renewal's draft waits, in seconds.
    pub(crate) draft_seconds: i64,
    /// Days from each failed try to the next one.
    pub(crate) retry_days: Vec<i64>,
    /// What happens after the last of them.
    pub(crate) last_resort: LastResort,
}

impl Default for Billing {
    fn default() -> Self {
        Self { draft_seconds: 60 * 60, retry_days: vec![3, 5, 7], last_resort: LastResort::Cancel }
    }
}

impl Billing {
    /// As it is told and shown.
    pub(crate) fn show(&self) -> Value {
        let last = match self.last_resort {
            LastResort::Cancel => "cancel",
            LastResort::Unpaid => "unpaid",
            LastResort::PastDue => "past_due",
        };
        json!({
            "draft_seconds": self.draft_seconds, "retry_days": self.retry_days,
            "after_retries": last,
        })
    }

    /// Takes over what is told; the rest stays. Gives what was not understood.
    pub(crate) fn set(&mut self, told: &Value) -> Result<(), String> {
        let whole = |value: &Value| value.as_i64().filter(|n| (0..=31_536_000).contains(n));
        if let Some(value) = told.get("draft_seconds") {
            self.draft_seconds = whole(value).ok_or("draft_seconds is no number of seconds")?;
        }
        if let Some(value) = told.get("retry_days") {
            let days = value.as_array().map(|days| days.iter().map(whole).collect());
            self.retry_days = days.flatten().ok_or("retry_days is no array of days")?;
        }
        if let Some(value) = told.get("after_retries") {
            self.last_resort = match value.as_str() {
                Some("cancel") => LastResort::Cancel,
                Some("unpaid") => LastResort::Unpaid,
                Some("past_due") => LastResort::PastDue,
                _ => return Err("after_retries is cancel, unpaid or past_due".into()),
            };
        }
        Ok(())
    }
}
