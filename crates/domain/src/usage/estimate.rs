//! What a call can cost at most, before it is made.
//!
//! It is an upper bound from bytes, not a count: no tokenizer makes more tokens than bytes
//! (the ones in use are over bytes), and the provider's own figure replaces it afterwards.
use crate::usage::{ChatRequest, TokenCounts};

/// Tokens that a provider adds around each message and each tool, at most.
pub const MESSAGE_OVERHEAD: u64 = 16;

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

/// Estimates a call.
#[must_use]
pub fn estimate(request: &ChatRequest) -> Estimate {
    let messages = request.messages.iter().map(|message| message.bytes() as u64);
    let tools = request.tools.iter().map(|tool| tool.bytes() as u64);
    let format = request.response_format.iter().map(|schema| schema.as_str().len() as u64);
    let parts = messages.chain(tools).chain(format);
    let (bytes, count) =
        parts.fold((0_u64, 1_u64), |(bytes, count), part| (bytes.saturating_add(part), count + 1));
    let overhead = count.saturating_mul(MESSAGE_OVERHEAD);
    let output = request.max_output_tokens;
    Estimate {
        most: TokenCounts { input: bytes.saturating_add(overhead), output, ..Default::default() },
        likely_input: likely_tokens(bytes).saturating_add(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::{Message, Sampling, Tool};

    #[test]
    fn every_byte_that_is_sent_may_be_a_token() {
        let request = ChatRequest {
            model: "m".to_owned(),
            messages: vec![
                Message::System { text: "abcd".to_owned() },
                Message::User { text: "äöü".to_owned(), name: None },
            ],
            max_output_tokens: 100,
            sampling: Sampling::default(),
            stop: vec![],
            tools: vec![Tool {
                name: "f".to_owned(),
                description: Some("x".to_owned()),
                parameters: None,
                strict: None,
            }],
            tool_choice: None,
            parallel_tool_calls: None,
            response_format: None,
            reasoning_effort: None,
            end_user: None,
        };
        let estimate = estimate(&request);
        let most = estimate.most;
        assert_eq!((most.input, most.output), (4 + 6 + 2 + 4 * MESSAGE_OVERHEAD, 100));
        assert_eq!((estimate.likely_input, estimate.likely_total()), (3 + 4, 3 + 4 + 100));
    }
}
