//! The description, compared with the routes, and the files that are generated from it.

use std::fs;
use std::path::{Path, PathBuf};

use chassis::openapi::route_table;
use serde_json::Value;

use super::api;
use crate::routes;

/// Where the service is in the committed document.
const SERVER: &str = "https://users.example.com";
const BEGIN: &str = "<!-- routes: written by `make generate` -->";
const END: &str = "<!-- end of routes -->";

fn reference(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/reference")
        .join(file)
}

/// The document with public URLs that stand for those of an installation.
fn document() -> Value {
    api().document(&routes::all(), SERVER, "https://id.example.com")
}

/// Compares a file with what it should hold; `make generate` writes it.
fn compare(path: &Path, expected: &str) {
    if std::env::var_os("VESTIBULE_GENERATE").is_some() {
        fs::write(path, expected).unwrap();
    }
    let committed = fs::read_to_string(path).unwrap();
    assert!(
        committed == expected,
        "{} is out of date: `make generate` writes it anew",
        path.display()
    );
}

#[test]
fn every_route_is_described_and_nothing_else() {
    assert_eq!(api().differences(&routes::all()), Vec::<String>::new());
}

#[test]
fn every_operation_has_an_example() {
    let examples: Value = serde_json::from_str(api().examples).unwrap();
    let document = document();
    let mut without = Vec::new();
    for operation in document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|item| item.as_object().unwrap().values())
    {
        let id = operation["operationId"].as_str().unwrap();
        if examples[id]["response"]["status"].is_null() {
            without.push(id.to_owned());
        }
    }
    assert!(without.is_empty(), "{without:?}");
}

#[test]
fn the_generated_document_is_committed() {
    let text = serde_json::to_string_pretty(&document()).unwrap() + "\n";
    compare(&reference("openapi-users.json"), &text);
}

#[test]
fn the_generated_table_of_routes_is_committed() {
    let path = reference("users-api.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let table = route_table(&document());
    compare(&path, &format!("{before}{BEGIN}\n\n{table}{END}{after}"));
}
