//! Asking for an answer to a conversation.
use std::sync::Arc;

use cape_domain::{
    billing::{BasisPoints, Credits},
    usage::{
        ChatProvider, ChatRequest, Estimate, Model, ModelKind, UnsupportedParameter, estimate,
    },
};

use super::{
    super::{Candidate, ChatError, NewCall, UsageRules},
    Asked, Upstream,
};

/// A conversation, and who is asked to answer it.
#[derive(Clone)]
pub struct AskedChat {
    /// What to ask: under the provider's name of the model, and never without a bound.
    pub request: ChatRequest,
    /// Whom to ask.
    pub port: Arc<dyn ChatProvider>,
}

/// An answer that is bound to be shorter than this is not worth asking for.
const SHORTEST: u64 = 16;

impl Asked for AskedChat {
    type Wanted = NewCall;

    fn name(wanted: &NewCall) -> &str {
        &wanted.chat.model
    }

    fn is_streamed(wanted: &NewCall) -> bool {
        wanted.streamed
    }

    fn suits(kind: ModelKind) -> bool {
        kind == ModelKind::Chat
    }

    fn of(
        wanted: &NewCall,
        model: &Model,
        upstream: &Upstream,
        rules: &UsageRules,
    ) -> Result<(Self, Estimate), ChatError> {
        let request = bound(wanted, model, rules)?;
        check_modalities(model, &request)?;
        upstream.chat.check(&request)?;
        let estimate = estimate(&request, model.image_tokens.unwrap_or_default());
        if estimate.likely_total() > model.context_window {
            return Err(ChatError::TooLong { window: model.context_window });
        }
        Ok((Self { request, port: Arc::clone(&upstream.chat) }, estimate))
    }

    fn is_kept(&self) -> bool {
        !self.request.cache_points.is_empty()
    }

    /// Only the bound on the output moves.
    fn shortened(
        candidate: &Candidate,
        available: Credits,
        markup: BasisPoints,
    ) -> Option<(Candidate, u64)> {
        let request = &candidate.asked.request;
        let answers = u64::from(request.choices.max(1));
        let with = |tokens: u64| {
            let mut estimate = candidate.estimate;
            estimate.most.output = tokens.saturating_mul(answers);
            let worst = candidate.worst_of(&estimate, markup).ok()?;
            (worst <= available).then_some((estimate, worst))
        };
        // The worst case grows with the bound: the largest that fits is found by halving.
        let (mut fits, mut too_long) = (SHORTEST, request.max_output_tokens);
        if too_long <= fits {
            return None;
        }
        with(fits)?;
        while too_long - fits > 1 {
            let middle = fits + (too_long - fits) / 2;
            if with(middle).is_some() { fits = middle } else { too_long = middle }
        }
        let (estimate, worst) = with(fits)?;
        let request = ChatRequest { max_output_tokens: fits, ..request.clone() };
        // A bound may be too low for something else that is asked, such as how long to think.
        candidate.asked.port.check(&request).ok()?;
        let asked = Self { request, port: Arc::clone(&candidate.asked.port) };
        Some((Candidate { asked, estimate, worst, ..candidate.clone() }, fits))
    }
}

/// What to ask the provider: under its own name, and never without a bound.
fn bound(wanted: &NewCall, model: &Model, rules: &UsageRules) -> Result<ChatRequest, ChatError> {
    let most = model.output_cap;
    let asked = wanted.max_output_tokens.unwrap_or(rules.default_output.min(most));
    if asked == 0 || asked > most {
        return Err(ChatError::OutputOutOfRange { most });
    }
    Ok(ChatRequest {
        model: model.upstream.clone(),
        max_output_tokens: asked,
        ..wanted.chat.clone()
    })
}

/// What a model takes at all, whatever its provider's format could say.
fn check_modalities(model: &Model, chat: &ChatRequest) -> Result<(), UnsupportedParameter> {
    let unsupported = |parameter: String| Err(UnsupportedParameter { parameter });
    let seen = chat.messages.iter().position(|message| message.images() > 0);
    match seen {
        Some(at) if model.image_tokens.is_none() => unsupported(format!("messages[{at}].content")),
        Some(_) | None if !model.tools && !chat.tools.is_empty() => unsupported("tools".to_owned()),
        Some(_) | None => Ok(()),
    }
}
