//! The order of bulk operations (RFC 7644 §3.7, §3.7.1): each after those that create what it refers to, and after the earlier ones on
//! the same resource. Circular references are resolved in two steps.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::fmt;

use serde_json::{Map, Value, json};

use super::{BulkMethod, BulkOperation, BulkRequest, references};
use crate::schema::{Attribute, Registry};

/// The steps of a bulk request. An operation has one step, or, on a cycle of references, two.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The steps, in the order in which they are run.
    pub steps: Vec<Step>,
}

/// A step of a bulk request. The number is that of the operation. Its `Debug` output lacks the data, which may have a password.
#[derive(Clone, PartialEq)]
pub enum Step {
    /// The operation is run as it is, after its references were resolved.
    Run(usize),
    /// The resource is created with this data, which lacks what refers to resources that are not there yet.
    Create(usize, Value),
    /// The resource that [`Step::Create`] made gets the rest: operations of PATCH, in JSON. Their result is that of the operation.
    Complete(usize, Value),
    /// The operation refers to a resource of a cycle in a required attribute, so nothing can be created first. It fails with 409.
    Conflict(usize),
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(index) => write!(f, "Run({index})"),
            Self::Create(index, _) => write!(f, "Create({index}, …)"),
            Self::Complete(index, _) => write!(f, "Complete({index}, …)"),
            Self::Conflict(index) => write!(f, "Conflict({index})"),
        }
    }
}

impl Plan {
    /// Orders the operations of a request. Those without references stay in the order of the request, and so do those on one
    /// resource.
    pub fn new(request: &BulkRequest, registry: &Registry) -> Self {
        Planner::new(&request.operations, registry).plan(registry)
    }
}

struct Planner<'a> {
    operations: &'a [BulkOperation],
    /// The operations that each operation has to follow, and that have no step yet: those that create what it refers to, and the
    /// earlier one on its resource.
    waits_for: Vec<BTreeSet<usize>>,
    /// The operations that have to follow each operation.
    followed_by: Vec<Vec<usize>>,
    ready: BinaryHeap<Reverse<usize>>,
    /// Operations without a step.
    unplanned: BTreeSet<usize>,
    /// The operations of cycles that have been created in part, and the rest of each.
    incomplete: BTreeMap<usize, Value>,
    steps: Vec<Step>,
}

impl<'a> Planner<'a> {
    fn new(operations: &'a [BulkOperation], registry: &Registry) -> Self {
        let creates: BTreeMap<&str, usize> = operations
            .iter()
            .enumerate()
            .filter(|(_, operation)| operation.method == BulkMethod::Post)
            .filter_map(|(index, operation)| Some((operation.bulk_id.as_deref()?, index)))
            .collect();
        let mut last: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut waits_for: Vec<BTreeSet<usize>> = Vec::with_capacity(operations.len());
        for (index, operation) in operations.iter().enumerate() {
            let mut wanted = BTreeSet::new();
            if let Ok(target) = &operation.target
                && let Some(resource_type) = registry.of_endpoint(&target.endpoint)
            {
                let names = references::of_operation(operation, resource_type).into_iter();
                wanted.extend(names.filter_map(|name| creates.get(name.as_str()).copied()));
                let id = target.id.as_deref();
                // RFC 7644 §3.7: the same state as if they were run in the order of the request.
                wanted.extend(id.and_then(|id| last.insert((&target.endpoint, id), index)));
            }
            waits_for.push(wanted);
        }
        let mut followed_by = vec![Vec::new(); operations.len()];
        for (index, wanted) in waits_for.iter().enumerate() {
            for other in wanted {
                if let Some(known) = followed_by.get_mut(*other) {
                    known.push(index);
                }
            }
        }
        let numbers = waits_for.iter().enumerate();
        Self {
            operations,
            ready: numbers
                .filter(|(_, wanted)| wanted.is_empty())
                .map(|(index, _)| Reverse(index))
                .collect(),
            unplanned: (0..operations.len()).collect(),
            waits_for,
            followed_by,
            incomplete: BTreeMap::new(),
            steps: Vec::with_capacity(operations.len()),
        }
    }

    fn plan(mut self, registry: &Registry) -> Plan {
        while !self.unplanned.is_empty() {
            while let Some(Reverse(index)) = self.ready.pop() {
                if self.unplanned.remove(&index) {
                    self.steps.push(Step::Run(index));
                    self.release(index);
                }
            }
            if !self.unplanned.is_empty() {
                self.break_cycle(registry);
            }
        }
        Plan { steps: self.steps }
    }

