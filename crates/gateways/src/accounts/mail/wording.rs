//! What a letter says, in words.
use std::path::Path;

use cape_domain::{
    accounts::{Letter, MailDetail, MailKind, OneTimeToken},
    secret::Secret,
    text::Name,
    time::Timestamp,
};
use chrono::TimeDelta;
use minijinja::{Environment, Value, context};

use super::template::{self, InvalidTemplate, broken};

/// The longest subject. Longer ones are cut by those who show them.
const LONGEST_SUBJECT: usize = 200;

/// The mail that templates are tried with.
const NOBODYS: &str = "mal_00000000000000000000000000000000";

/// A letter in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// One line.
    pub subject: String,
    /// For those who read text.
    pub text: String,
    /// The same for all others.
    pub html: String,
}

/// Finds the words.
pub(super) struct Wording {
    product: Name,
    environment: Environment<'static>,
}

impl Wording {
    /// Words of ours, or of an operator where it has its own. Each is tried, so that a letter
    /// does not have to find out.
    pub fn new(product: Name, templates: Option<&Path>) -> Result<Self, InvalidTemplate> {
        let wording = Self { product, environment: template::load(templates)? };
        for kind in MailKind::ALL {
            for letter in [bare(kind), full(kind)] {
                wording.say(&letter)?;
            }
        }
        Ok(wording)
    }

    /// What a letter says.
    pub fn say(&self, letter: &Letter) -> Result<Said, InvalidTemplate> {
        let text = self.render(letter, "txt", "")?;
        let (subject, text) = text.trim_start().split_once('\n').unwrap_or_default();
        let subject = subject.trim();
        if subject.is_empty() || subject.chars().count() > LONGEST_SUBJECT {
            let name = template::name(letter.kind, "txt");
            let why = format!("{name} has no subject of at most {LONGEST_SUBJECT} characters");
            return Err(InvalidTemplate::Broken(why));
        }
        let html = self.render(letter, "html", subject)?;
        let text = format!("{}\n", text.trim());
        Ok(Said { subject: subject.to_owned(), text, html })
    }

    fn render(
        &self,
        letter: &Letter,
        ending: &str,
        subject: &str,
    ) -> Result<String, InvalidTemplate> {
        let secret = |secret: &Option<Secret>| optional(secret.as_ref().map(Secret::expose));
        let life = letter.link_life.map(in_words);
        let given = context! {
            product => self.product.as_str(),
            email => letter.to.as_str(),
            detail => optional(letter.detail.as_ref().map(MailDetail::as_str)),
            link => secret(&letter.link),
            code => secret(&letter.code),
            link_life => optional(life.as_deref()),
            code_life => in_words(OneTimeToken::CODE_LIFE),
            at => letter.at.format("%-d %B %Y at %H:%M UTC").to_string(),
            subject => subject,
        };
        let name = template::name(letter.kind, ending);
        let template = self.environment.get_template(&name).map_err(broken)?;
        template.render(given).map_err(broken)
    }
}

/// What is not there is `none`, which can be asked for; what was never heard of is an error.
fn optional(text: Option<&str>) -> Value {
    text.map_or(Value::from(()), Value::from)
}

