use std::{env, fs, path::PathBuf, process};

use sea_orm::{DbBackend, TryGetable as _};
use tokio::{
    runtime,
    task::{JoinSet, spawn_blocking},
};

use super::*;
use crate::{Database, connection::opening};

const PATIENCE: Duration = Duration::from_secs(20);

/// A database, empty, and how it is called. A file goes with it.
struct Place {
    url: String,
    file: Option<PathBuf>,
}

impl Place {
    fn pool(&self, most: u32) -> Pool {
        self.patient_pool(most, PATIENCE)
    }

    fn patient_pool(&self, most: u32, patience: Duration) -> Pool {
        let database = Database::named(&self.url).expect("a database");
        Pool::new(opening(&self.url, &database).expect("an address"), most, patience)
    }

    fn statement(&self, sql: &str) -> Statement {
        let sqlite = self.file.is_some();
        Statement::from_string(if sqlite { DbBackend::Sqlite } else { DbBackend::Postgres }, sql)
    }

    /// A question that takes a while.
    fn long(&self) -> Statement {
        self.statement(if self.file.is_some() {
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) \
             SELECT COUNT(*) FROM n"
        } else {
            "SELECT 1 FROM pg_sleep(1)"
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            // Its log and index may be gone already.
            for end in ["", "-wal", "-shm"] {
                drop(fs::remove_file(format!("{}{end}", file.display())));
            }
        }
    }
}

/// Both databases, if there is a server.
fn places(name: &str) -> Vec<Place> {
    let file = env::temp_dir().join(format!("cape-pool-{name}-{}.db", process::id()));
    fs::write(&file, []).expect("a file");
    let mut places = vec![Place { url: format!("sqlite://{}", file.display()), file: Some(file) }];
    places.extend(server());
    places
}

fn server() -> Option<Place> {
    #[expect(clippy::disallowed_methods, reason = "tests have no other configuration")]
    let url = env::var("TEST_DATABASE_URL").ok()?;
    Some(Place { url, file: None })
}

fn idle(pool: &Pool) -> usize {
    pool.0.idle().len()
}

async fn ask(pool: &Pool, place: &Place) -> Result<i32, DbErr> {
    let row = pool.query_one(place.statement("SELECT 7")).await?.expect("a row");
    Ok(i32::try_get_by(&row, 0)?)
}

