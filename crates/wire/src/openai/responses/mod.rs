//! OpenAI's Responses API, without its state: what callers of ours send and get at
//! `/v1/responses`.
//!
//! Nothing is kept between two requests, so nothing here refers to an earlier one. What only
//! `OpenAI` itself can carry out (searches, files, computers, ...) is kept as [`Raw`](crate::Raw).
pub mod event;
pub mod item;
pub mod output;
pub mod request;
pub mod response;
pub mod tool;

pub use event::{Event, Numbered};
pub use item::{
    CallItem, CallOutputItem, InputContent, InputImage, InputItem, InputPart, InputRefusal,
    InputText, MessageItem, OutputTextPart, ReasoningItem, SummaryText,
};
pub use output::{Content, FunctionCall, ItemStatus, Message, OutputItem, OutputText, Reasoning};
pub use request::{
    CreateRequest, ReasoningConfig, SchemaFormat, StreamOptions, TextConfig, TextFormat,
};
pub use response::{
    Failure, IncompleteDetails, InputTokensDetails, OutputTokensDetails, Response, ResponseObject,
    Status, Usage,
};
pub use tool::{Function, Tool, ToolChoice};
