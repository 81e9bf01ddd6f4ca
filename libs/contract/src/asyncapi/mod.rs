//! The contract as an AsyncAPI 3.0 document: every type of event, and every way on which it travels.

#[cfg(test)]
pub(super) mod document;

/// The AsyncAPI 3.0 document as it is committed, JSON; a test compares it with the code.
pub const ASYNCAPI: &str = include_str!("../../asyncapi.json");
