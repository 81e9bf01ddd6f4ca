//! The steps of objects that the file manages and does not name any more.

use oidc::client::ClientMetadata;
use serde_json::Value;

use super::super::current::{CONFIGURATION, Current, Object};
use super::super::effects;
use super::super::file::{Declared, quoted};
use super::super::metadata::{client_settings, to_map};
use super::super::step::{Action, Kind, MemberChange, Step};
use super::{Planner, difference, hosts};
use crate::error::{CommandError, ErrorCode};

impl Planner<'_> {
    /// Adds the steps, or notes what `--prune` would do.
    pub(super) fn remove(&mut self, declared: &Declared, current: &Current) {
        for (id, client) in &current.clients {
            if !declared.clients.contains_key(id) {
                self.end_management(Kind::Client, id, client);
            }
        }
        for (id, host) in &current.hosts {
            if !declared.hosts.contains_key(id) {
                self.end_management(Kind::ProtectedHost, id, host);
            }
        }
    }

    fn end_management(&mut self, kind: Kind, id: &str, object: &Object) {
        let mark = object.mark.as_ref().filter(|mark| mark.managed_by == self.name);
        let Some(mark) = mark else {
            return;
        };
        // A client that is configured by now belongs to no file.
        let action = match mark.made && object.origin != CONFIGURATION {
            true => Action::Remove,
            false => Action::Release,
        };
        if !self.options.prune {
            self.plan.left.push((kind, id.to_owned(), action));
            return;
        }
        if action == Action::Remove && kind == Kind::Client && self.options.own_client == Some(id) {
            return self.conflict(format!(
                "clients.{}: the command signs in as this client, and --prune would remove it: name it in the file, or use another credential",
                quoted(id)
            ));
        }
        let mut step = Step {
            action,
            owner: Some(self.name.to_owned()),
            version: Some(object.version),
            ..Step::create(kind, id, Value::Null)
        };
        if action == Action::Remove {
            step.members = content(kind, object);
            step.effects = effects::of_removal(kind);
        }
        self.plan.steps.push(step);
    }

    /// Refuses to remove everything for a file that names nothing: it may be cut off, or the output of a program that failed.
    pub(super) fn check_removal(&self, declared: &Declared) -> Result<(), CommandError> {
        let names_nothing = declared.clients.is_empty() && declared.hosts.is_empty();
        let count = self.plan.steps.len();
        if !names_nothing || count == 0 || self.options.prune_all {
            return Ok(());
        }
        Err(CommandError::new(
            ErrorCode::Usage,
            format!("the file names no client and no protected host, and --prune would end the management of all that it managed ({count})"),
        )
        .hint("--prune-all says that it is meant."))
    }
}

/// The members that are lost with the object: those that are not at their defaults.
fn content(kind: Kind, object: &Object) -> Vec<MemberChange> {
    let (before, defaults) = match kind {
        Kind::Client => (
            client_settings(&object.settings),
            to_map(&ClientMetadata::default()),
        ),
        Kind::ProtectedHost => (object.settings.clone(), hosts::default_settings()),
    };
    let mut lost = difference(&before, &defaults, None);
    lost.retain(|change| change.before.is_some());
    for change in &mut lost {
        change.after = None;
    }
    lost
}
