//! What operators say of models, over the price book that the program came with.
//!
//! A book is never changed: what is said makes another one, and whoever was admitted by the old one
//! is charged by that.
use crate::{
    time::Timestamp,
    usage::{
        InvalidPriceBook, Model, ModelClass, ModelKind, Price, PriceBook, PricedVersion, Provider,
        Route, Target, TokenPrices,
    },
};

/// The most bytes that a name of a model, or of a version of its price, has.
pub const LONGEST_MODEL_NAME: usize = 100;

/// The most tokens of anything: more than any model has, and far from what does not fit.
const MOST_TOKENS: u64 = 1_000_000_000;

/// What operators say of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelEntry {
    /// What callers call it.
    pub id: String,
    /// What it is. None, where that stands in the book.
    pub description: Option<ModelDescription>,
    /// Since when it cannot be called any more.
    pub retired_at: Option<Timestamp>,
    /// Prices beside those of the book, the oldest first.
    pub prices: Vec<PricedVersion>,
}

/// A model, without its id and its prices: see [`Model`].
#[expect(missing_docs, reason = "each is what it is of a `Model`")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelDescription {
    pub aliases: Vec<String>,
    pub provider: Provider,
    pub upstream: String,
    pub class: ModelClass,
    pub kind: ModelKind,
    pub context_window: u64,
    pub output_cap: u64,
    pub image_tokens: Option<u64>,
    pub tools: bool,
    pub released_at: Timestamp,
}

/// A model that cannot be described so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidModel {
    /// It could not be asked for, or nobody could be asked for it.
    #[error("`{0}` is no name of a model: 1 to {LONGEST_MODEL_NAME} visible ASCII characters")]
    Name(String),
    /// More tokens than there are.
    #[error("no model has so many tokens")]
    Tokens,
    /// The book as a whole must not be used with it.
    #[error(transparent)]
    Book(#[from] InvalidPriceBook),
}

/// A price that must not be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceRefused {
    /// What was called already was charged by another price.
    #[error("a price holds from now on, or from later on")]
    Backdated,
    /// Two prices of one instant.
    #[error("another price of the model holds from that instant on")]
    Overlapping,
    /// Receipts name prices by their versions.
    #[error("the model has another price of that version")]
    VersionTaken,
    /// A version that receipts cannot show.
    #[error("a version has 1 to {LONGEST_MODEL_NAME} visible ASCII characters")]
    Version,
    /// What costs nothing says so.
    #[error("a price of nothing is not a price: say that it is free")]
    Nothing,
    /// A price that does not fit into any cost.
    #[error("the price is too high")]
    TooHigh,
    /// A hold is made for the longest input there may be: that has to be the dearest.
    #[error("a long input costs less than a short one")]
    Falling,
    /// Nothing comes out of it that could cost anything.
    #[error("a model that does not answer has a price of its input alone")]
    Output,
}

impl ModelEntry {
    /// Nothing is said of the model yet.
    #[must_use]
    pub const fn of(id: String) -> Self {
        Self { id, description: None, retired_at: None, prices: Vec::new() }
    }

    /// The model as it is said to be, over what the book has of it. None, where neither says what
    /// it is. One that has no price yet has one that is not known.
    #[must_use]
    pub fn over(&self, base: Option<&Model>) -> Option<Model> {
        let mut model = match (&self.description, base) {
            (Some(said), _) => said.clone().into_model(self.id.clone()),
            (None, Some(base)) => Model { prices: Vec::new(), ..base.clone() },
            (None, None) => return None,
        };
        let known = base.map(|base| base.prices.as_slice()).unwrap_or_default();
        model.prices = known.iter().chain(&self.prices).cloned().collect();
        model.prices.sort_by_key(|version| version.effective_at);
        if model.prices.is_empty() {
            model.prices.push(PricedVersion {
                version: "unknown".to_owned(),
                effective_at: Timestamp::UNIX_EPOCH,
                price: Price::Unknown,
            });
        }
        Some(model)
    }
}

