//! Every model with its prices, looked up by name.
//!
//! Reading the file is *not* done here.
use std::collections::BTreeMap;

use crate::usage::{InvalidRoute, Model, ModelKind, Route};

/// Every model we know, by each of its names, and the routes that lead to them.
#[derive(Clone, Debug, Default)]
pub struct PriceBook {
    models: Vec<Model>,
    names: BTreeMap<String, usize>,
    /// Models that cannot be called any more, for the receipts of calls to them.
    retired: Vec<Model>,
    routes: BTreeMap<String, Route>,
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
    /// A judgement with an answer beside it.
    #[error("`{0}` judges, and tokens come out of it")]
    Judging(String),
    /// A vector without numbers, or with an answer beside it.
    #[error("the dimensions of `{0}` are not 1 or more, or tokens come out of it")]
    Dimensions(String),
    /// Nothing can be sent along a route.
    #[error("the route `{0}` {1}")]
    Route(String, InvalidRoute),
    /// A route leads to something that is no model.
    #[error("the route `{route}` leads to `{model}`, which is the id of no model")]
    Nowhere {
        /// The route.
        route: String,
        /// What it names.
        model: String,
    },
    /// A route leads to models that do different things: what comes back would be a matter of
    /// chance.
    #[error(
        "the route `{0}` leads to models of different kinds, or to vectors of different lengths"
    )]
    Mixed(String),
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
            check_output(model)?;
            for name in model.aliases.iter().chain([&model.id]) {
                if names.insert(name.clone(), place).is_some() {
                    return Err(InvalidPriceBook::NameTaken(name.clone()));
                }
            }
        }
        Ok(Self { models, names, retired: Vec::new(), routes: BTreeMap::new() })
    }

    /// The book, with these routes in it.
    ///
    /// # Errors
    ///
    /// [`InvalidPriceBook`] names the route that is wrong.
    pub fn with_routes(mut self, routes: Vec<Route>) -> Result<Self, InvalidPriceBook> {
        for route in routes {
            let name = route.name.clone();
            route.check().map_err(|error| InvalidPriceBook::Route(name.clone(), error))?;
            let is_id = |id: &str| self.find(id).is_some_and(|model| model.id == id);
            if let Some(model) = route.models().find(|model| !is_id(model)).map(str::to_owned) {
                return Err(InvalidPriceBook::Nowhere { route: name, model });
            }
            if self.is_mixed(&route) {
                return Err(InvalidPriceBook::Mixed(name));
            }
            if self.names.contains_key(&name) || self.routes.insert(name.clone(), route).is_some() {
                return Err(InvalidPriceBook::NameTaken(name));
            }
        }
        Ok(self)
    }

    /// The models that a call for this name tries, in their order: those of a route (see
    /// [`Route::order`]), or the one that is called so.
    #[must_use]
    pub fn candidates(&self, name: &str, draw: u64) -> Vec<&Model> {
        match self.routes.get(name) {
            Some(route) => route.order(draw).into_iter().filter_map(|id| self.find(id)).collect(),
            None => self.find(name).into_iter().collect(),
        }
    }

    /// Whether the models of a route do different things.
    fn is_mixed(&self, route: &Route) -> bool {
        let mut kinds = route.models().filter_map(|id| self.find(id)).map(|model| model.kind);
        let first = kinds.next();
        kinds.any(|kind| Some(kind) != first)
    }

    /// Every route, in the order of their names.
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.routes.values()
    }

    /// The model with this name or alias.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Model> {
        self.names.get(name).map(|place| &self.models[*place])
    }

    /// The book, knowing these models that cannot be called any more.
    pub(super) fn remembering(self, retired: Vec<Model>) -> Self {
        Self { retired, ..self }
    }

    /// The model with this id, even if it cannot be called any more.
    #[must_use]
    pub fn ever(&self, id: &str) -> Option<&Model> {
        self.find(id).or_else(|| self.retired.iter().find(|model| model.id == id))
    }

    /// Every model, in the order of the book.
    #[must_use]
    pub fn models(&self) -> &[Model] {
        &self.models
    }
}

