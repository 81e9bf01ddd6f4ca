//! The order of bulk operations: each after those that create what it refers to, and circles broken (RFC 7644 §3.7.1).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use serde_json::{Map, Value, json};

use super::{BulkMethod, BulkOperation, BulkRequest, references};
use crate::schema::{Registry, ResourceType};

/// The steps of a bulk request. An operation has one step, or, on a circle of references, two.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The steps, in the order in which they are run.
    pub steps: Vec<Step>,
}

/// A step of a bulk request. The number is that of the operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The operation is run as it is, after its references were resolved.
    Run(usize),
    /// The resource is created with this data, which lacks what refers to resources that are not there yet.
    Create(usize, Value),
    /// The resource that [`Step::Create`] made gets the rest: operations of PATCH, in JSON. Their result is that of the operation.
    Complete(usize, Value),
    /// The operation refers to a resource of a circle in a required attribute, so nothing can be created first. It fails with 409.
    Conflict(usize),
}

impl Plan {
    /// Orders the operations of a request. Those without references stay in the order of the request.
    pub fn new(request: &BulkRequest, registry: &Registry) -> Self {
        Planner::new(&request.operations).plan(registry)
    }
}

struct Planner<'a> {
    operations: &'a [BulkOperation],
    /// The operations that create what each operation refers to, and that have no step yet.
    waits_for: Vec<BTreeSet<usize>>,
    /// The operations that refer to what each operation creates.
    referred_by: Vec<Vec<usize>>,
    ready: BinaryHeap<Reverse<usize>>,
    /// Operations without a step.
    left: BTreeSet<usize>,
    /// The operations of circles that have been created in part, and the rest of each.
    incomplete: BTreeMap<usize, Value>,
    steps: Vec<Step>,
}

impl<'a> Planner<'a> {
    fn new(operations: &'a [BulkOperation]) -> Self {
        let creates: BTreeMap<&str, usize> = operations
            .iter()
            .enumerate()
            .filter(|(_, operation)| operation.method == BulkMethod::Post)
            .filter_map(|(index, operation)| Some((operation.bulk_id.as_deref()?, index)))
            .collect();
        let waits_for: Vec<BTreeSet<usize>> = operations
            .iter()
            .map(|operation| {
                let names = references::of_operation(operation).into_iter();
                names.filter_map(|name| creates.get(name).copied()).collect()
            })
            .collect();
        let mut referred_by = vec![Vec::new(); operations.len()];
        for (index, wanted) in waits_for.iter().enumerate() {
            for other in wanted {
                if let Some(known) = referred_by.get_mut(*other) {
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
            left: (0..operations.len()).collect(),
            waits_for,
            referred_by,
            incomplete: BTreeMap::new(),
            steps: Vec::with_capacity(operations.len()),
        }
    }

    fn plan(mut self, registry: &Registry) -> Plan {
        while !self.left.is_empty() {
            while let Some(Reverse(index)) = self.ready.pop() {
                if self.left.remove(&index) {
                    self.steps.push(Step::Run(index));
                    self.release(index);
                }
            }
            if !self.left.is_empty() {
                self.break_circle(registry);
            }
        }
        Plan { steps: self.steps }
    }

    /// Notes that the operation `index` has its step: others may follow, and resources of circles may be completed.
    fn release(&mut self, index: usize) {
        let others = self
            .referred_by
            .get_mut(index)
            .map(std::mem::take)
            .unwrap_or_default();
        for other in others {
            let Some(wanted) = self.waits_for.get_mut(other) else {
                continue;
            };
            wanted.remove(&index);
            if !wanted.is_empty() {
                continue;
            }
            match self.incomplete.remove(&other) {
                Some(rest) => self.steps.push(Step::Complete(other, rest)),
                None => self.ready.push(Reverse(other)),
            }
        }
    }

    /// Creates the first resource of a circle without its references.
    fn break_circle(&mut self, registry: &Registry) {
        let Some(index) = self.first_on_a_circle() else {
            return;
        };
        self.left.remove(&index);
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

    /// The first operation, in the order of the request, of a circle that is found from the first operation that waits.
    fn first_on_a_circle(&self) -> Option<usize> {
        let mut at = *self.left.first()?;
        let mut path = Vec::new();
        let mut seen = BTreeSet::new();
        while seen.insert(at) {
            path.push(at);
            let next = self.waits_for.get(at)?.first();
            // An operation that waits for nothing is on no circle, and is not left over.
            at = *next?;
        }
        let circle = path.iter().skip_while(|index| **index != at);
        circle.min().copied()
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
            (Some(_), Value::Object(members)) => {
                let mut kept = Map::new();
                for (sub, value) in members {
                    let path = format!("{name}:{sub}");
                    if let Some(value) = split(&path, value, missing, &mut rest) {
                        kept.insert(sub.clone(), value);
                    }
                }
                Some(Value::Object(kept))
            }
            (_, value) => split(name, value, missing, &mut rest),
        };
        match value {
            Some(value) => {
                kept.insert(name.clone(), value);
            }
            None if is_required(resource_type, name) => return None,
            None => {}
        }
    }
    Some((Value::Object(kept), Value::Array(rest)))
}

fn is_required(resource_type: &ResourceType, name: &str) -> bool {
    resource_type
        .find(name)
        .is_some_and(|attribute| attribute.required)
}

/// The part of a value that refers to none of `missing`. An operation that adds the other part is appended to `rest`.
fn split(path: &str, value: &Value, missing: &BTreeSet<&str>, rest: &mut Vec<Value>) -> Option<Value> {
    let refers = |value: &Value| {
        let mut found = false;
        references::for_each(value, &mut |id| found |= missing.contains(id));
        found
    };
    let mut add = |value: Value| rest.push(json!({"op": "add", "path": path, "value": value}));
    match value {
        Value::Array(items) => {
            let (later, now): (Vec<Value>, Vec<Value>) = items.iter().cloned().partition(refers);
            if !later.is_empty() {
                add(Value::Array(later));
            }
            Some(Value::Array(now))
        }
        value if refers(value) => {
            add(value.clone());
            None
        }
        value => Some(value.clone()),
    }
}
