//! The figures as a table, which is markdown as it stands.
use std::time::Duration;

use crate::{
    figures::{
        AccountFigures, Added, Compared, Figures, Other, Streams, Sustained, WebhookFigures,
    },
    load::Until,
    machine::Machine,
    place::Place,
    streams::STREAMS,
};

/// What the platform may add to the median latency of a call, at 500 a second.
const ADDED_MEDIAN: Duration = Duration::from_millis(1);
/// What it may add to the latency that 99 in 100 calls do not exceed, at 500 a second.
const ADDED_P99: Duration = Duration::from_millis(5);
/// What it may add to the median time to the first piece of a stream.
const ADDED_FIRST: Duration = Duration::from_millis(2);
/// At which rate these hold.
const BAR_RATE: u32 = 500;
/// How many calls a second it has to carry.
const CARRIED: f64 = 3000.0;
/// What memory it may have with all streams open, in KiB.
const STREAMING: u64 = 150 * 1024;
/// How soon it has to be ready.
const READY: Duration = Duration::from_millis(500);
/// What memory it may have while nobody asks, in KiB.
const IDLE: u64 = 60 * 1024;

/// How much of a bare route's rate a profile has to reach.
const PROFILES: f64 = 0.7;
/// How much of the rate of bare hashes logins have to reach.
const LOGINS: f64 = 0.9;

/// How much of the rate of bare commits messages of Stripe have to reach, until they were acted on.
const WEBHOOKS: f64 = 0.2;

type Line = [String; 3];

/// Prints what it was made on.
#[expect(clippy::print_stdout, reason = "it is what was asked for")]
pub fn print_machine(machine: &Machine) {
    println!("{}", machine.line());
}

/// Prints what calls cost.
#[expect(clippy::print_stdout, reason = "it is what was asked for")]
pub fn print_calls(place: &Place, figures: &Figures) {
    println!("\n{}", table(&lines(place, figures)));
}

/// Prints what knowing people costs.
#[expect(clippy::print_stdout, reason = "it is what was asked for")]
pub fn print_accounts(place: &Place, figures: &AccountFigures) {
    println!("\n{}", table(&accounts(place, figures)));
}

/// Prints what messages of Stripe cost.
#[expect(clippy::print_stdout, reason = "it is what was asked for")]
pub fn print_webhooks(place: &Place, figures: &WebhookFigures) {
    println!("\n{}", table(&webhooks(place, figures)));
}

fn webhooks(place: &Place, figures: &WebhookFigures) -> Vec<Line> {
    let WebhookFigures { messages, taken_in, acted_on, commits } = figures;
    let rate = |lasting: Duration| {
        f64::from(u32::try_from(*messages).unwrap_or(0)) / lasting.as_secs_f64()
    };
    let ratio = rate(*acted_on) / commits.power;
    let met = if ratio >= WEBHOOKS { "met" } else { "MISSED" };
    let per_second = |rate: f64, what: &str| format!("{rate:.0} {what}/s");
    vec![
        line(place.database(), "measured", "bar"),
        line("messages taken in", per_second(rate(*taken_in), "messages"), ""),
        line("messages acted on", per_second(rate(*acted_on), "messages"), ""),
        line("single rows that survive a power cut", per_second(commits.power, "commits"), ""),
        line("acted on : single rows", format!("{ratio:.2}"), format!("{WEBHOOKS}: {met}")),
    ]
}

fn accounts(place: &Place, figures: &AccountFigures) -> Vec<Line> {
    let AccountFigures { verifications, profiles, logins } = figures;
    let rate = |rate: f64, what: &str| format!("{rate:.0} {what}/s");
    let ratio = |compared: &Compared, bar: f64| {
        let ratio = compared.ratio();
        let met = if ratio >= bar { "met" } else { "MISSED" };
        line("their ratio", format!("{ratio:.2}"), format!("{bar}: {met}"))
    };
    vec![
        line(place.database(), "measured", "bar"),
        line("new access tokens verified, one thread", rate(verifications.first, "tokens"), ""),
        line("the same tokens again", rate(verifications.again, "tokens"), ""),
        line("own profile", rate(profiles.ours, "answers"), ""),
        line("the same statement, bare", rate(profiles.bare, "answers"), ""),
        ratio(profiles, PROFILES),
        line("logins", rate(logins.ours, "logins"), ""),
        line("passwords compared, and nothing else", rate(logins.bare, "passwords"), ""),
        ratio(logins, LOGINS),
    ]
}

fn lines(place: &Place, figures: &Figures) -> Vec<Line> {
    let mut lines = vec![line(place.database(), "measured", "bar")];
    lines.extend(figures.added.iter().flat_map(added));
    lines.extend(figures.sustained.iter().map(|each| sustained("as fast as answered", each)));
    lines.push(sustained("all of one workspace", &figures.one_workspace));
    lines.push(sustained("streaming", &figures.streamed));
    lines.extend(rates(figures));
    lines.extend(streams(&figures.streams));
    lines.extend(memory(figures));
    lines.extend(starts(figures));
    lines
}

