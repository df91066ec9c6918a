//! Which models to try for a name, and in which order.
//!
//! Not here: whether the caller may call them, and whether they work right now.
use std::collections::BTreeSet;

/// A name that stands for several models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// What callers ask for.
    pub name: String,
    /// Models that share the calls, each by its id, according to their weights. Never empty.
    pub targets: Vec<Target>,
    /// Models that are tried when none of the targets answers, in this order.
    pub fallbacks: Vec<String>,
}

/// A model that gets its share of the calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The id of the model.
    pub model: String,
    /// Its share is this in the sum of all weights. 1 to 1000.
    pub weight: u32,
}

/// The heaviest weight.
pub const HEAVIEST: u32 = 1_000;

/// A route that nothing can be sent along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRoute {
    /// It leads nowhere.
    #[error("has no targets")]
    Empty,
    /// A weight out of range.
    #[error("has a weight that is not between 1 and {HEAVIEST}")]
    Weight,
    /// One model is named twice: it would be tried again when it has just failed.
    #[error("names a model twice")]
    Twice,
}

impl Route {
    /// A route to one model alone.
    #[must_use]
    pub fn to(name: impl Into<String>, model: impl Into<String>) -> Self {
        let targets = vec![Target { model: model.into(), weight: 1 }];
        Self { name: name.into(), targets, fallbacks: Vec::new() }
    }

    /// Whether calls can be sent along it.
    ///
    /// # Errors
    ///
    /// See [`InvalidRoute`].
    pub fn check(&self) -> Result<(), InvalidRoute> {
        if self.targets.is_empty() {
            return Err(InvalidRoute::Empty);
        }
        if self.targets.iter().any(|target| target.weight == 0 || target.weight > HEAVIEST) {
            return Err(InvalidRoute::Weight);
        }
        let mut seen = BTreeSet::new();
        if self.models().all(|model| seen.insert(model)) {
            Ok(())
        } else {
            Err(InvalidRoute::Twice)
        }
    }

    /// Every model that it names.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        let targets = self.targets.iter().map(|target| target.model.as_str());
        targets.chain(self.fallbacks.iter().map(String::as_str))
    }

    /// The models in the order in which this call tries them. `draw` decides who is first: of
    /// many calls with draws that are spread evenly, each target is first for its share. The
    /// other targets follow, the heaviest first, and then the fallbacks.
    #[must_use]
    pub fn order(&self, draw: u64) -> Vec<&str> {
        let sum: u64 = self.targets.iter().map(|target| u64::from(target.weight)).sum();
        let mut rest = if sum == 0 { 0 } else { draw % sum };
        let mut first = 0;
        for (place, target) in self.targets.iter().enumerate() {
            if rest < u64::from(target.weight) {
                first = place;
                break;
            }
            rest -= u64::from(target.weight);
        }
        let mut others: Vec<&Target> = self.targets.iter().collect();
        if others.is_empty() {
            return self.models().collect();
        }
        let chosen = others.remove(first);
        others.sort_by_key(|target| std::cmp::Reverse(target.weight));
        let targets = std::iter::once(chosen).chain(others);
        let fallbacks = self.fallbacks.iter().map(String::as_str);
        targets.map(|target| target.model.as_str()).chain(fallbacks).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(targets: &[(&str, u32)], fallbacks: &[&str]) -> Route {
        let target =
            |(model, weight): &(&str, u32)| Target { model: (*model).to_owned(), weight: *weight };
        Route {
            name: "smart".to_owned(),
            targets: targets.iter().map(target).collect(),
            fallbacks: fallbacks.iter().map(|model| (*model).to_owned()).collect(),
        }
    }

    #[test]
    fn every_target_is_first_for_its_share_and_the_fallbacks_are_last() {
        let route = route(&[("a", 3), ("b", 1), ("c", 2)], &["d", "e"]);
        let orders: Vec<String> = (0..7).map(|draw| route.order(draw).concat()).collect();
        assert_eq!(orders, ["acbde", "acbde", "acbde", "bacde", "cabde", "cabde", "acbde"]);
    }

    #[test]
    fn one_target_is_always_first() {
        let alone = Route::to("fast", "a");
        assert_eq!([alone.order(0), alone.order(u64::MAX)], [["a"], ["a"]]);
    }

    #[test]
    fn a_route_that_leads_nowhere_or_back_is_refused() {
        for (targets, fallbacks, expected) in [
            (&[("a", 1)][..], &["b"][..], Ok(())),
            (&[], &["b"], Err(InvalidRoute::Empty)),
            (&[("a", 0)], &[], Err(InvalidRoute::Weight)),
            (&[("a", 1_001)], &[], Err(InvalidRoute::Weight)),
            (&[("a", 1), ("a", 2)], &[], Err(InvalidRoute::Twice)),
            (&[("a", 1)], &["a"], Err(InvalidRoute::Twice)),
        ] {
            assert_eq!(route(targets, fallbacks).check(), expected, "{targets:?} {fallbacks:?}");
        }
    }
}
