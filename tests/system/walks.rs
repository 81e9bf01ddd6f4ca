//! The ways into the code that the documents name: the walks in ARCHITECTURE.md, and the map in CONTRIBUTING.md.

use crate::source::root;

#[test]
fn every_step_of_a_walk_is_in_the_code() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let walks = page.split("## Five walks through the code").nth(1).unwrap();
    let walks = walks.split("\n## ").next().unwrap();
    let mut steps = 0;
    for line in walks
        .lines()
        .filter(|line| line.starts_with(|first: char| first.is_ascii_digit()))
    {
        let named: Vec<&str> = line.split('`').collect();
        let [_, file, ": ", function, ..] = named.as_slice() else {
            panic!("expected `file`: `function`: {line}");
        };
        let text =
            std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let defines = |sign: &str| text.contains(&format!("fn {function}{sign}"));
        assert!(defines("(") || defines("<"), "{file} has no {function}");
        steps += 1;
    }
    assert!(steps > 30, "only {steps} steps");
    assert_eq!(walks.matches("\n### ").count(), 5);
}

#[test]
fn every_file_of_the_map_is_there() {
    let page = std::fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let map = page
        .split("## Where is it?")
        .nth(1)
        .unwrap()
        .split("\n## ")
        .next()
        .unwrap();
    let files = map
        .lines()
        .filter_map(|line| line.strip_suffix("` |")?.rsplit('`').next());
    let missing: Vec<&str> = files
        .clone()
        .filter(|file| !root().join(file).is_file())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(files.count() >= 20);
}
