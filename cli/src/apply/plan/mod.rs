//! The plan: the difference between a declarative file and the installation, as steps.

mod clients;
mod hosts;
mod removal;

use std::collections::{BTreeMap, BTreeSet};

use contract::FileName;
use serde_json::{Map, Value};

use super::current::{Current, Object};
use super::file::{Declared, quoted};
use super::secrets::KnownSecrets;
use super::step::{Action, MemberChange, Plan, SecretAct, Step};
use crate::error::{CommandError, ErrorCode};
use crate::logs::printable;

/// The options of the command line that decide about steps.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PlanOptions<'a> {
    pub(crate) dry_run: bool,
    pub(crate) prune: bool,
    pub(crate) prune_all: bool,
    /// Takes over what no file manages.
    pub(crate) adopt: bool,
    /// The files from which it takes over what they manage.
    pub(crate) adopt_from: &'a [FileName],
    pub(crate) make_secret_files: bool,
    pub(crate) show_secrets: bool,
    pub(crate) update_secrets: bool,
    /// The client as which the command signs in, which it must not remove.
    pub(crate) own_client: Option<&'a str>,
}

/// Compares a file with the installation. `secrets` has the secrets of existing clients whose file names a reference.
///
/// # Errors
/// When the file asks for something that apply does not do, all of it at once.
pub(crate) fn plan(
    declared: &Declared,
    current: &Current,
    options: PlanOptions<'_>,
    secrets: &BTreeMap<String, KnownSecrets>,
) -> Result<Plan, CommandError> {
    let mut planner = Planner {
        name: declared.name.as_str(),
        options,
        plan: Plan::default(),
        code: ErrorCode::Conflict,
        problems: Vec::new(),
    };
    planner.check_scopes(declared, current);
    for (id, client) in &declared.clients {
        planner.client(id, client, current.clients.get(id), secrets.get(id));
    }
    for (id, host) in &declared.hosts {
        planner.host(id, host, current.hosts.get(id));
    }
    planner.remove(declared, current);
    planner.check_removal(declared)?;
    match planner.problems.is_empty() {
        true => Ok(planner.plan),
        false => Err(CommandError::new(planner.code, planner.problems.join("\n  "))),
    }
}

struct Planner<'a> {
    name: &'a str,
    options: PlanOptions<'a>,
    plan: Plan,
    code: ErrorCode,
    problems: Vec<String>,
}

impl Planner<'_> {
    /// Notes that the installation is not as the file needs it.
    fn conflict(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// Notes that the file, a reference in it or the command line is wrong. This decides about the exit code.
    fn mistake(&mut self, problem: String) {
        self.code = ErrorCode::Usage;
        self.problems.push(problem);
    }

    /// The scopes are configuration of the service, which every replica reads at its start: they are compared, never changed.
    fn check_scopes(&mut self, declared: &Declared, current: &Current) {
        for (scope, wanted) in &declared.scopes {
            let key = quoted(scope);
            let remedy = format!("define it in [scopes.{key}] of the authentication service's configuration");
            let Some(given) = current.scopes.get(scope) else {
                self.conflict(format!(
                    "scopes.{key}: the installation does not have it: {remedy}"
                ));
                continue;
            };
            for claim in wanted.claims.iter().filter(|claim| !given.contains(*claim)) {
                let claim = printable(claim);
                self.conflict(format!(
                    "scopes.{key}.claims: the scope does not give the claim {claim}: {remedy}"
                ));
            }
        }
    }

    /// Adds a step, unless there is nothing to do. `at` is the key in the file, for errors.
    fn add(
        &mut self,
        at: &str,
        mut step: Step,
        known: Option<&Object>,
        (before, after): (&Map<String, Value>, &Map<String, Value>),
        normalize: impl Fn(&Map<String, Value>) -> Map<String, Value>,
    ) {
        let Some(known) = known else {
            step.members = difference(before, after, None);
            self.plan.steps.push(step);
            return;
        };
        let own = known.mark.as_ref().filter(|mark| mark.managed_by == self.name);
        let applied = own.map(|mark| normalize(&mark.settings));
        step.members = difference(before, after, applied.as_ref());
        step.version = Some(known.version);
        step.owner = known.mark.as_ref().map(|mark| mark.managed_by.clone());
        let is_same = step.members.is_empty() && step.secret == SecretAct::None;
        step.action = match &step.owner {
            Some(owner) if owner == self.name => Action::Change,
            Some(owner) if self.options.adopt_from.iter().any(|name| name.as_str() == owner) => {
                step.effects.push(format!("takes it from the file {owner}"));
                Action::Adopt
            }
            None if self.options.adopt => Action::Adopt,
            _ if is_same => return,
            Some(owner) => {
                let problem = format!(
                    "{at}: the file {owner} manages it, and it is not as this file wants it: --adopt-from {owner} takes it over"
                );
                return self.conflict(problem);
            }
            None => {
                let problem = format!(
                    "{at}: no file manages it, and it is not as this file wants it: --adopt takes it over"
                );
                return self.conflict(problem);
            }
        };
        if step.action == Action::Adopt || !is_same {
            self.plan.steps.push(step);
        } else if applied.as_ref() != Some(after) {
            self.plan.outdated_marks.push(step);
        }
    }
}

/// The members that differ. `applied` is what the file wrote last.
fn difference(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    applied: Option<&Map<String, Value>>,
) -> Vec<MemberChange> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changes = names.into_iter().map(|name| MemberChange {
        member: name.clone(),
        before: before.get(name).cloned(),
        after: after.get(name).cloned(),
        drift: applied.is_some_and(|applied| applied.get(name) != before.get(name)),
    });
    changes.filter(|change| change.before != change.after).collect()
}
