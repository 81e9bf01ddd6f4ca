//! Evaluation of filters over resources and values, whose names are canonical.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::{CompareValue, Comparison, Filter, Operator};
use crate::schema::{AttributeRef, Instant, fold};

impl Filter {
    /// True if a resource matches, or a value of a multi-valued attribute if this is the filter of a value path.
    ///
    /// A multi-valued attribute matches if one of its values does (RFC 7644 §3.4.2.2). An attribute without a value is equal to
    /// `null` and to nothing else.
    pub fn matches(&self, resource: &Value) -> bool {
        match self {
            Self::And(all) => all.iter().all(|filter| filter.matches(resource)),
            Self::Or(all) => all.iter().any(|filter| filter.matches(resource)),
            Self::Not(filter) => !filter.matches(resource),
            Self::Present(attribute) => values(attribute, resource).any(is_present),
            Self::Compare(comparison) => comparison.matches(resource),
            Self::Values(attribute, filter) => {
                let mut values = values(attribute, resource);
                values.any(|value| filter.matches(value))
            }
        }
    }
}

impl Comparison {
    fn matches(&self, resource: &Value) -> bool {
        if let Some(wanted) = self.primary() {
            return self.matches_primary(resource, wanted);
        }
        let present = values(&self.attribute, resource).filter(|value| is_present(value));
        let mut present = present.peekable();
        match (&self.value, self.operator) {
            (CompareValue::Null, Operator::Eq) => present.peek().is_none(),
            (CompareValue::Null, _) => present.peek().is_some(),
            (_, Operator::Ne) => present.peek().is_none() || present.any(|value| !self.is_equal(value)),
            (_, Operator::Eq) => present.any(|value| self.is_equal(value)),
            _ => present.any(|value| self.is_ordered(value)),
        }
    }

    /// The truth value that `primary` of a multi-valued attribute is compared with.
    fn primary(&self) -> Option<bool> {
        let of = &self.attribute;
        let is_primary = match &of.sub {
            Some(sub) => of.multi_valued && sub == "primary",
            None => of.schema.is_none() && of.name == "primary",
        };
        match self.value {
            CompareValue::Boolean(wanted) if is_primary => Some(wanted),
            _ => None,
        }
    }

    /// RFC 7643 §2.4: `primary` of a value that does not have it is false.
    fn matches_primary(&self, resource: &Value, wanted: bool) -> bool {
        let equal = |value: &Value| (value.get("primary") == Some(&Value::Bool(true))) == wanted;
        let matches = |value: &Value| equal(value) == (self.operator == Operator::Eq);
        if self.attribute.sub.is_none() {
            return matches(resource);
        }
        let of = AttributeRef {
            sub: None,
            ..self.attribute.clone()
        };
        let mut values = values(&of, resource).peekable();
        match values.peek() {
            None => self.operator == Operator::Ne,
            Some(_) => values.any(matches),
        }
    }

    fn is_equal(&self, value: &Value) -> bool {
        self.compare(value) == Some(Ordering::Equal)
    }

    /// The operators that are neither `eq` nor `ne`.
    fn is_ordered(&self, value: &Value) -> bool {
        let order = |wanted: fn(Ordering) -> bool| self.compare(value).is_some_and(wanted);
        match self.operator {
            Operator::Gt => order(Ordering::is_gt),
            Operator::Ge => order(Ordering::is_ge),
            Operator::Lt => order(Ordering::is_lt),
            Operator::Le => order(Ordering::is_le),
            Operator::Co | Operator::Sw | Operator::Ew => {
                let (Value::String(text), CompareValue::Text(part)) = (value, &self.value) else {
                    return false;
                };
                let (text, part) = (self.folded(text), self.folded(part));
                match self.operator {
                    Operator::Sw => text.starts_with(&part),
                    Operator::Ew => text.ends_with(&part),
                    _ => text.contains(&part),
                }
            }
            Operator::Eq | Operator::Ne => false,
        }
    }

    fn compare(&self, value: &Value) -> Option<Ordering> {
        match (value, &self.value) {
            (Value::Bool(value), CompareValue::Boolean(other)) => Some(value.cmp(other)),
            (Value::Number(value), CompareValue::Number(other)) => compare_numbers(value, other),
            (Value::String(value), CompareValue::Time(other, _)) => Some(Instant::parse(value)?.cmp(other)),
            (Value::String(value), CompareValue::Text(other)) => {
                Some(self.folded(value).cmp(&self.folded(other)))
            }
            _ => None,
        }
    }

    fn folded(&self, text: &str) -> String {
        fold(text, self.attribute.case_exact)
    }
}

/// The order of two numbers. Whole numbers are compared exactly.
pub(crate) fn compare_numbers(one: &Number, other: &Number) -> Option<Ordering> {
    match (one.as_i64(), other.as_i64()) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
    }
}

/// True if a value is assigned (RFC 7643 §2.5; RFC 7644 §3.4.2.2, `pr`).
fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => items.iter().any(is_present),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// The values of an attribute or sub-attribute of `resource`: each value of a multi-valued one.
pub(crate) fn values<'a>(
    attribute: &'a AttributeRef,
    resource: &'a Value,
) -> impl Iterator<Item = &'a Value> {
    let holder = match &attribute.schema {
        Some(urn) => resource.get(urn),
        None => Some(resource),
    };
    let value = holder.and_then(|holder| match holder {
        Value::Object(members) => members.get(&attribute.name),
        // A value that is not complex is its own `value`.
        simple => (attribute.name == "value").then_some(simple),
    });
    value
        .into_iter()
        .flat_map(each)
        .filter_map(|value| match &attribute.sub {
            Some(sub) => value.get(sub),
            None => Some(value),
        })
        .flat_map(each)
}

/// Each value of a list, and a value that is no list itself.
fn each(value: &Value) -> impl Iterator<Item = &Value> {
    let (list, one) = match value {
        Value::Array(items) => (items.as_slice(), None),
        one => (&[] as &[Value], Some(one)),
    };
    list.iter().chain(one)
}
