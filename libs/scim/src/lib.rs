//! The SCIM 2.0 protocol alone: schemas, the `User` resource, filters, paging, versions, errors. No I/O.
//!
//! What is here follows RFC 7643 (schemas) and RFC 7644 (protocol). Everything that a caller sends passes through
//! the tables in [`schema`], which are also what `/Schemas` shows, so the two cannot drift apart.

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
