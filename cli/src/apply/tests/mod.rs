//! Tests of declarative files: what they may say, the plan, and the run of one.

mod files;
mod hosts;
mod plans;
mod removals;
mod runs;
mod secrets;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::current::{Current, Mark, Object};
use super::file::Declared;
use super::plan::{PlanOptions, plan};
use super::step::{Action, Plan};
use crate::error::CommandError;

const FILE: &str = "[clients.shop]\nclient_name = \"Shop\"\nredirect_uris = [\"https://shop.example.org/callback\"]\nclient_secret_file = \"secret\"\n";

const NONE: PlanOptions<'_> = PlanOptions {
    dry_run: false,
    prune: false,
    prune_all: false,
    adopt: false,
    adopt_from: &[],
    make_secret_files: false,
    show_secrets: false,
    update_secrets: false,
    own_client: None,
};
const ADOPT: PlanOptions<'_> = PlanOptions { adopt: true, ..NONE };
const PRUNE: PlanOptions<'_> = PlanOptions { prune: true, ..NONE };
const PRUNE_ALL: PlanOptions<'_> = PlanOptions {
    prune_all: true,
    ..PRUNE
};

const CALLBACK: &str = "https://shop.example.org/callback";

fn parsed(text: &str) -> Result<Declared, CommandError> {
    Declared::parse(Path::new("etc/vestibule.toml"), text)
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other}"),
    }
}

/// A client of the installation: its metadata, and what a file wrote last.
fn client(settings: Value, applied: Option<(&str, Value)>) -> Object {
    Object {
        settings: members(settings),
        version: 3,
        origin: "administrator".to_owned(),
        mark: applied.map(|(managed_by, settings)| Mark {
            managed_by: managed_by.to_owned(),
            made: true,
            settings: members(settings),
        }),
    }
}

fn shop(name: &str) -> Value {
    json!({ "client_name": name, "redirect_uris": [CALLBACK] })
}

fn with_clients(clients: &[(&str, Object)]) -> Current {
    Current {
        clients: clients
            .iter()
            .map(|(id, client)| ((*id).to_owned(), client.clone()))
            .collect(),
        ..Current::default()
    }
}

fn planned(text: &str, current: &Current, options: PlanOptions<'_>) -> Result<Plan, String> {
    let declared = parsed(text).expect("a file");
    plan(&declared, current, options, &BTreeMap::new()).map_err(|error| error.to_string())
}

/// The acts of a plan: `change shop`.
fn acts(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .map(|step| {
            let action = match step.action {
                Action::Create => "create",
                Action::Change => "change",
                Action::Adopt => "adopt",
                Action::Remove => "remove",
                Action::Release => "release",
            };
            format!("{action} {}", step.id)
        })
        .collect()
}
