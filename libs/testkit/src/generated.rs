//! Generated files: each is committed, and a test compares it with what the code makes of it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a file that is missing fails its test, and must say why"
)]

use std::fs;
use std::path::Path;

use chassis::openapi::route_table;
use serde_json::Value;

const BEGIN: &str = "<!-- routes: written by `make generate` -->";
const END: &str = "<!-- end of routes -->";

/// True while `make generate` runs, which writes the files (`VESTIBULE_GENERATE=1`).
pub fn is_generating() -> bool {
    std::env::var_os("VESTIBULE_GENERATE").is_some()
}

/// Compares a committed file with what it has to hold. `make generate` writes it first.
///
/// # Panics
/// When it differs.
pub fn assert_generated(path: &Path, expected: &str) {
    if is_generating() {
        fs::write(path, expected).expect("a generated file can be written");
    }
    let committed = fs::read_to_string(path).expect("a generated file is committed");
    assert!(
        committed == expected,
        "{} is out of date: `make generate` writes it anew",
        path.display()
    );
}

/// Compares the committed files of a service's HTTP API with its description: `openapi-SERVICE.json`, and the table of
/// routes in `SERVICE-api.md`, both below `folder`.
///
/// # Panics
/// When one differs.
pub fn assert_api_reference(folder: &Path, service: &str, document: &Value) {
    let text = serde_json::to_string_pretty(document).expect("JSON") + "\n";
    assert_generated(&folder.join(format!("openapi-{service}.json")), &text);
    let path = folder.join(format!("{service}-api.md"));
    let page = fs::read_to_string(&path).expect("the reference of the API");
    let (before, rest) = page.split_once(BEGIN).expect("where the table begins");
    let (_, after) = rest.split_once(END).expect("where the table ends");
    let table = route_table(document);
    assert_generated(&path, &format!("{before}{BEGIN}\n\n{table}{END}{after}"));
}

/// The ids of the operations of a description that `examples` has no answer for.
///
/// # Panics
/// When one of them is no description.
pub fn operations_without_example(document: &Value, examples: &str) -> Vec<String> {
    let examples: Value = serde_json::from_str(examples).expect("JSON");
    let paths = document["paths"].as_object().expect("paths").values();
    let operations = paths.flat_map(|item| item.as_object().expect("operations").values());
    operations
        .map(|operation| operation["operationId"].as_str().expect("an id"))
        .filter(|id| examples[id]["response"]["status"].is_null())
        .map(str::to_owned)
        .collect()
}
