//! Filters (RFC 7644 §3.4.2.2): the whole grammar, resolved against the attribute registry.

mod check;
mod matches;
pub(crate) mod parse;
mod reduce;
mod resolve;

#[cfg(test)]
mod tests;

use std::fmt;

pub(crate) use matches::compare_numbers;

use serde_json::Number;

use crate::Error;
use crate::schema::{AttributeRef, Instant, ResourceType};

pub use reduce::Reduced;

/// The maximum number of bytes of a filter, and of a path of PATCH.
pub const MAX_BYTES: usize = 4096;
/// The maximum number of groups, negations and value paths around a comparison.
pub const MAX_DEPTH: usize = 16;
/// The maximum number of comparisons in a filter.
pub const MAX_TERMS: usize = 64;

/// A filter whose attributes exist and whose comparisons fit their types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// All of these; at least two.
    And(Vec<Filter>),
    /// One of these; at least two.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// `pr`: the attribute has a value.
    Present(AttributeRef),
    /// A comparison.
    Compare(Comparison),
    /// `attribute[filter]`: one value of a multi-valued attribute matches the whole filter. The references of the filter name
    /// sub-attributes; `value` of a value that is not complex is the value itself.
    Values(AttributeRef, Box<Filter>),
}

/// A comparison of an attribute with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The attribute. A complex attribute is compared by its sub-attribute `value`.
    pub attribute: AttributeRef,
    /// The operator.
    pub operator: Operator,
    /// The value, of the attribute's type.
    pub value: CompareValue,
}

/// A comparison operator (RFC 7644 §3.4.2.2, table 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater than.
    Gt,
    /// Greater than or equal to.
    Ge,
    /// Less than.
    Lt,
    /// Less than or equal to.
    Le,
}

impl Operator {
    const ALL: [Self; 9] = [
        Self::Eq,
        Self::Ne,
        Self::Co,
        Self::Sw,
        Self::Ew,
        Self::Gt,
        Self::Ge,
        Self::Lt,
        Self::Le,
    ];

    /// The operator as in a filter.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }

    /// The operator of this name, without regard to case.
    fn find(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|operator| operator.as_str().eq_ignore_ascii_case(name))
    }
}

/// The value of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompareValue {
    /// `null`: no value; only with `eq` and `ne`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(String),
    /// A point in time, and how it was written.
    Time(Instant, String),
}

impl Filter {
    /// Parses a filter over resources of the types `of`. A name that several types have is that of the first. For a query at the
    /// root (RFC 7644 §3.4.2.1) there are several types, and a resource that lacks an attribute has no value of it.
    ///
    /// # Errors
    /// `invalidFilter`, naming an attribute that no type has, for a malformed filter, a comparison that does not fit its
    /// attribute, and a filter beyond the limits.
    pub fn parse(text: &str, of: &[&ResourceType]) -> Result<Self, Error> {
        let filter = parse::filter(text, of)?;
        // A comparison after a value path moves into it, which may add a group.
        if filter.depth() > MAX_DEPTH {
            return Err(parse::too_deep());
        }
        Ok(filter)
    }

    /// Every attribute that the filter mentions, for checks of who may read it. Within a value path that is the attribute and
    /// its sub-attribute.
    pub fn attributes(&self) -> Vec<AttributeRef> {
        let mut found = Vec::new();
        self.collect(None, &mut found);
        found
    }

    fn collect(&self, of: Option<&AttributeRef>, found: &mut Vec<AttributeRef>) {
        let mut add = |attribute: &AttributeRef| {
            found.push(match of {
                Some(of) => AttributeRef {
                    schema: of.schema.clone(),
                    name: of.name.clone(),
                    sub: Some(attribute.name.clone()),
                    ..attribute.clone()
                },
                None => attribute.clone(),
            });
        };
        match self {
            Self::And(all) | Self::Or(all) => all.iter().for_each(|filter| filter.collect(of, found)),
            Self::Not(filter) => filter.collect(of, found),
            Self::Present(attribute) => add(attribute),
            Self::Compare(comparison) => add(&comparison.attribute),
            Self::Values(attribute, filter) => filter.collect(Some(attribute), found),
        }
    }

    /// The comparisons with `eq` that a matching value fulfils in any case: those of the filter itself and of its `and`.
    pub fn equalities(&self) -> Vec<&Comparison> {
        match self {
            Self::Compare(comparison) if comparison.operator == Operator::Eq => vec![comparison],
            Self::And(all) => all.iter().flat_map(Self::equalities).collect(),
            _ => Vec::new(),
        }
    }

    /// True if the filter is nothing but comparisons with `eq`, joined by `and`.
    pub fn is_equalities(&self) -> bool {
        match self {
            Self::Compare(comparison) => comparison.operator == Operator::Eq,
            Self::And(all) => all.iter().all(Self::is_equalities),
            _ => false,
        }
    }

    /// The levels of brackets in the filter as it is printed.
    fn depth(&self) -> usize {
        let most = |all: &[Self], group: fn(&Self) -> bool| {
            let depth = |filter: &Self| filter.depth() + usize::from(group(filter));
            all.iter().map(depth).max().unwrap_or(0)
        };
        match self {
            Self::And(all) => most(all, |filter| matches!(filter, Self::And(_) | Self::Or(_))),
            Self::Or(all) => most(all, |filter| matches!(filter, Self::Or(_))),
            Self::Not(filter) | Self::Values(_, filter) => filter.depth() + 1,
            Self::Present(_) | Self::Compare(_) => 0,
        }
    }

    fn fmt_all(
        all: &[Self],
        word: &str,
        group: fn(&Self) -> bool,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        for (index, filter) in all.iter().enumerate() {
            if index > 0 {
                write!(f, " {word} ")?;
            }
            if group(filter) {
                write!(f, "({filter})")?;
            } else {
                write!(f, "{filter}")?;
            }
        }
        Ok(())
    }
}

/// The filter in canonical spelling. It is parsed to the same filter.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(all) => Self::fmt_all(all, "and", |it| matches!(it, Self::And(_) | Self::Or(_)), f),
            Self::Or(all) => Self::fmt_all(all, "or", |it| matches!(it, Self::Or(_)), f),
            Self::Not(filter) => write!(f, "not ({filter})"),
            Self::Present(attribute) => write!(f, "{attribute} pr"),
            Self::Compare(comparison) => write!(
                f,
                "{} {} {}",
                comparison.attribute,
                comparison.operator.as_str(),
                comparison.value
            ),
            Self::Values(attribute, filter) => write!(f, "{attribute}[{filter}]"),
        }
    }
}

impl fmt::Display for CompareValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            // A value of `serde_json` is written as JSON.
            Self::Text(text) | Self::Time(_, text) => write!(f, "{}", serde_json::Value::from(text.as_str())),
        }
    }
}
