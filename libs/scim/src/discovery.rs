//! Requests for the discovery documents (RFC 7644 §4). Those of schemas and resource types are made by [`crate::schema`].

mod service_provider;

use serde_json::Value;

use crate::Error;

pub use service_provider::{Capabilities, Pagination, service_provider_config};

/// Checks the query of a request for discovery documents. A filter is answered with 403 (RFC 7644 §4).
///
/// # Errors
/// 403 with a filter.
pub fn check_query(query: Option<&str>) -> Result<(), Error> {
    let has_filter = query.is_some_and(|query| query.split('&').any(|pair| pair.starts_with("filter=")));
    if has_filter {
        return Err(Error::new(403, "these documents cannot be filtered"));
    }
    Ok(())
}

/// The document of this id, without regard to case.
///
/// # Errors
/// 404 when no document has it.
pub fn find(documents: Vec<Value>, id: &str) -> Result<Value, Error> {
    documents
        .into_iter()
        .find(|document| {
            document
                .get("id")
                .and_then(Value::as_str)
                .is_some_and(|known| known.eq_ignore_ascii_case(id))
        })
        .ok_or_else(Error::not_found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{CORE_USER, Registry};

    #[test]
    fn a_filter_is_forbidden_and_nothing_else() {
        // RFC 7644 §4
        for (query, allowed) in [
            (None, true),
            (Some(""), true),
            (Some("startIndex=1"), true),
            (Some("filter=id%20eq%201"), false),
            (Some("a=b&filter="), false),
            (Some("nofilter=1"), true),
        ] {
            let outcome = check_query(query).map_err(|error| error.status);
            assert_eq!(outcome, if allowed { Ok(()) } else { Err(403) }, "{query:?}");
        }
    }

    #[test]
    fn a_document_is_found_by_its_id() {
        // RFC 7644 §4
        let base = "https://users.example/scim/v2";
        let schemas = || Registry::schema_documents([Registry::standard().users()], base);
        let types = || Registry::resource_type_documents([Registry::standard().users()], base);
        for id in [CORE_USER.to_owned(), CORE_USER.to_uppercase()] {
            assert_eq!(find(schemas(), &id).unwrap()["id"], CORE_USER);
        }
        assert_eq!(find(types(), "User").unwrap()["endpoint"], "/Users");
        assert_eq!(find(types(), "Group").unwrap_err(), Error::not_found());
    }
}
