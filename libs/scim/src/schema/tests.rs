//! Tests of the attribute registry.

mod access;
mod claims;
mod config;
mod resources;
mod values;
