//! The walks through the code in ARCHITECTURE.md name functions that are there.

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
