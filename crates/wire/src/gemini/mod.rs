//! Gemini's `generateContent`: what is sent to it and what comes back.
//!
//! The model is in the address, not in the body. A stream (`streamGenerateContent?alt=sse`) is a
//! sequence of the same responses; each holds only the text that is added, and the usage so far.
pub mod content;
pub mod count;
pub mod embeddings;
pub mod error;
pub mod misfit;
pub mod models;
mod number;
pub mod request;
pub mod response;

pub use content::{
    Blob, Content, FileData, FunctionCall, FunctionResponse, FunctionResponsePart, Part, Role,
};
pub use count::{CountTokensRequest, CountTokensResponse};
pub use embeddings::{
    BatchEmbedContentsRequest, BatchEmbedContentsResponse, ContentEmbedding, EmbedContentRequest,
    EmbeddingUsageMetadata,
};
pub use error::{ErrorBody, ErrorDetail};
pub use misfit::Misfit;
pub use models::{Model, ModelList};
pub use request::{
    CallingMode, FunctionCallingConfig, FunctionDeclaration, GenerateContentRequest,
    GenerationConfig, SafetySetting, ThinkingConfig, Tool, ToolConfig,
};
pub use response::{
    BlockReason, Candidate, FinishReason, GenerateContentResponse, LogprobsResult, PromptFeedback,
    StreamData, TokenCandidate, TopCandidates, UsageMetadata,
};
