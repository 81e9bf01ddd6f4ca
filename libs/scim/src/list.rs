//! List responses and paging (RFC 7644 §3.4.2.4, RFC 9865).

use serde_json::{Map, Value, json};

use crate::Error;
use crate::cursor::{Cursor, CursorKey, QueryDigest};

/// The schema URN of a list response.
pub const LIST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// The maximum number of resources in a page; `filter.maxResults` of the service provider configuration.
pub const MAX_RESULTS: i64 = 200;
/// The number of resources in a page without `count`.
pub const DEFAULT_RESULTS: i64 = 100;

/// The requested page of a list, by one of the two methods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paging {
    /// By index, which is the default.
    Index(Page),
    /// By cursor (RFC 9865), because the request has `cursor`.
    Cursor(CursorPage),
}

impl Paging {
    /// Parses `startIndex`, `count` and `cursor`.
    ///
    /// # Errors
    /// `invalidValue` for a number that is no whole number, and for `startIndex` beside `cursor`; `invalidCount` beside a cursor.
    pub fn parse(
        start_index: Option<&str>,
        count: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<Self, Error> {
        match (cursor, start_index) {
            (Some(_), Some(_)) => Err(Error::invalid_value("cursor", "cannot stand beside startIndex")),
            (Some(cursor), None) => CursorPage::parse(cursor, count).map(Self::Cursor),
            (None, _) => Page::parse(start_index, count).map(Self::Index),
        }
    }
}

/// A page by index.
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

/// A page by cursor (RFC 9865 §2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorPage {
    /// `cursor`; `None` for the first page.
    cursor: Option<String>,
    /// `count`: the maximum number of resources; 0 requests only the total.
    pub count: i64,
}

impl CursorPage {
    fn parse(cursor: &str, count: Option<&str>) -> Result<Self, Error> {
        let refused = |_| Error::invalid_count("count: expected a whole number");
        let count: i64 = count.map_or(Ok(DEFAULT_RESULTS), |count| count.parse().map_err(refused))?;
        Ok(Self {
            cursor: (!cursor.is_empty()).then(|| cursor.to_owned()),
            // RFC 9865 §2: below 0 means 0.
            count: count.clamp(0, MAX_RESULTS),
        })
    }

    /// The position that the page begins at; `None` for the first page. See [`Cursor::decode`].
    ///
    /// # Errors
    /// `invalidCursor` and `expiredCursor`.
    pub fn position(
        &self,
        key: &CursorKey,
        query: &QueryDigest,
        now: u64,
        timeout: u64,
    ) -> Result<Option<Cursor>, Error> {
        let cursor = self.cursor.as_deref();
        cursor
            .map(|text| Cursor::decode(text, key, query, now, timeout))
            .transpose()
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

/// The JSON body of a page by cursor (RFC 9865 §2). Without `next` it is the last page, and without `previous` the first, or one of a
/// server that does not go back. A `total` that would cost too much is left out, unless `count` is 0, which requests nothing else.
pub fn cursor_response(
    total: Option<i64>,
    next: Option<String>,
    previous: Option<String>,
    resources: Vec<Value>,
) -> Value {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    put("schemas", json!([LIST_URN]));
    if let Some(total) = total {
        put("totalResults", total.into());
    }
    put("itemsPerPage", resources.len().into());
    if let Some(next) = next {
        put("nextCursor", next.into());
    }
    if let Some(previous) = previous {
        put("previousCursor", previous.into());
    }
    put("Resources", resources.into());
    Value::Object(body)
}

#[cfg(test)]
mod tests;
