//! What a provider will answer, decided before its first byte, in the words that all vendors share.
//! How it is written down is the vendors' own.
use tokio::time::sleep;

use crate::{
    directive::{Directive, InvalidDirective, Reporting, extract},
    text::Answer,
    tools::{Tool, ToolUse},
};

const TOKENS_PER_MESSAGE: u64 = 3;
const TOKENS_PER_IMAGE: u64 = 85;

/// What was said so far.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    input_tokens: u64,
    last_user_text: String,
}

impl Conversation {
    /// Takes in a message. Its words count as they were sent, a directive's included.
    pub(crate) fn hear(&mut self, from_user: bool, texts: &[&str]) {
        self.input_tokens += TOKENS_PER_MESSAGE;
        self.overhear(texts);
        if from_user && !texts.is_empty() {
            self.last_user_text = texts.join("\n");
        }
    }

    /// Takes in words that the sender of the message did not say, such as a tool's result: they
    /// count, but they are not answered.
    pub(crate) fn overhear(&mut self, texts: &[&str]) {
        let words: usize = texts.iter().map(|text| text.split_whitespace().count()).sum();
        self.input_tokens += words as u64;
    }

    /// How many tokens were read.
    pub(crate) fn input_tokens(&self) -> u64 {
        self.input_tokens
    }

    /// Takes in so many images. Nobody looks at them.
    pub(crate) fn see(&mut self, images: u64) {
        self.input_tokens += images * TOKENS_PER_IMAGE;
    }

    /// What the user said last.
    pub(crate) fn last_user_text(&self) -> &str {
        &self.last_user_text
    }
}

/// What will be answered.
pub(crate) struct Script {
    /// How it will go wrong.
    pub(crate) directive: Directive,
    /// What it says.
    pub(crate) reply: Reply,
    input_tokens: u64,
}

/// What an answer says.
pub(crate) enum Reply {
    /// A text.
    Text(Answer),
    /// A call of a tool.
    Tool(ToolUse),
}

/// Usage as it will be reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Tokens read, those from a cache included.
    pub(crate) input: u64,
    /// Of the input, those read from a cache.
    pub(crate) cached: u64,
    /// Tokens written.
    pub(crate) output: u64,
}

impl Script {
    /// Decides the answer: a call of the tool if there is one, else a text.
    pub(crate) fn write(
        conversation: &Conversation,
        tool: Option<Tool>,
        limit: Option<u64>,
    ) -> Result<Self, InvalidDirective> {
        let (directive, said) = extract(&conversation.last_user_text)?;
        let reply = match tool {
            Some(tool) => Reply::Tool(ToolUse::of(tool, limit)),
            None => Reply::Text(Answer::to(&said, directive.output_tokens, limit)),
        };
        Ok(Self { directive, reply, input_tokens: conversation.input_tokens })
    }

    /// Waits as long as asked, and tells the status that is to be answered instead, if any.
    pub(crate) async fn begin(&self) -> Option<u16> {
        if !self.directive.latency.is_zero() {
            sleep(self.directive.latency).await;
        }
        self.directive.status
    }

    /// Usage of the whole answer.
    pub(crate) fn usage(&self) -> Option<Usage> {
        self.usage_after(self.reply.tokens())
    }

    /// Usage after so many tokens were written.
    pub(crate) fn usage_after(&self, output: u64) -> Option<Usage> {
        let input = self.input_tokens;
        let exact = Usage { input, cached: self.directive.cached_tokens.min(input), output };
        match self.directive.usage {
            Reporting::Exact => Some(exact),
            Reporting::Missing => None,
            Reporting::Zero => Some(Usage { input: 0, cached: 0, output: 0 }),
            Reporting::Double => Some(Usage { output: output * 2, ..exact }),
        }
    }
}

impl Reply {
    /// How many tokens it is made of.
    pub(crate) fn tokens(&self) -> u64 {
        match self {
            Self::Text(answer) => answer.tokens(),
            Self::Tool(call) => call.tokens(),
        }
    }

    /// Whether the caller's limit ended it.
    pub(crate) fn cut_short(&self) -> bool {
        match self {
            Self::Text(answer) => answer.cut_short(),
            Self::Tool(call) => call.cut_short,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> Script {
        let mut conversation = Conversation::default();
        conversation.hear(false, &["You are kind."]);
        conversation.hear(true, &[text]);
        Script::write(&conversation, None, None).unwrap_or_else(|e| panic!("{}", e.0))
    }

    #[test]
    fn input_is_words_and_three_for_each_message() {
        let usage = script("How are you?").usage().expect("reported");
        assert_eq!(usage, Usage { input: 12, cached: 0, output: 20 });
    }

    #[test]
    fn usage_is_told_as_the_directive_says() {
        assert_eq!(script("[[sandbox: usage=missing]]").usage(), None);
        let nothing = Usage { input: 0, cached: 0, output: 0 };
        assert_eq!(script("[[sandbox: usage=zero, cached_tokens=3]]").usage(), Some(nothing));
        let double = script("[[sandbox: usage=double]]").usage().expect("reported");
        assert_eq!((double.input, double.output), (11, 40));
        let cached = script("[[sandbox: cached_tokens=99]]").usage().expect("reported");
        assert_eq!((cached.input, cached.cached), (11, 11));
    }

    #[test]
    fn a_message_without_a_text_leaves_the_last_one_standing() {
        let mut conversation = Conversation::default();
        conversation.hear(true, &["Look"]);
        conversation.hear(true, &[]);
        assert_eq!((conversation.last_user_text.as_str(), conversation.input_tokens), ("Look", 7));
    }
}
