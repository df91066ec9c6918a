//! Anthropic's messages: what is sent to it and what comes back.
//!
//! Only `/v1/messages` and its count of tokens; headers (`x-api-key`, `anthropic-version`) are not part of a body.
pub mod block;
pub mod error;
pub mod event;
pub mod request;
pub mod response;

pub use block::{
    CacheControl, EphemeralMark, RedactedThinkingBlock, TextBlock, ThinkingBlock, ToolUseBlock,
};
pub use error::{ErrorBody, ErrorDetail, ErrorKind, ErrorMark};
pub use event::{
    BlockDelta, ContentBlockDelta, ContentBlockStart, ContentBlockStop, DeltaUsage, ErrorEvent,
    InputJsonDelta, MessageChange, MessageDelta, MessageStart, SignatureDelta, StreamEvent,
    TextDelta, ThinkingDelta,
};
pub use request::{
    AdaptiveThinking, CountTokensRequest, EnabledThinking, ImageBlock, ImageSource, InputBlock,
    InputMessage, JsonSchemaMark, MessagesRequest, Metadata, OutputConfig, OutputFormat,
    ResultBlock, Role, SystemBlock, Thinking, ThinkingDisplay, Tool, ToolChoice, ToolResultBlock,
};
pub use response::{
    AssistantMark, CacheCreation, ContentBlock, MessageMark, MessageResponse, OutputTokensDetails,
    StopReason, TokenCount, Usage,
};
