//! The description, compared with the routes, and the files that are generated from it.

use std::path::Path;

use serde_json::Value;

use super::api;
use crate::routes;

/// The document with public URLs that stand for those of an installation.
fn document() -> Value {
    api().document(
        &routes::all(),
        "https://users.example.com",
        "https://id.example.com",
    )
}

#[test]
fn every_route_is_described_and_nothing_else() {
    assert_eq!(api().differences(&routes::all()), Vec::<String>::new());
}

#[test]
fn every_operation_has_an_example() {
    let without = testkit::operations_without_example(&document(), api().examples);
    assert_eq!(without, Vec::<String>::new());
}

#[test]
fn the_generated_reference_of_the_api_is_committed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    testkit::assert_api_reference(&folder, "users", &document());
}
