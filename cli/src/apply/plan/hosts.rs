//! The steps of protected hosts that the file names.

use forward_auth::AccessRules;
use serde_json::{Map, Value, json};

use super::super::current::{Object, host_settings};
use super::super::file::{DeclaredHost, quoted};
use super::super::step::{Kind, Step};
use super::Planner;

impl Planner<'_> {
    /// Compares a host with what the file says about it.
    pub(super) fn host(&mut self, id: &str, declared: &DeclaredHost, known: Option<&Object>) {
        let at = format!("protected_hosts.{}", quoted(id));
        let origin = declared.origin.to_string();
        if let Some(known) = known {
            if known.origin != origin {
                return self.conflict(format!(
                    "{at}: the host is registered as {}: delete it first",
                    known.origin
                ));
            }
            if let Some(name) = unknown_rule(&known.settings) {
                return self.conflict(format!("{at}: the host has {name}, which this version of vestibule does not know: use the version of the services"));
            }
        }
        let wanted = json!({ "host": origin, "name": declared.name, "rules": declared.rules });
        let after = host_settings(&wanted);
        let before = match known {
            Some(known) => known.settings.clone(),
            None => default_settings(),
        };
        let step = Step::create(Kind::ProtectedHost, id, wanted);
        self.add(&at, step, known, (&before, &after), Map::clone);
    }
}

/// The settings of a host without a name and without rules.
pub(super) fn default_settings() -> Map<String, Value> {
    host_settings(&json!({ "rules": AccessRules::default() }))
}

/// A rule of the host that this version does not know, by itself or in one of its parts.
fn unknown_rule(settings: &Map<String, Value>) -> Option<&String> {
    let is_known = |name: &String, value: &Value| {
        name == "name" || serde_json::from_value::<AccessRules>(json!({ name: value })).is_ok()
    };
    let unknown = settings.iter().find(|(name, value)| !is_known(name, value));
    unknown.map(|(name, _)| name)
}
