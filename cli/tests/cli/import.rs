//! Tests of the import and the export of people, against running services.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use testkit::eventually;

use crate::stack::{Up, tool};

pub(crate) const PASSWORD: &str = "gorse-tin-vivid";
/// Hashes of [`PASSWORD`]: bcrypt 5.0.0 (Python), Django 5.2.19, Keycloak 26.0.0.
const BCRYPT: &str = "$2b$04$5ujii9zMrP9QrISEOLTmUeE3aj7HB56COPvabyGOHWml9Pmr64LNS";
const DJANGO: &str = "pbkdf2_sha256$1000$oJItgXVxmJmGCejchVIxAR$JT5Ma5AFXDkgdHEO8LdCzbpOH609hLdvw6JutqQKowM=";
const KEYCLOAK: &str = r#"{"type":"password","secretData":"{\"value\":\"KBJCfsprZjH/ZHDB6HygnovjmUbew2vDW7WCWKLgsLe1rBxDzRUO37J6/Q2JRQtL0Y+Q7xzaZROoaP82iyDqxg==\",\"salt\":\"UvyrkVwiamZsjkbgycv4Sg==\",\"additionalParameters\":{}}","credentialData":"{\"hashIterations\":1000,\"algorithm\":\"pbkdf2-sha512\",\"additionalParameters\":{}}"}"#;

/// A line for each of `count` people. Their names begin with `prefix`.
pub(crate) fn people(prefix: &str, count: usize) -> String {
    let mut lines = String::new();
    for number in 0..count {
        let name = format!("{prefix}{number:04}");
        let hash = [BCRYPT, DJANGO, KEYCLOAK][number % 3];
        let line = json!({
            "userName": name,
            "name": {"givenName": "Given", "familyName": format!("Family {number}")},
            "emails": [{"value": format!("{name}@example.org"), "type": "work", "primary": true}],
            "title": "Tester",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Tests"},
            "password_hash": hash,
        });
        writeln!(lines, "{line}").expect("a string grows");
    }
    lines
}

pub(crate) async fn sign_in(up: &Up, name: &str) -> u16 {
    sign_in_with(up, name, PASSWORD).await
}