fn added(added: &Added) -> Vec<Line> {
    let what = match added.until {
        Until::First => "streams/s, first piece",
        Until::End => "calls/s",
    };
    let rate = added.rate;
    let sides = [
        ("direct", &added.direct),
        ("through the plain proxy", &added.proxied),
        ("through the platform", &added.through),
    ];
    let mut lines: Vec<_> = sides
        .map(|(side, latencies)| {
            let three = [50, 95, 99].map(|percent| millis(latencies.percentile(percent)));
            line(format!("{rate} {what}, {side}: p50 / p95 / p99"), three.join(" / "), "")
        })
        .into();
    let two = |side| [50, 99].map(|percent| added.at(side, percent));
    let said = |two: [Duration; 2]| two.map(millis).join(" / ");
    let (proxy, platform) = (two(&added.proxied), two(&added.through));
    lines.push(line(format!("{rate} {what}, the proxy adds: p50 / p99"), said(proxy), ""));
    let what = format!("{rate} {what}, the platform adds: p50 / p99");
    lines.push(line(what, said(platform), bar(added, platform)));
    lines
}

/// What the bars say of what was added; nothing, at rates that have none.
fn bar(added: &Added, [median, p99]: [Duration; 2]) -> String {
    match added.until {
        Until::First | Until::End if added.rate != BAR_RATE => String::new(),
        Until::First => verdict(median, ADDED_FIRST, "2 ms"),
        Until::End => {
            let median = verdict(median, ADDED_MEDIAN, "1 ms");
            format!("{median}; {}", verdict(p99, ADDED_P99, "5 ms"))
        }
    }
}

fn sustained(how: &str, sustained: &Sustained) -> Line {
    let Sustained { callers, rate, latencies, cpu_per_call } = sustained;
    let measured = format!(
        "{rate:.0} calls/s, p50 {}, p99 {}, {} of the processor each",
        millis(latencies.percentile(50)),
        millis(latencies.percentile(99)),
        millis(*cpu_per_call),
    );
    line(format!("{callers} callers, {how}"), measured, "")
}

fn rates(figures: &Figures) -> Vec<Line> {
    let highest = figures.highest().map_or(0.0, |highest| highest.rate);
    let met = if highest >= CARRIED { "met" } else { "MISSED" };
    let mut lines =
        vec![line("highest rate", format!("{highest:.0} calls/s"), format!("{CARRIED}/s: {met}"))];
    for (commits, what) in [
        (figures.commits.process, "bare commits that survive the process"),
        (figures.commits.power, "bare commits that survive a power cut"),
    ] {
        let measured =
            format!("{commits:.0} commits/s; calls : commits = {:.2}", highest / commits);
        lines.push(line(what, measured, ""));
    }
    let other = |other: &Other| line(other.what, format!("{:.0} answers/s", other.rate), "");
    lines.extend(figures.others.iter().map(other));
    lines
}

fn streams(streams: &Streams) -> Vec<Line> {
    let Streams { before, open_together, peak, begun_after, over_after } = *streams;
    let (begun, over) = (millis(begun_after), millis(over_after));
    let what = |what| format!("{STREAMS} streams at once: {what}");
    let most = verdict(peak, STREAMING, "150 MB");
    vec![
        line(what("memory before"), mebibytes(before), ""),
        line(what("memory, all open"), mebibytes(open_together), ""),
        line(what("memory, the most"), mebibytes(peak), most),
        line(what("all begun / all over after"), format!("{begun} / {over}"), ""),
    ]
}

fn memory(figures: &Figures) -> Vec<Line> {
    let memory = &figures.memory;
    vec![
        line("memory, idle", mebibytes(memory.fresh), verdict(memory.fresh, IDLE, "60 MB")),
        line("memory, the most under load", mebibytes(memory.loaded), ""),
        line("memory, idle after the load", mebibytes(memory.rested), ""),
    ]
}

fn starts(figures: &Figures) -> Vec<Line> {
    let (first, again) = (figures.starts.first, &figures.starts.again);
    let (median, longest) = (again.percentile(50), again.percentile(100));
    let measured = format!("{} (longest {})", millis(median), millis(longest));
    let what = format!("start to ready, median of {}", again.count());
    vec![
        line(what, measured, verdict(median, READY, "500 ms")),
        line("start to ready, making the database", millis(first), ""),
    ]
}

fn verdict<T: PartialOrd>(measured: T, bar: T, text: &str) -> String {
    let met = if measured <= bar { "met" } else { "MISSED" };
    format!("{text}: {met}")
}

fn line(what: impl Into<String>, measured: impl Into<String>, bar: impl Into<String>) -> Line {
    [what.into(), measured.into(), bar.into()]
}

fn millis(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1000.0)
}

fn mebibytes(kibibytes: u64) -> String {
    let tenths = kibibytes * 10 / 1024;
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

/// A table in markdown, its columns aligned.
fn table(lines: &[Line]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths = [0, 1, 2].map(|column| width(column).unwrap_or(0));
    let mut rows: Vec<String> = lines
        .iter()
        .map(|[what, measured, bar]| {
            let [a, b, c] = widths;
            format!("| {what:a$} | {measured:b$} | {bar:c$} |")
        })
        .collect();
    rows.insert(1, format!("|{}|", widths.map(|width| "-".repeat(width + 2)).join("|")));
    rows.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_met_or_missed() {
        assert_eq!(verdict(2, 2, "two"), "two: met");
        assert_eq!(verdict(3, 2, "two"), "two: MISSED");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let lines = [line("what", "measured", "bar"), line("a", "1.00 ms", "2 ms: met")];
        let expected = "| what | measured | bar       |\n\
                        |------|----------|-----------|\n\
                        | a    | 1.00 ms  | 2 ms: met |";
        assert_eq!(table(&lines), expected);
    }
}
