//! The old release, from which the tests upgrade.
//!
//! No version has a number yet, so an operator runs a commit of the main branch. The old release is the last one before the search by
//! words, identifiers of provisioning clients, deletion with a grace period, passwords over SCIM and outbound provisioning: of the
//! releases that have groups and attributes of the configuration, it is the one with the most to migrate. There is one alone, because
//! continuous integration compiles it. Set a newer one when the next release is made, and leave out what the tests say of this one.

use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::Release;

/// The commit of the old release. It is built from the history by `scripts/build-old-release`.
pub(crate) const OLD_RELEASE: &str = "132b131c5870ff7ad01f95896948e0ab009a18e0";

/// The old release: its programs, and its configuration.
pub(crate) fn old_release() -> Release {
    let folder = run_build_old_release(&[OLD_RELEASE]);
    Release {
        programs: root().join(folder.trim()),
        configuration: old_configuration,
    }
}

/// A configuration file of the old release, which knew every key that the tests set.
fn old_configuration(text: &str) -> String {
    text.to_owned()
}

/// Runs `scripts/build-old-release` and returns its output.
pub(crate) fn run_build_old_release(arguments: &[&str]) -> String {
    let output = Command::new(root().join("scripts/build-old-release"))
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "scripts/build-old-release {arguments:?}: {said}"
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The folder of this repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
