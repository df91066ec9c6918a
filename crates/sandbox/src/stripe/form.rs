//! Stripe's form encoding: `line_items[0][price_data][currency]=usd`.
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use actix_web::web::Query;
use serde_json::{Map, Value};

use super::error::StripeError;

const MOST_METADATA: usize = 50;
const LONGEST_METADATA_KEY: usize = 40;
const LONGEST_METADATA_VALUE: usize = 500;

/// Parameters by their full names. The order in which they were sent does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads a body or a query string. `expand[]` is numbered in the order of its appearance.
    pub(crate) fn parse(encoded: &str) -> Result<Self, StripeError> {
        let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::from_query(encoded) else {
            return Err(StripeError::not_a_form());
        };
        let mut parameters = BTreeMap::new();
        for (mut name, value) in pairs {
            if let Some(list) = name.strip_suffix("[]") {
                let free = (0..=parameters.len())
                    .find(|n| !parameters.contains_key(&format!("{list}[{n}]")));
                name = format!("{list}[{}]", free.unwrap_or(0));
            }
            parameters.insert(name, value);
        }
        Ok(Self(parameters))
    }

    /// Refuses every parameter that no pattern allows. In a pattern `#` stands for a number and `*`
    /// for any name.
    pub(crate) fn only(&self, patterns: &[&str]) -> Result<(), StripeError> {
        let allowed = |name: &str| patterns.iter().any(|pattern| fits(name, pattern));
        match self.0.keys().find(|name| !allowed(name) && !fits(name, "expand[#]")) {
            Some(name) => Err(StripeError::unknown(name)),
            None => Ok(()),
        }
    }

    /// A text that is not empty, if it is given.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, StripeError> {
        match self.0.get(name).map(String::as_str) {
            Some("") => Err(StripeError::empty(name)),
            value => Ok(value),
        }
    }

    /// A text, empty where it is to be unset, if it is given.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether anything is given under this name, at any depth.
    pub(crate) fn has(&self, name: &str) -> bool {
        let inner =
            |full: &String| full.strip_prefix(name).is_some_and(|rest| rest.starts_with('['));
        self.0.keys().any(|full| full == name || inner(full))
    }

    /// A switch, if it is given.
    pub(crate) fn switch(&self, name: &str) -> Result<Option<bool>, StripeError> {
        match self.text(name)? {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(StripeError::invalid(name, format!("Invalid boolean: {other}"))),
        }
    }

    /// One of several words, if it is given.
    pub(crate) fn word<'a>(
        &'a self,
        name: &str,
        known: &[&str],
    ) -> Result<Option<&'a str>, StripeError> {
        let word = self.text(name)?;
        if word.is_none_or(|word| known.contains(&word)) {
            return Ok(word);
        }
        Err(StripeError::invalid(name, format!("Invalid {name}: must be {}", known.join(" or "))))
    }

    /// A currency in lower case, if it is given.
    pub(crate) fn currency(&self, name: &str) -> Result<Option<String>, StripeError> {
        let Some(currency) = self.text(name)?.map(str::to_ascii_lowercase) else { return Ok(None) };
        if currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Ok(Some(currency));
        }
        Err(StripeError::invalid(name, format!("Invalid currency: {currency}")))
    }

    /// A text that is not empty.
    pub(crate) fn required(&self, name: &str) -> Result<&str, StripeError> {
        self.text(name)?.ok_or_else(|| StripeError::missing(name))
    }

    /// A whole number, if it is given.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, StripeError> {
        let number = |text: &str| text.parse().map_err(|_| StripeError::not_an_integer(name, text));
        self.text(name)?.map(number).transpose()
    }

    /// The seconds that `[gt]`, `[gte]`, `[lt]` and `[lte]` of this name leave.
    pub(crate) fn span(&self, name: &str) -> Result<RangeInclusive<i64>, StripeError> {
        let bound = |end: &str| self.integer(&format!("{name}[{end}]"));
        let after = bound("gt")?.map_or(i64::MIN, |second| second.saturating_add(1));
        let before = bound("lt")?.map_or(i64::MAX, |second| second.saturating_sub(1));
        let (from, until) = (bound("gte")?.unwrap_or(i64::MIN), bound("lte")?.unwrap_or(i64::MAX));
        Ok(after.max(from)..=before.min(until))
    }

    /// The web address under this name, if it is given.
    pub(crate) fn url(&self, name: &str) -> Result<Option<&str>, StripeError> {
        let address = self.text(name)?;
        if address.is_some_and(|address| !is_url(address)) {
            return Err(StripeError::refused(name, "url_invalid", "Not a valid URL"));
        }
        Ok(address)
    }

    /// The items of a list, by their full names, in order.
    pub(crate) fn items(&self, list: &str) -> Vec<String> {
        let numbers: BTreeSet<u32> = self
            .0
            .keys()
            .filter_map(|name| name.strip_prefix(list)?.strip_prefix('['))
            .filter_map(|rest| rest.split_once(']')?.0.parse().ok())
            .collect();
        numbers.into_iter().map(|number| format!("{list}[{number}]")).collect()
    }

    /// The values of a list of texts, in order.
    pub(crate) fn texts(&self, list: &str) -> Vec<&str> {
        self.items(list).iter().filter_map(|name| self.0.get(name)).map(String::as_str).collect()
    }

    /// The caller's own names and values as they are after this request: an empty value unsets one,
    /// and an empty text all.
    pub(crate) fn merged(&self, name: &str, kept: &Value) -> Result<Value, StripeError> {
        let told = self.metadata(name)?;
        let mut merged = match self.given(name) {
            Some("") => Map::new(),
            _ => kept.as_object().cloned().unwrap_or_default(),
        };
        for full in self.0.iter().filter(|(_, value)| value.is_empty()).map(|(full, _)| full) {
            let inner = full.strip_prefix(name).and_then(|rest| rest.strip_prefix('['));
            if let Some(key) = inner.and_then(|rest| rest.strip_suffix(']')) {
                merged.remove(key);
            }
        }
        merged.extend(told.as_object().into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())));
        Ok(Value::Object(merged))
    }

    /// The caller's own names and values under this name. An empty value unsets.
    pub(crate) fn metadata(&self, name: &str) -> Result<Value, StripeError> {
        let mut metadata = Map::new();
        for (full, value) in &self.0 {
            let inner = full.strip_prefix(name).and_then(|rest| rest.strip_prefix('['));
            let Some(key) = inner.and_then(|rest| rest.strip_suffix(']')) else { continue };
            if key.chars().count() > LONGEST_METADATA_KEY {
                let message = "Metadata keys must be under 40 characters";
                return Err(StripeError::invalid(full, message));
            }
            if value.chars().count() > LONGEST_METADATA_VALUE {
                let message = "Metadata values must be under 500 characters";
                return Err(StripeError::invalid(full, message));
            }
            if !value.is_empty() {
                metadata.insert(key.into(), value.as_str().into());
            }
        }
        if metadata.len() > MOST_METADATA {
            return Err(StripeError::invalid(name, "You can only specify up to 50 metadata keys"));
        }
        Ok(Value::Object(metadata))
    }
}