impl ModelDescription {
    /// Whether a model can be called and asked so.
    ///
    /// # Errors
    ///
    /// [`InvalidModel`]; the book as a whole is not looked at.
    pub fn check(&self, id: &str) -> Result<(), InvalidModel> {
        let names = self.aliases.iter().map(String::as_str);
        for name in names.chain([id, self.upstream.as_str()]) {
            if !is_name(name) {
                return Err(InvalidModel::Name(name.chars().take(LONGEST_MODEL_NAME).collect()));
            }
        }
        let tokens = [self.context_window, self.output_cap, self.image_tokens.unwrap_or_default()];
        if self.context_window == 0 || tokens.iter().any(|tokens| *tokens > MOST_TOKENS) {
            return Err(InvalidModel::Tokens);
        }
        Ok(())
    }

    fn into_model(self, id: String) -> Model {
        Model {
            id,
            aliases: self.aliases,
            provider: self.provider,
            upstream: self.upstream,
            class: self.class,
            kind: self.kind,
            context_window: self.context_window,
            output_cap: self.output_cap,
            image_tokens: self.image_tokens,
            tools: self.tools,
            released_at: self.released_at,
            prices: Vec::new(),
        }
    }
}

impl Model {
    /// Whether this may become one of its prices.
    ///
    /// # Errors
    ///
    /// [`PriceRefused`].
    pub fn check_price(&self, new: &PricedVersion, now: Timestamp) -> Result<(), PriceRefused> {
        if !is_name(&new.version) {
            return Err(PriceRefused::Version);
        }
        if new.effective_at < now {
            return Err(PriceRefused::Backdated);
        }
        if self.prices.iter().any(|price| price.version == new.version) {
            return Err(PriceRefused::VersionTaken);
        }
        if self.prices.iter().any(|price| price.effective_at == new.effective_at) {
            return Err(PriceRefused::Overlapping);
        }
        match &new.price {
            Price::Free | Price::Unknown => Ok(()),
            Price::Tokens(prices) => self.check_tokens(prices),
            Price::ByContext { usual, long, .. } => {
                self.check_tokens(usual)?;
                self.check_tokens(long)?;
                if new.price.rises_with_input() { Ok(()) } else { Err(PriceRefused::Falling) }
            }
        }
    }

    fn check_tokens(&self, prices: &TokenPrices) -> Result<(), PriceRefused> {
        let TokenPrices { input, cached_input, cache_write, output, request } = *prices;
        let all = [input, cached_input, cache_write, output, request];
        if all.iter().any(|price| i64::try_from(*price).is_err()) {
            return Err(PriceRefused::TooHigh);
        }
        if input == 0 && output == 0 && request == 0 {
            return Err(PriceRefused::Nothing);
        }
        match self.kind {
            ModelKind::Chat => Ok(()),
            ModelKind::Embedding { .. } | ModelKind::Moderation if output == 0 => Ok(()),
            ModelKind::Embedding { .. } | ModelKind::Moderation => Err(PriceRefused::Output),
        }
    }
}

impl PriceBook {
    /// The book with what operators say of its models, and with theirs. A route leads to what is
    /// left of its models; one of which nothing is left is gone.
    ///
    /// # Errors
    ///
    /// [`InvalidPriceBook`], where they do not go together.
    pub fn overlaid(&self, entries: &[ModelEntry]) -> Result<Self, InvalidPriceBook> {
        let mut models = Vec::new();
        let mut retired = Vec::new();
        let said = |id: &str| entries.iter().find(|entry| entry.id == id);
        let own = entries.iter().filter(|entry| self.models().iter().all(|it| it.id != entry.id));
        let of_book = self.models().iter().map(|base| {
            let entry = said(&base.id);
            let model = entry.and_then(|entry| entry.over(Some(base)));
            (entry, Some(model.unwrap_or_else(|| base.clone())))
        });
        for (entry, model) in of_book.chain(own.map(|entry| (Some(entry), entry.over(None)))) {
            let is_retired = entry.is_some_and(|entry| entry.retired_at.is_some());
            let kept = if is_retired { &mut retired } else { &mut models };
            kept.extend(model);
        }
        let is_left = |id: &str| models.iter().any(|model: &Model| model.id == id);
        let routes = self.routes().filter_map(|route| left_of(route, is_left)).collect();
        Ok(Self::new(models)?.with_routes(routes)?.remembering(retired))
    }
}

