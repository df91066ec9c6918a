//! Gemini's `generateContent`: what is sent to it and what comes back.
//!
//! The model is in the address, not in the body. A stream (`streamGenerateContent?alt=sse`) is a
//! sequence of the same responses; each holds only the text that is added, and the usage so far.
pub mod content;
pub mod error;
pub mod request;
pub mod response;

pub use content::{Blob, Content, FileData, FunctionCall, FunctionResponse, Part, Role};
pub use error::{ErrorBody, ErrorDetail};
pub use request::{
    CallingMode, FunctionCallingConfig, FunctionDeclaration, GenerateContentRequest,
    GenerationConfig, SafetySetting, ThinkingConfig, Tool, ToolConfig,
};
pub use response::{
    BlockReason, Candidate, FinishReason, GenerateContentResponse, PromptFeedback, StreamData,
    UsageMetadata,
};
