//! The list of steps, on every database.
mod databases;
mod rows;
mod schema;
mod turns;
