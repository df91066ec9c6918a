//! What a call can cost at most, before it is made.
//!
//! It is an upper bound from bytes, not a count: no tokenizer makes more tokens than bytes
//! (the ones in use are over bytes), and the provider's own figure replaces it afterwards.
use crate::usage::{
    ChatRequest, EmbeddingInput, EmbeddingRequest, ModerationInput, ModerationRequest, Part,
    TokenCounts,
};

/// Tokens that a provider adds around each message and each tool, at most.
pub const MESSAGE_OVERHEAD: u64 = 16;

/// Tokens that a provider adds around a text of which a vector is made, at most: one where it
/// begins and one where it ends.
pub const INPUT_OVERHEAD: u64 = 2;

/// How large a call can become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The most that can be used: what the hold covers.
    pub most: TokenCounts,
    /// The input that is likely: a token for every four bytes. It is what a call is charged
    /// for that nothing more is heard of.
    pub likely_input: u64,
}

impl Estimate {
    /// The most that can be used where the provider is told to keep what it reads: that can be
    /// dearer than reading alone.
    #[must_use]
    pub const fn most_kept(&self) -> TokenCounts {
        let TokenCounts { input, cache_write, .. } = self.most;
        TokenCounts { input: 0, cache_write: cache_write.saturating_add(input), ..self.most }
    }

    /// What the limiter counts until the provider tells: likely input, and all of the output.
    #[must_use]
    pub const fn likely_total(&self) -> u64 {
        self.likely_input.saturating_add(self.most.output)
    }
}

/// How many tokens a text is likely to be that no provider counted: one for every four bytes.
#[must_use]
pub const fn likely_tokens(bytes: u64) -> u64 {
    bytes.div_ceil(4)
}

/// Estimates a call, to a model for which an image becomes at most so many tokens.
#[must_use]
pub fn estimate(request: &ChatRequest, image_tokens: u64) -> Estimate {
    let messages = request.messages.iter().map(|message| message.bytes() as u64);
    let tools = request.tools.iter().map(|tool| tool.bytes() as u64);
    let format = request.response_format.iter().map(|schema| schema.as_str().len() as u64);
    let parts = messages.chain(tools).chain(format);
    let (bytes, count) =
        parts.fold((0_u64, 1_u64), |(bytes, count), part| (bytes.saturating_add(part), count + 1));
    let overhead = count.saturating_mul(MESSAGE_OVERHEAD);
    let output = request.max_output_tokens.saturating_mul(request.choices.into());
    let images = request.messages.iter().map(|message| message.images() as u64).sum::<u64>();
    let images = images.saturating_mul(image_tokens);
    let input = bytes.saturating_add(overhead).saturating_add(images);
    Estimate {
        most: TokenCounts { input, output, ..Default::default() },
        likely_input: likely_tokens(bytes).saturating_add(count).saturating_add(images),
    }
}

/// Estimates a call for vectors. Nothing comes out that counts as tokens.
#[must_use]
pub fn estimate_embedding(request: &EmbeddingRequest) -> Estimate {
    let sum = |count: fn(&EmbeddingInput) -> u64| {
        request.inputs.iter().map(count).fold(0, u64::saturating_add)
    };
    Estimate {
        most: TokenCounts { input: sum(EmbeddingInput::most_tokens), ..Default::default() },
        likely_input: sum(EmbeddingInput::likely_tokens),
    }
}

/// Estimates what is to be judged by a model for which an image becomes at most so many tokens.
/// Nothing comes out that counts as tokens.
#[must_use]
pub fn estimate_moderation(request: &ModerationRequest, image_tokens: u64) -> Estimate {
    let sum = |text: fn(u64) -> u64| {
        let inputs = request.inputs.iter();
        inputs.map(|input| judged(input, image_tokens, text)).fold(0, u64::saturating_add)
    };
    Estimate {
        most: TokenCounts {
            input: sum(|bytes| bytes.saturating_add(INPUT_OVERHEAD)),
            ..Default::default()
        },
        likely_input: sum(likely_tokens),
    }
}

/// The tokens that what is judged together is likely to be.
#[must_use]
pub fn likely_judged(input: &ModerationInput, image_tokens: u64) -> u64 {
    judged(input, image_tokens, likely_tokens)
}

fn judged(input: &ModerationInput, image_tokens: u64, text: fn(u64) -> u64) -> u64 {
    let parts = input.iter().map(|part| match part {
        Part::Text(said) => text(said.len() as u64),
        Part::Image(_) => image_tokens,
    });
    parts.fold(0, u64::saturating_add)
}

