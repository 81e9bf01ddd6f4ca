//! Tests of the lines of an export and of its pages.

use super::groups::MEMBERS_OF_LINE as MEMBERS;
use super::*;
use crate::api::testing::Script;

#[test]
fn a_line_is_the_same_whatever_the_order_of_the_members() {
    let one = json!({"userName": "ann", "emails": [{"value": "a", "primary": true}]});
    let other = json!({"emails": [{"primary": true, "value": "a"}], "userName": "ann"});
    let line = line::sorted(one).to_string();
    assert_eq!(line, line::sorted(other).to_string());
    assert_eq!(
        line,
        r#"{"emails":[{"primary":true,"value":"a"}],"userName":"ann"}"#
    );
}

/// The numbers of an export from a service with these answers, and the paths of the requests.
async fn exported(answers: &[(u16, Value)]) -> (usize, Vec<String>, String) {
    let (script, api) = Script::start(answers).await;
    let mut out = Vec::new();
    let Ok(count) = export(&api, &mut out, &Options::default()).await else {
        panic!("the export failed");
    };
    let paths = script.requests().into_iter().map(|(path, _)| path);
    let out = String::from_utf8(out).expect("UTF-8");
    (count.users, paths.collect(), out)
}

#[tokio::test]
async fn pages_are_followed_and_an_overloaded_service_is_asked_once_more() {
    let page = json!({"users": [{"userName": "ann"}, {"userName": "bob"}], "next": "0199"});
    let pages = [
        (200, page.clone()),
        (503, json!({})),
        // The last page may be empty.
        (200, json!({"users": []})),
        (200, json!({"groups": []})),
    ];
    let (count, paths, out) = exported(&pages).await;
    assert_eq!(
        (count, out.as_str()),
        (2, "{\"userName\":\"ann\"}\n{\"userName\":\"bob\"}\n")
    );
    let (users, groups) = ("/admin/v1/export/users", "/admin/v1/export/groups");
    let second = format!("{users}?after=0199");
    assert_eq!(paths, [users, &second, &second, groups]);
}

#[tokio::test]
async fn a_service_without_the_pages_of_an_export_is_no_empty_directory() {
    let (_script, api) = Script::start(&[(200, json!({"Resources": []}))]).await;
    let exported = export(&api, &mut Vec::new(), &Options::default()).await;
    assert!(
        matches!(exported, Err(ExportError::Command(error)) if error.to_string().contains("another release"))
    );
}

#[tokio::test]
async fn a_large_group_has_several_lines() {
    let members = |count: usize| {
        let members: Vec<Value> = (0..count)
            .map(|number| json!({"value": number.to_string(), "type": "User", "display": "x", "$ref": "u"}))
            .collect();
        json!({ "members": members })
    };
    let group = |name: &str| json!({"id": name, "displayName": name, "meta": {"created": "c"}});
    let (_, _, out) = exported(&[
        (200, json!({"users": []})),
        (
            200,
            json!({"groups": [group("a"), group("b"), group("gone"), group("c")]}),
        ),
        (200, members(MEMBERS + 1)),
        (200, members(MEMBERS)),
        (404, json!({})),
        (200, members(0)),
    ])
    .await;
    let lines: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let shape: Vec<(&str, usize)> = lines
        .iter()
        .map(|line| {
            let members = line["members"].as_array().map_or(0, Vec::len);
            (line["id"].as_str().expect("an id"), members)
        })
        .collect();
    assert_eq!(shape, [("a", MEMBERS), ("a", 1), ("b", MEMBERS), ("c", 0)]);
    assert_eq!(lines[0]["members"][7], json!({"type": "User", "value": "7"}));
    assert_eq!(
        lines[3],
        json!({"id": "c", "displayName": "c", "meta": {"created": "c"}})
    );
}
