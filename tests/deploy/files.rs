//! Helpers that read files of the repository, and the test that every file under `deploy/` is covered by a test.

use std::fs;
use std::path::{Path, PathBuf};

use crate::tools::{checker, run_successfully};

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .and_then(Path::parent)
        .unwrap()
}

/// The text of a file, named from the root.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A YAML file of one document, named from the root.
pub(crate) fn yaml(path: &str) -> yaml_serde::Value {
    yaml_serde::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file below `folder`, named from the root, sorted.
pub(crate) fn files_below(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// The folders and files below `deploy/`, each with the test module that reads it.
const READERS: [(&str, &str); 12] = [
    ("deploy/compose.yaml", "containers"),
    ("deploy/compose/", "containers"),
    ("deploy/docker/", "containers"),
    ("deploy/forward-auth/", "../system/forward_auth/proxies.rs"),
    ("deploy/haproxy/", "../upgrade/proxied.rs"),
    ("deploy/helm/vestibule/", "helm"),
    ("deploy/nginx/mutual-tls.conf", "../system/mutual_tls/proxied.rs"),
    ("deploy/nginx/nginx.conf", "../../libs/chassis/tests/proxies.rs"),
    ("deploy/observability/elastic/", "elastic"),
    ("deploy/observability/grafana/", "grafana"),
    ("deploy/observability/prometheus/", "prometheus"),
    ("deploy/samples/", "helm"),
];

#[test]
fn every_file_is_read_by_somebody() {
    for file in files_below("deploy") {
        let reader = READERS.iter().find(|(place, _)| file.starts_with(place));
        assert!(
            reader.is_some(),
            "{file}: no test reads it; add its place to READERS with the module that does"
        );
    }
    for (place, module) in READERS {
        assert!(root().join(place).exists(), "{place} is gone");
        let module = root().join("tests/deploy").join(module);
        assert!(module.exists(), "{} is gone", module.display());
    }
}

/// Templates of Helm are no YAML before they are rendered; the chart's tests look at what comes out.
#[test]
fn every_yaml_file_is_well_formed() {
    let files = files_below("deploy");
    let mut checked = 0;
    for file in files
        .iter()
        .filter(|file| file.ends_with(".yaml") || file.ends_with(".yml"))
    {
        if file.contains("/templates/") {
            continue;
        }
        run_successfully(
            checker("yamllint")
                .args(["--strict", "-d", YAML_STYLE])
                .arg(root().join(file)),
        );
        checked += 1;
    }
    assert!(checked > 0);
}

/// The yamllint rules: duplicate keys, tabs and wrong indentation are errors, long lines and quotes are not.
const YAML_STYLE: &str = "{extends: default, rules: {line-length: disable, document-start: disable, comments: {min-spaces-from-content: 1}}}";
