//! Tests of the attribute registry.

mod access;
mod config;
mod replacement;
mod resource_types;
mod resources;
mod values;
