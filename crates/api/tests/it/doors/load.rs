//! Five hundred who sign in at once, at a platform that is a process of its own and hashes
//! passwords as it does in earnest: so many at a time as it was told, in no more memory than that
//! takes, while whoever is signed in does not notice.
use std::{
    cell::Cell,
    fs,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    app::{
        Http, Place,
        caller::{PASSWORD, Person},
    },
    kill::program::Program,
};

const LOGINS: usize = 500;
/// How many accounts share the logins.
const ACCOUNTS: usize = 10;
/// How many passwords are hashed at a time, and the memory of one: the defaults.
const HASH_THREADS: u64 = 2;
const HASH_KIB: u64 = 19 * 1024;
/// What five hundred connections and their requests may take besides, and what the allocator
/// keeps of it. Without the bound, hashing alone would take 9 500 MiB.
const SLACK_KIB: u64 = 64 * 1024;

/// How often the profile is asked for until its 99th percentile is told, and how often that is.
const WINDOW: usize = 100;
const IDLE_WINDOWS: usize = 5;
/// The median of the windows' percentiles may be so many times what it is when nothing else goes
/// on; up to the floor, it may be whatever it is: two cores hash, serve, and ask. If somebody who
/// is signed in had to wait for hashes, it would be for seconds.
const SLOWER: u32 = 3;
const FLOOR: Duration = Duration::from_millis(100);

/// Hashing takes some seconds; on a busy machine it may be many.
const PATIENCE: Duration = Duration::from_mins(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_logins_take_the_memory_of_two_and_slow_nobody_down() {
    let place = Place::sqlite().await;
    let program = Program::with(
        &place,
        &[
            ("CAPE_SANDBOX__ENABLED", "false"),
            ("CAPE_HTTP__FLOOD__ENABLED", "false"),
            ("CAPE_ACCOUNTS__THROTTLE", "off"),
            ("CAPE_ACCOUNTS__HASH_THREADS", "2"),
            ("CAPE_HTTP__REQUEST_TIMEOUT", "4min"),
        ],
    );
    let http = Http::to(program.url().to_owned());
    for number in 0..ACCOUNTS {
        http.register(&email(number)).await.with(201);
    }
    let ada = http.sign_in(&email(0)).await;
    let idle = median(windows(&ada, |told| told < IDLE_WINDOWS).await);

    // What it takes in any case, hashes of registering included.
    let before = peak(&program);
    let over = Cell::new(false);
    let logins = async {
        let all = tokio::time::timeout(PATIENCE, sign_in_all(http));
        all.await.expect("all are answered");
        over.set(true);
    };
    let ((), busy) = tokio::join!(logins, windows(&ada, |told| told == 0 || !over.get()));
    let busy = median(busy);
    let grown = peak(&program) - before;

    assert!(grown <= HASH_THREADS * HASH_KIB + SLACK_KIB, "it has grown by {grown} KiB");
    let bound = (idle * SLOWER).max(FLOOR);
    assert!(busy <= bound, "a profile takes {busy:?}, and {idle:?} when nothing else goes on");
    program.stop();
}

fn email(number: usize) -> String {
    format!("person{number}@example.com")
}

/// All of them at once. Each is let in.
async fn sign_in_all(http: Http) {
    let mut logins = JoinSet::new();
    for number in 0..LOGINS {
        let body = json!({ "email": email(number % ACCOUNTS), "password": PASSWORD });
        let login = http.request("POST", "/api/auth/login").json(&body);
        logins.spawn(async move { login.send().await.expect("an answer").status() });
    }
    let answers = logins.join_all().await;
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
}

/// The 99th percentile of each window of profiles, while more are wanted.
async fn windows(person: &Person, more: impl Fn(usize) -> bool) -> Vec<Duration> {
    let mut percentiles = Vec::new();
    while more(percentiles.len()) {
        let mut latencies = Vec::new();
        for _ in 0..WINDOW {
            let asked = Instant::now();
            person.get("/api/user/profile").await.with(200);
            latencies.push(asked.elapsed());
        }
        latencies.sort_unstable();
        percentiles.push(latencies[WINDOW * 99 / 100 - 1]);
    }
    percentiles
}

fn median(mut durations: Vec<Duration>) -> Duration {
    durations.sort_unstable();
    durations[durations.len() / 2]
}

/// The most memory that a process ever had in RAM, in KiB, as its kernel tells.
fn peak(program: &Program) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", program.id()));
    let status = status.expect("the kernel tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
    line.split_whitespace().next().expect("a number").parse().expect("a number")
}
