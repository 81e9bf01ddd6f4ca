//! Tests of the Compose secrets and of the permissions of their files.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use super::compose::{copy, resolved};
use crate::files::files_below;

#[test]
fn secrets_are_made_once_and_all_are_used() {
    let folder = copy();
    let deploy = folder.path().join("deploy");
    let names = || -> BTreeSet<String> {
        let entries = std::fs::read_dir(deploy.join("secrets")).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    let secret = |name: &str| std::fs::read_to_string(deploy.join("secrets").join(name)).unwrap();
    let project = resolved(&deploy, &[], &[]);
    let declared: BTreeSet<String> = project["secrets"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(names(), declared);

    let before: Vec<String> = names().iter().map(|name| secret(name)).collect();
    let different: BTreeSet<&String> = before.iter().collect();
    assert_eq!(different.len(), before.len(), "two secrets are the same");
    let again = Command::new(deploy.join("compose/secrets")).output().unwrap();
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("none was changed"));
    let after: Vec<String> = names().iter().map(|name| secret(name)).collect();
    assert_eq!(before, after);
    assert_permissions(&deploy.join("secrets"));

    // Made by a release in which the services were the owners of their tables.
    for name in names().iter().filter(|name| name.contains("-serving")) {
        std::fs::remove_file(deploy.join("secrets").join(name)).unwrap();
    }
    assert!(
        Command::new(deploy.join("compose/secrets"))
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(names(), declared);
    assert_permissions(&deploy.join("secrets"));
    for (name, text) in declared.iter().zip(&before) {
        assert_eq!(name.contains("-serving"), secret(name) != *text, "{name}");
    }
    let left: Vec<String> = files_below("deploy")
        .into_iter()
        .filter(|path| path.contains("/secrets/"))
        .collect();
    assert!(left.is_empty(), "secrets in the repository: {left:?}");
}

/// Asserts that the files are readable by the services they are mounted for, and that the folder is closed to others.
fn assert_permissions(secrets: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(secrets), 0o700);
    for entry in std::fs::read_dir(secrets).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o444);
    }
}

/// The services run under users of their own, and Compose mounts files as they are.
#[test]
fn everybody_may_read_what_is_mounted() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = copy();
    for place in ["deploy/compose", "deploy/observability"] {
        let files = files_below(place);
        assert!(!files.is_empty());
        for file in files {
            let mode = std::fs::metadata(folder.path().join(&file))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o044, 0o044, "{file} is kept from the services");
        }
    }
}
