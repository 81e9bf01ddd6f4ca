//! What `docs/guides/kubernetes.md` tells to type is what the tests try.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::chart::{CHART, VERSIONS, helm};
use super::running::secrets;
use crate::files::read;
use crate::tools::succeeds;

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
        succeeds(&mut helm);
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
    let mut files: Vec<String> = crate::files::below(CHART);
    files.retain(|file| file.starts_with(&format!("{CHART}/values-")));
    let known = super::chart::FILES.map(|file| format!("{CHART}/{file}"));
    assert_eq!(files, known);
}
