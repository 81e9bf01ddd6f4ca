//! scim2-tester and scim2-cli, of the SCIM community for Python.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use testkit::Engine;

use super::Directory;
use crate::tools::{pinned_version, tool};

/// The version of scim2-cli, as the folder of its environment is named.
fn environment() -> String {
    let requirements = include_str!("../../clients/scim-requirements.txt");
    format!("scim2-cli-{}", pinned_version(requirements, "scim2-cli"))
}

/// The tester draws random values: always the same ones.
const SEEDED: &str =
    "import random, sys\nrandom.seed(20261129)\nfrom scim2_cli import cli\ncli(sys.argv[1:], 'scim2')";

/// Runs scim2-cli, with `input` if there is any, and returns the exit status and what it printed.
fn scim2(directory: &Directory, arguments: &[&str], input: Option<&Value>) -> (bool, String) {
    let mut child = Command::new(tool(&environment()).join("bin/python"))
        .args(["-c", SEEDED])
        .args(arguments)
        .env("SCIM_CLI_URL", directory.base())
        .env(
            "SCIM_CLI_HEADERS",
            format!("Authorization: Bearer {}", directory.token),
        )
        .env("PYTHONWARNINGS", "ignore")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("scim2-cli starts");
    let mut stdin = child.stdin.take().unwrap();
    if let Some(input) = input {
        stdin.write_all(input.to_string().as_bytes()).unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

/// Runs a command of scim2-cli that must succeed, and returns the JSON that it printed.
fn ok(directory: &Directory, arguments: &[&str], input: Option<&Value>) -> Value {
    let (success, text) = scim2(directory, arguments, input);
    assert!(success, "{arguments:?}: {text}");
    match text.trim() {
        "" => Value::Null,
        text => serde_json::from_str(text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}")),
    }
}

/// Writes the schemas that the server publishes, with what a schema cannot say. The tester fills attributes with random values:
///
/// - RFC 7643 §2.3.1: a text may have a format of its own, which no characteristic names. `birthdate` has the one of OpenID
///   Connect Core §5.1.
/// - `values` is a free object, whose members the application chooses. Here it has one.
/// - A directory always knows whether somebody is active: one who is disabled is not enabled because the word is removed. So the
///   tester, which expects it to be gone, is told that it cannot be removed.
/// - RFC 7643 §4.3: `manager.displayName` is made by the server. The tester expects `manager` as it sent it, so this part may come
///   back or not.
/// - `password` is left out: a random word of one letter is no password. `tests/system/end_to_end/passwords.rs` has real ones.
async fn write_schemas(directory: &Directory, path: &Path) {
    let mut schemas = directory.document("/Schemas").await["Resources"].take();
    let user = schemas[0]["attributes"].as_array_mut().unwrap();
    user.retain(|attribute| attribute["name"] != "password");
    let mut told = 0;
    for schema in schemas.as_array_mut().unwrap() {
        for attribute in schema["attributes"].as_array_mut().unwrap() {
            let change = match attribute["name"].as_str().unwrap() {
                "birthdate" => ("canonicalValues", json!(["1990-02-03", "1975-12-31"])),
                "values" => {
                    let theme = json!({"name": "theme", "type": "string", "multiValued": false});
                    ("subAttributes", json!([theme]))
                }
                "active" => ("required", json!(true)),
                _ => continue,
            };
            attribute[change.0] = change.1;
            told += 1;
        }
    }
    assert_eq!(told, 3);
    std::fs::write(path, schemas.to_string()).unwrap();
}

/// A result of the tester: a line with its status and the name of the check, and indented under it what the check says.
#[derive(Debug, PartialEq)]
struct CheckResult<'a> {
    status: &'a str,
    check: &'a str,
    reason: Vec<&'a str>,
}

/// Splits what `scim2 test` prints into results.
///
/// # Panics
/// A line belongs to no result, so the tester stopped or prints otherwise.
fn results(text: &str) -> Vec<CheckResult<'_>> {
    const STATUSES: [&str; 7] = [
        "SUCCESS",
        "COMPLIANT",
        "ACCEPTABLE",
        "DEVIATION",
        "ERROR",
        "CRITICAL",
        "SKIPPED",
    ];
    let mut results: Vec<CheckResult<'_>> = Vec::new();
    for line in text.lines() {
        match line.split_once(' ') {
            Some((status, check)) if STATUSES.contains(&status) => results.push(CheckResult {
                status,
                check,
                reason: Vec::new(),
            }),
            Some(("Performing", _)) if results.is_empty() => {}
            _ => {
                let continues = ["  ", "Patched value: ", "Returned value: "];
                let is_reason = continues.iter().any(|start| line.starts_with(start));
                match results.last_mut().filter(|_| is_reason) {
                    Some(last) => last.reason.push(line.trim_start()),
                    None => panic!("{line:?} is no result and no reason of one: {text}"),
                }
            }
        }
    }
    results
}

