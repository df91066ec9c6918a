//! The schema: one list of steps for both databases.
//!
//! Not here: anything that knows the domain. A step is written once and never changed, so it
//! names tables, columns and states by the texts they had on its day.
mod connection;
mod error;
mod m0001_accounts;
mod m0002_access;
mod m0003_audit;
mod m0004_jobs;
mod m0005_billing;
mod m0006_catalogue;
mod m0007_usage;
mod m0008_sessions;
mod m0009_sign_in;
mod m0010_invitations;
mod m0011_key_rules;
mod m0012_idempotency;
mod m0013_call_reports;
mod m0014_operators;
mod m0015_switches;
mod m0016_corrections;
mod m0017_credentials;
mod m0018_model_entries;
mod m0019_limit_rules;
mod m0020_plan_versions;
mod m0021_subscriptions;
mod m0022_quotes;
mod run;
mod schema;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

pub use error::MigrationError;
pub use run::{Step, StepState, check, down, fresh, status, up};

/// The list of steps, the oldest first.
#[derive(Clone, Copy, Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_accounts::Migration),
            Box::new(m0002_access::Migration),
            Box::new(m0003_audit::Migration),
            Box::new(m0004_jobs::Migration),
            Box::new(m0005_billing::Migration),
            Box::new(m0006_catalogue::Migration),
            Box::new(m0007_usage::Migration),
            Box::new(m0008_sessions::Migration),
            Box::new(m0009_sign_in::Migration),
            Box::new(m0010_invitations::Migration),
            Box::new(m0011_key_rules::Migration),
            Box::new(m0012_idempotency::Migration),
            Box::new(m0013_call_reports::Migration),
            Box::new(m0014_operators::Migration),
            Box::new(m0015_switches::Migration),
            Box::new(m0016_corrections::Migration),
            Box::new(m0017_credentials::Migration),
            Box::new(m0018_model_entries::Migration),
            Box::new(m0019_limit_rules::Migration),
            Box::new(m0020_plan_versions::Migration),
            Box::new(m0021_subscriptions::Migration),
            Box::new(m0022_quotes::Migration),
        ]
    }
}
