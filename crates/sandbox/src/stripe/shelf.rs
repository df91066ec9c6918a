//! Objects of one kind, in the order of their making.
use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
};

use serde_json::{Value, json};

use super::{error::StripeError, form::Form};

const USUAL_PAGE: i64 = 10;
const LARGEST_PAGE: i64 = 100;

/// Objects of one kind, each with its `id`.
#[derive(Default)]
pub(crate) struct Shelf {
    made: u64,
    places: HashMap<String, u64>,
    objects: BTreeMap<u64, Value>,
}

impl Shelf {
    /// Puts a new object behind the others.
    pub(crate) fn add(&mut self, object: Value) {
        self.made += 1;
        self.places.insert(object["id"].as_str().unwrap_or_default().to_owned(), self.made);
        self.objects.insert(self.made, object);
    }

    /// The object with this id.
    pub(crate) fn get(&self, id: &str) -> Option<&Value> {
        self.objects.get(self.places.get(id)?)
    }

    /// The object with this id, to be changed.
    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Value> {
        self.objects.get_mut(self.places.get(id)?)
    }

    /// Takes an object away; whether it was there.
    pub(crate) fn remove(&mut self, id: &str) -> bool {
        self.places.remove(id).is_some_and(|place| self.objects.remove(&place).is_some())
    }

    /// How many objects were ever put here.
    pub(crate) fn made(&self) -> u64 {
        self.made
    }

    /// Takes away what was put here after so many.
    pub(crate) fn take_back(&mut self, made: u64) {
        for object in self.objects.split_off(&(made + 1)).values() {
            self.places.remove(object["id"].as_str().unwrap_or_default());
        }
    }

    /// All objects, the oldest first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Value> {
        self.objects.values()
    }

    /// The page of a list, newest first, that `limit`, `starting_after` and `ending_before` ask for.
    pub(crate) fn page(
        &self,
        form: &Form,
        url: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value, StripeError> {
        let limit = form.integer("limit")?.unwrap_or(USUAL_PAGE);
        if !(1..=LARGEST_PAGE).contains(&limit) {
            let message = "Limit must be between 1 and 100";
            return Err(StripeError::refused("limit", "parameter_invalid_integer", message));
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let place = |name: &str| match form.text(name)? {
            None => Ok(Bound::Unbounded),
            Some(id) => {
                let missing = || StripeError::no_such(400, "object", name, id);
                Ok(Bound::Excluded(*self.places.get(id).ok_or_else(missing)?))
            }
        };
        let (newer, older) = (place("ending_before")?, place("starting_after")?);
        let (data, has_more) = if newer == Bound::Unbounded {
            let older = self.objects.range((Bound::Unbounded, older)).rev();
            let mut older = older.map(|(_, object)| object).filter(|object| wanted(object));
            let data: Vec<Value> = older.by_ref().take(limit).cloned().collect();
            (data, older.next().is_some())
        } else {
            let newer = self.objects.range((newer, Bound::Unbounded));
            let mut newer = newer.map(|(_, object)| object).filter(|object| wanted(object));
            let mut data: Vec<Value> = newer.by_ref().take(limit).cloned().collect();
            data.reverse();
            (data, newer.next().is_some())
        };
        Ok(json!({ "object": "list", "url": url, "has_more": has_more, "data": data }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_newest_first_and_continue_where_the_last_one_ended() {
        let mut shelf = Shelf::default();
        for n in 0..5 {
            shelf.add(json!({ "id": format!("x_{n}") }));
        }
        let page = |query: &str| {
            let form = Form::parse(query).expect("a form");
            let page = shelf.page(&form, "/v1/x", |_| true).expect("a page");
            let ids = page["data"].as_array().cloned().unwrap_or_default();
            let ids = ids.iter().map(|object| object["id"].to_string()).collect::<String>();
            (ids.replace('"', ""), page["has_more"] == true)
        };
        assert_eq!(page("limit=2"), ("x_4x_3".into(), true));
        assert_eq!(page("limit=3&starting_after=x_3"), ("x_2x_1x_0".into(), false));
        assert_eq!(page("limit=2&ending_before=x_1"), ("x_3x_2".into(), true));
        let unknown = Form::parse("starting_after=x_9").expect("a form");
        assert!(shelf.page(&unknown, "/v1/x", |_| true).is_err());
    }

    #[test]
    fn what_is_taken_back_was_never_there() {
        let mut shelf = Shelf::default();
        shelf.add(json!({ "id": "x_0" }));
        let before = shelf.made();
        shelf.add(json!({ "id": "x_1" }));
        shelf.take_back(before);
        assert!(shelf.get("x_1").is_none() && shelf.get("x_0").is_some());
        shelf.add(json!({ "id": "x_1" }));
        assert_eq!(shelf.all().count(), 2);
    }
}
