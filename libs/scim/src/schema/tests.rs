//! Tests of the attribute registry.

mod claims;
mod config;
mod resources;
mod values;
