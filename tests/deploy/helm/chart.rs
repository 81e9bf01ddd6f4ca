//! The calls of Helm in these tests.

use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

use crate::files::{read, root};
use crate::tools::{run_successfully, tool};

pub(super) const CHART: &str = "deploy/helm/vestibule";
pub(super) const RELEASE: &str = "vestibule";
pub(super) const NAMESPACE: &str = "identity";
/// The last four versions of Kubernetes.
pub(super) const VERSIONS: [&str; 4] = ["1.34.0", "1.35.0", "1.36.0", "1.37.0"];
pub(super) const SMALL: &str = "values-small.yaml";
pub(super) const PRODUCTION: &str = "values-production.yaml";
pub(super) const SQLITE: &str = "values-sqlite.yaml";
pub(super) const TRIAL: &str = "values-trial.yaml";
pub(super) const FILES: [&str; 4] = [PRODUCTION, SMALL, SQLITE, TRIAL];

/// Helm of the version that `scripts/setup.d/helm.sh` names.
pub(super) fn helm() -> Command {
    let script = read("scripts/setup.d/helm.sh");
    let version = script
        .lines()
        .find_map(|line| line.strip_prefix("HELM_VERSION="))
        .expect("a version of Helm");
    let mut helm = tool(&format!("helm-{version}/helm"));
    helm.current_dir(root());
    helm
}

/// `helm template` with a values file of the chart, on one version of Kubernetes.
pub(super) fn template(values: &str, version: &str, sets: &[&str]) -> Command {
    let mut command = helm();
    command.args(["template", RELEASE, CHART, "--namespace", NAMESPACE]);
    command.args(["--kube-version", version, "--values"]);
    command.arg(format!("{CHART}/{values}"));
    for set in sets {
        command.args(["--set", set]);
    }
    command
}

/// The chart rendered with a values file, as text.
pub(super) fn text(values: &str, version: &str, sets: &[&str]) -> String {
    let output = run_successfully(&mut template(values, version, sets));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The chart rendered with a values file, as objects.
pub(super) fn render(values: &str, sets: &[&str]) -> Objects {
    Objects::parse(&text(values, VERSIONS[3], sets))
}

/// The error of Helm for values that it rejects.
pub(super) fn helm_error(values: &str, sets: &[&str]) -> String {
    let output = template(values, VERSIONS[3], sets).output().expect("Helm runs");
    assert!(!output.status.success(), "{sets:?} should have been refused");
    String::from_utf8(output.stderr).expect("UTF-8")
}

/// Rendered manifests.
#[derive(Debug)]
pub(super) struct Objects(pub(super) Vec<Value>);

impl Objects {
    fn parse(text: &str) -> Self {
        let documents = yaml_serde::Deserializer::from_str(text);
        let objects = documents.map(|document| Value::deserialize(document).expect("YAML"));
        Self(objects.filter(|object| !object.is_null()).collect())
    }

    /// All of a kind.
    pub(super) fn all<'a, 'k>(&'a self, kind: &'k str) -> impl Iterator<Item = &'a Value> + use<'a, 'k> {
        self.0.iter().filter(move |object| object["kind"] == kind)
    }

    /// The only one of that kind and name.
    pub(super) fn find(&self, kind: &str, name: &str) -> &Value {
        let mut found = self.all(kind).filter(|object| object["metadata"]["name"] == name);
        let first = found.next().unwrap_or_else(|| panic!("no {kind} {name}"));
        assert!(found.next().is_none(), "two of {kind} {name}");
        first
    }

    pub(super) fn has(&self, kind: &str) -> bool {
        self.all(kind).next().is_some()
    }
}

/// The pod of a Pod, a Deployment or a Job: labels and spec.
pub(super) fn pod(object: &Value) -> Option<(&Value, &Value)> {
    let pod = match object["kind"].as_str()? {
        "Pod" => object,
        "Deployment" | "Job" => &object["spec"]["template"],
        _ => return None,
    };
    Some((&pod["metadata"]["labels"], &pod["spec"]))
}
