//! Tests of the attribute registry.

mod access;
mod claims;
mod config;
mod replacement;
mod resources;
mod values;
