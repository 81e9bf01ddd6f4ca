//! Tests of the commands in `docs/guides/kubernetes.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::chart::{CHART, SMALL, TRIAL, VERSIONS, helm};
use super::running::secrets;
use crate::files::read;
use crate::tools::run_successfully;

const GUIDE: &str = "docs/guides/kubernetes.md";

/// The commands of the guide's console blocks, continuations joined.
pub(super) fn commands() -> Vec<String> {
    let guide = read(GUIDE).replace("\\\n", " ");
    let commands = guide.lines().filter_map(|line| line.strip_prefix("$ "));
    commands.map(str::to_owned).collect()
}

/// The words of a command, without quotes: the guide needs none here.
fn words(command: &str) -> Vec<&str> {
    command.split_whitespace().collect()
}

#[test]
fn every_installation_of_the_guide_renders() {
    let guide = read(GUIDE);
    let values = guide
        .split("```yaml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mine = folder.path().join("my-values.yaml");
    fs::write(&mine, values.expect("values in the guide")).expect("written");
    let mut rendered = 0;
    for command in commands() {
        let Some(options) = command.strip_prefix("helm upgrade --install ") else {
            continue;
        };
        let mut helm = helm();
        helm.args(["template", "--kube-version", VERSIONS[3]]);
        for word in words(options) {
            match word {
                "--wait" | "--create-namespace" => {}
                "my-values.yaml" => drop(helm.arg(&mine)),
                _ => drop(helm.arg(word)),
            }
        }
        run_successfully(&mut helm);
        rendered += 1;
    }
    assert_eq!(rendered, 2, "does this test still see them?");
}

#[test]
fn the_secrets_of_the_guide_are_those_that_the_manifests_mount() {
    let mut made: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for command in commands() {
        let Some((_, rest)) = command.split_once("create secret generic ") else {
            continue;
        };
        let words = words(rest);
        let keys = words.iter().filter_map(|word| word.strip_prefix("--from-file="));
        let keys = keys
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, _)| key.to_owned());
        made.insert(words.first().expect("a name").to_string(), keys.collect());
    }
    let tried = secrets(["", ""]).into_iter();
    let tried: BTreeMap<String, BTreeSet<String>> = tried
        .map(|(name, keys)| (name, keys.into_keys().collect()))
        .collect();
    assert_eq!(made, tried);
}

#[test]
fn every_values_file_is_tried() {
    let mut files: Vec<String> = crate::files::files_below(CHART);
    files.retain(|file| file.starts_with(&format!("{CHART}/values-")));
    let known = super::chart::FILES.map(|file| format!("{CHART}/{file}"));
    assert_eq!(files, known);
}

/// `helm template` leaves the notes out, so a copy of the chart shows them as a ConfigMap.
fn notes(values: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for file in crate::files::files_below(CHART) {
        let name = file.strip_prefix(&format!("{CHART}/")).expect("of the chart");
        let target = folder.path().join(name.replace("templates/NOTES", "notes"));
        fs::create_dir_all(target.parent().expect("a folder")).expect("made");
        fs::write(target, read(&file)).expect("written");
    }
    let shown = "kind: ConfigMap\nmetadata: {name: notes}\ndata:\n  notes: |\n{{ tpl (.Files.Get \"notes.txt\") . | indent 4 }}\n";
    fs::write(folder.path().join("templates/shown.yaml"), shown).expect("written");
    let mut helm = helm();
    helm.args([
        "template",
        "vestibule",
        "--namespace",
        "identity",
        "--kube-version",
        VERSIONS[3],
    ]);
    helm.args(["--show-only", "templates/shown.yaml", "--values"]);
    helm.arg(folder.path().join(values)).arg(folder.path());
    String::from_utf8(run_successfully(&mut helm).stdout).expect("UTF-8")
}

#[test]
fn the_notes_say_what_to_do_next_and_what_to_beware_of() {
    let trial = notes(TRIAL);
    assert!(
        trial.contains("WARNING: trial.enabled") && trial.contains("SQLite files"),
        "{trial}"
    );
    assert!(
        trial.contains("Nothing leads to the services from outside"),
        "{trial}"
    );
    let small = notes(SMALL);
    assert!(
        !small.contains("WARNING") && !small.contains("Nothing leads"),
        "{small}"
    );
    assert!(small.contains("auth.trustedProxies is empty"), "{small}");
    for notes in [trial, small] {
        for command in [
            "helm test vestibule --namespace identity",
            "rollout status deployment/vestibule-auth",
        ] {
            assert!(notes.contains(command), "{notes}");
        }
    }
}
