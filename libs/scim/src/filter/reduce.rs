//! Filters of searches of several resource types (RFC 7644 §3.4.2.1), for one of them.

use serde_json::json;

use super::Filter;
use crate::schema::{AttributeRef, ResourceType};

/// The part of a filter that is left for one resource type.
#[derive(Clone, Debug, PartialEq)]
pub enum Reduced {
    /// Every resource of the type matches.
    Always,
    /// No resource of the type matches.
    Never,
    /// The resources that this filter matches.
    To(Filter),
}

impl Reduced {
    fn of(matches: bool) -> Self {
        match matches {
            true => Self::Always,
            false => Self::Never,
        }
    }
}

impl Filter {
    /// The filter for the resources of one type. An attribute that the type does not define has no value there (RFC 7644 §3.4.2.1),
    /// and `meta.resourceType` is known.
    pub fn reduce(&self, to: &ResourceType) -> Reduced {
        match self {
            Self::And(all) => {
                let mut left = Vec::new();
                for one in all {
                    match one.reduce(to) {
                        Reduced::Never => return Reduced::Never,
                        Reduced::Always => {}
                        Reduced::To(filter) => left.push(filter),
                    }
                }
                joined(left, Reduced::Always, Self::And)
            }
            Self::Or(all) => {
                let mut left = Vec::new();
                for one in all {
                    match one.reduce(to) {
                        Reduced::Always => return Reduced::Always,
                        Reduced::Never => {}
                        Reduced::To(filter) => left.push(filter),
                    }
                }
                joined(left, Reduced::Never, Self::Or)
            }
            Self::Not(inner) => match inner.reduce(to) {
                Reduced::Always => Reduced::Never,
                Reduced::Never => Reduced::Always,
                Reduced::To(filter) => Reduced::To(Self::Not(Box::new(filter))),
            },
            Self::Compare(comparison) => self.reduce_term(&comparison.attribute, to),
            Self::Present(attribute) | Self::Values(attribute, _) => self.reduce_term(attribute, to),
        }
    }

    fn reduce_term(&self, attribute: &AttributeRef, to: &ResourceType) -> Reduced {
        let is_type = attribute.name == "meta" && attribute.sub.as_deref() == Some("resourceType");
        if is_type && attribute.schema.is_none() {
            return Reduced::of(self.matches(&json!({"meta": {"resourceType": to.name}})));
        }
        match to.resolve(&attribute.to_string()) {
            Some(_) => Reduced::To(self.clone()),
            None => Reduced::of(self.matches(&json!({}))),
        }
    }
}

fn joined(mut left: Vec<Filter>, empty: Reduced, join: fn(Vec<Filter>) -> Filter) -> Reduced {
    match left.len() {
        0 => empty,
        1 => left.pop().map_or(empty, Reduced::To),
        _ => Reduced::To(join(left)),
    }
}
