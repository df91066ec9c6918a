//! What operators say of models, as rows. It is the platform's: scopes do not apply.
use std::collections::BTreeMap;

use async_trait::async_trait;
use cape_domain::{
    store::StoreError,
    usage::{
        ModelDescription, ModelEntry, ModelEntryReads, ModelEntryRepository, ModelKind, Price,
        PricedVersion, TokenPrices,
    },
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait, ExprTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _,
    sea_query::{Expr, OnConflict},
};

use crate::{error, store::SqlWork};

mod entry {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "model_entries")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub provider: Option<String>,
        pub upstream: Option<String>,
        pub aliases: Option<String>,
        pub class: Option<String>,
        pub kind: Option<String>,
        pub dimensions: Option<i64>,
        pub context_window: Option<i64>,
        pub output_cap: Option<i64>,
        pub image_tokens: Option<i64>,
        pub tools: Option<bool>,
        pub released_at: Option<DateTimeUtc>,
        pub retired_at: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

mod price {
    use sea_orm::entity::prelude::*;

    #[expect(clippy::struct_field_names, reason = "the column is called so")]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "model_prices")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub model_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub version: String,
        pub effective_at: DateTimeUtc,
        pub kind: String,
        pub input: Option<i64>,
        pub cached_input: Option<i64>,
        pub cache_write: Option<i64>,
        pub output: Option<i64>,
        pub request: Option<i64>,
        pub up_to: Option<i64>,
        pub long_input: Option<i64>,
        pub long_cached_input: Option<i64>,
        pub long_cache_write: Option<i64>,
        pub long_output: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

mod turn {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "model_turns")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        pub taken: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

const WHAT: &str = "model";
const PRICE: &str = "price of a model";

#[async_trait]
impl ModelEntryReads for SqlWork {
    async fn all(&mut self) -> Result<Vec<ModelEntry>, StoreError> {
        let rows = entry::Entity::find().all(&self.transaction).await.map_err(error::on(WHAT))?;
        let prices = price::Entity::find()
            .order_by_asc(price::Column::EffectiveAt)
            .all(&self.transaction)
            .await
            .map_err(error::on(PRICE))?;
        // Not by the database: each sorts texts in an order of its own.
        let mut all = BTreeMap::new();
        for row in rows {
            all.insert(row.id.clone(), from_row(row)?);
        }
        for row in prices {
            let of = all.get_mut(&row.model_id).ok_or_else(|| error::missing(PRICE, "model"))?;
            of.prices.push(price_of(&row)?);
        }
        Ok(all.into_values().collect())
    }
}

#[async_trait]
impl ModelEntryRepository for SqlWork {
    /// On `PostgreSQL` the row stays locked until the unit of work is over; on `SQLite` there is one
    /// writer anyway.
    async fn take_turn(&mut self) -> Result<(), StoreError> {
        let taken = turn::Entity::update_many()
            .col_expr(turn::Column::Taken, Expr::col(turn::Column::Taken).add(1))
            .filter(turn::Column::Id.eq(1))
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        if taken.rows_affected == 1 { Ok(()) } else { Err(error::missing(WHAT, "turn")) }
    }

    async fn put(&mut self, entry: &ModelEntry) -> Result<(), StoreError> {
        use entry::Column as C;
        let replaced = OnConflict::column(C::Id)
            .update_columns([
                C::Provider,
                C::Upstream,
                C::Aliases,
                C::Class,
                C::Kind,
                C::Dimensions,
                C::ContextWindow,
                C::OutputCap,
                C::ImageTokens,
                C::Tools,
                C::ReleasedAt,
                C::RetiredAt,
            ])
            .to_owned();
        entry::Entity::insert(to_row(entry)?.into_active_model())
            .on_conflict(replaced)
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }

