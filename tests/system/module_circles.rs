//! No circles among the top modules of a crate: each can be read after those that it uses.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Source, files};

/// The crates that have none: every one with more than a few modules.
const WITHOUT_CIRCLES: [&str; 13] = [
    "libs/chassis",
    "libs/contract",
    "libs/events",
    "libs/brokers",
    "libs/webhooks",
    "libs/provisioning",
    "libs/oidc",
    "libs/scim",
    "libs/password-hashes",
    "libs/testkit",
    "services/auth",
    "services/users",
    "cli",
];

/// The top modules of a crate, and those that each uses outside its tests.
type Modules = BTreeMap<String, BTreeSet<String>>;

/// The top module that a file belongs to; `None` for the root, which names all of them, and for test code.
fn module_of(source: &Source, folder: &str) -> Option<String> {
    let below = source.path.strip_prefix(folder)?.trim_start_matches('/');
    let top = below.split('/').next()?.trim_end_matches(".rs").to_owned();
    let is_test = source.is_test() || top == "testing" || below.contains("_tests.rs");
    (!is_test && top != "lib" && top != "main").then_some(top)
}

/// The modules that a line names after `crate::`.
fn named(line: &str) -> impl Iterator<Item = String> + '_ {
    line.split("crate::").skip(1).flat_map(|rest| {
        let listed = rest.strip_prefix('{').and_then(|rest| rest.split('}').next());
        let names = listed
            .unwrap_or(rest)
            .split(if listed.is_some() { ',' } else { '\0' });
        names.map(|name| {
            let is_part = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '_';
            name.trim().chars().take_while(is_part).collect()
        })
    })
}

fn modules(folder: &str) -> Modules {
    let mut modules = Modules::new();
    for source in files(folder, "rs") {
        let Some(module) = module_of(&source, folder) else {
            continue;
        };
        let used = modules.entry(module.clone()).or_default();
        used.extend(
            source
                .code()
                .flat_map(|(_, line)| named(line))
                .filter(|name| *name != module),
        );
    }
    let known: BTreeSet<String> = modules.keys().cloned().collect();
    for used in modules.values_mut() {
        used.retain(|name| known.contains(name));
    }
    modules
}

/// A way from a module back to itself, if there is one.
fn circle(modules: &Modules) -> Option<Vec<&str>> {
    modules.keys().find_map(|start| {
        let mut ways = vec![vec![start.as_str()]];
        let mut seen = BTreeSet::new();
        while let Some(way) = ways.pop() {
            let last = *way.last()?;
            for next in &modules[last] {
                let mut further = way.clone();
                further.push(next);
                if next == start {
                    return Some(further);
                }
                if seen.insert(next) {
                    ways.push(further);
                }
            }
        }
        None
    })
}

#[test]
fn the_modules_of_a_crate_use_each_other_in_one_direction() {
    for package in WITHOUT_CIRCLES {
        let modules = modules(&format!("{package}/src"));
        assert!(modules.len() > 4, "{package}: only {:?}", modules.keys());
        assert_eq!(circle(&modules), None, "{package}");
    }
    let uses: usize = modules("libs/events/src").values().map(BTreeSet::len).sum();
    assert!(
        uses > 15,
        "only {uses} uses among the modules of events: does this test still see them?"
    );
}

#[test]
fn a_circle_is_found_over_several_modules() {
    let modules = |uses: &[(&str, &[&str])]| -> Modules {
        let uses = uses.iter().map(|(name, used)| {
            let used = used.iter().map(|name| (*name).to_owned());
            ((*name).to_owned(), used.collect())
        });
        uses.collect()
    };
    let straight = modules(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])]);
    assert_eq!(circle(&straight), None);
    let round = modules(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])]);
    assert_eq!(circle(&round), Some(vec!["b", "c", "b"]));
    let line = "use crate::{one, two::Three};";
    assert_eq!(named(line).collect::<Vec<String>>(), ["one", "two"]);
    assert_eq!(named("crate::four::five()").collect::<Vec<String>>(), ["four"]);
}
