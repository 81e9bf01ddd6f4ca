//! List responses and paging (RFC 7644 §3.4.2).

use serde_json::{Value, json};

use crate::Error;

/// The schema URN of a list response.
pub const LIST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// The maximum number of resources in a page; `filter.maxResults` of the service provider configuration.
pub const MAX_RESULTS: i64 = 200;
/// The number of resources in a page without `count`.
pub const DEFAULT_RESULTS: i64 = 100;

/// The requested page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// `startIndex`: the 1-based index of the first resource.
    pub start_index: i64,
    /// `count`: the maximum number of resources; 0 requests only the total.
    pub count: i64,
}

impl Page {
    /// Parses `startIndex` and `count`: below 1 means 1, below 0 means 0 (RFC 7644 §3.4.2.4), and no page is larger than
    /// [`MAX_RESULTS`].
    ///
    /// # Errors
    /// `invalidValue` when one is not a whole number.
    pub fn parse(start_index: Option<&str>, count: Option<&str>) -> Result<Self, Error> {
        Ok(Self {
            start_index: whole("startIndex", start_index, 1)?.max(1),
            count: whole("count", count, DEFAULT_RESULTS)?.clamp(0, MAX_RESULTS),
        })
    }

    /// True if the page has the first resource. A filter on a unique attribute matches no other one.
    pub fn has_first(self) -> bool {
        self.start_index == 1 && self.count > 0
    }

    /// The number of resources before the page.
    pub fn offset(self) -> i64 {
        self.start_index - 1
    }
}

fn whole(name: &str, text: Option<&str>, default: i64) -> Result<i64, Error> {
    text.map_or(Ok(default), |text| {
        text.parse()
            .map_err(|_| Error::invalid_value(name, "expected a whole number"))
    })
}

/// The JSON body of a list response with `resources`, out of `total` matches.
pub fn response(total: i64, start_index: i64, resources: Vec<Value>) -> Value {
    json!({
        "schemas": [LIST_URN],
        "totalResults": total,
        "itemsPerPage": resources.len(),
        "startIndex": start_index,
        "Resources": resources,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bounds_are_those_of_the_standard() {
        let page = |start, count| Page::parse(start, count).map(|page| (page.start_index, page.count));
        assert_eq!(page(None, None), Ok((1, 100)));
        assert_eq!(page(Some("0"), Some("-1")), Ok((1, 0)));
        assert_eq!(page(Some("7"), Some("100000")), Ok((7, 200)));
        assert!(page(Some("x"), None).is_err());
        assert!(page(None, Some("99999999999999999999")).is_err());
    }

    #[test]
    fn a_page_has_the_first_resource_or_not() {
        // RFC 7644 §3.4.2.4
        for (start, count, has_first) in [
            (None, None, true),
            (Some("0"), Some("1"), true),
            (Some("2"), Some("1"), false),
            (Some("1"), Some("0"), false),
        ] {
            let page = Page::parse(start, count).unwrap();
            assert_eq!(page.has_first(), has_first, "{start:?} {count:?}");
        }
    }

    proptest! {
        #[test]
        fn any_numbers_give_a_page_within_bounds(start: i64, count: i64) {
            let page = Page::parse(Some(&start.to_string()), Some(&count.to_string())).unwrap();
            prop_assert!(page.offset() >= 0 && (0..=MAX_RESULTS).contains(&page.count));
        }
    }
}
