//! SCIM 2.0 as a protocol: schemas, the `User` resource, filters, paging, versions, errors. This crate does no I/O.
//!
//! It follows RFC 7643 (schemas) and RFC 7644 (protocol). Every body of a client passes through the registry in [`schema`],
//! which `/Schemas` shows as well, so the two cannot drift apart.

pub mod bulk;
pub mod cursor;
pub mod discovery;
pub mod error;
pub mod filter;
pub mod json;
pub mod list;
pub mod patch;
pub mod path;
pub mod projection;
pub mod query;
pub mod schema;
pub mod sort;
pub mod user;
pub mod version;

pub use error::{Error, ScimType};
pub use user::{Attributes, Email, Meta, Name, Password, User};

/// The media type of every SCIM body (RFC 7644 §3.1).
pub const MEDIA_TYPE: &str = "application/scim+json";

/// Checks the media type of a body: `application/scim+json`, or `application/json` (RFC 7644 §3.1). `media_type` is the essence
/// of `Content-Type` in lower case.
///
/// # Errors
/// 415 for another media type, and without one.
pub fn check_media_type(media_type: Option<&str>) -> Result<(), Error> {
    match media_type {
        Some(MEDIA_TYPE | "application/json") => Ok(()),
        _ => Err(Error::unsupported_media_type()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_scim_or_json() {
        // RFC 7644 §3.1
        for (media_type, accepted) in [
            (Some("application/scim+json"), true),
            (Some("application/json"), true),
            (Some("text/json"), false),
            (Some("application/x-www-form-urlencoded"), false),
            (None, false),
        ] {
            let outcome = check_media_type(media_type).map_err(|error| error.status);
            assert_eq!(
                outcome,
                if accepted { Ok(()) } else { Err(415) },
                "{media_type:?}"
            );
        }
    }
}
