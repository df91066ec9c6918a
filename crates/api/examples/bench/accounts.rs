//! What knowing people costs: verifying their tokens, showing their profiles and signing them in,
//! each beside the least that it could cost. Sides are measured in turns.
use std::time::Duration;

use crate::{
    Args,
    bare::Bare,
    connection::Target,
    figures::{AccountFigures, Compared},
    hashes::Hashes,
    load,
    place::Place,
    platform::{PASSWORD, Platform, Sandbox},
    verifications,
};

/// Turns that two sides take.
const TURNS: u32 = 6;
/// How many ask for their profiles at once.
const READERS: usize = 16;
/// How many sign in at once: enough that one is always waiting for a thread that hashes.
const NEWCOMERS: usize = 8;
/// As many as there are, the callers are dealt out to.
const PEOPLE: u32 = 16;

/// Measures everything.
pub fn measure(args: &Args, place: &Place) -> anyhow::Result<AccountFigures> {
    let lasting = Duration::from_secs(args.seconds.into());
    let verifications = verifications::measure()?;
    let sandbox = Sandbox::start(&args.binary, place)?;
    let platform = Platform::start(&args.binary, place, sandbox.address)?;
    let bare = Bare::start(place)?;
    let mut profiles = [Vec::new(), Vec::new()];
    let mut logins = Vec::new();
    for number in 0..PEOPLE {
        let person = platform.sign_in(number)?;
        profiles[0].push(platform.profile(&person));
        profiles[1].push(bare.profile(person.id, &person.access_token));
        logins.push(platform.login(number));
    }
    let [through, direct] = &profiles;
    for targets in [through, direct] {
        load::closed_loop(targets, READERS, lasting / TURNS)?;
    }
    let ask = |targets: &[Target], callers, lasting| load::closed_loop(targets, callers, lasting);
    let profiles = compare(
        || Ok(ask(through, READERS, lasting / TURNS)?.rate),
        || Ok(ask(direct, READERS, lasting / TURNS)?.rate),
    )?;
    let hashes = Hashes::prepare(PASSWORD)?;
    let turn = lasting * 2 / TURNS;
    let logins = compare(|| Ok(ask(&logins, NEWCOMERS, turn)?.rate), || hashes.rate(turn))?;
    platform.stop()?;
    Ok(AccountFigures { verifications, profiles, logins })
}

/// The mean rates of the two sides, in turns.
fn compare(
    ours: impl Fn() -> anyhow::Result<f64>,
    least: impl Fn() -> anyhow::Result<f64>,
) -> anyhow::Result<Compared> {
    let mut sums = Compared { ours: 0.0, bare: 0.0 };
    for _ in 0..TURNS {
        sums.ours += ours()?;
        sums.bare += least()?;
    }
    let turns = f64::from(TURNS);
    Ok(Compared { ours: sums.ours / turns, bare: sums.bare / turns })
}
