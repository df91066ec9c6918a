//! Documents as the vendors send them, read and written.
mod anthropic;
mod damage;
mod embeddings;
mod gemini;
mod golden;
mod moderations;
mod openai_reading;
mod openai_requests;
mod openai_responses;
mod openai_writing;
