//! The deterministic answer. A token is one word with the space before it, so that what is counted
//! and what is sent cannot differ. It knows nothing of vendors.
use std::borrow::Cow;

const USUAL_TOKENS: u64 = 20;
const ECHOED_CHARACTERS: usize = 60;
const OPENING: &str = "This is a sandbox answer to:";
const PADDING: [&str; 16] = [
    "alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliett",
    "kilo", "lima", "mike", "november", "oscar", "papa",
];

/// An answer that is written token by token, however long it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    head: Vec<String>,
    tokens: u64,
    cut_short: bool,
}

impl Answer {
    /// The answer to what was said: as many tokens as wanted, unless the limit is lower.
    pub(crate) fn to(said: &str, wanted: Option<u64>, limit: Option<u64>) -> Self {
        let wanted = wanted.unwrap_or(USUAL_TOKENS);
        let tokens = limit.map_or(wanted, |limit| wanted.min(limit));
        let echoed: String = said.trim().chars().take(ECHOED_CHARACTERS).collect();
        let head = format!("{OPENING} {}.", echoed.trim());
        let head = head.split_whitespace().map(str::to_owned).collect();
        Self { head, tokens, cut_short: tokens < wanted }
    }

    /// How many tokens there are.
    pub(crate) fn tokens(&self) -> u64 {
        self.tokens
    }

    /// Whether the limit ended it.
    pub(crate) fn cut_short(&self) -> bool {
        self.cut_short
    }

    /// The token at this place, counted from 0.
    pub(crate) fn token(&self, place: u64) -> Cow<'_, str> {
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        let word = match self.head.get(place) {
            Some(word) => word,
            None => PADDING[(place - self.head.len()) % PADDING.len()],
        };
        if place == 0 { Cow::Borrowed(word) } else { Cow::Owned(format!(" {word}")) }
    }

    /// All tokens together.
    pub(crate) fn text(&self) -> String {
        (0..self.tokens).map(|place| self.token(place)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_question_is_repeated_and_padded_to_twenty_words() {
        let answer = Answer::to(" Hello  you ", None, None);
        assert_eq!(
            answer.text(),
            "This is a sandbox answer to: Hello you. alpha bravo charlie delta echo foxtrot golf \
             hotel india juliett kilo lima"
        );
        assert_eq!((answer.tokens(), answer.cut_short()), (20, false));
    }

    #[test]
    fn the_length_is_exactly_what_was_wanted_unless_the_limit_is_lower() {
        for wanted in [0, 1, 5, 8, 500] {
            let answer = Answer::to("é ".repeat(90).as_str(), Some(wanted), None);
            assert_eq!(answer.text().split_whitespace().count() as u64, wanted);
            assert!(!answer.cut_short());
        }
        let answer = Answer::to("Hello", Some(50), Some(3));
        assert_eq!((answer.text().as_str(), answer.cut_short()), ("This is a", true));
    }
}
