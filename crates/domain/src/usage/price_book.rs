//! Every model with its prices, looked up by name.
//!
//! Reading the file is *not* done here.
use std::collections::BTreeMap;

use crate::usage::Model;

/// Every model we know, by each of its names.
#[derive(Clone, Debug, Default)]
pub struct PriceBook {
    models: Vec<Model>,
    names: BTreeMap<String, usize>,
}

/// A price book that must not be used. Each error names the model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPriceBook {
    /// Two models answer to one name.
    #[error("two models are called `{0}`")]
    NameTaken(String),
    /// A model without a price would be called for nothing.
    #[error("`{0}` has no price")]
    NoPrice(String),
    /// Prices have to be in the order in which they hold, each with its own instant.
    #[error("the prices of `{0}` are not in the order of their dates")]
    Order(String),
    /// A hold is made for the longest input there may be: that has to be the dearest.
    #[error("a long input to `{0}` costs less than a short one")]
    Context(String),
    /// More can come out than fits in at all, or nothing.
    #[error("the output cap of `{0}` is not between 1 and its context window")]
    OutputCap(String),
}

impl PriceBook {
    /// A book of these models.
    ///
    /// # Errors
    ///
    /// [`InvalidPriceBook`] names the model that is wrong.
    pub fn new(models: Vec<Model>) -> Result<Self, InvalidPriceBook> {
        let mut names = BTreeMap::new();
        for (place, model) in models.iter().enumerate() {
            let id = || model.id.clone();
            if model.prices.is_empty() {
                return Err(InvalidPriceBook::NoPrice(id()));
            }
            if !model.prices.is_sorted_by(|a, b| a.effective_at < b.effective_at) {
                return Err(InvalidPriceBook::Order(id()));
            }
            if model.prices.iter().any(|version| !version.price.rises_with_input()) {
                return Err(InvalidPriceBook::Context(id()));
            }
            if model.output_cap == 0 || model.output_cap > model.context_window {
                return Err(InvalidPriceBook::OutputCap(id()));
            }
            for name in model.aliases.iter().chain([&model.id]) {
                if names.insert(name.clone(), place).is_some() {
                    return Err(InvalidPriceBook::NameTaken(name.clone()));
                }
            }
        }
        Ok(Self { models, names })
    }

    /// The model with this name or alias.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Model> {
        self.names.get(name).map(|place| &self.models[*place])
    }

    /// Every model, in the order of the book.
    #[must_use]
    pub fn models(&self) -> &[Model] {
        &self.models
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::{
        time::Timestamp,
        usage::{ModelClass, Price, PricedVersion, Provider, TokenPrices},
    };

    fn at(days: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::days(days)
    }

    fn model(id: &str, aliases: &[&str], prices: &[i64]) -> Model {
        let price = |day: &i64| PricedVersion {
            version: day.to_string(),
            effective_at: at(*day),
            price: Price::Free,
        };
        Model {
            id: id.to_owned(),
            aliases: aliases.iter().map(ToString::to_string).collect(),
            provider: Provider::OpenAi,
            upstream: id.to_owned(),
            class: ModelClass::Small,
            context_window: 100,
            output_cap: 10,
            released_at: at(0),
            prices: prices.iter().map(price).collect(),
        }
    }

    #[test]
    fn a_price_holds_from_its_date_until_the_next() {
        let model = model("a", &[], &[2, 5]);
        let found = |day| model.price_at(at(day)).map(|price| price.version.as_str());
        assert_eq!(
            [found(1), found(2), found(4), found(5), found(9)],
            [None, Some("2"), Some("2"), Some("5"), Some("5")],
        );
    }

    #[test]
    fn a_model_is_found_by_each_of_its_names() {
        let book = PriceBook::new(vec![model("a", &["fast"], &[0]), model("b", &[], &[0])]);
        let book = book.expect("sound");
        let found = |name| book.find(name).map(|model| model.id.as_str());
        assert_eq!([found("a"), found("fast"), found("c")], [Some("a"), Some("a"), None]);
    }

    #[test]
    fn a_book_that_could_charge_wrongly_is_refused() {
        use InvalidPriceBook as E;
        let per_token =
            |input| TokenPrices { input, cached_input: 0, cache_write: 0, output: 0, request: 0 };
        let price = Price::ByContext { up_to: 9, usual: per_token(2), long: per_token(1) };
        let falling = model("a", &[], &[0]);
        let prices = vec![PricedVersion { price, ..falling.prices[0].clone() }];
        let falling = Model { prices, ..falling };
        let caps = Model { output_cap: 101, ..model("a", &[], &[0]) };
        for (models, expected) in [
            (vec![model("a", &[], &[])], E::NoPrice("a".to_owned())),
            (vec![model("a", &[], &[2, 1])], E::Order("a".to_owned())),
            (vec![model("a", &[], &[1, 1])], E::Order("a".to_owned())),
            (vec![model("a", &["a"], &[1])], E::NameTaken("a".to_owned())),
            (vec![model("a", &[], &[1]), model("b", &["a"], &[1])], E::NameTaken("a".to_owned())),
            (vec![caps], E::OutputCap("a".to_owned())),
            (vec![falling], E::Context("a".to_owned())),
        ] {
            assert_eq!(PriceBook::new(models).err(), Some(expected));
        }
    }
}
