//! Tests of the rules on the command line.

use clap::Parser;
use serde_json::json;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    add: Add,
}

fn rules(arguments: &[&str]) -> Result<Value, String> {
    let line = [&["x", "wiki.example.org", "--name", "Wiki"], arguments].concat();
    let add = Line::try_parse_from(line).map_err(|error| error.to_string())?.add;
    let rules = checked(add.rules.rules()).map_err(|error| error.to_string())?;
    Ok(json!(rules))
}

#[test]
fn rules_are_read_from_the_command_line() {
    let read = rules(&[
        "--group",
        "staff",
        "--public",
        "/health",
        "--public",
        "POST,PUT /hooks/*",
        "--restrict",
        "/admin/*=admins",
        "--restrict",
        "DELETE /my pages/*=editors,admins",
    ]);
    assert_eq!(
        read,
        Ok(json!({
            "groups": ["staff"],
            "everybody": false,
            "public": [{ "path": "/health" }, { "path": "/hooks/*", "methods": ["POST", "PUT"] }],
            "restricted": [
                { "path": "/admin/*", "groups": ["admins"] },
                { "path": "/my pages/*", "methods": ["DELETE"], "groups": ["editors", "admins"] },
            ],
        }))
    );
    assert_eq!(rules(&["--everybody"]).unwrap()["everybody"], true);
}

// SB-48
#[test]
fn who_may_is_said_and_what_cannot_be_read_is_refused() {
    for (arguments, expected) in [
        (&[][..], "--group"),
        (&["--everybody", "--group", "staff"], "cannot be used with"),
        (&["--group", "staff", "--public", "health"], "expected a path"),
        (
            &["--group", "staff", "--public", "get /health"],
            "expected methods",
        ),
        (&["--group", "staff", "--public", "/a/../b"], "expected a path"),
        (&["--group", "staff", "--restrict", "/admin/*"], "equals sign"),
        (&["--group", "staff", "--restrict", "/admin/*="], "restricted: "),
    ] {
        let refused = rules(arguments).unwrap_err();
        assert!(refused.contains(expected), "{arguments:?}: {refused}");
    }
    let plain = Line::try_parse_from(["x", "http://wiki.example.org", "--name", "W", "--everybody"]);
    assert!(plain.is_err_and(|error| error.to_string().contains("expected https")));
}
