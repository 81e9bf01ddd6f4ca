//! The actions and log fields that the crates declare, and the tests of these declarations against the code.

use std::collections::{BTreeMap, BTreeSet};

use chassis::telemetry::{Action, Declarations, FIELDS, FieldKind, LogField};
use serde_json::json;

use crate::files::{files_below, read, root};

/// The declarations of every crate, by its folder. `chassis` declares fields alone.
const CRATES: [(&str, Declarations); 7] = [
    ("services/auth", auth::TELEMETRY),
    ("services/users", users::TELEMETRY),
    ("libs/webhooks", webhooks::TELEMETRY),
    ("libs/provisioning", provisioning::TELEMETRY),
    ("libs/events", events::TELEMETRY),
    ("libs/brokers", brokers::TELEMETRY),
    (
        "libs/chassis",
        Declarations {
            metrics: &[],
            actions: &[],
            fields: FIELDS,
        },
    ),
];

/// The file from which `testkit` knows what a log line may have.
const DECLARED: &str = "libs/testkit/src/logs/declared.json";

/// Every action, those of users and administrators first. Two crates may declare the same one.
pub(crate) fn actions() -> Vec<&'static Action> {
    let mut seen = BTreeSet::new();
    let all = CRATES
        .iter()
        .flat_map(|(_, declared)| declared.actions)
        .filter(|action| seen.insert(action.name));
    let (audit, operations): (Vec<_>, Vec<_>) = all.partition(|action| action.category.is_some());
    audit.into_iter().chain(operations).collect()
}

/// Every field, by its name.
pub(crate) fn fields() -> BTreeMap<&'static str, &'static LogField> {
    let all = CRATES.iter().flat_map(|(_, declared)| declared.fields);
    all.map(|field| (field.name, field)).collect()
}

fn kind(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Keyword => "keyword",
        FieldKind::Keywords => "keywords",
        FieldKind::Text => "text",
        FieldKind::Long => "long",
        FieldKind::Ip => "ip",
        FieldKind::Date => "date",
        FieldKind::Labels => "labels",
    }
}

fn declared() -> String {
    let actions: Vec<_> = actions()
        .iter()
        .map(|action| json!({ "name": action.name, "category": action.category, "types": action.types }))
        .collect();
    let fields = fields();
    let fields: BTreeMap<&str, &str> = fields
        .values()
        .map(|field| (field.name, kind(field.kind)))
        .collect();
    let all = json!({ "actions": actions, "fields": fields });
    format!("{}\n", serde_json::to_string_pretty(&all).unwrap())
}

#[test]
fn the_generated_list_of_actions_and_fields_is_up_to_date() {
    testkit::assert_generated(&root().join(DECLARED), &declared());
}

/// The code of a crate, without its tests and without the declarations themselves.
fn code_of(folder: &str) -> String {
    let sources = files_below(&format!("{folder}/src"));
    let ours = sources.iter().filter(|file| {
        file.ends_with(".rs")
            && !file.contains("tests")
            && !file.ends_with("/log_catalogue.rs")
            && !file.ends_with("/telemetry/fields.rs")
    });
    ours.map(|file| read(file)).collect()
}

/// Every `event.action` in a crate is declared by it, and everything that it declares is in its code.
#[test]
fn each_crate_declares_the_actions_that_it_logs() {
    let mut checked = 0;
    for (folder, declared) in CRATES {
        let code = code_of(folder);
        let logged: BTreeSet<&str> = code
            .split("event.action = \"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        let names: BTreeSet<&str> = declared.actions.iter().map(|action| action.name).collect();
        assert_eq!(logged, names, "{folder}");
        checked += logged.len();
    }
    assert!(
        checked > 30,
        "only {checked} actions: does this test still see them?"
    );
}

/// A field of our own that a crate declares is named in its code.
#[test]
fn each_crate_logs_the_fields_that_it_declares() {
    for (folder, declared) in CRATES {
        let code = code_of(folder);
        for field in declared.fields {
            let Some(name) = field.name.strip_prefix("vestibule.") else {
                continue;
            };
            assert!(code.contains(name), "{folder} declares {name} and never logs it");
        }
    }
}

#[test]
fn a_name_means_the_same_in_every_crate() {
    let known = fields();
    for (folder, declared) in CRATES {
        for field in declared.fields {
            let other = known[field.name];
            assert_eq!(
                (field.kind, field.about),
                (other.kind, other.about),
                "{folder}: {}",
                field.name
            );
        }
    }
    let names: BTreeSet<&str> = actions().iter().map(|action| action.name).collect();
    assert_eq!(names.len(), actions().len(), "two crates declare the same action");
}
