//! Judgements, asked of `OpenAI`.
use std::collections::BTreeSet;

use cape_domain::usage::{
    Category, Image, ImageSource, Judgement, ModerationRequest, Moderations, Part,
    UnsupportedParameter,
};
use cape_wire::{
    Unknown,
    openai::{
        ContentPart, ImagePart, ImageUrl, ModerationInput as BodyInput, ModerationRequest as Body,
        ModerationResponse, ModerationResult, TextPart,
    },
};
use reqwest::Url;

use super::{
    super::{failure::Unreadable, format::unsupported, moderation::ModerationFormat},
    OpenAiFormat,
};

impl ModerationFormat for OpenAiFormat {
    type Judged = Body;

    fn moderations_address(&self, base: &Url, model: &str) -> Url {
        self.place(base, model, &["moderations"])
    }

    fn judged(&self, request: &ModerationRequest) -> Result<Body, UnsupportedParameter> {
        Ok(Body {
            model: Some(request.model.clone()),
            input: input(request).ok_or_else(|| unsupported("input"))?,
            unknown: Unknown::new(),
        })
    }

    fn judgements(&self, body: &[u8]) -> Result<Moderations, Unreadable> {
        let answer: ModerationResponse = serde_json::from_slice(body)?;
        Ok(Moderations { judgements: answer.results.into_iter().map(judgement).collect() })
    }
}

/// Several texts, each by itself, or the parts of one input: there is no word for both.
fn input(request: &ModerationRequest) -> Option<BodyInput> {
    let text = |parts: &Vec<Part>| match parts.as_slice() {
        [Part::Text(text)] => Some(text.clone()),
        _ => None,
    };
    let texts: Option<Vec<_>> = request.inputs.iter().map(text).collect();
    texts.map(BodyInput::Texts).or_else(|| match request.inputs.as_slice() {
        [parts] => Some(BodyInput::Parts(parts.iter().map(part).collect())),
        _ => None,
    })
}

fn part(part: &Part) -> ContentPart {
    let unknown = Unknown::new();
    match part {
        Part::Text(text) => ContentPart::Text(TextPart { text: text.clone(), unknown }),
        Part::Image(Image { source, .. }) => {
            let url = match source {
                ImageSource::Url(url) => url.clone(),
                ImageSource::Inline { media_type, base64 } => {
                    format!("data:{media_type};base64,{base64}")
                }
            };
            let image_url = ImageUrl { url, detail: None, unknown: Unknown::new() };
            ContentPart::ImageUrl(ImagePart { image_url, unknown })
        }
    }
}

/// What is told of a category in any of the three places.
fn judgement(result: ModerationResult) -> Judgement {
    let ModerationResult { flagged, categories, category_scores, category_applied_input_types } =
        result;
    let names = categories.keys().chain(category_scores.keys());
    let names: BTreeSet<_> = names.chain(category_applied_input_types.keys()).cloned().collect();
    let category = |name: String| Category {
        flagged: categories.get(&name).copied().flatten(),
        score: category_scores.get(&name).copied().flatten(),
        input_types: category_applied_input_types.get(&name).cloned(),
        name,
    };
    Judgement { flagged, categories: names.into_iter().map(category).collect() }
}
