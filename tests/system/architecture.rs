//! Architecture tests: the allowed dependencies between the crates and inside a service.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

use crate::source::{files, root};

const SERVICES: [&str; 2] = ["auth", "users"];
/// Crates that only a test may use, and crates that stand on top of everything.
const NEVER_IMPORTED: [&str; 7] = [
    "fuzz",
    "vestibule",
    "bench",
    "system-tests",
    "event-fault-tests",
    "deploy-tests",
    "upgrade-tests",
];

/// The metadata of the workspace from cargo, for the platform of this machine. A fresh machine has fetched no more.
fn workspace_metadata() -> Metadata {
    let version = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap();
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(["--locked", "--offline", "--filter-platform", host].map(str::to_owned))
        .exec()
        .unwrap()
}

/// The dependencies of each of our crates outside its tests.
fn crate_imports() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let workspace = workspace_metadata();
    let ours: BTreeSet<&str> = workspace
        .workspace_packages()
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let packages = workspace.workspace_packages().into_iter().map(|package| {
        let folder = package
            .manifest_path
            .parent()
            .unwrap()
            .strip_prefix(root().to_str().unwrap())
            .unwrap();
        let imported = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != DependencyKind::Development)
            .filter(|dependency| ours.contains(dependency.name.as_str()))
            .map(|dependency| dependency.name.clone())
            .collect();
        (package.name.to_string(), (folder.to_string(), imported))
    });
    packages.collect()
}

#[test]
fn no_service_imports_another_and_no_library_imports_a_service() {
    let mut checked = 0;
    for (name, (folder, imported)) in crate_imports() {
        let below = folder.split('/').next().unwrap_or_default().to_owned();
        for import in &imported {
            checked += 1;
            assert!(
                !NEVER_IMPORTED.contains(&import.as_str()),
                "{name} imports {import}"
            );
            if below == "libs" || below == "services" {
                assert!(
                    !SERVICES.contains(&import.as_str()),
                    "{name} imports the service {import}"
                );
                assert_ne!(import, "testkit", "{name} ships the test kit");
            }
        }
    }
    assert!(
        checked > 8,
        "only {checked} imports between our crates: does this test still see them?"
    );
}

#[test]
fn only_the_command_line_tool_and_the_benchmark_import_the_services() {
    let importers: Vec<String> = crate_imports()
        .into_iter()
        .filter(|(_, (_, imported))| SERVICES.iter().any(|service| imported.contains(*service)))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(importers, ["bench", "vestibule"]);
}

#[test]
fn the_protocol_libraries_reach_no_crate_that_does_input_or_output() {
    const FORBIDDEN: [&str; 14] = [
        "tokio",
        "mio",
        "socket2",
        "hyper",
        "axum",
        "reqwest",
        "sqlx",
        "sqlx-core",
        "rustls",
        "tower",
        "tracing",
        "metrics",
        "rustix",
        "tempfile",
    ];
    let workspace = workspace_metadata();
    for library in ["forward-auth", "oidc", "scim", "password-hashes"] {
        let reached = runtime_dependencies(&workspace, library);
        assert!(
            reached.contains("serde_json"),
            "{library}: does this test still see its dependencies?"
        );
        let forbidden: Vec<&&str> = FORBIDDEN.iter().filter(|name| reached.contains(**name)).collect();
        assert!(forbidden.is_empty(), "libs/{library} reaches {forbidden:?}");
        for source in files(&format!("libs/{library}/src"), "rs") {
            for (number, line) in source.code() {
                for module in ["std::fs", "std::net", "std::process", "std::env", "std::io"] {
                    assert!(!line.contains(module), "{}:{number} uses {module}", source.path);
                }
            }
        }
    }
}

