//! Tests of text searches.

mod finding;
mod typing;