impl CheckResult<'_> {
    /// The attribute that the check is about. The tester names it between apostrophes.
    fn attribute(&self) -> Option<&str> {
        self.reason.first()?.split('\'').nth(1)
    }

    /// True if the request succeeded, and the value that came back differs from the one that was sent in nothing but the
    /// `displayName` that the server gave the `manager`.
    fn is_about_the_name_of_a_manager(&self) -> bool {
        let [said, patched, returned, ..] = self.reason.as_slice() else {
            return false;
        };
        let compared = (
            patched.strip_prefix("Patched value: "),
            returned.strip_prefix("Returned value: "),
        );
        let (Some(patched), Some(returned)) = compared else {
            return false;
        };
        ["check_add_attribute", "check_replace_attribute"].contains(&self.check)
            && said.contains("unexpected value")
            && returned.contains("display_name='")
            && without_made_values(patched) == without_made_values(returned)
    }
}

/// A value as the tester prints it, without `display_name`, and without the `schemas` of an extension.
fn without_made_values(value: &str) -> String {
    let is_made = |word: &&str| !word.starts_with("display_name=") && !word.starts_with("schemas=");
    let words = value.split([' ', '(', ')']).filter(is_made);
    words.collect::<Vec<_>>().join(" ").replace(',', "")
}

/// The attributes of users and groups that can be added, as the tester names them: an attribute of an extension has its schema
/// before it.
async fn attributes_to_change(directory: &Directory) -> BTreeSet<String> {
    let schemas = directory.document("/Schemas").await["Resources"].take();
    let mut names = BTreeSet::new();
    for schema in schemas.as_array().unwrap() {
        let id = schema["id"].as_str().unwrap();
        let before = match id.contains(":core:2.0:") {
            true => String::new(),
            false => format!("{id}:"),
        };
        for attribute in schema["attributes"].as_array().unwrap() {
            let is_changeable = attribute["mutability"] != "readOnly" && attribute["required"] != true;
            // Those that the tester is told otherwise of: see `write_schemas`.
            let name = attribute["name"].as_str().unwrap();
            if is_changeable && !["active", "password"].contains(&name) {
                names.insert(format!("{before}{name}"));
            }
        }
    }
    names
}

#[test]
fn a_failure_of_the_tester_is_seen() {
    let manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
    let (a, b, other) = (
        "value='7' display_name=None",
        "value='7' display_name='Ann'",
        "value='8' display_name='Ann'",
    );
    let unexpected =
        format!("ERROR check_add_attribute\n  Attribute '{manager}' was not added or has unexpected value");
    let text = format!(
        "Performing a SCIM compliance check on http://127.0.0.1/scim/v2 ...\nSUCCESS check_add_attribute\n  Successfully added \
         attribute 'title'\nERROR check_add_attribute\n  Failed to add attribute '{manager}': 500\n{unexpected}\nPatched value: \
         {a}\nReturned value: {b}\n{unexpected}\nPatched value: {a}\nReturned value: {other}\n"
    );
    let read = results(&text);
    let of_managers = |result: &CheckResult<'_>| result.is_about_the_name_of_a_manager();
    let found: Vec<_> = read
        .iter()
        .map(|result| (result.status, result.attribute(), of_managers(result)))
        .collect();
    assert_eq!(
        found,
        [
            ("SUCCESS", Some("title"), false),
            ("ERROR", Some(manager), false),
            ("ERROR", Some(manager), true),
            ("ERROR", Some(manager), false)
        ]
    );
}

