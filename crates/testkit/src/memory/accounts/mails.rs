use async_trait::async_trait;
use cape_domain::{
    accounts::{Mail, MailReads, MailRepository},
    ids::MailId,
    store::StoreError,
};

use super::{MemoryRead, MemoryUnitOfWork, insert_new};

#[async_trait]
impl MailReads for MemoryRead {
    async fn find(&mut self, id: MailId) -> Result<Option<Mail>, StoreError> {
        Ok(self.tables.accounts.mails.get(&id).cloned())
    }
}

#[async_trait]
impl MailReads for MemoryUnitOfWork {
    async fn find(&mut self, id: MailId) -> Result<Option<Mail>, StoreError> {
        MailReads::find(&mut self.copy, id).await
    }
}

#[async_trait]
impl MailRepository for MemoryUnitOfWork {
    async fn insert(&mut self, mail: &Mail) -> Result<(), StoreError> {
        insert_new(&mut self.copy.tables.accounts.mails, "mail", mail.id, mail.clone())
    }

    async fn remove(&mut self, id: MailId) -> Result<(), StoreError> {
        self.copy.tables.accounts.mails.remove(&id);
        Ok(())
    }
}
