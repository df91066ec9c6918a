//! Many streams at once, each slow: what they take of the platform's memory while all are open.
use std::{
    io,
    time::{Duration, Instant},
};

use crate::{
    connection::{Connection, Target},
    figures::Streams,
    platform::{Platform, SLOW},
};

/// How many are open at once.
pub const STREAMS: usize = 2000;

/// Opens all of them, reads the platform's memory while they run, and reads each to its end.
pub fn measure(platform: &Platform, targets: &[Target]) -> anyhow::Result<Streams> {
    platform.process.forget_peak()?;
    let before = platform.process.memory()?.now;
    let begun = Instant::now();
    let mut open = targets
        .iter()
        .cycle()
        .take(STREAMS)
        .map(|target| {
            let mut connection = Connection::open(target.address)?;
            connection.send(target)?;
            Ok(connection)
        })
        .collect::<io::Result<Vec<_>>>()?;
    let mut begun_after = Duration::ZERO;
    let mut answers = Vec::with_capacity(STREAMS);
    for connection in &mut open {
        answers.push(connection.first_piece()?);
        begun_after = begun.elapsed();
    }
    anyhow::ensure!(begun_after < SLOW, "the first was over before the last had begun");
    let open_together = platform.process.memory()?.now;
    for (connection, answer) in open.iter_mut().zip(answers) {
        let body = connection.rest(answer)?.success()?;
        let is_whole = body.ends_with(b"data: [DONE]\n\n");
        anyhow::ensure!(is_whole, "a stream ended early: {}", String::from_utf8_lossy(&body));
    }
    let peak = platform.process.memory()?.peak;
    Ok(Streams { before, open_together, peak, begun_after, over_after: begun.elapsed() })
}
