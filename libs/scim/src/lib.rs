//! SCIM 2.0 as a protocol: schemas, the `User` resource, filters, paging, versions, errors. This crate does no I/O.
//!
//! It follows RFC 7643 (schemas) and RFC 7644 (protocol). Every body of a client passes through the tables in [`schema`],
//! which `/Schemas` shows as well, so the two cannot drift apart.

pub mod error;
pub mod filter;
pub mod json;
pub mod list;
pub mod schema;
pub mod user;
pub mod version;

pub use error::{Error, ScimType};
pub use user::{Email, Meta, Name, User};

/// The media type of every SCIM body (RFC 7644 §3.1).
pub const MEDIA_TYPE: &str = "application/scim+json";
