//! Tests of the lines of an export and of its pages.

use super::*;
use crate::api::testing::Script;

#[test]
fn a_line_is_the_same_whatever_the_order_of_the_members() {
    let one = json!({"userName": "ann", "meta": {"version": "W/\"1\"", "location": "u", "created": "c"},
        "emails": [{"value": "a", "primary": true}]});
    let other =
        json!({"emails": [{"primary": true, "value": "a"}], "meta": {"created": "c"}, "userName": "ann"});
    let line = export_line(one).to_string();
    assert_eq!(line, export_line(other).to_string());
    assert_eq!(
        line,
        r#"{"emails":[{"primary":true,"value":"a"}],"meta":{"created":"c"},"userName":"ann"}"#
    );
}

/// The number of users in an export from a service with these answers, and the paths of the requests.
async fn exported(answers: &[(u16, Value)]) -> (usize, Vec<String>) {
    let (script, api) = Script::start(answers).await;
    let mut out = Vec::new();
    let Ok(count) = export(&api, &mut out).await else {
        panic!("the export failed");
    };
    assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), count);
    let paths = script.requests().into_iter().map(|(path, _)| path);
    (count, paths.skip(1).collect())
}

#[tokio::test]
async fn pages_follow_the_cursor_or_the_index_and_an_overloaded_service_is_asked_once_more() {
    let with_cursors = json!({"pagination": {"cursor": true}});
    let full = json!({ "Resources": vec![json!({"userName": "ann"}); PAGE] });
    let mut first = full.clone();
    first["nextCursor"] = "a+b=".into();
    // The last page may be full too.
    let pages = [
        (200, with_cursors),
        (200, first),
        (503, json!({})),
        (200, full.clone()),
    ];
    let (count, paths) = exported(&pages).await;
    assert_eq!(count, 2 * PAGE);
    let second = "/scim/v2/Users?cursor=a%2Bb%3D&count=200";
    assert_eq!(paths, ["/scim/v2/Users?cursor=&count=200", second, second]);

    let rest = json!({"Resources": [{"userName": "bob"}]});
    let (count, paths) = exported(&[(200, json!({})), (200, full), (200, rest)]).await;
    assert_eq!(count, PAGE + 1);
    assert_eq!(
        paths,
        [
            "/scim/v2/Users?startIndex=1&count=200",
            "/scim/v2/Users?startIndex=201&count=200"
        ]
    );
}