impl EmbeddingInput {
    /// The most tokens that it can be. Those that were counted are no more than that.
    #[must_use]
    pub const fn most_tokens(&self) -> u64 {
        match self {
            Self::Text(text) => (text.len() as u64).saturating_add(INPUT_OVERHEAD),
            Self::Tokens(tokens) => tokens.len() as u64,
        }
    }

    /// The tokens that it is likely to be.
    #[must_use]
    pub const fn likely_tokens(&self) -> u64 {
        match self {
            Self::Text(text) => likely_tokens(text.len() as u64),
            Self::Tokens(tokens) => tokens.len() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::{Image, ImageSource, Message, Part, Tool};

    fn request() -> ChatRequest {
        let messages = vec![Message::System { text: "abcd".to_owned() }, Message::user("äöü")];
        let tools = vec![Tool {
            name: "f".to_owned(),
            description: Some("x".to_owned()),
            parameters: None,
            strict: None,
        }];
        ChatRequest { tools, ..ChatRequest::new("m", messages, 100) }
    }

    #[test]
    fn every_byte_that_is_sent_may_be_a_token() {
        let estimate = estimate(&request(), 1_000);
        let most = estimate.most;
        assert_eq!((most.input, most.output), (4 + 6 + 2 + 4 * MESSAGE_OVERHEAD, 100));
        assert_eq!((estimate.likely_input, estimate.likely_total()), (3 + 4, 3 + 4 + 100));
    }

    #[test]
    fn an_image_is_as_much_as_it_can_become_whatever_its_bytes() {
        let source = ImageSource::Url("https://example.com/a.png".to_owned());
        let image = || Part::Image(Image { source: source.clone(), detail: None });
        let seen = Message::User { content: vec![image(), image()], name: None };
        let messages = [request().messages, vec![seen]].concat();
        let (without, with) = (request(), ChatRequest { messages, ..request() });
        let (without, with) = (estimate(&without, 1_000), estimate(&with, 1_000));
        assert_eq!(with.most.input, without.most.input + MESSAGE_OVERHEAD + 2_000);
        assert_eq!(with.likely_input, without.likely_input + 1 + 2_000);
    }

    #[test]
    fn what_is_to_be_kept_may_all_be_written_to_the_cache() {
        let estimate = estimate(&request(), 0);
        let kept = estimate.most_kept();
        assert_eq!((kept.input, kept.cache_write), (0, estimate.most.input));
        assert_eq!(kept.output, estimate.most.output);
    }

    #[test]
    fn each_of_several_answers_may_be_as_long_as_one() {
        let several = ChatRequest { choices: 3, ..request() };
        assert_eq!(estimate(&several, 0).most.output, 300);
    }

    #[test]
    fn what_is_judged_is_bounded_by_its_bytes_and_by_what_images_can_become() {
        let source = ImageSource::Url("https://example.com/a.png".to_owned());
        let image = Part::Image(Image { source, detail: None });
        let inputs = vec![vec![Part::Text("äöü".to_owned()), image], vec![Part::Text("a".into())]];
        let request = ModerationRequest { model: "m".to_owned(), inputs };
        let estimate = estimate_moderation(&request, 1_000);
        let most = TokenCounts { input: 6 + 1 + 2 * INPUT_OVERHEAD + 1_000, ..Default::default() };
        assert_eq!((estimate.most, estimate.likely_input), (most, 2 + 1 + 1_000));
        assert_eq!(likely_judged(&request.inputs[0], 1_000), 1_002);
    }

    #[test]
    fn texts_are_bounded_by_their_bytes_and_tokens_are_counted() {
        let request = EmbeddingRequest {
            model: "m".to_owned(),
            inputs: vec![
                EmbeddingInput::Text("äöü".to_owned()),
                EmbeddingInput::Text("a".to_owned()),
                EmbeddingInput::Tokens(vec![7, 8, 9]),
            ],
            dimensions: None,
            end_user: None,
        };
        let estimate = estimate_embedding(&request);
        let most = TokenCounts { input: 6 + 1 + 2 * INPUT_OVERHEAD + 3, ..Default::default() };
        assert_eq!((estimate.most, estimate.likely_input), (most, 2 + 1 + 3));
        assert_eq!(estimate.likely_total(), 6);
    }
}