/// The status of a sign-in with this password.
pub(crate) async fn sign_in_with(up: &Up, name: &str, password: &str) -> u16 {
    let response = reqwest::Client::new()
        .post(format!("http://localhost:{}/authenticate", up.auth))
        .json(&json!({ "username": name, "password": password }))
        .send()
        .await
        .expect("a response");
    response.status().as_u16()
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// The lines of an export, as JSON.
fn exported(up: &Up) -> Vec<Value> {
    let lines = up.run(&["user", "export"]).ok();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// The names of all users. It fails when one occurs twice.
fn names(up: &Up) -> BTreeSet<String> {
    let lines = exported(up).into_iter();
    let users: Vec<Value> = lines.filter(|line| line.get("userName").is_some()).collect();
    let names: BTreeSet<String> = users
        .iter()
        .map(|user| user["userName"].as_str().expect("a name").to_owned())
        .collect();
    assert_eq!(names.len(), users.len());
    names
}

#[tokio::test]
async fn people_are_imported_with_their_passwords_and_again_without_a_change() {
    let up = Up::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("people.ndjson");
    let bad = [
        json!({"userName": "bad-address", "emails": [{"value": "nowhere"}]}),
        json!({"userName": "a<b"}),
        json!({"userName": "weak", "password_hash": "$1$salt$CvCQ1bCZ4y9Fj0IrjzJnE/"}),
        json!({"userName": "open", "password": "never to be shown"}),
        json!({"userName": "p0000"}),
    ];
    let bad: String = bad.iter().map(|line| format!("{line}\n")).collect();
    fs::write(&path, format!("{}{bad}", people("p", 500))).expect("written");
    let import = ["user", "import", text(&path), "--output", "json"];

    // A dry run says what is wrong and changes nothing. The names of one file are not compared with each other.
    let dry = up.run(&[&import[..], &["--dry-run"]].concat());
    assert_eq!(dry.code, 1, "{dry:?}");
    let counts: Value = serde_json::from_str(&dry.out).expect("JSON");
    assert_eq!(
        json!([
            counts["rows"],
            counts["created"],
            counts["passwords"],
            counts["refused"]
        ]),
        json!([505, 502, 500, 4]),
        "{counts}"
    );
    assert_eq!(names(&up), BTreeSet::new());
    let dry_run = fs::read_to_string(folder.path().join("people.ndjson.dry-run.ndjson")).expect("a report");
    assert_eq!(dry_run.lines().count(), 4, "{dry_run}");

    let imported = up.run(&import);
    assert_eq!(imported.code, 1, "{imported:?}");
    assert!(imported.err.contains("5 rows were refused"), "{imported:?}");
    let counts: Value = serde_json::from_str(&imported.out).expect("JSON");
    assert_eq!(
        json!([
            counts["rows"],
            counts["created"],
            counts["passwords"],
            counts["refused"]
        ]),
        json!([505, 501, 500, 5]),
        "{counts}"
    );
    let report = fs::read_to_string(folder.path().join("people.ndjson.report.ndjson")).expect("a report");
    let lines: Vec<Value> = report
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let find = |row: u64| lines.iter().find(|line| line["row"] == row).expect("a line");
    assert_eq!(find(501)["field"], "emails[0].value");
    assert_eq!(find(502)["field"], "userName");
    assert_eq!(find(503)["field"], "password_hash");
    assert!(
        find(503)["id"].is_string(),
        "the user is there without a password"
    );
    assert_eq!(find(505)["userName"], "p0000");
    for output in [&report, &dry_run, &imported.out, &imported.err, &dry.err] {
        for secret in ["$2b$", "$1$", "pbkdf2_sha256", "secretData", "never to be shown"] {
            assert!(!output.contains(secret), "{output}");
        }
    }
    assert!(!folder.path().join("people.ndjson.report.ndjson.journal").exists());
    for name in ["p0000", "p0001", "p0002"] {
        assert_eq!(sign_in(&up, name).await, 200, "{name}");
    }

    let again: Value = serde_json::from_str(&up.run(&import).out).expect("JSON");
    assert_eq!(
        json!([again["created"], again["existing"], again["passwords_unchanged"]]),
        json!([0, 501, 500]),
        "{again}"
    );
}

#[tokio::test]
async fn an_import_that_was_killed_goes_on_without_duplicates() {
    let up = Up::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("people.csv");
    let mut csv = String::from("login,E-Mail,Given Name,hash\n");
    for number in 0..5000 {
        writeln!(
            csv,
            "c{number:04},c{number:04}@example.org,\"Given, name\",{BCRYPT}"
        )
        .expect("a string grows");
    }
    fs::write(&path, csv).expect("written");
    let journal = folder.path().join("people.csv.report.ndjson.journal");
    let data = up.data();
    let arguments = ["user", "import", text(&path), "--output", "json"];
    // In the first batch, and in the second.
    for rows in [100, 2100] {
        let mut child = Command::new(tool())
            .args(arguments)
            .args(["--data", text(&data)])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        eventually("rows are imported", async || {
            let lines = fs::read_to_string(&journal).unwrap_or_default();
            (lines.matches("\"row\"").count() >= rows).then_some(())
        })
        .await;
        child.kill().expect("killed");
        child.wait().expect("ended");
    }
    let done = fs::read_to_string(&journal)
        .expect("a journal")
        .matches("\"row\"")
        .count() as u64;
    assert!(done < 5000, "{done}: it was killed in the middle");
    let counts = up.run(&arguments).json();
    assert_eq!(counts["rows"], 5000);
    assert_eq!(counts["refused"], 0, "{counts}");
    assert!(
        counts["created"].as_u64().expect("a number") <= 5000 - done,
        "{counts}"
    );
    assert_eq!(names(&up).len(), 5000);
    assert_eq!(sign_in(&up, "c0000").await, 200);
    assert_eq!(sign_in(&up, "c4999").await, 200);
    assert!(!journal.exists());
}
