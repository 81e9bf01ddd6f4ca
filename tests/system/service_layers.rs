//! Rules inside a service: which modules may know which, who writes a table, and how long a handler may be.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Source, files, root};

/// The services whose domains own their collaborators (ADR 0028).
const SERVICES: [&str; 2] = ["auth", "users"];
/// The modules that may know handlers and the whole application. All others are domains, or below them.
const ABOVE_DOMAINS: [&str; 8] = [
    "app", "http", "lib", "main", "openapi", "pages", "routes", "service",
];
/// The modules that domains never name.
const NOT_FOR_DOMAINS: [&str; 5] = ["app", "http", "openapi", "pages", "routes"];
/// The most lines that a function of a file that answers HTTP may have.
const HANDLER_LINES: usize = 59;

/// The source files of a service that are no tests.
fn sources(service: &str) -> Vec<Source> {
    let mut sources = files(&format!("services/{service}/src"), "rs");
    sources.retain(|source| !source.is_test() && !source.path.ends_with("_tests.rs"));
    assert!(
        sources.len() > 20,
        "{service}: does this test still see its files?"
    );
    sources
}

/// The top module of a file of a service.
fn top_module(source: &Source) -> &str {
    let below = source.path.split("/src/").nth(1).unwrap();
    below.split('/').next().unwrap().trim_end_matches(".rs")
}

/// The words of a line, without its strings and comments.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let code = line.split("//").next().unwrap_or_default();
    code.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
}

/// The first name in a line that no domain may know.
fn forbidden_name(line: &str) -> Option<&str> {
    if let Some(name) = words(line).find(|word| ["App", "SharedApp"].contains(word)) {
        return Some(name);
    }
    line.split("crate::").skip(1).find_map(|rest| {
        let listed = rest.strip_prefix('{').and_then(|rest| rest.split('}').next());
        let names = listed.map_or_else(
            || words(rest).take(1).collect::<Vec<&str>>(),
            |listed| {
                listed
                    .split(',')
                    .filter_map(|name| words(name.trim()).next())
                    .collect()
            },
        );
        names.into_iter().find(|name| NOT_FOR_DOMAINS.contains(name))
    })
}

