//! Which models can be called, as Google tells of them.
use cape_domain::usage::ModelKind;
use cape_services::usage::OpenModel;
use cape_wire::gemini::{Model, ModelList};
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::wrong;
use crate::error::ApiError;

/// What can be asked of every model that answers. Vectors and judgements are not asked for in this format.
const METHODS: [&str; 3] = ["generateContent", "streamGenerateContent", "countTokens"];

/// The most models of a page, and the usual number.
const LARGEST_PAGE: usize = 1_000;
const USUAL_PAGE: usize = 50;

/// Which page of the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// How many models, 50 if it is not said.
    #[serde(alias = "page_size")]
    page_size: Option<usize>,
    /// `nextPageToken` of the page before.
    #[serde(alias = "page_token")]
    page_token: Option<String>,
}

/// One model.
pub(crate) fn view(model: OpenModel) -> Model {
    Model {
        name: format!("models/{}", model.id),
        display_name: model.id,
        input_token_limit: Some(model.context_window),
        output_token_limit: Some(model.output_cap),
        supported_generation_methods: match model.kind {
            ModelKind::Chat => METHODS.map(str::to_owned).to_vec(),
            ModelKind::Embedding { .. } | ModelKind::Moderation => Vec::new(),
        },
    }
}

/// One page of them.
pub(crate) fn page(models: Vec<OpenModel>, page: &Page) -> Result<ModelList, ApiError> {
    let from = match page.page_token.as_deref() {
        None | Some("") => 0,
        Some(last) => {
            let place = models.iter().position(|model| model.id == last);
            place.ok_or_else(|| wrong("pageToken", "belongs to no page"))? + 1
        }
    };
    let size = page.page_size.filter(|size| *size > 0).unwrap_or(USUAL_PAGE).min(LARGEST_PAGE);
    let rest = models.len() - from;
    let shown: Vec<OpenModel> = models.into_iter().skip(from).take(size).collect();
    let last = shown.last().filter(|_| rest > size).map(|model| model.id.clone());
    Ok(ModelList { models: shown.into_iter().map(view).collect(), next_page_token: last })
}
