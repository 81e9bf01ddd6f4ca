//! Tests of backups that do not fit: the restoration is refused before any change.

use std::fs;

use serde_json::Value;
use testkit::Stack;

use super::operator::{assert_refused, assert_success, run_tool, stop};

#[tokio::test]
async fn what_does_not_fit_is_refused_before_anything_is_changed() {
    let mut stack = Stack::start().await;
    stack.register("ann").await;
    assert_success(&run_tool(
        &stack,
        "backup",
        &["users", "auth"],
        &["--to", "backup"],
    ));
    for file in ["backup/auth/database.sqlite", "backup/auth/manifest.json"] {
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &fs::metadata(stack.folder().join(file)).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    stop(&mut stack.auth).await;
    let database = stack.folder().join("auth.db");
    let before = fs::read(&database).unwrap();
    let restore = |more: &[&str]| {
        let all = [&["--from", "backup"], more].concat();
        run_tool(&stack, "restore", &["auth"], &all)
    };
    assert_refused(&restore(&[]), 4, "--replace");

    let manifest = stack.folder().join("backup/auth/manifest.json");
    let good = fs::read_to_string(&manifest).unwrap();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_str(&good).unwrap();
        change(&mut value);
        fs::write(&manifest, value.to_string()).unwrap();
    };
    with(&|value| value["schema"][0]["migration"] = 9999.into());
    assert_refused(&restore(&["--replace"]), 2, "9999");
    with(&|value| value["engine"] = "postgres".into());
    assert_refused(&restore(&["--replace"]), 2, "postgres");
    with(&|value| value["service"] = "users".into());
    assert_refused(&restore(&["--replace"]), 2, "users");
    fs::write(&manifest, &good).unwrap();
    let copy = stack.folder().join("backup/auth/database.sqlite");
    let mut bytes = fs::read(&copy).unwrap();
    bytes[5000] ^= 1;
    fs::write(&copy, &bytes).unwrap();
    assert_refused(&restore(&["--replace"]), 1, "damaged");
    assert_eq!(fs::read(&database).unwrap(), before, "nothing was changed");
    bytes[5000] ^= 1;
    fs::write(&copy, &bytes).unwrap();
    assert_success(&restore(&["--replace"]));
    assert!(stack.folder().join("auth.db.replaced").exists());
}
