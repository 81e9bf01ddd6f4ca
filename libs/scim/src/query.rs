//! Query of resources: filter and page (RFC 7644 §3.4.2).

use crate::Error;
use crate::filter::Filter;
use crate::list::Page;
use crate::schema::ResourceType;

/// A request for a list of resources (RFC 7644 §3.4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRequest {
    /// The page.
    pub page: Page,
    /// `filter`; `None` requests all resources.
    pub filter: Option<Filter>,
}

impl ListRequest {
    /// Parses `startIndex`, `count` and `filter`, in this order, for resources of the types `of`.
    ///
    /// # Errors
    /// `invalidValue` and `invalidFilter`.
    pub fn parse(
        start_index: Option<&str>,
        count: Option<&str>,
        filter: Option<&str>,
        of: &[&ResourceType],
    ) -> Result<Self, Error> {
        Ok(Self {
            page: Page::parse(start_index, count)?,
            filter: filter.map(|text| Filter::parse(text, of)).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ScimType;

    #[test]
    fn a_list_request_is_read_with_its_filter() {
        // RFC 7644 §3.4.2
        let parse = |start, count, filter| {
            let users = crate::schema::Registry::standard().users();
            ListRequest::parse(start, count, filter, &[users])
        };
        let request = parse(None, Some("5"), Some("USERNAME eq \"ann\"")).unwrap();
        assert_eq!(request.page.count, 5);
        assert_eq!(request.filter.unwrap().to_string(), "userName eq \"ann\"");
        assert_eq!(parse(None, None, None).unwrap().filter, None);
        let error = |start, filter| parse(start, None, filter).unwrap_err().scim_type;
        assert_eq!(error(None, Some("user pr")), Some(ScimType::InvalidFilter));
        assert_eq!(error(Some("x"), Some("user pr")), Some(ScimType::InvalidValue));
    }
}
