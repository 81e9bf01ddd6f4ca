//! Tests that the migrations of a released version are unchanged in name and content.
//!
//! Sums beside the files could be changed together with them; the history cannot.

use std::fs;
use std::process::Command;

use crate::old_release::{OLD_RELEASE, root, run_build_old_release};

fn git(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {said}");
    output.stdout
}

/// True if a path is a migration of a service or of a library. Databases of tools and tests are not kept.
fn is_migration(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    matches!(parts.as_slice(), ["libs" | "services", _, "migrations", "sqlite" | "postgres", name] if name.ends_with(".sql"))
}

#[test]
fn released_migrations_are_what_they_were() {
    run_build_old_release(&["--fetch", OLD_RELEASE]);
    let paths = String::from_utf8(git(&["ls-tree", "-r", "--name-only", OLD_RELEASE])).unwrap();
    let released: Vec<&str> = paths.lines().filter(|path| is_migration(path)).collect();
    for folder in ["libs/events", "services/auth", "services/users"] {
        let of_it = released.iter().filter(|path| path.starts_with(folder));
        assert!(of_it.count() > 1, "{OLD_RELEASE} has no migrations in {folder}");
    }
    for path in released {
        let then = git(&["cat-file", "blob", &format!("{OLD_RELEASE}:{path}")]);
        let now = fs::read(root().join(path))
            .unwrap_or_else(|error| panic!("{path} was released, and is gone or renamed: {error}"));
        assert!(
            then == now,
            "{path} was released, and is not to be changed: write a new migration"
        );
    }
}
