//! The table of client libraries in `docs/reference/conformance.md` against the files that pin their versions.

use serde_json::Value;

use super::{authlib, go_oidc, nimbus, openidconnect};
use crate::named_tests::{parse_cell, tests_in};
use crate::source::{read, root};
use crate::tools::{artifact_version, pinned_version};

const PAGE: &str = "docs/reference/conformance.md";
const HEADING: &str = "## Client libraries that others wrote";

/// The cells of each row of the table.
fn rows(page: &str) -> Vec<Vec<String>> {
    let section = page.split(HEADING).nth(1).expect("the section of the clients");
    let lines = section.lines().filter(|line| line.starts_with("| "));
    let cells = lines.map(|line| {
        let cells = line.trim().trim_matches('|').split(" | ");
        cells.map(|cell| cell.trim().to_owned()).collect()
    });
    // After the head.
    cells.skip(1).collect()
}

/// The client libraries and their pinned versions.
fn pinned() -> Vec<(&'static str, String)> {
    let package = read(&root().join("tests/clients/package.json"));
    let package: Value = serde_json::from_str(&package.text).unwrap();
    let of_npm = |name| (name, package["dependencies"][name].as_str().unwrap().to_owned());
    let of_pip = |name| (name, pinned_version(authlib::REQUIREMENTS, name).to_owned());
    let of_go = |module: &str| {
        let mut lines = go_oidc::MODULES.lines();
        let version = lines.find_map(|line| line.trim().strip_prefix(module)?.strip_prefix(" v"));
        version.expect("a required version").to_owned()
    };
    let of_cargo = |name| {
        let mut lines = openidconnect::MANIFEST.lines();
        let rest = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(" = { version = \"="));
        let version = rest.and_then(|rest| rest.split('"').next());
        (name, version.expect("a pinned version").to_owned())
    };
    vec![
        of_npm("openid-client"),
        of_npm("oauth4webapi"),
        of_npm("oidc-client-ts"),
        of_pip("Authlib"),
        ("go-oidc", of_go("github.com/coreos/go-oidc/v3")),
        (
            nimbus::ARTIFACT,
            artifact_version(nimbus::POM, nimbus::ARTIFACT).to_owned(),
        ),
        of_cargo("openidconnect"),
    ]
}

#[test]
fn the_table_of_clients_has_the_versions_that_run_and_tests_that_exist() {
    let page = read(&root().join(PAGE));
    let rows = rows(&page.text);
    let named: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    for (name, version) in pinned() {
        assert!(
            named.contains(&format!("{name} {version}").as_str()),
            "{name} {version} in {named:?}"
        );
    }
    for row in &rows {
        let [_, _, proves, tests] = row.as_slice() else {
            panic!("{PAGE}: a row has four cells: {row:?}");
        };
        assert!(proves.len() > 20, "{row:?}");
        for (file, test) in parse_cell(tests) {
            assert!(
                tests_in(&read(&root().join(&file))).contains(&test),
                "{file} has no test {test}"
            );
        }
    }
}
