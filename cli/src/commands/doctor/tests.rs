//! Tests of `vestibule doctor`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn a_file_that_others_may_read_is_found_with_its_remedy() {
    let temp = tempfile::tempdir().expect("a temporary directory");
    let file = temp.path().join("secret");
    fs::write(&file, "x").expect("written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("changed");
    let finding = directory::check_mode("secrets", &file, 0o600);
    assert_eq!(finding.remedy, Some(format!("chmod 600 {}", file.display())));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("changed");
    assert_eq!(directory::check_mode("secrets", &file, 0o600).remedy, None);
}

#[test]
fn a_finding_is_a_line_with_its_remedy_below() {
    let bad = Finding::bad("clock", "90 s from the service's", "Use NTP.");
    let lines = bad.lines(Style::PLAIN);
    assert!(lines.starts_with("✗ clock"), "{lines}");
    assert!(
        lines.ends_with("Use NTP.") && lines.lines().count() == 2,
        "{lines}"
    );
    assert_eq!(bad.json()["ok"], false);
    assert!(
        Finding::good("clock", "0 s")
            .lines(Style::PLAIN)
            .starts_with("✓ clock")
    );
}