/// Lets what was spawned come to its end: connections that were left in the middle of something.
async fn settled(pool: &Pool) {
    for _ in 0..2_000 {
        if pool.0.permits.available_permits() == pool.0.most {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("a connection is lost");
}

#[tokio::test]
async fn one_who_asks_again_and_again_needs_one_connection() {
    for place in places("one") {
        let pool = place.pool(4);
        for _ in 0..20 {
            assert_eq!(ask(&pool, &place).await, Ok(7));
            assert_eq!(idle(&pool), 1);
        }
        let all = pool.query_all(place.statement("SELECT 1 UNION ALL SELECT 2")).await;
        assert_eq!(all.expect("rows").len(), 2);
        let none = pool.query_one(place.statement("SELECT 1 WHERE 1 = 0")).await;
        assert!(none.expect("an answer").is_none());
        assert_eq!(idle(&pool), 1);
        pool.close().await;
    }
}

#[tokio::test]
async fn many_share_as_many_connections_as_there_may_be() {
    for place in places("many") {
        let (pool, place) = (place.pool(3), Arc::new(place));
        let mut asking = JoinSet::new();
        for _ in 0..40 {
            let (pool, place) = (pool.clone(), place.clone());
            asking.spawn(async move { ask(&pool, &place).await });
        }
        while let Some(answer) = asking.join_next().await {
            assert_eq!(answer.expect("no panic"), Ok(7));
        }
        assert!((1..=3).contains(&idle(&pool)));
        assert_eq!(pool.0.permits.available_permits(), 3);
        pool.close().await;
    }
}

#[tokio::test]
async fn who_waits_too_long_is_told_so() {
    for place in places("patience") {
        let pool = place.patient_pool(1, Duration::from_secs(1));
        let used = pool.0.take().await.expect("the one connection");
        let refused = ask(&pool, &place).await.expect_err("no connection is free");
        assert_eq!(refused, DbErr::ConnectionAcquire(ConnAcquireErr::Timeout));
        drop(used);
        settled(&pool).await;
        assert_eq!(idle(&pool), 1, "nothing was wrong with it");
        pool.close().await;
    }
}

#[tokio::test]
async fn a_failed_statement_takes_no_connection_with_it() {
    for place in places("failed") {
        let pool = place.pool(1);
        for _ in 0..3 {
            let failed = pool.query_all(place.statement("SELECT nothing FROM nowhere")).await;
            assert!(matches!(failed, Err(DbErr::Query(_))), "{failed:?}");
            assert_eq!(ask(&pool, &place).await, Ok(7));
        }
        pool.close().await;
    }
}

#[tokio::test]
async fn who_stops_waiting_in_the_middle_leaves_nothing_behind() {
    for place in places("dropped") {
        let pool = place.pool(1);
        assert_eq!(ask(&pool, &place).await, Ok(7));
        let asking = timeout(Duration::from_millis(30), pool.query_all(place.long())).await;
        assert!(asking.is_err(), "it takes longer");
        // The next one gets the answer to its own question.
        assert_eq!(ask(&pool, &place).await, Ok(7));
        assert_eq!(idle(&pool), 1);
        pool.close().await;
    }
}

#[tokio::test]
async fn whoever_reads_writes_nothing() {
    for place in places("writing") {
        let pool = place.pool(1);
        let made = pool.execute_unprepared("CREATE TABLE looked (id INTEGER)").await;
        assert!(matches!(made, Err(DbErr::Exec(_))), "{made:?}");
        pool.close().await;
    }
}

#[tokio::test]
async fn closing_waits_for_who_is_asking_and_then_nobody_can() {
    for place in places("closing") {
        let pool = place.pool(2);
        let used = pool.0.take().await.expect("a connection");
        let closing = tokio::time::timeout(Duration::from_millis(30), pool.close()).await;
        assert!(closing.is_err(), "somebody has one");
        drop(used);
        pool.close().await;
        let refused = ask(&pool, &place).await.expect_err("it is closed");
        assert_eq!(refused, DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed));
        assert_eq!(idle(&pool), 0);
    }
}

/// Runs `work` in a runtime of its own, which has ended afterwards.
async fn elsewhere<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let done = spawn_blocking(move || {
        let own = runtime::Builder::new_current_thread().enable_all().build();
        own.expect("a runtime").block_on(work)
    });
    done.await.expect("no panic")
}

/// Which of its processes the server answers with: there is one for each connection.
async fn backend(pool: &Pool, place: &Place) -> i32 {
    let row = pool.query_one(place.statement("SELECT pg_backend_pid()")).await;
    i32::try_get_by(&row.expect("an answer").expect("a row"), 0).expect("a number")
}

#[tokio::test]
async fn a_connection_whose_runtime_has_ended_is_replaced() {
    for place in places("runtimes") {
        let place = Arc::new(place);
        for _ in 0..10 {
            let pool = place.pool(1);
            let (asked, from) = (pool.clone(), place.clone());
            assert_eq!(elsewhere(async move { ask(&asked, &from).await }).await, Ok(7));
            assert_eq!(idle(&pool), 1);
            assert_eq!(ask(&pool, &place).await, Ok(7));
            assert_eq!(idle(&pool), 1);
            pool.close().await;
        }
    }
}

#[tokio::test]
async fn every_runtime_gets_back_what_it_opened() {
    let Some(place) = server() else { return };
    let place = Arc::new(place);
    let pool = place.pool(2);
    let ours = backend(&pool, &place).await;
    let (asked, from) = (pool.clone(), place.clone());
    let theirs = elsewhere(async move {
        let first = backend(&asked, &from).await;
        assert_eq!(backend(&asked, &from).await, first);
        first
    });
    assert_ne!(theirs.await, ours);
    assert_eq!(backend(&pool, &place).await, ours);
    pool.close().await;
}

#[tokio::test]
async fn where_no_other_may_be_opened_one_of_another_runtime_is_used() {
    let Some(place) = server() else { return };
    let place = Arc::new(place);
    let pool = place.pool(1);
    let ours = backend(&pool, &place).await;
    let (asked, from) = (pool.clone(), place.clone());
    assert_eq!(elsewhere(async move { backend(&asked, &from).await }).await, ours);
    assert_eq!(backend(&pool, &place).await, ours);
    pool.close().await;
}
