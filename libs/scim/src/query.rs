//! Queries of resources: by GET (RFC 7644 §3.4.2), and by POST to `/.search` (§3.4.3).

use serde_json::{Map, Value};

use crate::Error;
use crate::cursor::QueryDigest;
use crate::filter::Filter;
use crate::list::Paging;
use crate::projection::Projection;
use crate::schema::ResourceType;
use crate::sort::Sort;

/// The schema URN of a search request.
pub const SEARCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// The parameters of a query, as they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryParameters {
    /// `attributes`.
    pub attributes: Option<Vec<String>>,
    /// `excludedAttributes`.
    pub excluded_attributes: Option<Vec<String>>,
    /// `filter`.
    pub filter: Option<String>,
    /// `sortBy`.
    pub sort_by: Option<String>,
    /// `sortOrder`.
    pub sort_order: Option<String>,
    /// `startIndex`.
    pub start_index: Option<String>,
    /// `count`.
    pub count: Option<String>,
    /// `cursor` (RFC 9865 §2); empty for the first page.
    pub cursor: Option<String>,
}

impl QueryParameters {
    /// The names of a parameter of a URL: separated by commas (RFC 7644 §3.9).
    pub fn names(text: &str) -> Vec<String> {
        let names = text.split(',').map(str::trim);
        names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }

    /// Parses the body of a search by POST (RFC 7644 §3.4.3, RFC 9865 §3). Names are compared without regard to case.
    ///
    /// # Errors
    /// `invalidSyntax` for an unknown or repeated member and another schema, `invalidValue` for a value of another type.
    pub fn from_search(body: &Value) -> Result<Self, Error> {
        let body = body
            .as_object()
            .ok_or_else(|| Error::invalid_syntax("the body must be a JSON object"))?;
        let mut parameters = Self::default();
        let (mut has_urn, mut seen) = (false, Map::new());
        for (name, value) in body {
            let lower = name.to_ascii_lowercase();
            if seen.insert(lower.clone(), Value::Null).is_some() {
                return Err(Error::invalid_syntax(format!("{name}: occurs twice")));
            }
            match lower.as_str() {
                "schemas" => {
                    has_urn = names_of(name, value)?
                        .iter()
                        .flatten()
                        .any(|urn| urn.eq_ignore_ascii_case(SEARCH_URN))
                }
                "attributes" => parameters.attributes = names_of(name, value)?,
                "excludedattributes" => parameters.excluded_attributes = names_of(name, value)?,
                "filter" => parameters.filter = text_of(name, value)?,
                "sortby" => parameters.sort_by = text_of(name, value)?,
                "sortorder" => parameters.sort_order = text_of(name, value)?,
                "startindex" => parameters.start_index = number_of(name, value)?,
                "count" => parameters.count = number_of(name, value)?,
                "cursor" => parameters.cursor = text_of(name, value)?,
                _ => return Err(Error::invalid_syntax(format!("{name}: no such parameter"))),
            }
        }
        match has_urn {
            true => Ok(parameters),
            false => Err(Error::invalid_syntax(format!("schemas: must name {SEARCH_URN}"))),
        }
    }
}

fn names_of(name: &str, value: &Value) -> Result<Option<Vec<String>>, Error> {
    let refused = || Error::invalid_value(name, "expected a list of texts");
    match value {
        Value::Null => Ok(None),
        Value::Array(items) => {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
            texts.collect::<Option<_>>().ok_or_else(refused).map(Some)
        }
        // As in a URL.
        Value::String(text) => Ok(Some(QueryParameters::names(text))),
        _ => Err(refused()),
    }
}

fn text_of(name: &str, value: &Value) -> Result<Option<String>, Error> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err(Error::invalid_value(name, "expected text")),
    }
}

/// A number, which a few clients send as text.
fn number_of(name: &str, value: &Value) -> Result<Option<String>, Error> {
    match value {
        Value::Number(number) => Ok(Some(number.to_string())),
        value => text_of(name, value),
    }
}

/// A request for a list of resources (RFC 7644 §3.4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRequest {
    /// The page.
    pub paging: Paging,
    /// `filter`; `None` requests all resources.
    pub filter: Option<Filter>,
    /// The order; `None` leaves it to the server.
    pub sort: Option<Sort>,
    /// The attributes of each resource.
    pub projection: Projection,
}

impl ListRequest {
    /// Reads the parameters of a query for resources of the types `of`: the page first, then filter, order and attributes.
    ///
    /// # Errors
    /// `invalidValue`, `invalidFilter` and `invalidCount`.
    pub fn parse(parameters: &QueryParameters, of: &[&ResourceType]) -> Result<Self, Error> {
        Ok(Self {
            paging: Paging::parse(
                parameters.start_index.as_deref(),
                parameters.count.as_deref(),
                parameters.cursor.as_deref(),
            )?,
            filter: parameters
                .filter
                .as_deref()
                .map(|text| Filter::parse(text, of))
                .transpose()?,
            sort: Sort::parse(
                parameters.sort_by.as_deref(),
                parameters.sort_order.as_deref(),
                of,
            )?,
            projection: Projection::parse(
                parameters.attributes.as_deref(),
                parameters.excluded_attributes.as_deref(),
                of,
            )?,
        })
    }

    /// The digest that the cursors of this query carry. `context` is what else decides which resources are in the list: the endpoint,
    /// and the part of the directory that the caller may see.
    pub fn digest(&self, context: &[&str]) -> QueryDigest {
        let filter = self.filter.as_ref().map(ToString::to_string).unwrap_or_default();
        let (by, order) = match &self.sort {
            Some(sort) => (
                sort.attribute.to_string(),
                if sort.descending {
                    "descending"
                } else {
                    "ascending"
                },
            ),
            None => (String::new(), ""),
        };
        QueryDigest::of(
            [filter.as_str(), &by, order]
                .into_iter()
                .chain(context.iter().copied()),
        )
    }
}

#[cfg(test)]
mod tests;
