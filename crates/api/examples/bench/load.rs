//! Callers: as many a second as wanted, however long answers take; or each as fast as it is
//! answered. Each is a thread with a connection of its own, and asks one target; the
//! targets are dealt out in turn. One failure ends the run.
use std::{
    io,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    connection::{Connection, Target},
    latency::Latencies,
};

/// How long callers get to connect and to ask once, unmeasured.
const SETTLING: Duration = Duration::from_millis(300);

/// What callers met who asked as fast as they were answered.
pub struct Throughput {
    /// Answers a second.
    pub rate: f64,
    /// How long each took.
    pub latencies: Latencies,
}

/// Up to where a latency is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// The first piece of the answer.
    First,
    /// Its end.
    End,
}

/// Asks `rate` times a second. A latency begins when its request was due, not when a caller came
/// to send it: what waits because others are slow has waited.
pub fn open_loop(
    targets: &[Target],
    rate: u32,
    lasting: Duration,
    until: Until,
) -> io::Result<Latencies> {
    let callers = usize::try_from(rate / 8).unwrap_or(64).clamp(8, 64);
    let requests = u32::try_from(lasting.as_millis()).unwrap_or(u32::MAX) / 1000 * rate
        + u32::try_from(lasting.as_millis() % 1000).unwrap_or(0) * rate / 1000;
    let next = AtomicU32::new(0);
    let begin = Instant::now() + SETTLING;
    each(callers, targets, |connection, target, latencies| {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            if place >= requests {
                return Ok(());
            }
            let due = begin + Duration::from_secs(1) * place / rate;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let answer = connection.exchange(target)?;
            latencies.add(match until {
                Until::First => answer.first.saturating_duration_since(due),
                Until::End => due.elapsed(),
            });
            answer.success()?;
        }
    })
}

/// Lets so many callers ask, each again as soon as it is answered.
pub fn closed_loop(
    targets: &[Target],
    callers: usize,
    lasting: Duration,
) -> io::Result<Throughput> {
    let begin = Instant::now() + SETTLING;
    let end = begin + lasting;
    let latencies = each(callers, targets, |connection, target, latencies| {
        thread::sleep(begin.saturating_duration_since(Instant::now()));
        loop {
            let asked = Instant::now();
            if asked >= end {
                return Ok(());
            }
            connection.exchange(target)?.success()?;
            latencies.add(asked.elapsed());
        }
    })?;
    let count = u32::try_from(latencies.count()).map_err(io::Error::other)?;
    Ok(Throughput { rate: f64::from(count) / begin.elapsed().as_secs_f64(), latencies })
}

/// Runs callers, each connected and warm, and gathers what they measured.
fn each(
    callers: usize,
    targets: &[Target],
    caller: impl Fn(&mut Connection, &Target, &mut Latencies) -> io::Result<()> + Sync,
) -> io::Result<Latencies> {
    let all = Mutex::new(Latencies::default());
    let run = |target: &Target| {
        let mut connection = Connection::open(target.address)?;
        connection.exchange(target)?.success()?;
        let mut own = Latencies::default();
        caller(&mut connection, target, &mut own)?;
        all.lock().unwrap_or_else(PoisonError::into_inner).append(own);
        Ok(())
    };
    thread::scope(|scope| {
        let running: Vec<_> = targets
            .iter()
            .cycle()
            .take(callers)
            .map(|target| scope.spawn(|| run(target)))
            .collect();
        running.into_iter().try_for_each(|caller| {
            caller.join().unwrap_or_else(|_| Err(io::Error::other("a caller panicked")))
        })
    })?;
    Ok(all.into_inner().unwrap_or_else(PoisonError::into_inner))
}
