//! What of a caller's request is not known here, or is of another type: by its place, before it is
//! read.
//!
//! The vendor knows more than can be carried out, and whoever serves a request has to say what it
//! leaves undone. Only names and types are looked at. A field that is `null` is not there.
use std::fmt;

use serde::{
    Deserialize as _, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

use super::number;

/// The first thing that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// A field that is not known here.
    Unknown {
        /// Where it is, such as `generationConfig.speechConfig`.
        path: String,
    },
    /// A value of another type.
    Wrong {
        /// Where it is, such as `contents[0].parts[1].text`.
        path: String,
        /// What it has to be.
        expected: &'static str,
    },
}

/// What stands in a field.
#[derive(Clone, Copy)]
enum Kind {
    Any,
    Text,
    Number,
    Whole,
    Flag,
    Texts,
    Object(&'static Fields),
    List(&'static Fields),
}

type Fields = [(&'static str, Kind)];

use Kind::{Any, Flag, List, Number, Object, Text, Texts, Whole};

static REQUEST: &Fields = &[
    ("model", Text),
    ("contents", List(CONTENT)),
    ("systemInstruction", Object(CONTENT)),
    ("tools", List(TOOL)),
    ("toolConfig", Object(TOOL_CONFIG)),
    ("generationConfig", Object(GENERATION)),
    ("safetySettings", List(SAFETY)),
];
static COUNT: &Fields = &[("contents", List(CONTENT)), ("generateContentRequest", Object(REQUEST))];
static CONTENT: &Fields = &[("role", Text), ("parts", List(PART))];
static PART: &Fields = &[
    ("text", Text),
    ("inlineData", Object(BLOB)),
    ("fileData", Object(FILE)),
    ("functionCall", Object(CALL)),
    ("functionResponse", Object(RESPONSE)),
    ("thought", Flag),
    ("thoughtSignature", Text),
];
static BLOB: &Fields = &[("mimeType", Text), ("data", Text)];
static FILE: &Fields = &[("mimeType", Text), ("fileUri", Text)];
static CALL: &Fields = &[("id", Text), ("name", Text), ("args", Any)];
static RESPONSE: &Fields =
    &[("id", Text), ("name", Text), ("response", Any), ("parts", List(RESPONSE_PART))];
static RESPONSE_PART: &Fields = &[("inlineData", Object(BLOB))];
static TOOL: &Fields = &[("functionDeclarations", List(DECLARATION))];
static DECLARATION: &Fields = &[
    ("name", Text),
    ("description", Text),
    ("parameters", Any),
    ("parametersJsonSchema", Any),
    // What a function gives back is not told to the model.
    ("response", Any),
    ("responseJsonSchema", Any),
];
static TOOL_CONFIG: &Fields = &[("functionCallingConfig", Object(CALLING))];
static CALLING: &Fields = &[("mode", Text), ("allowedFunctionNames", Texts)];
static GENERATION: &Fields = &[
    ("maxOutputTokens", Whole),
    ("temperature", Number),
    ("topP", Number),
    ("topK", Whole),
    ("stopSequences", Texts),
    ("candidateCount", Whole),
    ("responseMimeType", Text),
    ("responseSchema", Any),
    ("responseJsonSchema", Any),
    ("seed", Whole),
    ("presencePenalty", Number),
    ("frequencyPenalty", Number),
    ("thinkingConfig", Object(THINKING)),
    ("responseLogprobs", Flag),
    ("logprobs", Whole),
    ("mediaResolution", Text),
    ("responseModalities", Texts),
];
static THINKING: &Fields =
    &[("includeThoughts", Flag), ("thinkingBudget", Whole), ("thinkingLevel", Text)];
static SAFETY: &Fields = &[("category", Text), ("threshold", Text)];

impl Misfit {
    /// What does not fit into a request for content. What is no JSON is left to its reader.
    #[must_use]
    pub fn of_request(body: &[u8]) -> Option<Self> {
        find(body, REQUEST)
    }

    /// What does not fit into a request to count.
    #[must_use]
    pub fn of_count(body: &[u8]) -> Option<Self> {
        find(body, COUNT)
    }
}

fn find(body: &[u8], fields: &'static Fields) -> Option<Misfit> {
    let mut search = Search::default();
    let mut json = serde_json::Deserializer::from_slice(body);
    let look = Look { kind: Object(fields), search: &mut search };
    look.deserialize(&mut json).ok();
    search.found
}

/// How far it has come.
#[derive(Default)]
struct Search {
    path: String,
    found: Option<Misfit>,
}

/// The longest beginning of an unknown name that is repeated.
const LONGEST: usize = 64;

impl Search {
    /// Goes to a place below, and comes back.
    fn below<T>(&mut self, place: &str, look: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        if length > 0 && !place.starts_with('[') {
            self.path.push('.');
        }
        self.path.extend(place.chars().take(LONGEST));
        let seen = look(self);
        self.path.truncate(length);
        seen
    }

    fn note(&mut self, what: impl FnOnce(String) -> Misfit) {
        if self.found.is_none() {
            self.found = Some(what(self.path.clone()));
        }
    }
}

/// Looks at one value.
struct Look<'a> {
    kind: Kind,
    search: &'a mut Search,
}

impl Kind {
    const fn expected(self) -> &'static str {
        match self {
            Any => "anything",
            Text => "a text",
            Number => "a number",
            Whole => "a whole number",
            Flag => "true or false",
            Texts => "a list of texts",
            Object(_) => "an object",
            List(_) => "a list of objects",
        }
    }
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        match self.kind {
            Any => IgnoredAny::deserialize(json).map(drop),
            Text | Number | Whole | Flag | Texts | Object(_) | List(_) => {
                json.deserialize_any(self)
            }
        }
    }
}

impl Look<'_> {
    /// Notes a value that is none of what belongs here.
    fn wrong(self) {
        let expected = self.kind.expected();
        self.search.note(|path| Misfit::Wrong { path, expected });
    }

    fn number(self, number: &Value) {
        let fits = match self.kind {
            Number => number.is_number(),
            Whole => number::of(number).is_some(),
            Any | Text | Flag | Texts | Object(_) | List(_) => false,
        };
        if !fits {
            self.wrong();
        }
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.expected())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        if !matches!(self.kind, Flag) {
            self.wrong();
        }
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.number(&number.into());
        Ok(())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.number(&number.into());
        Ok(())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.number(&number.into());
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        match self.kind {
            Text => {}
            Whole => self.number(&text.into()),
            Any | Number | Flag | Texts | Object(_) | List(_) => self.wrong(),
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let kind = match self.kind {
            Texts => Text,
            List(fields) => Object(fields),
            Any | Text | Number | Whole | Flag | Object(_) => {
                self.wrong();
                while list.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(());
            }
        };
        for at in 0_usize.. {
            let look = |search: &mut Search| list.next_element_seed(Look { kind, search });
            if self.search.below(&format!("[{at}]"), look)?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let Object(fields) = self.kind else {
            self.wrong();
            while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        };
        while let Some(name) = object.next_key::<String>()? {
            let name = in_camel_case(name);
            let known = fields.iter().find(|(known, _)| *known == name);
            self.search.below(&name, |search| {
                if let Some((_, kind)) = known {
                    return object.next_value_seed(Look { kind: *kind, search });
                }
                // What is `null` is not there.
                if object.next_value::<Option<IgnoredAny>>()?.is_some() {
                    search.note(|path| Misfit::Unknown { path });
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// The name as the vendor writes it.
fn in_camel_case(name: String) -> String {
    if !name.contains('_') {
        return name;
    }
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
        name
    })
}
