//! OpenAI's chat completions: what callers of ours send and get, and what OpenAI itself does.
//!
//! Also its [`responses`], which callers alone speak of, its [`embeddings`], its [`moderations`] and its
//! list of models.
pub mod chunk;
pub mod embeddings;
pub mod error;
pub mod invalid;
pub mod message;
pub mod models;
pub mod moderations;
pub mod request;
pub mod response;
pub mod responses;
pub mod tool;

pub use chunk::{
    ChatChunk, ChunkChoice, ChunkObject, Delta, FunctionDelta, FunctionKind, StreamData,
    ToolCallDelta,
};
pub use embeddings::{
    Embedding, EmbeddingInput, EmbeddingObject, EmbeddingRequest, EmbeddingResponse,
    EmbeddingUsage, EncodingFormat, Vector,
};
pub use error::{ErrorBody, ErrorDetail};
pub use invalid::InvalidRequest;
pub use message::{
    Content, ContentPart, ImagePart, ImageUrl, Message, RefusalPart, Role, TextPart,
};
pub use models::{ListObject, Model, ModelList, ModelObject};
pub use moderations::{ModerationInput, ModerationRequest, ModerationResponse, ModerationResult};
pub use request::{ChatRequest, JsonSchema, JsonSchemaFormat, ResponseFormat, Stop, StreamOptions};
pub use response::{
    ChatObject, ChatResponse, Choice, CompletionTokensDetails, FinishReason, PromptTokensDetails,
    ResponseMessage, Usage,
};
pub use tool::{
    FunctionCall, FunctionDefinition, FunctionTool, FunctionToolCall, Tool, ToolCall, ToolChoice,
    ToolMode,
};
