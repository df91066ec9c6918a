//! Limits that operators set, as they are on the first day, and the calls that limits refused.
use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, boolean, text, timestamp_with_time_zone, uuid},
    sea_orm::prelude::{DateTimeUtc, Uuid},
};

use crate::schema::{drop, index, not_negative, refers, table, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Identity, name, provider, what is counted, and the most of it per person and minute.
const LIMITS: [(u128, &str, &str, &str, i64); 6] = [
    (1, "openai_requests_per_minute", "openai", "requests", 60),
    (2, "openai_tokens_per_minute", "openai", "tokens", 100_000),
    (3, "anthropic_requests_per_minute", "anthropic", "requests", 50),
    (4, "anthropic_tokens_per_minute", "anthropic", "tokens", 80_000),
    (5, "gemini_requests_per_minute", "gemini", "requests", 40),
    (6, "gemini_tokens_per_minute", "gemini", "tokens", 70_000),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(limit_rules()).await?;
        manager.create_index(unique("limit_rules", &["name"])).await?;
        manager.execute(limit_rows()).await?;
        manager.create_table(limit_violations()).await?;
        let same = ["workspace_id", "user_id", "key_id", "rule", "scope", "minute"];
        manager.create_index(unique("limit_violations", &same)).await?;
        let listed = ["workspace_id", "minute", "id"];
        manager.create_index(index("limit_violations", &listed)).await?;
        manager.create_index(index("limit_violations", &["minute"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(drop("limit_violations")).await?;
        manager.drop_table(drop("limit_rules")).await
    }
}

/// What it is about is an id or a name, as its kind says: no foreign key. Kinds, measures and
/// windows are not listed: the program refuses what it does not know.
fn limit_rules() -> TableCreateStatement {
    table("limit_rules")
        .col(uuid("id"))
        .col(text("name"))
        .col(text("about_kind"))
        .col(text("about_name"))
        .col(text("counted_per"))
        .col(text("measure"))
        .col(text("time_window"))
        .col(big_integer("most"))
        .col(boolean("enabled"))
        .col(big_integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .primary_key(Index::create().name("pk_limit_rules").col("id"))
        .check(not_negative("limit_rules", "most"))
        .take()
}

fn limit_rows() -> InsertStatement {
    let mut rows = Query::insert();
    rows.into_table("limit_rules").columns([
        "id",
        "name",
        "about_kind",
        "about_name",
        "counted_per",
        "measure",
        "time_window",
        "most",
        "enabled",
        "version",
        "created_at",
    ]);
    for (id, name, provider, measure, most) in LIMITS {
        rows.values_panic([
            Uuid::from_u128(id).into(),
            name.into(),
            "provider".into(),
            provider.into(),
            "user".into(),
            measure.into(),
            "minute".into(),
            most.into(),
            true.into(),
            1_i64.into(),
            DateTimeUtc::UNIX_EPOCH.into(),
        ]);
    }
    rows
}

/// The key may be gone, and the rule too.
fn limit_violations() -> TableCreateStatement {
    table("limit_violations")
        .col(uuid("id"))
        .col(uuid("workspace_id"))
        .col(uuid("user_id"))
        .col(uuid("key_id"))
        .col(text("rule"))
        .col(text("scope"))
        .col(timestamp_with_time_zone("minute"))
        .col(big_integer("calls"))
        .primary_key(Index::create().name("pk_limit_violations").col("id"))
        .foreign_key(&mut refers("limit_violations", "workspace_id", "workspaces"))
        .check(not_negative("limit_violations", "calls"))
        .take()
}
