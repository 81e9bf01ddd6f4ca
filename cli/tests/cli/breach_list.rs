//! Test of a list of breached passwords that the operator supplies.

use std::fs;

use crate::stack::{Up, vestibule};

/// `plum orbit canvas sixteen` in a range file: the first five digits of its SHA-1 in the name, the others in the line.
const RANGE: (&str, &str) = ("E2523", "65FBAE2FB9E78154BFC8A86A03FAF84AB8B");

#[tokio::test]
async fn a_list_from_a_folder_of_range_files_is_obeyed() {
    // SB-4
    let folder = tempfile::tempdir().expect("a temporary directory");
    let ranges = folder.path().join("ranges");
    fs::create_dir(&ranges).expect("made");
    let lines = format!("{}:250\r\n{}:99\r\n", RANGE.1, "0".repeat(35));
    fs::write(ranges.join(format!("{}.txt", RANGE.0)), lines).expect("written");
    let filter = folder.path().join("breached.filter");
    let (from, to) = (ranges.to_str().expect("UTF-8"), filter.to_str().expect("UTF-8"));
    let build = ["breach-list", "build", "--from", from, "--to", to];
    let done = vestibule(&build, "");
    assert!(done.err.contains("1 of 1048576 ranges"), "{done:?}");
    assert!(done.ok().contains("holds 1 passwords"));
    let none = vestibule(&[&build[..], &["--at-least", "251"]].concat(), "").fails(3);
    assert!(none.contains(from), "{none}");

    let environment = [("VESTIBULE_AUTH__PASSWORDS__BREACH_LIST", to)];
    let data = tempfile::tempdir().expect("a temporary directory");
    let up = Up::spawn_with(data, &[], &environment);
    up.wait_for_output("is ready").await;
    let add = |name, password| up.add_user(name, password);
    let refused = add("ann", "plum orbit canvas sixteen").fails(2);
    assert!(refused.contains("password: "), "{refused}");
    add("ann", "quietly orbiting walnut").ok();
}
