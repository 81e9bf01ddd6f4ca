//! The vocabulary of a service's telemetry: the metrics, actions and log fields that its crates declare.

use std::collections::HashMap;

use super::catalogue::Metric;
use super::fields::{FIELDS, LogField};
use super::{Action, CallerFields};

/// The metrics, actions and log fields that one crate declares.
#[derive(Clone, Copy, Debug)]
pub struct Declarations {
    /// Its metrics.
    pub metrics: &'static [Metric],
    /// Its values of `event.action`.
    pub actions: &'static [Action],
    /// The fields of its log lines that no crate below it declares.
    pub fields: &'static [LogField],
}

/// The vocabulary of a service.
#[derive(Clone, Copy, Debug)]
pub struct Vocabulary {
    /// The declarations of the service and of the libraries that it uses, without those of this crate.
    pub declarations: &'static [Declarations],
    /// The fields that name the caller of a request.
    pub caller: CallerFields,
}

/// The vocabulary by name, for the lines of the log.
#[derive(Debug)]
pub(super) struct Dictionary {
    actions: HashMap<&'static str, &'static Action>,
    fields: HashMap<&'static str, &'static LogField>,
    pub(super) caller: CallerFields,
}

impl Dictionary {
    pub(super) fn new(vocabulary: Vocabulary) -> Self {
        let declared = vocabulary.declarations;
        let actions = declared.iter().flat_map(|declared| declared.actions);
        let mut fields = HashMap::new();
        for field in FIELDS
            .iter()
            .chain(declared.iter().flat_map(|declared| declared.fields))
        {
            fields.entry(field.name).or_insert(field);
            if let Some(short) = field.name.strip_prefix("vestibule.") {
                fields.entry(short).or_insert(field);
            }
        }
        Self {
            actions: actions.map(|action| (action.name, action)).collect(),
            fields,
            caller: vocabulary.caller,
        }
    }

    /// The action called `name`.
    pub(super) fn action(&self, name: &str) -> Option<&'static Action> {
        self.actions.get(name).copied()
    }

    /// The documented field that `name` in the code stands for, with or without `vestibule.`. `None` means that it
    /// becomes a label.
    pub(super) fn field(&self, name: &str) -> Option<&'static LogField> {
        self.fields.get(name).copied()
    }
}
