//! Tests of what the guides for applications quote: each error in their tables is one that the services send.

use crate::source::{Source, files};

/// The code of the services without tests, on one line: the strings of Rust may be broken with a backslash.
fn code() -> String {
    let mut code = String::new();
    for source in ["services", "libs", "cli"]
        .iter()
        .flat_map(|folder| files(folder, "rs"))
    {
        if !source.is_test() {
            code.push_str(&source.without_tests().replace("\\\n", "\n"));
        }
    }
    for page in files("services/auth/templates", "html") {
        code.push_str(&page.text);
    }
    code.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The quotations in the first cells of a guide's tables: the error codes, and the words of pages and descriptions.
fn quotes(guide: &Source) -> Vec<String> {
    let mut quotes = Vec::new();
    let cells = guide
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    for cell in cells {
        for quoted in cell.split('“').skip(1) {
            let words = quoted.split('”').next().unwrap().split('…').map(str::trim);
            quotes.extend(words.filter(|words| !words.is_empty()).map(str::to_owned));
        }
        let names = cell.split('`').skip(1).step_by(2);
        let is_error = |name: &&str| {
            name.contains('_')
                && name
                    .chars()
                    .all(|letter| letter.is_ascii_lowercase() || letter == '_')
        };
        quotes.extend(names.filter(is_error).map(|name| format!("\"{name}\"")));
    }
    quotes
}

#[test]
fn what_guides_quote_is_what_the_services_say() {
    let code = code();
    let mut guides = files("docs/guides/applications", "md");
    let others = files("docs/guides", "md");
    let others = others.into_iter().filter(|guide| {
        ["docs/guides/devices.md", "docs/guides/protected-hosts.md"].contains(&guide.path.as_str())
    });
    guides.extend(others);
    let mut found = 0;
    let mut unknown = Vec::new();
    for guide in &guides {
        for quote in quotes(guide) {
            found += 1;
            if !code.contains(&quote) {
                unknown.push(format!("{}: {quote}", guide.path));
            }
        }
    }
    assert!(unknown.is_empty(), "no service says this: {unknown:#?}");
    assert!(found > 25, "only {found} quotes: does this test still see them?");
}