/// What comes out of a model has to be bounded, by its kind.
fn check_output(model: &Model) -> Result<(), InvalidPriceBook> {
    let id = || model.id.clone();
    match model.kind {
        ModelKind::Chat if model.output_cap == 0 || model.output_cap > model.context_window => {
            Err(InvalidPriceBook::OutputCap(id()))
        }
        ModelKind::Embedding { dimensions } if dimensions == 0 || model.output_cap > 0 => {
            Err(InvalidPriceBook::Dimensions(id()))
        }
        ModelKind::Moderation if model.output_cap > 0 => Err(InvalidPriceBook::Judging(id())),
        ModelKind::Chat | ModelKind::Embedding { .. } | ModelKind::Moderation => Ok(()),
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
            provider: Provider::OPENAI,
            upstream: id.to_owned(),
            class: ModelClass::Small,
            context_window: 100,
            kind: ModelKind::Chat,
            output_cap: 10,
            image_tokens: None,
            tools: true,
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
        let vectors = |dimensions, output_cap| {
            let kind = ModelKind::Embedding { dimensions };
            vec![Model { kind, output_cap, ..model("a", &[], &[0]) }]
        };
        assert!(PriceBook::new(vectors(1, 0)).is_ok());
        let judging = |output_cap| {
            vec![Model { kind: ModelKind::Moderation, output_cap, ..model("a", &[], &[0]) }]
        };
        assert!(PriceBook::new(judging(0)).is_ok());
        for (models, expected) in [
            (vec![model("a", &[], &[])], E::NoPrice("a".to_owned())),
            (vec![model("a", &[], &[2, 1])], E::Order("a".to_owned())),
            (vec![model("a", &[], &[1, 1])], E::Order("a".to_owned())),
            (vec![model("a", &["a"], &[1])], E::NameTaken("a".to_owned())),
            (vec![model("a", &[], &[1]), model("b", &["a"], &[1])], E::NameTaken("a".to_owned())),
            (vec![caps], E::OutputCap("a".to_owned())),
            (vectors(0, 0), E::Dimensions("a".to_owned())),
            (vectors(1, 1), E::Dimensions("a".to_owned())),
            (judging(1), E::Judging("a".to_owned())),
            (vec![falling], E::Context("a".to_owned())),
        ] {
            assert_eq!(PriceBook::new(models).err(), Some(expected));
        }
    }

    #[test]
    fn a_route_leads_to_models_by_their_ids() {
        use InvalidPriceBook as E;
        let book = || {
            PriceBook::new(vec![model("a", &["x"], &[0]), model("b", &[], &[0])]).expect("sound")
        };
        let route = Route { fallbacks: vec!["b".to_owned()], ..Route::to("fast", "a") };
        let routed = book().with_routes(vec![route.clone()]).expect("sound");
        let ids = |name| {
            let found = routed.candidates(name, 0).into_iter();
            found.map(|model| model.id.as_str()).collect::<Vec<_>>()
        };
        assert_eq!([ids("fast"), ids("x"), ids("c")], [vec!["a", "b"], vec!["a"], vec![]]);

        let nowhere = |model: &str| E::Nowhere { route: "r".to_owned(), model: model.to_owned() };
        for (routes, expected) in [
            (vec![Route::to("r", "c")], nowhere("c")),
            (vec![Route::to("r", "x")], nowhere("x")),
            (vec![Route::to("x", "a")], E::NameTaken("x".to_owned())),
            (vec![route.clone(), route], E::NameTaken("fast".to_owned())),
            (
                vec![Route { targets: vec![], ..Route::to("r", "a") }],
                E::Route("r".to_owned(), InvalidRoute::Empty),
            ),
        ] {
            assert_eq!(book().with_routes(routes).err(), Some(expected));
        }
    }

    #[test]
    fn a_route_leads_to_one_kind_of_models() {
        let vectors = |id: &str, dimensions| Model {
            kind: ModelKind::Embedding { dimensions },
            output_cap: 0,
            ..model(id, &[], &[0])
        };
        let book = || {
            let models = [model("a", &[], &[0]), model("b", &[], &[0])].into_iter();
            let more = [vectors("c", 2), vectors("d", 2), vectors("e", 3)];
            PriceBook::new(models.chain(more).collect()).expect("sound")
        };
        for (first, second, sound) in [
            ("a", "b", true),
            ("c", "d", true),
            ("a", "c", false),
            ("c", "a", false),
            ("c", "e", false),
        ] {
            let route = Route { fallbacks: vec![second.to_owned()], ..Route::to("r", first) };
            let mixed = InvalidPriceBook::Mixed("r".to_owned());
            let refused = (!sound).then_some(mixed);
            assert_eq!(book().with_routes(vec![route]).err(), refused, "{first} {second}");
        }
    }
}
