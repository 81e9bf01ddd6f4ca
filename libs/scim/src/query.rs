//! Query of resources: filter and page (RFC 7644 §3.4.2).

use crate::Error;
use crate::filter::UserFilter;
use crate::list::Page;

/// A request for a list of users (RFC 7644 §3.4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRequest {
    /// The page.
    pub page: Page,
    /// `filter`; `None` requests all users.
    pub filter: Option<UserFilter>,
}

impl ListRequest {
    /// Parses `startIndex`, `count` and `filter`, in this order.
    ///
    /// # Errors
    /// `invalidValue` and `invalidFilter`.
    pub fn parse(
        start_index: Option<&str>,
        count: Option<&str>,
        filter: Option<&str>,
    ) -> Result<Self, Error> {
        Ok(Self {
            page: Page::parse(start_index, count)?,
            filter: filter.map(UserFilter::parse).transpose()?,
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
        let request = ListRequest::parse(None, Some("5"), Some("userName eq \"ann\"")).unwrap();
        assert_eq!(request.page.count, 5);
        assert_eq!(request.filter, Some(UserFilter::UserNameEq("ann".to_owned())));
        assert_eq!(ListRequest::parse(None, None, None).unwrap().filter, None);
        let error = |start, filter| ListRequest::parse(start, None, filter).unwrap_err().scim_type;
        assert_eq!(error(None, Some("userName pr")), Some(ScimType::InvalidFilter));
        assert_eq!(
            error(Some("x"), Some("userName pr")),
            Some(ScimType::InvalidValue)
        );
    }
}
