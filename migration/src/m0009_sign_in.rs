//! Closed accounts, what is good once, second factors, moves to other addresses, and mails.
//!
//! Which purposes and which kinds of mails there are is not said here: there will be more, and
//! the program refuses what it does not know.
use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, blob, boolean, pk_uuid, text, text_null, timestamp_with_time_zone,
        timestamp_with_time_zone_null, uuid, uuid_null,
    },
};

use crate::schema::{add, drop, drop_column, not_negative, refers, table, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let closed = timestamp_with_time_zone_null("deactivated_at");
        manager.alter_table(add("users", closed)).await?;
        for table in [one_time_tokens(), totps(), recovery_codes(), email_changes(), mails()] {
            manager.create_table(table).await?;
        }
        manager.create_index(unique("one_time_tokens", &["user_id", "purpose"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["mails", "email_changes", "recovery_codes", "totps", "one_time_tokens"] {
            manager.drop_table(drop(table)).await?;
        }
        manager.alter_table(drop_column("users", "deactivated_at")).await
    }
}

fn one_time_tokens() -> TableCreateStatement {
    table("one_time_tokens")
        .col(pk_uuid("id"))
        .col(uuid("user_id"))
        .col(text("purpose"))
        .col(blob("salt"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(big_integer("attempts"))
        .col(timestamp_with_time_zone("counted_since"))
        .foreign_key(&mut refers("one_time_tokens", "user_id", "users"))
        .check(not_negative("one_time_tokens", "attempts"))
        .take()
}

fn totps() -> TableCreateStatement {
    table("totps")
        .col(pk_uuid("user_id"))
        .col(uuid("sealed_for"))
        .col(blob("sealed"))
        .col(timestamp_with_time_zone_null("active_since"))
        .col(big_integer("last_step"))
        .col(timestamp_with_time_zone("created_at"))
        .foreign_key(&mut refers("totps", "user_id", "users"))
        .check(not_negative("totps", "last_step"))
        .take()
}

fn recovery_codes() -> TableCreateStatement {
    table("recovery_codes")
        .col(uuid("user_id"))
        .col(blob("hash"))
        .primary_key(Index::create().name("pk_recovery_codes").col("user_id").col("hash"))
        .foreign_key(&mut refers("recovery_codes", "user_id", "users"))
        .take()
}

fn email_changes() -> TableCreateStatement {
    table("email_changes")
        .col(pk_uuid("user_id"))
        .col(text("new_email"))
        .col(timestamp_with_time_zone("requested_at"))
        .col(boolean("released"))
        .col(boolean("claimed"))
        .foreign_key(&mut refers("email_changes", "user_id", "users"))
        .take()
}

/// No foreign key: whom a mail is about may be gone when it is sent.
fn mails() -> TableCreateStatement {
    table("mails")
        .col(pk_uuid("id"))
        .col(text("email"))
        .col(uuid_null("user_id"))
        .col(text("kind"))
        .col(text_null("detail"))
        .col(timestamp_with_time_zone("created_at"))
        .take()
}