/// The names of all crates that `library` needs at run time.
fn runtime_dependencies(workspace: &Metadata, library: &str) -> BTreeSet<String> {
    let names: BTreeMap<&PackageId, &str> = workspace
        .packages
        .iter()
        .map(|package| (&package.id, package.name.as_str()))
        .collect();
    let nodes: BTreeMap<&PackageId, _> = workspace
        .resolve
        .as_ref()
        .unwrap()
        .nodes
        .iter()
        .map(|node| (&node.id, node))
        .collect();
    let start = workspace
        .packages
        .iter()
        .find(|package| package.name.as_str() == library)
        .unwrap();
    let mut waiting = vec![&start.id];
    let mut reached = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        for dependency in &nodes[id].deps {
            let needed = dependency.dep_kinds.iter().any(|kind| {
                kind.kind == DependencyKind::Normal
                    && kind
                        .target
                        .as_ref()
                        .is_none_or(|target| !target.to_string().contains("wasm"))
            });
            if needed && reached.insert(names[&dependency.pkg].to_owned()) {
                waiting.push(&dependency.pkg);
            }
        }
    }
    reached
}

#[test]
fn sql_stands_only_in_store_modules() {
    let (mut stores, mut elsewhere) = (0, Vec::new());
    // The database layer itself, and what only tests use.
    const EXCEPT: [&str; 3] = [
        "libs/chassis/src/db/",
        "libs/testkit/",
        "libs/events/src/testing/",
    ];
    for folder in ["services", "libs", "cli/src"] {
        for source in files(folder, "rs") {
            let place = &source.path;
            let store = place.ends_with("/store.rs") || place.contains("/store/");
            stores += usize::from(store);
            if store || source.is_test() || EXCEPT.iter().any(|folder| place.starts_with(folder)) {
                continue;
            }
            for (number, line) in source.code() {
                let sql = ["sqlx::query", "QueryBuilder", "query_as(", "query_scalar("]
                    .iter()
                    .any(|sign| line.contains(sign));
                if sql {
                    elsewhere.push(format!("{place}:{number}: {}", line.trim()));
                }
            }
        }
    }
    assert!(elsewhere.is_empty(), "SQL outside a store module: {elsewhere:#?}");
    assert!(
        stores > 20,
        "only {stores} store modules: does this test still see them?"
    );
}

#[test]
fn what_answers_http_calls_use_cases_and_not_stores() {
    let mut checked = 0;
    for service in SERVICES {
        for source in files(&format!("services/{service}/src"), "rs") {
            if source.is_test() || !(source.path.contains("/http/") || source.path.contains("/pages/")) {
                continue;
            }
            checked += 1;
            for (number, line) in source.code() {
                let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
                let calls_store = line
                    .match_indices("store::")
                    .any(|(at, _)| !line[..at].ends_with(is_word));
                assert!(!calls_store, "{}:{number}: {}", source.path, line.trim());
            }
        }
    }
    assert!(
        checked > 4,
        "only {checked} files answer HTTP: does this test still see them?"
    );
}

#[test]
fn lints_are_expected_with_a_reason_and_never_silenced() {
    for folder in ["services", "libs", "cli", "tests", "bench", "fuzz"] {
        for source in files(folder, "rs") {
            for (number, line) in source.code() {
                let silenced = concat!("#[", "allow(");
                assert!(!line.contains(silenced), "{}:{number}", source.path);
            }
        }
    }
}

/// A dependency that nobody names costs everybody its compilation.
#[test]
fn every_dependency_is_named_in_the_code_of_its_crate() {
    let mut checked = 0;
    let mut unused = Vec::new();
    for package in workspace_metadata().workspace_packages() {
        let folder = package.manifest_path.parent().unwrap();
        let folder = folder.strip_prefix(root().to_str().unwrap()).unwrap();
        let sources = files(folder.as_str(), "rs");
        for dependency in &package.dependencies {
            checked += 1;
            let name = dependency
                .rename
                .as_ref()
                .unwrap_or(&dependency.name)
                .replace('-', "_");
            let lines = sources.iter().flat_map(|source| source.text.lines());
            let code = lines.filter(|line| !line.trim_start().starts_with("//"));
            let is_named = code.into_iter().any(|line| {
                let words = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
                words.into_iter().any(|word| word == name)
            });
            if !is_named {
                unused.push(format!("{folder}: {}", dependency.name));
            }
        }
    }
    assert!(unused.is_empty(), "{unused:#?}");
    assert!(checked > 150, "only {checked} dependencies");
}
