//! Conflicts: where they are expected, and where they are not.
use cape_domain::store::StoreError;

/// How often a step is tried: databases may call concurrent changes conflicts.
const ATTEMPTS: u32 = 20;

/// Does a step, again and again as long as it meets a conflict.
pub(super) async fn retried<T>(
    mut step: impl AsyncFnMut() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    for _ in 1..ATTEMPTS {
        match step().await {
            Err(StoreError::Conflict { .. }) => tokio::task::yield_now().await,
            other => return other,
        }
    }
    step().await
}

/// Whether somebody else was faster, or was there already.
pub(super) fn is_conflict<T>(outcome: &Result<T, StoreError>) -> bool {
    outcome.as_ref().is_err_and(StoreError::is_conflict)
}
