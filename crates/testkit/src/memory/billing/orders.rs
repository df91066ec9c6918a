use async_trait::async_trait;
use cape_domain::{
    billing::{Order, OrderReads, OrderRepository, Payment},
    ids::OrderId,
    store::StoreError,
};

use super::{MemoryRead, MemoryUnitOfWork, insert_new};

const ORDER: &str = "order";
const PAYMENT: &str = "payment";

#[async_trait]
impl OrderReads for MemoryRead {
    async fn find(&mut self, id: OrderId) -> Result<Option<Order>, StoreError> {
        let found = self.tables.billing.orders.get(&id);
        Ok(found.filter(|order| self.admits(order.workspace)).cloned())
    }

    async fn payment(&mut self, order: OrderId) -> Result<Option<Payment>, StoreError> {
        let mut payments = self.tables.billing.payments.values();
        let found = payments.find(|payment| payment.order == order);
        Ok(found.filter(|payment| self.admits(payment.workspace)).cloned())
    }
}

#[async_trait]
impl OrderReads for MemoryUnitOfWork {
    async fn find(&mut self, id: OrderId) -> Result<Option<Order>, StoreError> {
        OrderReads::find(&mut self.copy, id).await
    }

    async fn payment(&mut self, order: OrderId) -> Result<Option<Payment>, StoreError> {
        self.copy.payment(order).await
    }
}

#[async_trait]
impl OrderRepository for MemoryUnitOfWork {
    async fn insert(&mut self, order: &Order) -> Result<(), StoreError> {
        self.copy.admit(ORDER, order.workspace)?;
        insert_new(&mut self.copy.tables.billing.orders, ORDER, order.id, order.clone())
    }

    async fn update(&mut self, order: &Order) -> Result<(), StoreError> {
        self.copy.admit(ORDER, order.workspace)?;
        let stored = self.copy.tables.billing.orders.get_mut(&order.id);
        let Some(stored) = stored.filter(|stored| stored.version == order.version) else {
            return Err(StoreError::Conflict { what: ORDER });
        };
        *stored = Order { version: order.version + 1, ..order.clone() };
        Ok(())
    }

    async fn pay(&mut self, payment: &Payment) -> Result<(), StoreError> {
        self.copy.admit(PAYMENT, payment.workspace)?;
        let payments = &mut self.copy.tables.billing.payments;
        let same = |other: &Payment| {
            other.id == payment.id
                || other.order == payment.order
                || (other.provider == payment.provider && other.reference == payment.reference)
        };
        if payments.values().any(same) {
            return Err(StoreError::Conflict { what: PAYMENT });
        }
        payments.insert(payment.id, payment.clone());
        Ok(())
    }
}
