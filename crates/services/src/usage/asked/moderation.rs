//! Asking for judgements.
use std::sync::Arc;

use cape_domain::{
    billing::{BasisPoints, Credits},
    usage::{
        Estimate, Model, ModelKind, ModerationProvider, ModerationRequest, Part,
        UnsupportedParameter, estimate_moderation, likely_judged,
    },
};

use super::{
    super::{Candidate, ChatError, UsageRules},
    Asked, Upstream,
};

/// What is to be judged, and who is asked to.
#[derive(Clone)]
pub struct AskedModeration {
    /// What to ask: under the provider's name of the model.
    pub request: ModerationRequest,
    /// Whom to ask.
    pub port: Arc<dyn ModerationProvider>,
}

impl Asked for AskedModeration {
    type Wanted = ModerationRequest;

    fn name(wanted: &ModerationRequest) -> &str {
        &wanted.model
    }

    fn is_streamed(_: &ModerationRequest) -> bool {
        false
    }

    fn suits(kind: ModelKind) -> bool {
        kind == ModelKind::Moderation
    }

    fn of(
        wanted: &ModerationRequest,
        model: &Model,
        upstream: &Upstream,
        _: &UsageRules,
    ) -> Result<(Self, Estimate), ChatError> {
        let port = upstream.moderations.as_ref().ok_or(ChatError::Disabled(model.provider))?;
        let request = ModerationRequest { model: model.upstream.clone(), ..wanted.clone() };
        check_images(&request, model)?;
        port.check(&request)?;
        let (image_tokens, window) = (model.image_tokens.unwrap_or_default(), model.context_window);
        let mut inputs = request.inputs.iter();
        if let Some(input) = inputs.position(|input| likely_judged(input, image_tokens) > window) {
            return Err(ChatError::InputTooLong { input, window });
        }
        let estimate = estimate_moderation(&request, image_tokens);
        Ok((Self { request, port: Arc::clone(port) }, estimate))
    }

    fn is_kept(&self) -> bool {
        false
    }

    /// Nothing comes out that could be shorter.
    fn shortened(
        _: &Candidate<Self>,
        _: Credits,
        _: BasisPoints,
    ) -> Option<(Candidate<Self>, u64)> {
        None
    }
}

/// Not every model looks at images.
fn check_images(request: &ModerationRequest, model: &Model) -> Result<(), UnsupportedParameter> {
    let has_images = |input: &Vec<Part>| input.iter().any(|part| matches!(part, Part::Image(_)));
    if model.image_tokens.is_none() && request.inputs.iter().any(has_images) {
        return Err(UnsupportedParameter { parameter: "input".to_owned() });
    }
    Ok(())
}