/// Runs every check of scim2-tester, through `scim2 test`.
async fn passes_every_check(engine: Engine) {
    let directory = Directory::start(engine).await;
    let schemas = directory.stack.folder().join("schemas.json");
    write_schemas(&directory, &schemas).await;
    let types = directory.stack.folder().join("resource-types.json");
    let documents = &directory.document("/ResourceTypes").await["Resources"];
    std::fs::write(&types, documents.to_string()).unwrap();
    let (schemas, types) = (schemas.display().to_string(), types.display().to_string());
    let (success, text) = scim2(
        &directory,
        &[
            "--schemas",
            &schemas,
            "--resource-types",
            &types,
            "test",
            "--verbose",
        ],
        None,
    );
    let results = results(&text);
    let failed: Vec<_> = results
        .iter()
        .filter(|result| result.status != "SUCCESS" && !result.is_about_the_name_of_a_manager())
        .collect();
    assert!(failed.is_empty(), "{failed:#?}\n{text}");
    let is_whole = results.iter().all(|result| result.status == "SUCCESS");
    assert_eq!(success, is_whole, "{text}");
    let passed = |check: &str| {
        let of_check = results.iter().filter(|result| result.check == check);
        of_check.filter(|result| result.status == "SUCCESS").count()
    };
    // None is skipped: of users and of groups each.
    for check in [
        "object_creation",
        "object_query",
        "object_replacement",
        "object_deletion",
    ] {
        assert!(passed(check) >= 2, "{check}: {text}");
    }
    let expected = attributes_to_change(&directory).await;
    for check in ["check_add_attribute", "check_replace_attribute"] {
        let of_check = results.iter().filter(|result| result.check == check);
        let tried: BTreeSet<String> = of_check
            .filter_map(CheckResult::attribute)
            .map(str::to_owned)
            .collect();
        let left_out: Vec<_> = expected.difference(&tried).collect();
        assert!(left_out.is_empty(), "{check}: {left_out:#?}, tried {tried:#?}");
    }
    assert!(passed("check_remove_attribute") >= 20, "{text}");
}

#[tokio::test]
async fn scim2_tester_passes_on_sqlite() {
    passes_every_check(Engine::Sqlite).await;
}

#[tokio::test]
async fn scim2_tester_passes_on_postgres() {
    passes_every_check(Engine::Postgres).await;
}

/// An administrator who works with scim2-cli.
async fn works(engine: Engine) {
    let directory = Directory::start(engine).await;
    let run = |arguments: &[&str]| ok(&directory, arguments, None);
    let emails = r#"[{"value": "ann.cli@example.com", "type": "work", "primary": true}]"#;
    let ann = run(&[
        "create",
        "user",
        "--user-name",
        "ann.cli",
        "--display-name",
        "Ann",
        "--emails",
        emails,
    ]);
    let id = ann["id"].as_str().unwrap().to_owned();
    assert_eq!(ann["emails"][0]["value"], "ann.cli@example.com");
    assert_eq!(run(&["query", "user", &id])["userName"], "ann.cli");
    let found = run(&[
        "query",
        "user",
        "--filter",
        "userName eq \"ANN.CLI\"",
        "--attribute",
        "displayName",
    ]);
    assert_eq!(
        (&found["totalResults"], &found["Resources"][0]["displayName"]),
        (&json!(1), &json!("Ann"))
    );
    assert!(found["Resources"][0].get("userName").is_none());
    let found = run(&[
        "search",
        "user",
        "--filter",
        "emails.value eq \"ann.cli@example.com\"",
        "--count",
        "5",
    ]);
    assert_eq!(found["Resources"][0]["id"], id.as_str());
    let page = run(&["query", "user", "--cursor", "", "--count", "1"]);
    assert_eq!(page["Resources"].as_array().unwrap().len(), 1);

    let changed = run(&[
        "modify",
        "user",
        &id,
        "replace",
        "displayName",
        "Annie",
        "remove",
        "emails[type eq \"work\"]",
    ]);
    assert_eq!(
        (&changed["displayName"], changed.get("emails")),
        (&json!("Annie"), None)
    );
    let replaced = run(&[
        "replace",
        "user",
        "--id",
        &id,
        "--user-name",
        "ann.cli",
        "--title",
        "Archer",
    ]);
    assert_eq!(
        (&replaced["title"], replaced.get("displayName")),
        (&json!("Archer"), None)
    );

    let group = run(&[
        "create",
        "group",
        "--display-name",
        "Archers CLI",
        "--members",
        &format!("[{{\"value\": \"{id}\"}}]"),
    ]);
    let group = group["id"].as_str().unwrap().to_owned();
    run(&[
        "modify",
        "group",
        &group,
        "remove",
        &format!("members[value eq \"{id}\"]"),
    ]);
    assert!(run(&["query", "group", &group]).get("members").is_none());
    run(&["delete", "group", &group]);
    run(&["delete", "user", &id]);
    let (success, text) = scim2(&directory, &["query", "user", &id], None);
    assert!(!success && text.contains("404"), "{text}");
}

#[tokio::test]
async fn an_administrator_works_with_scim2_cli_on_sqlite() {
    works(Engine::Sqlite).await;
}

#[tokio::test]
async fn an_administrator_works_with_scim2_cli_on_postgres() {
    works(Engine::Postgres).await;
}
