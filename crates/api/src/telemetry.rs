//! The log and the metrics of this process.
//!
//! What is *not* here: what is logged and counted. Whoever does that leaves out secrets and the
//! texts of prompts.
use std::{
    io::{self, IsTerminal as _},
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt, util::SubscriberInitExt as _};

use crate::config::{Format, Telemetry};

/// From half a millisecond, which is our own work, to the two minutes that a model may take.
const SECONDS: [f64; 16] = [
    0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 120.0,
];

/// How often what was measured is gathered, whether somebody looks at it or not.
const UPKEEP: Duration = Duration::from_secs(5);

/// Why the log cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is none.
    #[error("telemetry.log: is no filter")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Somebody else in this process writes one already.
    #[error("the log is written already")]
    Taken(#[from] tracing_subscriber::util::TryInitError),
}

/// Begins to write this process's log, to standard error: standard output is for answers. Records
/// of the `log` crate are in it.
///
/// # Errors
///
/// [`LogError`] when the filter is malformed, or when it was begun before.
pub fn begin_log(section: &Telemetry) -> Result<(), LogError> {
    let log = fmt()
        .with_env_filter(EnvFilter::try_new(&section.log)?)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    match section.format {
        Format::Pretty => log.finish().try_init()?,
        Format::Json => {
            log.json().flatten_event(true).with_current_span(true).finish().try_init()?;
        }
    }
    Ok(())
}

/// The metrics of this process, which everything in it counts into. They are set up once;
/// afterwards this gives another handle. Names that end in `_seconds` are histograms with fixed
/// buckets. Whoever runs the process calls `run_upkeep` now and then, so that what was observed
/// does not pile up between two readings.
///
/// # Errors
///
/// [`BuildError`] when something else in this process collects metrics already.
pub fn metrics() -> Result<PrometheusHandle, BuildError> {
    static METRICS: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
    let mut metrics = METRICS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*metrics {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .install_recorder()?;
    *metrics = Some(handle.clone());
    let kept = handle.clone();
    thread::spawn(move || {
        loop {
            thread::sleep(UPKEEP);
            kept.run_upkeep();
        }
    });
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_counted_in_buckets_and_every_handle_tells_the_same() {
        let first = metrics().expect("metrics");
        let second = metrics().expect("the same metrics");
        metrics::histogram!("cape_test_seconds").record(0.003);
        metrics::counter!("cape_test_total").increment(2);
        for told in [first.render(), second.render()] {
            assert!(told.contains("cape_test_seconds_bucket{le=\"0.002\"} 0"), "{told}");
            assert!(told.contains("cape_test_seconds_bucket{le=\"0.005\"} 1"), "{told}");
            assert!(told.contains("cape_test_total 2"), "{told}");
        }
    }
}
