//! Looking at subscriptions.
use cape_domain::{
    access::{Permit, ViewBilling},
    billing::Subscription,
    page::{Page, PageRequest},
};

use super::{SubscriptionError, SubscriptionService};

impl SubscriptionService {
    /// Subscriptions of the actor's workspace, newest first: those that have ended, too.
    ///
    /// # Errors
    ///
    /// See [`SubscriptionError`].
    pub async fn list(
        &self,
        permit: Permit<ViewBilling>,
        page: PageRequest,
    ) -> Result<Page<Subscription>, SubscriptionError> {
        let mut work = self.base.store.look(permit.scope()).await?;
        Ok(work.subscriptions().list(permit.actor().workspace, page).await?)
    }

    /// The subscription of the actor's workspace that has not ended.
    ///
    /// # Errors
    ///
    /// [`SubscriptionError::None`] where there is none.
    pub async fn current(
        &self,
        permit: Permit<ViewBilling>,
    ) -> Result<Subscription, SubscriptionError> {
        let mut work = self.base.store.look(permit.scope()).await?;
        let current = work.subscriptions().current(permit.actor().workspace).await?;
        current.ok_or(SubscriptionError::None)
    }
}
