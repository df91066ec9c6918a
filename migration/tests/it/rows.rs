//! Rows that are there when the schema changes.
use cape_migration::{down, status, up};
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, Statement};

use crate::databases::{PostgresDatabase, SqliteFile};

#[tokio::test]
async fn a_database_in_use_becomes_what_it_would_be_and_goes_back() {
    let file = SqliteFile::new();
    there_and_back_with_rows(&file.url()).await;
    let Some(database) = PostgresDatabase::create().await else { return };
    there_and_back_with_rows(&database.url).await;
    database.remove().await;
}

/// The last step of the schema that the rows are of.
const THEN: &str = "m0007_usage";

const USER: &str = "00000000-0000-0000-0000-00000000000a";
const WORKSPACE: &str = "00000000-0000-0000-0000-00000000000b";

async fn there_and_back_with_rows(url: &str) {
    up(url).await.expect("up");
    back(url).await;
    let database = Database::connect(url).await.expect("a database");
    move_in(&database).await;
    database.close().await.expect("closed");

    up(url).await.expect("up with rows");
    let database = Database::connect(url).await.expect("a database");
    let sessions = "SELECT CAST(epoch AS text) || state || coalesce(end_reason, '-')
        || coalesce(device, '-') || coalesce(address, '-') || coalesce(network, '-') AS line
        FROM sessions WHERE created_at = authenticated_at AND last_seen_at = rotated_at
        AND salt IS NOT NULL AND authenticated_at < rotated_at ORDER BY epoch";
    assert_eq!(lines(&database, sessions).await, ["1live----", "2endedtheft---"]);
    let users = "SELECT email AS line FROM users WHERE deactivated_at IS NULL";
    assert_eq!(lines(&database, users).await, ["ada@example.com"]);
    let keys = "SELECT name || scopes || models || networks AS line FROM api_keys
        WHERE expires_at IS NULL AND spending_cap IS NULL AND last_used_at IS NULL
        AND NOT ends_with_password";
    assert_eq!(lines(&database, keys).await, ["cichat,models"]);
    let news = "SELECT kind || epoch AS line FROM control_changes WHERE subject = id ORDER BY at";
    assert_eq!(lines(&database, news).await, ["session_epoch3"]);
    let subscriptions = "SELECT plan || state || coalesce(end_reason, '-') || version AS line
        FROM subscriptions WHERE created_at = coalesce(period_start, created_at) ORDER BY state";
    assert_eq!(lines(&database, subscriptions).await, ["proactive-0", "proendedcanceled0"]);
    let prices = "SELECT CAST(amount_minor AS text) AS line FROM plan_prices
        WHERE plan = 'pro' AND until IS NULL AND id IS NOT NULL ORDER BY currency, interval";
    assert_eq!(lines(&database, prices).await, ["2900", "29000", "52900", "499000"]);
    let changed = "UPDATE plan_prices SET until = since WHERE plan = 'pro' AND currency = 'ZAR'";
    database.execute_unprepared(changed).await.expect("prices that are not asked any more");
    let owing = "UPDATE subscriptions SET state = 'past_due' WHERE state = 'active'";
    database.execute_unprepared(owing).await.expect("a state that is new");
    let nobody = "SELECT email AS line FROM users WHERE operator";
    assert_eq!(lines(&database, nobody).await, [""; 0]);
    let stopped = "INSERT INTO control_changes (id, at, kind, subject, epoch)
        SELECT user_id, created_at, 'switches_changed', user_id, 1 FROM sessions WHERE epoch = 1";
    database.execute_unprepared(stopped).await.expect("news that are new");
    assert_eq!(lines(&database, news).await.len(), 2);
    let closed = "UPDATE sessions SET state = 'ended', end_reason = 'deactivated', device = 'a'
        WHERE state = 'live'";
    database.execute_unprepared(closed).await.expect("a reason that is new");
    database.close().await.expect("closed");

    back(url).await;
    let database = Database::connect(url).await.expect("a database");
    let reasons = "SELECT end_reason AS line FROM sessions ORDER BY epoch";
    assert_eq!(lines(&database, reasons).await, ["logged_out", "theft"]);
    assert_eq!(lines(&database, news).await, ["session_epoch3"]);
    let subscriptions = "SELECT plan || state AS line FROM subscriptions";
    assert_eq!(lines(&database, subscriptions).await, ["proended"], "others are dropped");
    let prices = "SELECT CAST(amount_minor AS text) AS line FROM plan_prices WHERE plan = 'pro'
        ORDER BY interval";
    assert_eq!(lines(&database, prices).await, ["2900", "29000"], "those that are asked");
    let unheard = "UPDATE control_changes SET kind = 'switches_changed'";
    database.execute_unprepared(unheard).await.expect_err("news that are not known yet");
    let unheard = "UPDATE sessions SET end_reason = 'deactivated'";
    database.execute_unprepared(unheard).await.expect_err("a reason that is not known yet");
    database.close().await.expect("closed");
}