fn fits(name: &str, pattern: &str) -> bool {
    let (mut names, mut patterns) = (name.split('['), pattern.split('['));
    loop {
        match (names.next(), patterns.next()) {
            (None, None) => return true,
            (Some(name), Some(pattern)) => {
                let same = match pattern {
                    "#]" => name.strip_suffix(']').is_some_and(|n| n.parse::<u32>().is_ok()),
                    "*]" => name.len() > 1 && name.ends_with(']'),
                    pattern => name == pattern,
                };
                if !same {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

fn is_url(address: &str) -> bool {
    let probe = address.replace(['{', '}'], "x");
    probe
        .parse::<actix_web::http::Uri>()
        .is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form(encoded: &str) -> Form {
        Form::parse(encoded).expect("a form")
    }

    #[test]
    fn nested_names_are_read_and_lists_keep_their_order() {
        let form = form("items%5B10%5D%5Bname%5D=b&items[2][name]=a+b&expand[]=x&expand[]=y");
        assert_eq!(form.items("items"), ["items[2]", "items[10]"]);
        assert_eq!(form.text("items[2][name]"), Ok(Some("a b")));
        assert_eq!(form.texts("expand"), ["x", "y"]);
    }

    #[test]
    fn unknown_parameters_are_named_at_any_depth() {
        let known = ["mode", "items[#][name]", "metadata[*]"];
        assert!(form("mode=x&items[0][name]=a&metadata[any]=b&expand[]=z").only(&known).is_ok());
        for name in ["mod", "mode[0]", "items[x][name]", "items[0][nam]", "items[0]", "metadata"] {
            let refused = form(&format!("{name}=1")).only(&known);
            assert_eq!(refused, Err(StripeError::unknown(name)));
        }
    }

    #[test]
    fn the_order_of_parameters_does_not_make_a_request_another() {
        assert_eq!(form("a=1&b=2"), form("b=2&a=1"));
        assert_ne!(form("a=1&b=2"), form("a=1&b=3"));
    }

    #[test]
    fn metadata_is_bounded_and_may_be_empty() {
        let read = form("metadata[order]=ord_1&metadata[note]=").metadata("metadata");
        assert_eq!(read, Ok(json!({"order": "ord_1"})));
        assert_eq!(form("").metadata("metadata"), Ok(json!({})));
        let long = format!("metadata[k]={}", "x".repeat(501));
        assert!(form(&long).metadata("metadata").is_err());
    }

    #[test]
    fn metadata_is_merged_and_can_be_unset() {
        let kept = json!({"a": "1", "b": "2"});
        let merged = |query| form(query).merged("metadata", &kept);
        assert_eq!(merged(""), Ok(kept.clone()));
        assert_eq!(merged("metadata[b]=&metadata[c]=3"), Ok(json!({"a": "1", "c": "3"})));
        assert_eq!(merged("metadata="), Ok(json!({})));
    }

    #[test]
    fn only_web_addresses_are_urls() {
        for good in ["http://127.0.0.1:8080/done?s={CHECKOUT_SESSION_ID}", "https://example.com"] {
            assert!(is_url(good), "{good}");
        }
        for bad in ["example", "/relative", "javascript:alert(1)", "http://a\nb", ""] {
            assert!(!is_url(bad), "{bad}");
        }
    }
}
