//! Tests of the pages of a list.

use clap::Parser;
use serde_json::json;

use super::*;
use crate::api::testing::Script;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    list: List,
}

/// A page of people with these numbers, and the cursor of the next one.
fn page(numbers: std::ops::Range<usize>, next: Option<&str>) -> (u16, Value) {
    let people: Vec<Value> = numbers
        .map(|number| json!({"id": format!("id{number}"), "userName": format!("user{number}"), "active": true}))
        .collect();
    let mut page = json!({"Resources": people, "totalResults": 450});
    if let Some(next) = next {
        page["nextCursor"] = next.into();
    }
    (200, page)
}

/// The output of a list with these arguments, its remark, and the queries of its requests.
async fn listed(arguments: &[&str], answers: &[(u16, Value)]) -> (String, Option<String>, Vec<String>) {
    let (script, api) = Script::start(answers).await;
    let line = Line::parse_from([&["list"], arguments].concat());
    let mut out = Vec::new();
    let remark = line.list.list(&api, &mut out).await.expect("a list");
    let queries = script.requests().into_iter().map(|(path, _)| {
        let (path, query) = path.split_once('?').expect("a query");
        assert_eq!(path, paths::users::SCIM_USERS);
        query.to_owned()
    });
    (String::from_utf8(out).expect("UTF-8"), remark, queries.collect())
}

#[tokio::test]
async fn everybody_is_one_table_or_one_array_over_all_pages() {
    let pages = [
        page(0..200, Some("a+b=")),
        page(200..400, Some("c")),
        page(400..450, None),
    ];
    let queries = [
        "cursor=&count=200",
        "cursor=a%2Bb%3D&count=200",
        "cursor=c&count=200",
    ];

    let (out, remark, asked) = listed(&["--all", "--output", "json"], &pages).await;
    let people: Vec<Value> = serde_json::from_str(&out).expect("one array");
    let names: Vec<&str> = people
        .iter()
        .filter_map(|person| person["userName"].as_str())
        .collect();
    let expected: Vec<String> = (0..450).map(|number| format!("user{number}")).collect();
    assert_eq!(names, expected);
    assert_eq!((remark, asked), (None, queries.map(str::to_owned).to_vec()));

    let (out, remark, asked) = listed(&["--all"], &pages).await;
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.iter().filter(|line| line.contains("USER NAME")).count(), 1);
    assert_eq!(lines.len(), 451);
    assert!(lines[450].starts_with("user449 "), "{}", lines[450]);
    assert_eq!((remark, asked.len()), (None, 3));
}

#[tokio::test]
async fn a_list_ends_at_its_limit_with_a_remark_about_the_rest() {
    let (out, remark, asked) = listed(&[], &[page(0..50, Some("a"))]).await;
    assert_eq!(out.lines().count(), 51, "50 unless another number is named");
    assert_eq!(
        remark.as_deref(),
        Some("50 of 450 people are shown; --all lists everybody")
    );
    assert_eq!(asked, ["cursor=&count=50"]);

    let pages = [
        page(0..200, Some("a")),
        page(200..250, Some("b")),
        page(250..450, None),
    ];
    let (out, remark, asked) = listed(&["--limit", "250"], &pages).await;
    assert_eq!(out.lines().count(), 251);
    assert_eq!(
        remark.as_deref(),
        Some("250 of 450 people are shown; --all lists everybody")
    );
    assert_eq!(asked, ["cursor=&count=200", "cursor=a&count=50"]);

    // Nobody is left: no remark. A service need not tell the number of all (RFC 9865 §2).
    let mut first = page(0..200, Some("a"));
    let mut last = page(200..210, None);
    for page in [&mut first, &mut last] {
        page.1["totalResults"] = Value::Null;
    }
    let (_, remark, asked) = listed(&["--limit", "250", "--filter", "active eq true"], &[first, last]).await;
    assert_eq!(remark, None);
    let filter = "filter=active%20eq%20true";
    assert_eq!(
        asked,
        [
            format!("cursor=&count=200&{filter}"),
            format!("cursor=a&count=50&{filter}")
        ]
    );
}

#[tokio::test]
async fn a_list_of_nobody_is_an_empty_array() {
    let (out, remark, _) = listed(&["--output", "json"], &[page(0..0, None)]).await;
    assert_eq!((out.as_str(), remark), ("[]\n", None));
}