/// Takes back every step that came later.
async fn back(url: &str) {
    let steps = status(url).await.expect("a status");
    let later = steps.iter().rev().take_while(|step| step.name != THEN).count();
    down(url, Some(later.try_into().expect("a few"))).await.expect("back");
}

async fn move_in(database: &DatabaseConnection) {
    let session = |number: u32, state: &str, reason: &str| {
        format!(
            "INSERT INTO sessions (id, user_id, workspace_id, epoch, generation, rotated_at,
                used_generation, salt, authenticated_at, state, state_at, end_reason, version)
            VALUES ('00000000-0000-0000-0000-00000000000{number}', '{USER}', '{WORKSPACE}',
                {number}, 3, '2026-01-02 00:00:00+00:00', 2, 'salt', '2026-01-01 00:00:00+00:00',
                '{state}', '2026-02-01 00:00:00+00:00', {reason}, 4)"
        )
    };
    for statement in [
        format!(
            "INSERT INTO users (id, email, password, user_type, created_at, version)
            VALUES ('{USER}', 'ada@example.com', '', 'customer', '2026-01-01 00:00:00+00:00', 0)"
        ),
        format!(
            "INSERT INTO workspaces (id, name, created_at)
            VALUES ('{WORKSPACE}', 'Acme', '2026-01-01 00:00:00+00:00')"
        ),
        session(1, "live", "NULL"),
        session(2, "ended", "'theft'"),
        format!(
            "INSERT INTO api_keys (id, workspace_id, owner_id, name, secret_hash, created_at)
            VALUES ('00000000-0000-0000-0000-00000000000c', '{WORKSPACE}', '{USER}', 'ci', 'hash',
                '2026-01-01 00:00:00+00:00')"
        ),
        format!(
            "INSERT INTO control_changes (id, at, kind, subject, epoch)
            VALUES ('{WORKSPACE}', '2026-01-01 00:00:00+00:00', 'session_epoch', '{WORKSPACE}', 3)"
        ),
        format!(
            "INSERT INTO subscriptions (id, workspace_id, plan, state, period_start, period_end,
                ended_at, created_at)
            VALUES ('{USER}', '{WORKSPACE}', 'pro', 'active', '2026-01-01 00:00:00+00:00',
                '2026-02-01 00:00:00+00:00', NULL, '2026-01-01 00:00:00+00:00'),
                ('{WORKSPACE}', '{WORKSPACE}', 'pro', 'ended', NULL, NULL,
                '2026-01-01 00:00:00+00:00', '2025-01-01 00:00:00+00:00')"
        ),
    ] {
        database.execute_unprepared(&statement).await.expect("a row of that day");
    }
}

async fn lines(database: &DatabaseConnection, query: &str) -> Vec<String> {
    let statement = Statement::from_string(database.get_database_backend(), query);
    let rows = database.query_all_raw(statement).await.expect("an answer");
    rows.iter().map(|row| row.try_get("", "line").expect("a text")).collect()
}