    /// Notes that the operation `index` has its step: others may follow, and resources of cycles may be completed. A resource that is
    /// created in part can be referred to, but it is changed only after its completion.
    fn release(&mut self, index: usize) {
        let is_partial = self.incomplete.contains_key(&index);
        let operations = self.operations;
        let waits = |other: &usize| {
            let creates = operations
                .get(*other)
                .is_some_and(|it| it.method == BulkMethod::Post);
            is_partial && !creates
        };
        let followers = self.followed_by.get_mut(index).map(std::mem::take);
        let (later, now): (Vec<usize>, Vec<usize>) =
            followers.unwrap_or_default().into_iter().partition(waits);
        if let Some(followers) = self.followed_by.get_mut(index) {
            *followers = later;
        }
        for other in now {
            let Some(wanted) = self.waits_for.get_mut(other) else {
                continue;
            };
            wanted.remove(&index);
            if !wanted.is_empty() {
                continue;
            }
            match self.incomplete.remove(&other) {
                Some(rest) => {
                    self.steps.push(Step::Complete(other, rest));
                    self.release(other);
                }
                None => self.ready.push(Reverse(other)),
            }
        }
    }

    /// Creates the first resource of a cycle without its references. A cycle has creations alone, because none waits for another
    /// kind of operation.
    fn break_cycle(&mut self, registry: &Registry) {
        let first = self
            .first_on_a_cycle()
            .or_else(|| self.unplanned.first().copied());
        let Some(index) = first else {
            return;
        };
        self.unplanned.remove(&index);
        let operation = self.operations.get(index);
        let missing: BTreeSet<&str> = self
            .waits_for
            .get(index)
            .into_iter()
            .flatten()
            .filter_map(|other| self.operations.get(*other)?.bulk_id.as_deref())
            .collect();
        match operation.and_then(|operation| without(operation, &missing, registry)) {
            Some((data, rest)) => {
                self.steps.push(Step::Create(index, data));
                self.incomplete.insert(index, rest);
            }
            None => self.steps.push(Step::Conflict(index)),
        }
        self.release(index);
    }

    /// The first operation, in the order of the request, of a cycle that is found from the first operation that waits.
    fn first_on_a_cycle(&self) -> Option<usize> {
        let mut at = *self.unplanned.first()?;
        let mut path = Vec::new();
        let mut seen = BTreeSet::new();
        while seen.insert(at) {
            path.push(at);
            let next = self.waits_for.get(at)?.first();
            // An operation that waits for nothing is on no cycle, and is not unplanned.
            at = *next?;
        }
        let cycle = path.iter().skip_while(|index| **index != at);
        cycle.min().copied()
    }
}

/// The data of a creation without the values that refer to one of `missing`, and the operations of PATCH that add these values.
/// `None` when a required attribute is among them.
fn without(
    operation: &BulkOperation,
    missing: &BTreeSet<&str>,
    registry: &Registry,
) -> Option<(Value, Value)> {
    let target = operation.target.as_ref().ok()?;
    let resource_type = registry.of_endpoint(&target.endpoint)?;
    let mut rest = Vec::new();
    let mut kept = Map::new();
    for (name, value) in operation.data.as_object()? {
        let value = match (resource_type.extension(name), value) {
            (Some(extension), Value::Object(members)) => {
                let mut kept = Map::new();
                for (sub, value) in members {
                    let path = format!("{}:{sub}", extension.id);
                    if let Some(value) = split(&path, value, extension.find(sub), missing, &mut rest)? {
                        kept.insert(sub.clone(), value);
                    }
                }
                Some(Value::Object(kept))
            }
            (_, value) => split(name, value, resource_type.find(name), missing, &mut rest)?,
        };
        kept.extend(value.map(|value| (name.clone(), value)));
    }
    Some((Value::Object(kept), Value::Array(rest)))
}

/// The part of an attribute's value that refers to none of `missing`, if there is one. An operation that adds the other part is
/// appended to `rest`. `None` if the attribute is required and nothing of it can be there at first.
fn split(
    path: &str,
    value: &Value,
    attribute: Option<&Attribute>,
    missing: &BTreeSet<&str>,
    rest: &mut Vec<Value>,
) -> Option<Option<Value>> {
    let Some(attribute) = attribute else {
        return Some(Some(value.clone()));
    };
    let refers = |value: &Value| {
        let found = references::of_value(value, attribute);
        found.iter().any(|id| missing.contains(id.as_str()))
    };
    let (later, now) = match value {
        Value::Array(items) => {
            let (later, now): (Vec<Value>, Vec<Value>) = items.iter().cloned().partition(refers);
            let list = |items: Vec<Value>| (!items.is_empty()).then_some(Value::Array(items));
            match list(later) {
                None => (None, Some(value.clone())),
                later => (later, list(now)),
            }
        }
        value if refers(value) => (Some(value.clone()), None),
        value => (None, Some(value.clone())),
    };
    if let Some(value) = later {
        rest.push(json!({"op": "add", "path": path, "value": value}));
    }
    match now {
        None if attribute.required => None,
        now => Some(now),
    }
}
