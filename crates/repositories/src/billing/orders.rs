//! Orders and payments, as rows. What was ordered never changes; only the state does.
use async_trait::async_trait;
use cape_domain::{
    billing::{Credits, Money, Order, OrderReads, OrderRepository, OrderState, Payment},
    ids::{OrderId, PaymentId, UserId, WorkspaceId},
    store::StoreError,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait as _, ExprTrait as _, IntoActiveModel as _,
    QueryFilter as _, sea_query::Expr,
};

use crate::{error, store::SqlWork};

pub(super) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "orders")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub workspace_id: Uuid,
        pub user_id: Uuid,
        pub pack: String,
        pub credits: i64,
        pub bonus: i64,
        pub price_minor: i64,
        pub currency: String,
        pub provider: String,
        pub created_at: DateTimeUtc,
        pub state: String,
        pub state_at: Option<DateTimeUtc>,
        pub checkout: Option<String>,
        pub checkout_url: Option<String>,
        pub payment_id: Option<Uuid>,
        pub version: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod payment {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "payments")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub order_id: Uuid,
        pub workspace_id: Uuid,
        pub provider: String,
        pub reference: String,
        pub amount_minor: i64,
        pub currency: String,
        pub at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

const WHAT: &str = "order";
const PAYMENT: &str = "payment";

#[async_trait]
impl OrderReads for SqlWork {
    async fn find(&mut self, id: OrderId) -> Result<Option<Order>, StoreError> {
        row::Entity::find_by_id(id.raw())
            .filter(self.within(Column::WorkspaceId))
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?
            .map(from_row)
            .transpose()
    }

    async fn payment(&mut self, order: OrderId) -> Result<Option<Payment>, StoreError> {
        payment::Entity::find()
            .filter(self.within(payment::Column::WorkspaceId))
            .filter(payment::Column::OrderId.eq(order.raw()))
            .one(&self.transaction)
            .await
            .map_err(error::on(PAYMENT))?
            .map(from_payment)
            .transpose()
    }
}

#[async_trait]
impl OrderRepository for SqlWork {
    async fn insert(&mut self, order: &Order) -> Result<(), StoreError> {
        self.admit(WHAT, order.workspace)?;
        row::Entity::insert(to_row(order).into_active_model())
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }

    async fn update(&mut self, order: &Order) -> Result<(), StoreError> {
        self.admit(WHAT, order.workspace)?;
        let row = to_row(order);
        let result = row::Entity::update_many()
            .set(row::ActiveModel {
                state: Set(row.state),
                state_at: Set(row.state_at),
                checkout: Set(row.checkout),
                checkout_url: Set(row.checkout_url),
                payment_id: Set(row.payment_id),
                ..Default::default()
            })
            .col_expr(Column::Version, Expr::col(Column::Version).add(1))
            .filter(Column::Id.eq(row.id))
            .filter(Column::WorkspaceId.eq(row.workspace_id))
            .filter(Column::Version.eq(row.version))
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        if result.rows_affected == 1 { Ok(()) } else { Err(StoreError::Conflict { what: WHAT }) }
    }

    async fn pay(&mut self, payment: &Payment) -> Result<(), StoreError> {
        self.admit(PAYMENT, payment.workspace)?;
        let row = payment::Model {
            id: payment.id.raw(),
            order_id: payment.order.raw(),
            workspace_id: payment.workspace.raw(),
            provider: payment.provider.name().to_owned(),
            reference: payment.reference.clone(),
            amount_minor: payment.amount.minor(),
            currency: payment.amount.currency().code().to_owned(),
            at: payment.at,
        };
        payment::Entity::insert(row.into_active_model())
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(PAYMENT))?;
        Ok(())
    }
}

fn from_row(row: row::Model) -> Result<Order, StoreError> {
    let state = state(&row)?;
    let currency = row.currency.parse().map_err(|e| error::corrupt(WHAT, e))?;
    Ok(Order {
        id: OrderId::new(row.id),
        workspace: WorkspaceId::new(row.workspace_id),
        user: UserId::new(row.user_id),
        pack: row.pack,
        credits: Credits::from_micros(row.credits),
        bonus: Credits::from_micros(row.bonus),
        price: Money::from_minor(row.price_minor, currency),
        provider: row.provider.parse().map_err(|e| error::corrupt(WHAT, e))?,
        created_at: row.created_at,
        state,
        version: error::number(WHAT, row.version)?,
    })
}

fn state(row: &row::Model) -> Result<OrderState, StoreError> {
    let at = || row.state_at.ok_or_else(|| error::missing(WHAT, "state_at"));
    let checkout = || row.checkout.clone().ok_or_else(|| error::missing(WHAT, "checkout"));
    let url = || row.checkout_url.clone().ok_or_else(|| error::missing(WHAT, "checkout_url"));
    let payment = || row.payment_id.ok_or_else(|| error::missing(WHAT, "payment_id"));
    Ok(match row.state.as_str() {
        "intended" => OrderState::Intended,
        "open" => OrderState::Open { checkout: checkout()?, url: url()? },
        "paid" => {
            let payment = PaymentId::new(payment()?);
            OrderState::Paid { checkout: checkout()?, payment, at: at()? }
        }
        "expired" => OrderState::Expired { checkout: checkout()?, at: at()? },
        "failed" => OrderState::Failed { at: at()? },
        other => return Err(error::unknown(WHAT, "state", other)),
    })
}

fn to_row(order: &Order) -> row::Model {
    let (checkout, checkout_url, payment, state_at) = match &order.state {
        OrderState::Intended => (None, None, None, None),
        OrderState::Open { checkout, url } => (Some(checkout), Some(url), None, None),
        OrderState::Paid { checkout, payment, at } => {
            (Some(checkout), None, Some(*payment), Some(*at))
        }
        OrderState::Expired { checkout, at } => (Some(checkout), None, None, Some(*at)),
        OrderState::Failed { at } => (None, None, None, Some(*at)),
    };
    row::Model {
        id: order.id.raw(),
        workspace_id: order.workspace.raw(),
        user_id: order.user.raw(),
        pack: order.pack.clone(),
        credits: order.credits.micros(),
        bonus: order.bonus.micros(),
        price_minor: order.price.minor(),
        currency: order.price.currency().code().to_owned(),
        provider: order.provider.name().to_owned(),
        created_at: order.created_at,
        state: order.state.name().to_owned(),
        state_at,
        checkout: checkout.cloned(),
        checkout_url: checkout_url.cloned(),
        payment_id: payment.map(PaymentId::raw),
        version: order.version.into(),
    }
}

fn from_payment(row: payment::Model) -> Result<Payment, StoreError> {
    let currency = row.currency.parse().map_err(|e| error::corrupt(PAYMENT, e))?;
    Ok(Payment {
        id: PaymentId::new(row.id),
        order: OrderId::new(row.order_id),
        workspace: WorkspaceId::new(row.workspace_id),
        provider: row.provider.parse().map_err(|e| error::corrupt(PAYMENT, e))?,
        reference: row.reference,
        amount: Money::from_minor(row.amount_minor, currency),
        at: row.at,
    })
}
