//! From judgements to `OpenAI`'s answer.
use cape_domain::usage::Judgement;
use cape_services::usage::Moderated;
use cape_wire::openai::{ModerationResponse, ModerationResult};

/// The answer to a request for `name`.
pub(super) fn response(name: String, moderated: Moderated) -> ModerationResponse {
    ModerationResponse {
        id: format!("modr-{}", moderated.call.id.raw().simple()),
        model: name,
        results: moderated.judgements.into_iter().map(result).collect(),
    }
}

fn result(judgement: Judgement) -> ModerationResult {
    let Judgement { flagged, categories } = judgement;
    let all = || categories.iter();
    let types = all().filter_map(|it| Some((it.name.clone(), it.input_types.clone()?)));
    ModerationResult {
        flagged,
        category_applied_input_types: types.collect(),
        category_scores: all().map(|it| (it.name.clone(), it.score)).collect(),
        categories: all().map(|it| (it.name.clone(), it.flagged)).collect(),
    }
}
