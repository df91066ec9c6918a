//! How good a password is: zxcvbn's estimate, and whether it leaked.
//!
//! Which passwords may be chosen is *not* decided here.
use cape_domain::accounts::{Appraisal, Chooser, PasswordMeter};
use zxcvbn::{feedback::Feedback, zxcvbn};

use super::breached::is_breached;

/// How many characters are measured. The work grows with their square, and what is missing only
/// makes a password look weaker than it is.
const MEASURED: usize = 72;

/// How many are measured of a text that is full of disguises.
const MEASURED_IN_DISGUISE: usize = 24;

/// What passes for a letter (`4` and `@` for `a`). Each that is there multiplies the work: every
/// combination of what they may stand for is looked up.
const DISGUISES: &str = "4@8({[<3691!|70$5+%2";

/// How many different ones are few.
const FEW_DISGUISES: usize = 8;

/// Measures with zxcvbn, and looks into the list of leaked passwords. The worst text keeps one
/// core for about 50 ms, one that a person types for less than 2 ms.
#[derive(Clone, Copy, Debug, Default)]
pub struct ZxcvbnMeter;

impl PasswordMeter for ZxcvbnMeter {
    fn appraise(&self, password: &str, chooser: Chooser<'_>) -> Appraisal {
        let words = chooser.words();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let entropy = zxcvbn(measured(password), &words);
        Appraisal {
            score: entropy.score().into(),
            breached: is_breached(password),
            suggestions: entropy.feedback().map(advice).unwrap_or_default(),
        }
    }
}

/// What is wrong, if one thing is, and then what would be better.
fn advice(feedback: &Feedback) -> Vec<String> {
    let warning = feedback.warning().map(|warning| warning.to_string());
    warning.into_iter().chain(feedback.suggestions().iter().map(ToString::to_string)).collect()
}

/// The part of a password that is measured.
fn measured(password: &str) -> &str {
    let part = beginning(password, MEASURED);
    let disguises = DISGUISES.chars().filter(|&disguise| part.contains(disguise)).count();
    if disguises > FEW_DISGUISES { beginning(part, MEASURED_IN_DISGUISE) } else { part }
}

fn beginning(text: &str, characters: usize) -> &str {
    text.char_indices().nth(characters).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use cape_domain::{accounts::Email, text::Name};

    use super::*;

    fn appraise(password: &str) -> Appraisal {
        ZxcvbnMeter.appraise(password, Chooser::UNKNOWN)
    }

    #[test]
    fn the_score_is_zxcvbn_s() {
        for (password, score) in [
            ("", 0),
            ("password", 0),
            ("hey<123", 2),
            ("TestMeNow!", 3),
            ("r0sebudmaelstrom11/20/91aaaa", 4),
            ("nine purple trams in March", 4),
        ] {
            assert_eq!(appraise(password).score, score, "{password}");
        }
    }

    #[test]
    fn what_is_known_of_its_owner_makes_a_password_weaker() {
        let email: Email = "hieronymus.bosch@example.com".parse().expect("an address");
        let name: Name = "Hieronymus Bosch".parse().expect("a name");
        let chooser = Chooser { email: Some(&email), full_name: Some(&name), company: None };
        let password = "hieronymus.bosch";
        assert!(appraise(password).score >= 3);
        assert_eq!(ZxcvbnMeter.appraise(password, chooser).score, 0);
    }

    #[test]
    fn what_leaked_is_told_apart_from_what_is_easy_to_guess() {
        for (password, breached) in
            [("password", true), ("Realmadrid2013", true), ("aaaaaaaaaaaaaaaaaaaaaaaab", false)]
        {
            assert_eq!(appraise(password).breached, breached, "{password}");
        }
        assert!(!appraise(&"x".repeat(10_000_000)).breached);
    }

    #[test]
    fn a_weak_password_comes_with_a_warning_and_then_advice() {
        let told = appraise("qwertyuiop").suggestions;
        assert_eq!(
            told,
            [
                "This is a top-100 common password.",
                "Add another word or two. Uncommon words are better."
            ]
        );
        assert_eq!(appraise("nine purple trams in March").suggestions, Vec::<String>::new());
    }

    #[test]
    fn so_much_is_measured_as_can_be_in_time() {
        let disguised: String = DISGUISES.chars().cycle().take(100).collect();
        let few: String = DISGUISES.chars().take(FEW_DISGUISES).cycle().take(100).collect();
        for (text, length) in [
            ("", 0),
            ("short", 5),
            (&*"é".repeat(72), 72),
            (&*"é".repeat(73), 72),
            (&*few, 72),
            (&*disguised, 24),
            (&disguised[..20], 20),
        ] {
            assert_eq!(measured(text).chars().count(), length, "{text}");
        }
    }

    #[test]
    fn the_worst_text_takes_no_second() {
        let few = "!1|7+({[".repeat(20);
        let many = "4@({[<!1|7$5+70".repeat(20);
        let name: Name = "word ".repeat(20).parse().expect("a name");
        let email: Email = "ada.lovelace@example.com".parse().expect("an address");
        let chooser = Chooser { email: Some(&email), full_name: Some(&name), company: Some(&name) };
        for text in [few, many, DISGUISES.repeat(7), "ab".repeat(70), "1991.12.31".repeat(14)] {
            let begun = Instant::now();
            ZxcvbnMeter.appraise(&text, chooser);
            assert!(begun.elapsed() < Duration::from_secs(1), "{text}: {:?}", begun.elapsed());
        }
    }

    #[test]
    fn nothing_that_can_be_typed_is_too_odd() {
        let odd = [
            "İİİİİİİİİİİİ",
            "ﬀﬁ ß ſt",
            "👩‍👩‍👧‍👦👩‍👩‍👧‍👦",
            "\0\0\0\0\u{7f}",
            "e\u{301}".repeat(60).leak(),
            "ŉǰΐ",
        ];
        for one in odd {
            for other in odd {
                let text = format!("{one}{other}{one}");
                assert!(appraise(&text).score <= 4, "{text}");
            }
        }
    }
}