/// What is left of a route: where no target is, the first of its fallbacks takes their place.
fn left_of(route: &Route, is_left: impl Fn(&str) -> bool) -> Option<Route> {
    let targets = route.targets.iter().filter(|target| is_left(&target.model));
    let mut targets: Vec<_> = targets.cloned().collect();
    let mut fallbacks: Vec<_> =
        route.fallbacks.iter().filter(|model| is_left(model)).cloned().collect();
    if targets.is_empty() && !fallbacks.is_empty() {
        targets.push(Target { model: fallbacks.remove(0), weight: 1 });
    }
    let route = Route { name: route.name.clone(), targets, fallbacks };
    (!route.targets.is_empty()).then_some(route)
}

fn is_name(name: &str) -> bool {
    (1..=LONGEST_MODEL_NAME).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::days(day)
    }

    fn tokens(input: u64, output: u64) -> TokenPrices {
        TokenPrices { input, cached_input: input, cache_write: input, output, request: 0 }
    }

    fn version(name: &str, day: i64, price: Price) -> PricedVersion {
        PricedVersion { version: name.to_owned(), effective_at: at(day), price }
    }

    fn description() -> ModelDescription {
        ModelDescription {
            aliases: vec!["quick".to_owned()],
            provider: Provider::OPENAI,
            upstream: "m-1".to_owned(),
            class: ModelClass::Small,
            kind: ModelKind::Chat,
            context_window: 100,
            output_cap: 10,
            image_tokens: None,
            tools: true,
            released_at: at(0),
        }
    }

    fn model(id: &str) -> Model {
        let prices = vec![version("v1", 1, Price::Free), version("v9", 9, Price::Free)];
        Model { prices, aliases: vec![], ..description().into_model(id.to_owned()) }
    }

    fn book() -> PriceBook {
        let route = Route { fallbacks: vec!["b".to_owned()], ..Route::to("fast", "a") };
        PriceBook::new(vec![model("a"), model("b")])
            .expect("sound")
            .with_routes(vec![route])
            .expect("sound")
    }

    #[test]
    fn a_price_is_never_backdated_overlapping_or_nothing() {
        use PriceRefused as E;
        let vectors = Model { kind: ModelKind::Moderation, output_cap: 0, ..model("j") };
        let priced = |input, output| Price::Tokens(tokens(input, output));
        let rising = |usual, long| Price::ByContext {
            up_to: 9,
            usual: tokens(usual, 1),
            long: tokens(long, 1),
        };
        for (model, new, refused) in [
            (model("a"), version("v2", 5, priced(1, 1)), None),
            (model("a"), version("v2", 6, Price::Free), None),
            (model("a"), version("v2", 6, Price::Unknown), None),
            (model("a"), version("v2", 99, rising(1, 2)), None),
            (vectors.clone(), version("v2", 6, priced(1, 0)), None),
            (model("a"), version("v2", 4, priced(1, 1)), Some(E::Backdated)),
            (model("a"), version("v2", 0, Price::Free), Some(E::Backdated)),
            (model("a"), version("v2", 9, priced(1, 1)), Some(E::Overlapping)),
            (model("a"), version("v9", 8, priced(1, 1)), Some(E::VersionTaken)),
            (model("a"), version("v1", 8, priced(1, 1)), Some(E::VersionTaken)),
            (model("a"), version("", 8, priced(1, 1)), Some(E::Version)),
            (model("a"), version("v 2", 8, priced(1, 1)), Some(E::Version)),
            (model("a"), version("v2", 8, priced(0, 0)), Some(E::Nothing)),
            (model("a"), version("v2", 8, rising(0, 1)), None),
            (model("a"), version("v2", 8, rising(2, 1)), Some(E::Falling)),
            (model("a"), version("v2", 8, priced(u64::MAX, 1)), Some(E::TooHigh)),
            (vectors, version("v2", 8, priced(1, 1)), Some(E::Output)),
        ] {
            assert_eq!(model.check_price(&new, at(5)).err(), refused, "{new:?}");
        }
    }

    #[test]
    fn what_is_said_stands_over_the_book() {
        let priced = Price::Tokens(tokens(1, 1));
        let dearer =
            ModelEntry { prices: vec![version("v5", 5, priced)], ..ModelEntry::of("a".into()) };
        let new = ModelEntry { description: Some(description()), ..ModelEntry::of("c".into()) };
        let over = book().overlaid(&[dearer, new]).expect("sound");
        let found = |day| {
            let model = over.find("a").expect("a model");
            model.price_at(at(day)).map(|price| price.version.as_str())
        };
        assert_eq!([found(4), found(5), found(9)], [Some("v1"), Some("v5"), Some("v9")]);
        let quick = over.find("quick").expect("by its alias");
        assert_eq!((quick.id.as_str(), quick.price_at(at(99))), ("c", None), "no price yet");
        assert_eq!(over.models().len(), 3);
    }

    #[test]
    fn a_price_that_is_not_known_holds_from_its_date() {
        let unknown = version("v5", 5, Price::Unknown);
        let entry = ModelEntry { prices: vec![unknown], ..ModelEntry::of("a".into()) };
        let over = book().overlaid(&[entry]).expect("sound");
        let found = |day| over.find("a").and_then(|model| model.price_at(at(day)).cloned());
        assert!(found(4).is_some() && found(5).is_none() && found(8).is_none());
        assert!(found(9).is_some(), "until the next one");
    }

    #[test]
    fn what_is_retired_is_called_no_more_and_still_known_to_receipts() {
        let gone = |id: &str| ModelEntry { retired_at: Some(at(3)), ..ModelEntry::of(id.into()) };
        let ids = |book: &PriceBook| {
            let found = book.candidates("fast", 0).into_iter();
            found.map(|model| model.id.clone()).collect::<Vec<_>>()
        };
        let over = book().overlaid(&[gone("a")]).expect("sound");
        assert_eq!((over.find("a"), ids(&over)), (None, vec!["b".to_owned()]));
        assert_eq!(over.ever("a").map(|model| model.prices.len()), Some(2));
        let over = book().overlaid(&[gone("a"), gone("b")]).expect("sound");
        assert_eq!((over.models().len(), ids(&over)), (0, vec![]));
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let said = |description| ModelEntry {
            description: Some(description),
            ..ModelEntry::of("c".into())
        };
        let taken = ModelDescription { aliases: vec!["fast".to_owned()], ..description() };
        assert!(matches!(book().overlaid(&[said(taken)]), Err(InvalidPriceBook::NameTaken(_))));
        let endless = ModelDescription { output_cap: 101, ..description() };
        assert!(matches!(book().overlaid(&[said(endless)]), Err(InvalidPriceBook::OutputCap(_))));
        let judging =
            ModelDescription { kind: ModelKind::Moderation, output_cap: 0, ..description() };
        let other =
            ModelEntry { id: "b".into(), ..said(ModelDescription { aliases: vec![], ..judging }) };
        assert!(matches!(book().overlaid(&[other]), Err(InvalidPriceBook::Mixed(_))));
    }

    #[test]
    fn a_model_is_called_by_visible_characters_and_has_tokens() {
        for (id, context_window, sound) in [
            ("meta/llama-3.1:8b", 100, true),
            ("", 100, false),
            ("a b", 100, false),
            ("ö", 100, false),
            (&*"x".repeat(101), 100, false),
            ("a", 0, false),
            ("a", MOST_TOKENS + 1, false),
        ] {
            let said = ModelDescription { context_window, ..description() };
            assert_eq!(said.check(id).is_ok(), sound, "{id}");
        }
    }
}
