//! What calls cost: beside the provider called directly, beside a plain proxy, and beside the commits
//! that the same database makes. Sides are measured in turns.
use std::{thread, time::Duration};

use crate::{
    Args,
    commits::CommitRates,
    connection::Target,
    figures::{Added, Figures, Memory, Other, Starts, Sustained},
    latency::Latencies,
    load::{self, Until},
    place::Place,
    platform::{self, Call, Platform, Sandbox},
    proxy::Proxy,
    streams,
};

/// Requests a second whose latency is measured.
const RATES: [u32; 3] = [100, 500, 1000];
/// Streams a second whose first piece is waited for.
const STREAM_RATES: [u32; 2] = [100, 500];
/// How many callers at once are tried for the highest rate.
const CALLERS: [usize; 5] = [4, 8, 16, 32, 64];
/// How many ask the others, and for streams.
const MANY: usize = 32;
/// Turns that the sides take at each rate.
const TURNS: u32 = 6;
/// How often the platform is started anew.
const STARTS: usize = 9;
/// How long the platform is left alone before its memory is read.
const REST: Duration = Duration::from_secs(3);

/// The same call, made in three ways.
struct Sides {
    direct: Vec<Target>,
    proxied: Vec<Target>,
    through: Vec<Target>,
}

/// Measures everything.
pub fn measure(args: &Args, place: &Place) -> anyhow::Result<Figures> {
    let sandbox = Sandbox::start(&args.binary, place)?;
    let begin = || Platform::start(&args.binary, place, sandbox.address);

    let platform = begin()?;
    let first_start = platform.ready_after;
    thread::sleep(REST);
    let fresh = platform.process.memory()?.now;
    let proxy = Proxy::start(place, sandbox.address)?;
    let keys = platform.keys()?;
    let sides = |call| Sides {
        direct: sandbox.calls(call),
        proxied: proxy.calls(call),
        through: platform.calls(call, &keys),
    };
    let (whole, streamed) = (sides(Call::Whole), sides(Call::Streamed));
    // Passwords were hashed: that is no part of the load.
    platform.process.forget_peak()?;
    let lasting = Duration::from_secs(args.seconds.into());
    for targets in [&whole.direct, &whole.proxied, &whole.through, &streamed.through] {
        load::open_loop(targets, 200, Duration::from_secs(2), Until::End)?;
    }
    let mut compared = Vec::new();
    for rate in RATES {
        compared.push(added(rate, lasting, &whole, Until::End)?);
    }
    for rate in STREAM_RATES {
        compared.push(added(rate, lasting, &streamed, Until::First)?);
    }
    let commits = CommitRates::measure(place)?;
    let carry =
        |callers, lasting, targets: &[Target]| sustained(callers, lasting, &platform, targets);
    let one_workspace = carry(16, lasting / 3, &whole.through[..1])?;
    let carried = CALLERS.map(|callers| carry(callers, lasting / 2, &whole.through));
    let carried_streams = carry(MANY, lasting / 2, &streamed.through)?;
    let others = others(lasting / 3, &whole, &streamed)?;
    let loaded = platform.process.memory()?.peak;
    thread::sleep(REST);
    let rested = platform.process.memory()?.now;
    let streams = streams::measure(&platform, &platform.calls(Call::Slow, &keys))?;
    platform.stop()?;

    let mut ready = Latencies::default();
    for _ in 0..STARTS {
        let platform = begin()?;
        ready.add(platform.ready_after);
        platform.stop()?;
    }
    platform::check_ledger(&args.binary, place)?;
    Ok(Figures {
        added: compared,
        one_workspace,
        sustained: carried.into_iter().collect::<anyhow::Result<_>>()?,
        streamed: carried_streams,
        commits,
        others,
        streams,
        memory: Memory { fresh, loaded, rested },
        starts: Starts { first: first_start, again: ready },
    })
}

/// All sides at the same rate, in short turns.
fn added(rate: u32, lasting: Duration, sides: &Sides, until: Until) -> anyhow::Result<Added> {
    let mut added = Added {
        rate,
        until,
        direct: Latencies::default(),
        proxied: Latencies::default(),
        through: Latencies::default(),
    };
    for _ in 0..TURNS {
        for (targets, side) in [
            (&sides.direct, &mut added.direct),
            (&sides.proxied, &mut added.proxied),
            (&sides.through, &mut added.through),
        ] {
            side.append(load::open_loop(targets, rate, lasting / TURNS, until)?);
        }
    }
    Ok(added)
}

fn others(lasting: Duration, whole: &Sides, streamed: &Sides) -> anyhow::Result<Vec<Other>> {
    let sides = [
        ("the sandbox alone", &whole.direct),
        ("the plain proxy", &whole.proxied),
        ("the sandbox alone, streaming", &streamed.direct),
        ("the plain proxy, streaming", &streamed.proxied),
    ];
    let other = |(what, targets): (_, &Vec<Target>)| {
        let rate = load::closed_loop(targets, MANY, lasting)?.rate;
        Ok(Other { what, rate })
    };
    sides.into_iter().map(other).collect()
}

fn sustained(
    callers: usize,
    lasting: Duration,
    platform: &Platform,
    through: &[Target],
) -> anyhow::Result<Sustained> {
    let before = platform.process.cpu_time()?;
    let outcome = load::closed_loop(through, callers, lasting)?;
    let cpu = platform.process.cpu_time()?.saturating_sub(before);
    Ok(Sustained {
        callers,
        rate: outcome.rate,
        cpu_per_call: cpu / u32::try_from(outcome.latencies.count().max(1))?,
        latencies: outcome.latencies,
    })
}
