//! How answers go wrong, as somebody told the sandbox: each fault waits for a request that it fits.
use std::time::Duration;

use serde_json::{Value, json};

/// What happens instead of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// Another answer, with this status.
    Status(u16),
    /// The connection breaks in the middle of the answer.
    Cut,
    /// No answer comes for so long, and then the connection breaks.
    Timeout(Duration),
    /// The key is one of another account.
    WrongAccount,
    /// Nothing: it only takes longer.
    Late,
}

/// A fault that waits for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    method: Option<String>,
    path: String,
    skip: u64,
    times: u64,
    /// What happens.
    pub(crate) mishap: Mishap,
    /// Whether what was asked is done all the same.
    pub(crate) executed: bool,
    /// Before anything happens.
    pub(crate) latency: Duration,
    /// Seconds, in the header `Retry-After`.
    pub(crate) retry_after: Option<u64>,
}

/// Faults that wait, the first one first.
#[derive(Default)]
pub(crate) struct Faults(Vec<Fault>);

const LONGEST: u64 = 60_000;

impl Faults {
    /// The fault that this request meets, if there is one. It is used up by that.
    pub(crate) fn meet(&mut self, method: &str, path: &str) -> Option<Fault> {
        let fits = |fault: &Fault| {
            fault.method.as_deref().is_none_or(|wanted| wanted == method)
                && path.starts_with(&fault.path)
        };
        let place = self.0.iter().position(fits)?;
        let fault = &mut self.0[place];
        if fault.skip > 0 {
            fault.skip -= 1;
            return None;
        }
        fault.times -= 1;
        let met = fault.clone();
        if met.times == 0 {
            self.0.remove(place);
        }
        Some(met)
    }

    /// Adds a fault as it is told. Gives what was not understood.
    pub(crate) fn add(&mut self, told: &Value) -> Result<(), String> {
        const KNOWN: [&str; 10] = [
            "method",
            "path",
            "skip",
            "times",
            "fault",
            "status",
            "executed",
            "latency_ms",
            "seconds",
            "retry_after",
        ];
        let unknown = told
            .as_object()
            .and_then(|told| told.keys().find(|name| !KNOWN.contains(&name.as_str())));
        if let Some(name) = unknown {
            return Err(format!("unknown field `{name}`"));
        }
        let number = |name: &str, usual: u64| match told.get(name) {
            None => Ok(usual),
            Some(value) => value.as_u64().ok_or(format!("`{name}` is no number")),
        };
        let mishap = match told["fault"].as_str() {
            Some("status") => {
                let status = u16::try_from(number("status", 500)?).ok();
                let status = status.filter(|status| (400..600).contains(status));
                Mishap::Status(status.ok_or("`status` is none of a failure")?)
            }
            Some("cut") => Mishap::Cut,
            Some("timeout") => {
                Mishap::Timeout(Duration::from_millis((number("seconds", 60)? * 1000).min(LONGEST)))
            }
            Some("wrong_account") => Mishap::WrongAccount,
            Some("late") => Mishap::Late,
            _ => return Err("`fault` is status, cut, timeout, wrong_account or late".into()),
        };
        let executed = mishap == Mishap::Late || told["executed"].as_bool().unwrap_or(false);
        self.0.push(Fault {
            method: told["method"].as_str().map(str::to_ascii_uppercase),
            path: told["path"].as_str().unwrap_or("/v1").to_owned(),
            skip: number("skip", 0)?,
            times: number("times", 1)?.max(1),
            mishap,
            executed,
            latency: Duration::from_millis(number("latency_ms", 0)?.min(LONGEST)),
            retry_after: told.get("retry_after").map(|_| number("retry_after", 0)).transpose()?,
        });
        Ok(())
    }

    /// Forgets all faults.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Those that wait.
    pub(crate) fn show(&self) -> Value {
        let waiting = self.0.iter().map(|fault| {
            json!({
                "method": fault.method, "path": fault.path, "skip": fault.skip, "times": fault.times,
                "fault": format!("{:?}", fault.mishap), "executed": fault.executed,
            })
        });
        json!({ "faults": waiting.collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_waits_for_the_request_that_it_fits_and_is_used_up() {
        let mut faults = Faults::default();
        let told = json!({"method": "post", "path": "/v1/refunds", "times": 2, "fault": "cut"});
        assert_eq!(faults.add(&told), Ok(()));
        assert_eq!(faults.meet("GET", "/v1/refunds"), None);
        assert_eq!(faults.meet("POST", "/v1/customers"), None);
        let told = json!({"path": "/v1/refunds", "fault": "cut", "skip": 1});
        assert_eq!(faults.add(&told), Ok(()));
        for left in [true, true, false, true, false] {
            assert_eq!(faults.meet("POST", "/v1/refunds/re_1").is_some(), left);
        }
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (told, word) in [
            (json!({"fault": "melt"}), "`fault`"),
            (json!({"fault": "cut", "when": 1}), "`when`"),
            (json!({"fault": "status", "status": 200}), "`status`"),
            (json!({"fault": "cut", "times": "two"}), "`times`"),
        ] {
            let refused = Faults::default().add(&told).expect_err("refused");
            assert!(refused.contains(word), "{refused}");
        }
    }
}
