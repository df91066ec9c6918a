//! Going up and down the list.
use std::fmt;

use sea_orm_migration::{
    MigratorTrait as _, SchemaManager,
    sea_orm::{DatabaseConnection, EntityTrait as _, QueryOrder as _},
    seaql_migrations,
};

use crate::{
    MigrationError, Migrator,
    connection::{Turn, connect},
};

/// A step and whether the database has taken it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// Whether it was applied.
    pub state: StepState,
}

/// Whether a step was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// Not yet.
    Pending,
    /// It was.
    Applied,
    /// It was, and this program does not know it.
    Unknown,
}

impl fmt::Display for StepState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Applied => "applied",
            Self::Unknown => "unknown",
        })
    }
}

/// Applies what is not applied yet. Of several processes that do so at once, one does it and
/// the others wait.
///
/// # Errors
///
/// [`MigrationError::Unknown`] when the schema is newer than this program, which then leaves it
/// alone; see [`MigrationError`] for the rest.
pub async fn up(url: &str) -> Result<(), MigrationError> {
    let turn = Turn::wait(url).await?;
    let database = connect(url).await?;
    refuse_newer(&database).await?;
    Migrator::up(&database, None).await?;
    database.close().await?;
    turn.end().await
}

/// Takes back the last `steps` that were applied, or all of them. Their data is gone.
///
/// # Errors
///
/// See [`up`].
pub async fn down(url: &str, steps: Option<u32>) -> Result<(), MigrationError> {
    let turn = Turn::wait(url).await?;
    let database = connect(url).await?;
    refuse_newer(&database).await?;
    Migrator::down(&database, steps).await?;
    database.close().await?;
    turn.end().await
}

/// Drops every table, known or not, and applies everything. All data is gone.
///
/// # Errors
///
/// See [`MigrationError`].
pub async fn fresh(url: &str) -> Result<(), MigrationError> {
    let turn = Turn::wait(url).await?;
    let database = connect(url).await?;
    Migrator::fresh(&database).await?;
    database.close().await?;
    turn.end().await
}

/// Every step, the oldest first. Changes nothing.
///
/// # Errors
///
/// See [`MigrationError`].
pub async fn status(url: &str) -> Result<Vec<Step>, MigrationError> {
    let database = connect(url).await?;
    let steps = steps(&database).await?;
    database.close().await?;
    Ok(steps)
}

/// Makes sure that the schema is the one this program was written for. Changes nothing.
///
/// # Errors
///
/// [`MigrationError::Unknown`] when it is newer, [`MigrationError::Pending`] when it is older;
/// see [`MigrationError`] for the rest.
pub async fn check(url: &str) -> Result<(), MigrationError> {
    let database = connect(url).await?;
    refuse_newer(&database).await?;
    let pending = named(&steps(&database).await?, StepState::Pending);
    database.close().await?;
    if pending.is_empty() { Ok(()) } else { Err(MigrationError::Pending { names: pending }) }
}

async fn refuse_newer(database: &DatabaseConnection) -> Result<(), MigrationError> {
    let names = named(&steps(database).await?, StepState::Unknown);
    if names.is_empty() { Ok(()) } else { Err(MigrationError::Unknown { names }) }
}

fn named(steps: &[Step], state: StepState) -> Vec<String> {
    steps.iter().filter(|step| step.state == state).map(|step| step.name.clone()).collect()
}

async fn steps(database: &DatabaseConnection) -> Result<Vec<Step>, MigrationError> {
    let mut applied = applied(database).await?;
    let mut steps: Vec<Step> = Migrator::migrations()
        .iter()
        .map(|step| {
            let place = applied.iter().position(|name| name == step.name());
            let state = place.map_or(StepState::Pending, |place| {
                applied.remove(place);
                StepState::Applied
            });
            Step { name: step.name().to_owned(), state }
        })
        .collect();
    let unknown = applied.into_iter().map(|name| Step { name, state: StepState::Unknown });
    steps.extend(unknown);
    Ok(steps)
}

/// The names of the steps that were applied. Asking does not make the table they stand in.
async fn applied(database: &DatabaseConnection) -> Result<Vec<String>, MigrationError> {
    let table = Migrator::migration_table_name().to_string();
    if !SchemaManager::new(database).has_table(table).await? {
        return Ok(Vec::new());
    }
    let rows = seaql_migrations::Entity::find()
        .order_by_asc(seaql_migrations::Column::Version)
        .all(database)
        .await?;
    Ok(rows.into_iter().map(|row| row.version).collect())
}
