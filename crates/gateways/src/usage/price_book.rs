//! Reading the price book, a data file, and the one that is shipped.
//!
//! What makes a book unsound beyond its form is the domain's to say; which models a plan may call
//! stands elsewhere.
use cape_domain::{
    time::Timestamp,
    usage::{
        InvalidPriceBook, Model, ModelClass, ModelKind, Price, PriceBook, PricedVersion, Provider,
        Route, Target, TokenPrices, pico_per_token,
    },
};
use chrono::NaiveDate;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use toml::{Table, Value};

/// The shipped file: public list prices, and where they come from.
pub const SHIPPED: &str = include_str!("../../prices.toml");

/// A price book that cannot be read. Each error names the model.
#[derive(Debug, thiserror::Error)]
pub enum PriceBookError {
    /// It is no TOML, or not a list of models.
    #[error("the price book cannot be read: {0}")]
    File(#[from] toml::de::Error),
    /// A model is not described as it must be.
    #[error("in the price book, `{model}`: {reason}")]
    Model {
        /// Its id, or its place where it has none.
        model: String,
        /// What is wrong.
        reason: String,
    },
    /// The book must not be used.
    #[error("in the price book, {0}")]
    Unsound(#[from] InvalidPriceBook),
}

/// Reads a price book.
///
/// # Errors
///
/// [`PriceBookError`] names the model that is wrong.
pub fn read(toml: &str) -> Result<PriceBook, PriceBookError> {
    read_together(&[toml])
}

/// Reads files that are one price book together: a name stands for one thing in all of them.
///
/// # Errors
///
/// [`PriceBookError`] names the model that is wrong.
pub fn read_together(files: &[&str]) -> Result<PriceBook, PriceBookError> {
    let (mut models, mut routes) = (Vec::new(), Vec::new());
    for toml in files {
        let book: Book = toml::from_str(toml)?;
        for (place, table) in book.models.into_iter().enumerate() {
            let id = table.get("id").and_then(Value::as_str);
            let model = id.map_or_else(|| format!("models[{place}]"), str::to_owned);
            let read = read_model(table).map_err(|reason| PriceBookError::Model { model, reason });
            models.push(read?);
        }
        routes.extend(book.routes.into_iter().map(read_route));
    }
    Ok(PriceBook::new(models)?.with_routes(routes)?)
}

/// The shipped price book.
///
/// # Errors
///
/// None: a test reads it.
pub fn shipped() -> Result<PriceBook, PriceBookError> {
    read(SHIPPED)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Book {
    models: Vec<Table>,
    #[serde(default)]
    routes: Vec<RouteEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteEntry {
    name: String,
    targets: Vec<TargetEntry>,
    #[serde(default)]
    fallbacks: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetEntry {
    model: String,
    weight: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelEntry {
    id: String,
    provider: String,
    upstream: String,
    class: String,
    #[serde(default)]
    aliases: Vec<String>,
    context_window: u64,
    output_cap: Option<u64>,
    #[serde(default)]
    kind: KindEntry,
    dimensions: Option<u32>,
    image_tokens: Option<u64>,
    #[serde(default = "yes")]
    tools: bool,
    #[serde(deserialize_with = "midnight")]
    released: Timestamp,
    #[serde(default)]
    prices: Vec<Table>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KindEntry {
    #[default]
    Chat,
    Embedding,
    Moderation,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceEntry {
    version: String,
    #[serde(deserialize_with = "midnight")]
    effective: Timestamp,
    #[serde(default)]
    free: bool,
    input: Option<UsdPerMillion>,
    cached_input: Option<UsdPerMillion>,
    cache_write: Option<UsdPerMillion>,
    output: Option<UsdPerMillion>,
    request: Option<UsdPerMillion>,
    long: Option<Table>,
}

/// What a call costs whose input is longer than `above`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LongEntry {
    above: u64,
    input: UsdPerMillion,
    cached_input: UsdPerMillion,
    cache_write: UsdPerMillion,
    output: UsdPerMillion,
}

/// Millionths of a dollar for a million: million-millionths for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct UsdPerMillion(u64);

/// Why a price of nothing is refused.
const NOTHING: &str = "what costs nothing has to say `free = true`";

/// Models call functions, unless it is said that one does not.
const fn yes() -> bool {
    true
}

/// A table, with the name of the field in which it is wrong.
fn entry<T: DeserializeOwned>(table: Table) -> Result<T, String> {
    table.try_into().map_err(|error: toml::de::Error| error.to_string().trim().replace('\n', " "))
}

fn read_model(table: Table) -> Result<Model, String> {
    let model: ModelEntry = entry(table)?;
    let provider: Provider = model.provider.parse().map_err(|error| format!("{error}"))?;
    let class: ModelClass = model.class.parse().map_err(|error| format!("{error}"))?;
    let is_bad = |name: &String| name.trim() != name || name.is_empty();
    if [&model.id, &model.upstream].into_iter().chain(&model.aliases).any(is_bad) {
        return Err("a name is empty, or has spaces around it".to_owned());
    }
    let (kind, output_cap) = kind(&model)?;
    let prices = model.prices.into_iter().map(|price| read_price(price, kind));
    let prices: Vec<PricedVersion> = prices.collect::<Result<_, _>>()?;
    for (at, price) in prices.iter().enumerate() {
        if prices[..at].iter().any(|earlier| earlier.version == price.version) {
            return Err(format!("two prices are called `{}`", price.version));
        }
    }
    Ok(Model {
        id: model.id,
        aliases: model.aliases,
        provider,
        upstream: model.upstream,
        class,
        kind,
        context_window: model.context_window,
        output_cap,
        image_tokens: model.image_tokens,
        tools: model.tools && kind == ModelKind::Chat,
        released_at: model.released,
        prices,
    })
}

/// What a model does, and how much comes out of it: tokens of a chat, vectors of an embedding.
fn kind(model: &ModelEntry) -> Result<(ModelKind, u64), String> {
    match (model.kind, model.output_cap, model.dimensions) {
        (KindEntry::Chat, Some(output_cap), None) => Ok((ModelKind::Chat, output_cap)),
        (KindEntry::Chat, None, _) => Err("`output_cap` is needed".to_owned()),
        (KindEntry::Chat, Some(_), Some(_)) => {
            Err("`dimensions` are those of an `embedding`".to_owned())
        }
        (KindEntry::Embedding, None, Some(dimensions)) if model.image_tokens.is_none() => {
            Ok((ModelKind::Embedding { dimensions }, 0))
        }
        (KindEntry::Embedding, ..) => {
            let needed = "an `embedding` has `dimensions`, and neither `output_cap` nor images";
            Err(needed.to_owned())
        }
        (KindEntry::Moderation, None, None) => Ok((ModelKind::Moderation, 0)),
        (KindEntry::Moderation, ..) => {
            Err("a `moderation` has neither `output_cap` nor `dimensions`".to_owned())
        }
    }
}

fn read_route(route: RouteEntry) -> Route {
    let target = |TargetEntry { model, weight }| Target { model, weight };
    let targets = route.targets.into_iter().map(target).collect();
    Route { name: route.name, targets, fallbacks: route.fallbacks }
}

fn read_price(table: Table, kind: ModelKind) -> Result<PricedVersion, String> {
    let price: PriceEntry = entry(table)?;
    let in_version = |reason: &str| format!("price `{}`: {reason}", price.version);
    let told = [price.input, price.cached_input, price.cache_write, price.output];
    let free = price.free;
    let amounts = match told {
        [None, None, None, None] if free && price.request.is_none() && price.long.is_none() => {
            Price::Free
        }
        [Some(input), Some(cached_input), Some(cache_write), Some(output)]
            if !free && kind == ModelKind::Chat =>
        {
            let usual = tokens([input, cached_input, cache_write, output], price.request)
                .ok_or_else(|| in_version(NOTHING))?;
            by_context(usual, price.long).map_err(|reason| in_version(&reason))?
        }
        // Where vectors or judgements are made nothing is kept, and no token comes out.
        [Some(input), None, None, None] if !free && kind != ModelKind::Chat => {
            let usual = tokens([input, input, input, UsdPerMillion(0)], price.request)
                .ok_or_else(|| in_version(NOTHING))?;
            by_context(usual, price.long).map_err(|reason| in_version(&reason))?
        }
        _ if free => return Err(in_version("what is free has no prices")),
        _ if kind != ModelKind::Chat => {
            return Err(in_version("what does not answer has a price of its `input` alone"));
        }
        _ => {
            let needed = "`input`, `cached_input`, `cache_write` and `output` are all needed";
            return Err(in_version(needed));
        }
    };
    Ok(PricedVersion { version: price.version, effective_at: price.effective, price: amounts })
}

fn tokens(
    [input, cached_input, cache_write, output]: [UsdPerMillion; 4],
    request: Option<UsdPerMillion>,
) -> Option<TokenPrices> {
    let request = request.map_or(0, |request| request.0);
    let prices = TokenPrices {
        input: input.0,
        cached_input: cached_input.0,
        cache_write: cache_write.0,
        output: output.0,
        request,
    };
    (prices.input > 0 || prices.output > 0 || request > 0).then_some(prices)
}

fn by_context(usual: TokenPrices, long: Option<Table>) -> Result<Price, String> {
    let Some(long) = long else { return Ok(Price::Tokens(usual)) };
    let long: LongEntry = entry(long)?;
    let prices = TokenPrices {
        input: long.input.0,
        cached_input: long.cached_input.0,
        cache_write: long.cache_write.0,
        output: long.output.0,
        request: usual.request,
    };
    Ok(Price::ByContext { up_to: long.above, usual, long: prices })
}

/// The beginning of a day, in UTC. (A table hands its dates on as texts.)
fn midnight<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    let date = NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok();
    let instant = date.and_then(|date| date.and_hms_opt(0, 0, 0));
    instant.map(|instant| instant.and_utc()).ok_or_else(|| D::Error::custom("expected a date"))
}

impl<'de> Deserialize<'de> for UsdPerMillion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Value::String(text) = Value::deserialize(deserializer)? else {
            return Err(D::Error::custom("a price is a decimal in quotes"));
        };
        pico_per_token(&text).map(Self).ok_or_else(|| {
            D::Error::custom(format!("`{text}` is not an amount with at most 6 decimals"))
        })
    }
}