    async fn add_price(&mut self, id: &str, price: &PricedVersion) -> Result<(), StoreError> {
        let row = row_of(id, price)?.into_active_model();
        row.insert(&self.transaction).await.map_err(error::on(PRICE))?;
        Ok(())
    }
}

fn from_row(row: entry::Model) -> Result<ModelEntry, StoreError> {
    let entry = ModelEntry { retired_at: row.retired_at, ..ModelEntry::of(row.id) };
    let Some(provider) = row.provider else { return Ok(entry) };
    let missing = |column: &'static str| move || error::missing(WHAT, column);
    let count =
        |stored: Option<i64>, column| error::number(WHAT, stored.ok_or_else(missing(column))?);
    let class = row.class.ok_or_else(missing("class"))?;
    let kind = match row.kind.as_deref().ok_or_else(missing("kind"))? {
        "chat" => ModelKind::Chat,
        "moderation" => ModelKind::Moderation,
        "embedding" => ModelKind::Embedding {
            dimensions: error::number(WHAT, row.dimensions.ok_or_else(missing("dimensions"))?)?,
        },
        other => return Err(error::unknown(WHAT, "kind", other)),
    };
    let aliases = row.aliases.ok_or_else(missing("aliases"))?;
    let description = ModelDescription {
        aliases: aliases.lines().map(str::to_owned).collect(),
        provider: provider.parse().map_err(|error| error::corrupt(WHAT, error))?,
        upstream: row.upstream.ok_or_else(missing("upstream"))?,
        class: class.parse().map_err(|error| error::corrupt(WHAT, error))?,
        kind,
        context_window: count(row.context_window, "context_window")?,
        output_cap: count(row.output_cap, "output_cap")?,
        image_tokens: row.image_tokens.map(|tokens| error::number(WHAT, tokens)).transpose()?,
        tools: row.tools.ok_or_else(missing("tools"))?,
        released_at: row.released_at.ok_or_else(missing("released_at"))?,
    };
    Ok(ModelEntry { description: Some(description), ..entry })
}

fn to_row(entry: &ModelEntry) -> Result<entry::Model, StoreError> {
    let nothing = entry::Model {
        id: entry.id.clone(),
        provider: None,
        upstream: None,
        aliases: None,
        class: None,
        kind: None,
        dimensions: None,
        context_window: None,
        output_cap: None,
        image_tokens: None,
        tools: None,
        released_at: None,
        retired_at: entry.retired_at,
    };
    let Some(said) = &entry.description else { return Ok(nothing) };
    let dimensions = match said.kind {
        ModelKind::Embedding { dimensions } => Some(dimensions.into()),
        ModelKind::Chat | ModelKind::Moderation => None,
    };
    Ok(entry::Model {
        provider: Some(said.provider.to_string()),
        upstream: Some(said.upstream.clone()),
        aliases: Some(said.aliases.join("\n")),
        class: Some(said.class.name().to_owned()),
        kind: Some(said.kind.name().to_owned()),
        dimensions,
        context_window: Some(stored(said.context_window)?),
        output_cap: Some(stored(said.output_cap)?),
        image_tokens: said.image_tokens.map(stored).transpose()?,
        tools: Some(said.tools),
        released_at: Some(said.released_at),
        ..nothing
    })
}

fn stored(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|error| error::corrupt(WHAT, error))
}

fn price_of(row: &price::Model) -> Result<PricedVersion, StoreError> {
    let number = |stored: Option<i64>, column| {
        error::number::<u64>(PRICE, stored.ok_or_else(|| error::missing(PRICE, column))?)
    };
    let usual = || {
        Ok::<_, StoreError>(TokenPrices {
            input: number(row.input, "input")?,
            cached_input: number(row.cached_input, "cached_input")?,
            cache_write: number(row.cache_write, "cache_write")?,
            output: number(row.output, "output")?,
            request: number(row.request, "request")?,
        })
    };
    let price = match row.kind.as_str() {
        "free" => Price::Free,
        "unknown" => Price::Unknown,
        "tokens" => Price::Tokens(usual()?),
        "by_context" => Price::ByContext {
            up_to: number(row.up_to, "up_to")?,
            usual: usual()?,
            long: TokenPrices {
                input: number(row.long_input, "long_input")?,
                cached_input: number(row.long_cached_input, "long_cached_input")?,
                cache_write: number(row.long_cache_write, "long_cache_write")?,
                output: number(row.long_output, "long_output")?,
                request: number(row.request, "request")?,
            },
        },
        other => return Err(error::unknown(PRICE, "kind", other)),
    };
    Ok(PricedVersion { version: row.version.clone(), effective_at: row.effective_at, price })
}

fn row_of(id: &str, price: &PricedVersion) -> Result<price::Model, StoreError> {
    let (kind, usual, long) = match &price.price {
        Price::Free => ("free", None, None),
        Price::Unknown => ("unknown", None, None),
        Price::Tokens(usual) => ("tokens", Some(usual), None),
        Price::ByContext { up_to, usual, long } => {
            ("by_context", Some(usual), Some((*up_to, long)))
        }
    };
    let of = |prices: Option<&TokenPrices>, read: fn(&TokenPrices) -> u64| {
        prices.map(|prices| stored(read(prices))).transpose()
    };
    let longer = long.map(|(_, prices)| prices);
    Ok(price::Model {
        model_id: id.to_owned(),
        version: price.version.clone(),
        effective_at: price.effective_at,
        kind: kind.to_owned(),
        input: of(usual, |prices| prices.input)?,
        cached_input: of(usual, |prices| prices.cached_input)?,
        cache_write: of(usual, |prices| prices.cache_write)?,
        output: of(usual, |prices| prices.output)?,
        request: of(usual, |prices| prices.request)?,
        up_to: long.map(|(up_to, _)| stored(up_to)).transpose()?,
        long_input: of(longer, |prices| prices.input)?,
        long_cached_input: of(longer, |prices| prices.cached_input)?,
        long_cache_write: of(longer, |prices| prices.cache_write)?,
        long_output: of(longer, |prices| prices.output)?,
    })
}
