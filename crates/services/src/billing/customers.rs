//! Who a workspace is at a payment provider: made on the first occasion, and again if the provider
//! forgot it.
use cape_domain::{
    billing::{PaymentProvider, PaymentProviderError},
    ids::{UserId, WorkspaceId},
    store::{Durability, Scope, StoreError},
};

use crate::{Base, retry::retry};

/// Makes workspaces customers. A clone is another handle.
#[derive(Clone)]
pub(crate) struct Customers {
    base: Base,
}

/// Why a workspace is no customer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CustomerError {
    /// Whoever buys is no more.
    #[error("only a user can buy")]
    NotAPerson,
    /// The provider failed.
    #[error(transparent)]
    Provider(#[from] PaymentProviderError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Customers {
    pub(crate) const fn new(base: Base) -> Self {
        Self { base }
    }

    /// The provider's id of the workspace, which is made a customer if it is none yet.
    pub(crate) async fn of(
        &self,
        provider: &dyn PaymentProvider,
        workspace: WorkspaceId,
        user: UserId,
    ) -> Result<String, CustomerError> {
        let known = {
            let mut work = self.base.store.read(Scope::Workspace(workspace)).await?;
            work.customers().find(workspace, provider.name()).await?
        };
        match known {
            Some(customer) => Ok(customer),
            None => self.make(provider, workspace, user, None).await,
        }
    }

    /// Another customer instead of one that the provider does not know any more.
    pub(crate) async fn again(
        &self,
        provider: &dyn PaymentProvider,
        workspace: WorkspaceId,
        user: UserId,
        forgotten: &str,
    ) -> Result<String, CustomerError> {
        tracing::warn!(%workspace, customer = forgotten, "the payment provider forgot a customer");
        self.make(provider, workspace, user, Some(forgotten)).await
    }

    /// Makes the workspace a customer, instead of one that the provider forgot if there is such.
    /// That one is forgotten with the commit that remembers the new one, so that whoever runs
    /// this again in between asks under the same key.
    async fn make(
        &self,
        provider: &dyn PaymentProvider,
        workspace: WorkspaceId,
        user: UserId,
        instead_of: Option<&str>,
    ) -> Result<String, CustomerError> {
        let scope = Scope::Workspace(workspace);
        let user = {
            let mut work = self.base.store.read(scope).await?;
            work.users().find(user).await?.ok_or(CustomerError::NotAPerson)?
        };
        let customer = provider.create_customer(workspace, &user.email, instead_of).await?;
        retry!(async {
            let mut work = self.base.store.begin(scope, Durability::Power).await?;
            let (customers, name) = (work.customers(), provider.name());
            if let Some(forgotten) = instead_of {
                customers.forget(workspace, name, forgotten).await?;
            }
            customers.remember(workspace, name, &customer, self.base.now()).await?;
            work.commit().await
        })?;
        Ok(customer)
    }
}
