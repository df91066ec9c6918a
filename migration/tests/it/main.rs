//! The list of steps, on every database.
mod databases;
mod schema;
mod turns;
