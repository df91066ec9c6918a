//! The formats that AI providers and their callers speak, as types.
//!
//! Three families: [`openai`] (chat completions), [`anthropic`] (messages) and [`gemini`]
//! (`generateContent`). A type here says what stands in a document and nothing of what it means:
//! there is no domain type, no translation from one format to another, no price, no limit and no
//! I/O.
//!
//! - **Reading a provider is tolerant.** Unknown fields are passed over; unknown words are kept in
//!   an `Other`; unknown blocks, parts and events are kept whole as [`Raw`]. A counter that is
//!   absent or no whole number is `None`, never zero.
//! - **Reading a caller loses nothing.** What a request holds beyond the fields known here is kept
//!   in [`Unknown`], so that whoever serves it can refuse it or pass over it knowingly.
//! - **Writing is exact.** Fields that the vendor sends as `null` are written as `null`, those that
//!   it leaves out are left out.
//! - **JSON that is only carried** (schemas, arguments) stays the text it was: key order, spelling
//!   of numbers and all.
pub mod anthropic;
pub mod gemini;
pub mod openai;

mod field;
mod lenient;
mod raw;
mod tagged;
mod text_or;
mod unknown;
mod words;

pub use field::Field;
pub use raw::Raw;
pub use text_or::TextOr;
pub use unknown::Unknown;