/// A duration as people say it: in days, hours or minutes, without a rest.
fn in_words(life: TimeDelta) -> String {
    let minutes = life.num_minutes().max(1);
    let (count, unit) = match minutes {
        days if days % 1_440 == 0 && days > 1_440 => (days / 1_440, "day"),
        hours if hours % 60 == 0 => (hours / 60, "hour"),
        minutes => (minutes, "minute"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

/// A letter with nothing in it that could be missing.
fn bare(kind: MailKind) -> Letter {
    Letter {
        id: NOBODYS.parse().expect("the id of a mail"),
        to: "ada@example.com".parse().expect("an address"),
        kind,
        detail: None,
        link: None,
        code: None,
        link_life: None,
        at: Timestamp::UNIX_EPOCH,
    }
}

/// A letter with all that there can be.
fn full(kind: MailKind) -> Letter {
    Letter {
        detail: "Acme".parse().ok(),
        link: Some(Secret::new("https://example.com/?token=a")),
        code: Some(Secret::new("123456")),
        link_life: Some(TimeDelta::hours(24)),
        ..bare(kind)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf, process};

    use super::*;

    fn ours() -> Wording {
        Wording::new("Acme AI".parse().expect("a name"), None).expect("templates")
    }

    fn detail(letter: Letter, detail: &str) -> Letter {
        Letter { detail: Some(detail.parse().expect("a line")), ..letter }
    }

    /// Every kind with every choice of what may be missing.
    fn letters() -> impl Iterator<Item = Letter> {
        MailKind::ALL.into_iter().flat_map(|kind| {
            (0..16).map(move |choice| {
                let with = |bit: u32| choice & (1 << bit) != 0;
                let full = full(kind);
                Letter {
                    detail: full.detail.filter(|_| with(0)),
                    link: full.link.filter(|_| with(1)),
                    code: full.code.filter(|_| with(2)),
                    link_life: full.link_life.filter(|_| with(3)),
                    ..bare(kind)
                }
            })
        })
    }

    #[test]
    fn every_kind_reads_well_whatever_is_missing() {
        for letter in letters() {
            let said = ours().say(&letter).expect("words");
            let Said { subject, text, html } = &said;
            assert!(!subject.contains(char::is_control) && subject.len() < 70, "{subject}");
            assert!(text.starts_with("Hello,\n\n") && text.ends_with('\n'), "{text}");
            assert!(text.contains("Acme AI") && text.contains("ada@example.com"), "{text}");
            for part in [text, html] {
                assert!(!part.contains(">none") && !part.contains('{'), "{part}");
                assert!(!part.contains("\n\n\n") && part.is_ascii(), "{part}");
                assert!(!part.lines().any(|line| line.ends_with(' ')), "{part}");
            }
            assert!(!text.contains("none"), "{text}");
            assert!(text.lines().all(|line| line.len() <= 78), "{text}");
            assert!(html.contains(&format!("<title>{subject}</title>")), "{html}");
        }
    }

    #[test]
    fn a_mail_shows_the_link_and_the_code_that_it_was_given_and_how_long_they_are_good() {
        for letter in letters() {
            let Said { text, html, .. } = ours().say(&letter).expect("words");
            let (kind, linked) = (letter.kind, letter.link.is_some());
            let in_text = text.lines().any(|line| line == "https://example.com/?token=a");
            assert_eq!(in_text, linked, "{text}");
            let button = r#"href="https:&#x2f;&#x2f;example.com&#x2f;?token=a""#;
            assert_eq!(html.contains(button), linked, "{html}");
            // Whoever is asked to click is told until when.
            let asked = linked && (kind.purpose().is_some() || kind == MailKind::Invitation);
            let told = asked && letter.link_life.is_some();
            assert_eq!([&text, &html].map(|part| part.contains("24 hours")), [told; 2], "{text}");
            let typed = matches!(
                kind,
                MailKind::VerifyEmail | MailKind::SignInCode | MailKind::ResetPassword
            );
            for part in [text, html] {
                let code = typed && letter.code.is_some();
                assert_eq!([part.contains("123456"), part.contains("15 minutes")], [code; 2]);
            }
        }
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        for letter in letters() {
            let html = ours().say(&letter).expect("words").html;
            for loaded in ["<img", "<script", "<link", "<iframe", "src=", "url(", "@import"] {
                assert!(!html.contains(loaded), "{loaded}: {html}");
            }
        }
    }

    #[test]
    fn a_mail_says_when_it_happened_and_what_it_is_about() {
        let letter = detail(bare(MailKind::NewDevice), "Firefox on Linux, from 192.0.2.7");
        let said = ours().say(&letter).expect("words");
        for part in [&said.text, &said.html] {
            assert!(part.contains("Firefox on Linux, from 192.0.2.7"), "{part}");
            assert!(part.contains("1 January 1970 at 00:00 UTC"), "{part}");
        }
        for (now, words) in [("on", "switched on"), ("off", "switched off"), ("?", "changed")] {
            let said = ours().say(&detail(bare(MailKind::SecondFactorChanged), now));
            let said = said.expect("words");
            assert!(said.subject.ends_with(words), "{said:?}");
            assert!(said.text.contains(words) && said.html.contains(words), "{said:?}");
        }
    }

    #[test]
    fn what_strangers_write_is_text_in_html_and_never_a_subject() {
        let tricks = r#"<script>alert("1")</script> {{ link }} & Co's"#;
        let plain = Wording::new("A&B <i>".parse().expect("a name"), None).expect("templates");
        for letter in letters().filter(|letter| letter.detail.is_some()) {
            let kind = letter.kind;
            let said = plain.say(&detail(letter, tricks)).expect("words");
            assert!(!said.subject.contains("script"), "{}", said.subject);
            assert!(!said.html.contains("<script") && !said.html.contains("<i>"), "{}", said.html);
            let shown = said.html.contains("&lt;script&gt;alert(&quot;1&quot;)");
            assert_eq!(shown, said.text.contains(tricks), "{kind:?}: {}", said.html);
            assert!(said.html.contains("A&amp;B &lt;i&gt;") && said.text.contains("A&B <i>"));
        }
    }

    #[test]
    fn a_duration_is_told_in_the_largest_unit_that_has_no_rest() {
        for (minutes, expected) in [
            (0, "1 minute"),
            (1, "1 minute"),
            (15, "15 minutes"),
            (60, "1 hour"),
            (90, "90 minutes"),
            (24 * 60, "24 hours"),
            (36 * 60, "36 hours"),
            (7 * 24 * 60, "7 days"),
        ] {
            assert_eq!(in_words(TimeDelta::minutes(minutes)), expected);
        }
    }

    /// A directory with these files, which goes with the value.
    struct Directory(PathBuf);

    impl Directory {
        fn with(name: &str, files: &[(&str, &str)]) -> Self {
            let path = std::env::temp_dir().join(format!("cape-mail-{}-{name}", process::id()));
            fs::create_dir_all(&path).expect("a directory");
            for (name, source) in files {
                fs::write(path.join(name), source).expect("a file");
            }
            Self(path)
        }

        fn wording(&self) -> Result<Wording, InvalidTemplate> {
            Wording::new("Acme AI".parse().expect("a name"), Some(&self.0))
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    #[test]
    fn an_operators_templates_take_the_place_of_ours() {
        let directory = Directory::with(
            "own",
            &[
                ("welcome.txt", "Hi from {{ product }}\n\n{% include \"_bye.txt\" %}"),
                ("_bye.txt", "Bye, {{ email }}."),
                ("README.md", "{{ not a template"),
            ],
        );
        let wording = directory.wording().expect("templates");
        let said = wording.say(&full(MailKind::Welcome)).expect("words");
        assert_eq!((&*said.subject, &*said.text), ("Hi from Acme AI", "Bye, ada@example.com.\n"));
        assert!(said.html.contains("<title>Hi from Acme AI</title>"), "the rest is ours");
        let other = full(MailKind::Invitation);
        assert_eq!(wording.say(&other).expect("words"), ours().say(&other).expect("words"));
    }

    #[test]
    fn a_template_that_does_not_work_is_found_at_the_start() {
        for (name, file, source, expected) in [
            ("slip", "welcom.txt", "Hi", "welcom.txt has the name of no template"),
            ("syntax", "welcome.txt", "Hi\n{% if %}", "syntax error"),
            ("unknown", "welcome.html", "{{ lnk }}", "undefined value"),
            ("once", "invitation.txt", "Hi\n{% if not link %}{{ oh }}{% endif %}", "undefined"),
            ("include", "welcome.txt", "Hi\n{% include \"_gone.txt\" %}", "template"),
            ("empty", "welcome.txt", "", "welcome.txt has no subject"),
            ("lonely", "welcome.txt", "Only a subject", "welcome.txt has no subject"),
        ] {
            let refused = Directory::with(name, &[(file, source)]).wording().err();
            let told = refused.expect(name).to_string();
            assert!(told.contains(expected) && told.contains(&file[..6]), "{name}: {told}");
        }
        let gone = Wording::new("A".parse().expect("a name"), Some(Path::new("/no/such/place")));
        let told = gone.err().expect("an error").to_string();
        assert!(told.starts_with("/no/such/place cannot be read"), "{told}");
    }
}