#[test]
fn domains_know_neither_handlers_nor_the_whole_application() {
    let mut faults = Vec::new();
    for service in SERVICES {
        for source in sources(service) {
            if ABOVE_DOMAINS.contains(&top_module(&source)) {
                continue;
            }
            for (number, line) in source.code() {
                if let Some(name) = forbidden_name(line) {
                    faults.push(format!("{}:{number} names {name}", source.path));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// The items of a domain's store that others use are named in the domain itself: the compiler keeps everybody
/// else out.
#[test]
fn the_store_of_a_domain_is_private_to_it() {
    let mut stores = 0;
    for service in SERVICES {
        for source in sources(service) {
            for (number, line) in source.code() {
                let Some((before, _)) = line.split_once("mod store;") else {
                    continue;
                };
                stores += 1;
                assert_eq!(before.trim(), "", "{}:{number}", source.path);
            }
        }
    }
    assert!(stores > 8, "only {stores} stores: does this test still see them?");
}

#[test]
fn what_a_domain_must_not_name_is_found() {
    assert_eq!(forbidden_name("use crate::app::SharedApp;"), Some("SharedApp"));
    assert_eq!(forbidden_name("use crate::{accounts, http};"), Some("http"));
    assert_eq!(forbidden_name("    crate::pages::error_page()"), Some("pages"));
    assert_eq!(forbidden_name("fn find(app: &App) {"), Some("App"));
    assert_eq!(forbidden_name("use chassis::http::ClientInfo;"), None);
    assert_eq!(
        forbidden_name("use crate::accounts::{self, Accounts}; // of the App"),
        None
    );
}

/// The paths of `contract::paths` that could be written out elsewhere: those without a parameter, and longer than `/`.
fn paths() -> Vec<String> {
    let constants = crate::source::read(&root().join("libs/contract/src/paths.rs"));
    let values = constants.text.lines().filter_map(|line| {
        let (_, value) = line.trim().strip_prefix("pub const ")?.split_once("= \"")?;
        value.strip_suffix("\";")
    });
    values
        .filter(|path| path.len() > 1 && !path.contains('{'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn paths_are_constants() {
    let (paths, mut literals) = (paths(), Vec::new());
    assert!(paths.len() > 20, "only {} paths", paths.len());
    for folder in ["services", "cli/src", "libs/events/src", "libs/webhooks/src"] {
        for source in files(folder, "rs") {
            if source.is_test() || source.path.ends_with("testing.rs") {
                continue;
            }
            for (number, line) in source.code() {
                let named = |path: &&String| {
                    let spellings = [format!("\"{path}\""), format!("\"{path}?"), format!("}}{path}\"")];
                    spellings.iter().any(|spelling| line.contains(spelling))
                };
                if let Some(path) = paths.iter().find(named) {
                    literals.push(format!("{}:{number} writes {path}", source.path));
                }
            }
        }
    }
    assert!(literals.is_empty(), "{literals:#?}");
}

/// The functions of a file and the number of their lines, by the indentation that rustfmt gives.
fn function_lengths(source: &Source) -> Vec<(String, usize)> {
    let lines: Vec<&str> = source.without_tests().lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let is_function = ["fn ", "async fn ", "const fn "].iter().any(|sign| {
            let visible = code
                .strip_prefix("pub")
                .map_or(code, |rest| rest.split_once(' ').map_or(rest, |(_, rest)| rest));
            visible.starts_with(sign)
        });
        if is_function {
            let end = format!("{}}}", &line[..line.len() - code.len()]);
            let length = lines[start..].iter().take_while(|line| **line != end).count() + 1;
            let name = code.split("fn ").nth(1).unwrap_or_default();
            found.push((
                name.split(['(', '<']).next().unwrap_or_default().to_owned(),
                length,
            ));
        }
    }
    found
}

#[test]
fn functions_that_answer_http_are_short() {
    let (mut checked, mut long) = (0, Vec::new());
    for service in SERVICES {
        for source in sources(service) {
            if !["http", "pages"].contains(&top_module(&source)) {
                continue;
            }
            for (name, length) in function_lengths(&source) {
                checked += 1;
                if length > HANDLER_LINES {
                    long.push(format!("{}: {name} has {length} lines", source.path));
                }
            }
        }
    }
    assert!(long.is_empty(), "{long:#?}");
    assert!(
        checked > 150,
        "only {checked} functions: does this test still see them?"
    );
}

/// The tables that the statements of a store write.
fn written_tables(text: &str) -> BTreeSet<String> {
    let words: Vec<&str> = text
        .split(|letter: char| letter.is_whitespace() || "\"();".contains(letter))
        .filter(|word| !word.is_empty())
        .collect();
    let is_table = |name: &str| {
        name.chars()
            .all(|letter| letter.is_ascii_lowercase() || letter == '_')
    };
    let written = words.windows(3).filter_map(|window| match *window {
        ["INSERT", "INTO", table] | ["DELETE", "FROM", table] => Some(table),
        ["UPDATE", table, "SET"] => Some(table),
        _ => None,
    });
    written.filter(|name| is_table(name)).map(str::to_owned).collect()
}

#[test]
fn each_table_is_written_by_the_stores_of_one_module() {
    for service in SERVICES {
        let mut writers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for source in sources(service) {
            if source.path.ends_with("/store.rs") || source.path.contains("/store/") {
                for table in written_tables(source.without_tests()) {
                    writers
                        .entry(table)
                        .or_default()
                        .insert(top_module(&source).to_owned());
                }
            }
        }
        let shared: Vec<_> = writers.iter().filter(|(_, modules)| modules.len() > 1).collect();
        assert!(shared.is_empty(), "{service}: {shared:?}");
        assert!(writers.len() > 4, "{service}: only {:?}", writers.keys());
    }
}

#[test]
fn the_tables_of_a_statement_are_found() {
    let text = r#"
        "INSERT INTO one (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET at = excluded.at"
        "UPDATE two SET at = $1 WHERE id IN (SELECT id FROM three FOR UPDATE SKIP LOCKED)"
        "DELETE FROM four"
    "#;
    let found: Vec<String> = written_tables(text).into_iter().collect();
    assert_eq!(found, ["four", "one", "two"]);
}

/// The ranges of expiry in statements that an index could serve. A statement ends with its string, and may have several lines.
fn ranges_for_an_index(text: &str) -> Vec<String> {
    // A backslash ends a line that its string goes on after.
    let words = text.split_whitespace().filter(|word| *word != "\\");
    let text = words.collect::<Vec<_>>().join(" ");
    let ranges = text.match_indices("expires_at > $").filter_map(|(start, _)| {
        let rest = text.get(start..)?.split('"').next()?;
        let (_, end) = rest.split_once("expires_at <= $")?;
        let end = end.trim_start_matches(|letter: char| letter.is_ascii_digit());
        (!end.starts_with(") IS TRUE")).then(|| rest.to_owned())
    });
    ranges.collect()
}

/// PostgreSQL knows nothing of a table that has just been filled, and takes the range for as narrow as the key: a code was redeemed by
/// reading every code that had not expired, until the table was analysed.
#[test]
fn rows_are_found_by_their_key_and_not_by_the_range_of_their_expiry() {
    let mut found = 0;
    for source in SERVICES.into_iter().flat_map(sources) {
        let text = source.without_tests();
        assert!(
            ranges_for_an_index(text).is_empty(),
            "{}: {:?}",
            source.path,
            ranges_for_an_index(text)
        );
        found += text.matches(") IS TRUE").count();
    }
    assert!(found > 8, "only {found}: does this test still see them?");
    for (statement, is_found) in [
        (
            "\"WHERE key = $1 AND expires_at > $2 AND expires_at <= $3 AND x\"",
            true,
        ),
        (
            "\"WHERE key = $1 AND expires_at > $2\n    AND expires_at <= $3\"",
            true,
        ),
        (
            "\"WHERE key = $1 AND expires_at\n > $2 AND \\\n expires_at\n <= $3)\"",
            true,
        ),
        (
            "\"WHERE key = $1 AND (expires_at > $2 AND expires_at <= $3) IS TRUE\"",
            false,
        ),
        (
            "\"WHERE key = $1 AND (expires_at > $2\n AND expires_at <= $3)\n IS TRUE\"",
            false,
        ),
        (
            "\"WHERE key = $1 AND expires_at > $2\", \"DELETE FROM x WHERE expires_at <= $1\"",
            false,
        ),
    ] {
        assert_eq!(
            !ranges_for_an_index(statement).is_empty(),
            is_found,
            "{statement}"
        );
    }
}
