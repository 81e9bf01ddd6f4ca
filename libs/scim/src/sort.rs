//! Sorting: `sortBy` and `sortOrder` (RFC 7644 §3.4.2.3).

use std::cmp::Ordering;

use serde_json::{Number, Value};

use crate::Error;
use crate::filter::compare_numbers;
use crate::schema::{AttributeRef, AttributeType, Instant, Referent, ResourceType, fold};

/// The order of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The attribute. Of a multi-valued one the primary value counts, or the first.
    pub attribute: AttributeRef,
    /// True for `descending`.
    pub descending: bool,
}

/// The value that a resource is sorted by.
#[derive(Clone, Debug, PartialEq)]
pub enum SortKey {
    /// A text, in lower case unless its case counts.
    Text(String),
    /// A number.
    Number(Number),
    /// A point in time.
    Time(Instant),
    /// A truth value.
    Boolean(bool),
}

impl Sort {
    /// Parses `sortBy` and `sortOrder` for resources of the types `of`. `sortOrder` alone orders nothing.
    ///
    /// # Errors
    /// `invalidValue` for an unknown attribute, one that has no order, and another order than `ascending` and `descending`.
    pub fn parse(
        sort_by: Option<&str>,
        sort_order: Option<&str>,
        of: &[&ResourceType],
    ) -> Result<Option<Self>, Error> {
        let descending = match sort_order {
            None => false,
            Some(order) if order.eq_ignore_ascii_case("ascending") => false,
            Some(order) if order.eq_ignore_ascii_case("descending") => true,
            Some(_) => {
                return Err(Error::invalid_value(
                    "sortOrder",
                    "expected ascending or descending",
                ));
            }
        };
        let Some(name) = sort_by else { return Ok(None) };
        let refused = |reason: &str| Error::invalid_value("sortBy", reason);
        let mut types = of.iter();
        let Some(Referent::Attribute(mut location)) = types.find_map(|it| it.resolve(name)) else {
            return Err(refused("no such attribute"));
        };
        if location.sub.is_none() && location.attribute.data_type == AttributeType::Complex {
            location.sub = location.attribute.find_sub("value");
        }
        if !location.is_searchable() || location.attribute.stored_apart {
            return Err(refused("cannot be sorted by"));
        }
        let attribute = location.to_ref();
        match attribute.data_type {
            AttributeType::Complex | AttributeType::Any | AttributeType::Binary => {
                Err(refused("has no order; name a sub-attribute"))
            }
            _ => Ok(Some(Self {
                attribute,
                descending,
            })),
        }
    }

    /// The value that `resource`, which has canonical names, is sorted by.
    pub fn key(&self, resource: &Value) -> Option<SortKey> {
        let holder = match &self.attribute.schema {
            Some(urn) => resource.get(urn)?,
            None => resource,
        };
        let mut value = holder.get(&self.attribute.name)?;
        if let Value::Array(items) = value {
            value = preferred(items)?;
        }
        if let Some(sub) = &self.attribute.sub {
            value = value.get(sub)?;
        }
        match (self.attribute.data_type, value) {
            (AttributeType::DateTime, Value::String(text)) => Instant::parse(text).map(SortKey::Time),
            (_, Value::String(text)) => Some(SortKey::Text(fold(text, self.attribute.case_exact))),
            (_, Value::Number(number)) => Some(SortKey::Number(number.clone())),
            (_, Value::Bool(value)) => Some(SortKey::Boolean(*value)),
            _ => None,
        }
    }

    /// The order of two resources. One without a value is last in ascending order, and first in descending order.
    pub fn compare(&self, one: &Value, other: &Value) -> Ordering {
        let ascending = match (self.key(one), self.key(other)) {
            (Some(one), Some(other)) => one.compare(&other),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        match self.descending {
            true => ascending.reverse(),
            false => ascending,
        }
    }
}

impl SortKey {
    /// The ascending order of two keys. Those of one attribute are of one kind.
    pub fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (Self::Time(one), Self::Time(other)) => one.cmp(other),
            (Self::Boolean(one), Self::Boolean(other)) => one.cmp(other),
            (Self::Number(one), Self::Number(other)) => {
                compare_numbers(one, other).unwrap_or(Ordering::Equal)
            }
            _ => Ordering::Equal,
        }
    }
}

/// The primary value, or the first (RFC 7643 §2.4).
fn preferred(items: &[Value]) -> Option<&Value> {
    let primary = |item: &&Value| item.get("primary") == Some(&Value::Bool(true));
    items.iter().find(primary).or_else(|| items.first())
}

#[cfg(test)]
mod tests;
