//! Tests of groups: how each format has them, and how an import puts their members in.

use std::fs;

use serde_json::json;

use super::*;
use crate::api::testing::Script;
use crate::import::run::ImportOptions;

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ID: &str = "0199c1a4-6a5e-7cc3-b1a0-0c4a64b0a1d2";

fn members(group: &GroupRecord) -> Vec<(&str, Option<&str>)> {
    let members = group.members.iter();
    members
        .map(|member| (member.reference.as_str(), member.kind))
        .collect()
}

fn groups_of(row: &Row) -> &[String] {
    match &row.item {
        Ok(Item::User(record)) => &record.groups,
        _ => panic!("no user: {row:?}"),
    }
}

#[test]
fn a_line_of_ndjson_is_a_group_by_its_schema() {
    let content = format!(
        "{{\"schemas\":[\"{GROUP}\"],\"id\":\"{ID}\",\"displayName\":\"Archers\",\"meta\":{{\"created\":\"2020-01-01T00:00:00Z\",\"version\":\"1\"}},\
         \"members\":[{{\"value\":\"a\",\"type\":\"user\",\"display\":\"x\"}},{{\"value\":\"b\"}}]}}\n\
         {{\"meta\":{{\"resourceType\":\"Group\"}},\"id\":\"g1\",\"displayName\":\"Bakers\"}}\n\
         {{\"schemas\":[\"{GROUP}\"]}}\n{{\"schemas\":[\"{GROUP}\"],\"displayName\":\"x\",\"members\":[{{}}]}}\n"
    );
    let rows = rows_of(content.as_bytes(), FileFormat::Ndjson, &ReaderOptions::default());
    let archers = group_of(&rows[0]);
    let expected = json!({"id": ID, "displayName": "Archers", "meta": {"created": "2020-01-01T00:00:00Z"}});
    assert_eq!(Value::Object(archers.group.clone()), expected);
    assert_eq!(members(archers), [("a", Some("User")), ("b", None)]);
    assert_eq!(group_of(&rows[1]).references, ["g1"]);
    assert_eq!(refusal_of(&rows[2]), ("displayName", "is required"));
    assert_eq!(refusal_of(&rows[3]).0, "members");
}

#[test]
fn a_realm_of_keycloak_has_a_tree_of_groups_and_roles() {
    let realm = json!({
        "users": [{"username": "ann", "groups": ["/sales/emea"], "realmRoles": ["offline_access", "default-roles-x", "boss"]}],
        "groups": [
            {"id": "1", "name": "sales", "path": "/sales", "subGroups": [
                {"id": "2", "name": "emea", "path": "/sales/emea", "subGroups": []},
                {"name": "apac", "subGroups": [{"name": "tokyo"}]},
            ]},
            {"name": "staff", "path": "/staff"},
        ],
    });
    let content = realm.to_string();
    let options = ReaderOptions {
        roles: true,
        ..ReaderOptions::default()
    };
    let rows = rows_of(content.as_bytes(), FileFormat::Keycloak, &options);
    let names: Vec<&str> = rows[..5].iter().map(|row| group_of(row).name()).collect();
    assert_eq!(
        names,
        ["sales", "sales/apac", "sales/apac/tokyo", "sales/emea", "staff"]
    );
    assert_eq!(group_of(&rows[0]).group["externalId"], "1");
    let sales = group_of(&rows[0]);
    assert_eq!(
        members(sales),
        [
            ("group /sales/emea", Some("Group")),
            ("group /sales/apac", Some("Group"))
        ]
    );
    assert_eq!(group_of(&rows[2]).references, ["group /sales/apac/tokyo"]);
    assert_eq!(groups_of(&rows[5]), ["sales/emea", "boss"]);
    assert_eq!(rows[5].number, 6);
    let without = rows_of(
        content.as_bytes(),
        FileFormat::Keycloak,
        &ReaderOptions::default(),
    );
    assert_eq!(groups_of(&without[5]), ["sales/emea"]);
    // A list of users alone, and a document without groups.
    for content in ["[{\"username\":\"ann\"}]", "{\"users\":[{\"username\":\"ann\"}]}"] {
        let rows = rows_of(
            content.as_bytes(),
            FileFormat::Keycloak,
            &ReaderOptions::default(),
        );
        assert_eq!(rows.len(), 1, "{content}");
    }
}

#[test]
fn groups_of_ldif_refer_to_people_by_name_and_by_uid() {
    let content = b"dn: cn=Archers, ou=groups,dc=example\nobjectClass: groupOfNames\ncn: Archers\n\
        member: uid=Ann,OU=people,dc=example\nmember: CN=Bob Baker, ou=people,dc=example\nmember: cn=bakers,ou=groups,dc=example\n\n\
        dn: cn=bakers,ou=groups,dc=example\nobjectClass: posixGroup\ncn: bakers\nmemberUid: ann\n\n\
        dn: uid=ann,ou=people,dc=example\nuid: ann\nmail: a@example.org\n\n\
        dn: cn=Bob Baker,ou=People,dc=example\nuid: bob\n\n\
        dn: cn=x,dc=example\nobjectClass: groupOfNames\ncn: x\nchangetype: modify\n";
    let rows = rows_of(content, FileFormat::Ldif, &ReaderOptions::default());
    let archers = group_of(&rows[0]);
    let expected = [
        ("uid ann", None),
        ("dn cn=bob baker,ou=people,dc=example", None),
        ("dn cn=bakers,ou=groups,dc=example", None),
    ];
    assert_eq!(members(archers), expected);
    assert_eq!(
        group_of(&rows[1]).references,
        ["dn cn=bakers,ou=groups,dc=example"]
    );
    assert_eq!(members(group_of(&rows[1])), [("uid ann", None)]);
    let Ok(Item::User(bob)) = &rows[3].item else {
        panic!("no user");
    };
    assert_eq!(
        bob.references,
        ["uid bob", "dn cn=bob baker,ou=people,dc=example"]
    );
    assert!(refusal_of(&rows[4]).1.contains("a change, not a group"));
}

#[test]
fn columns_and_auth0_put_people_into_groups_by_name() {
    for (header, format) in [
        ("userName,groups", FileFormat::Csv),
        ("login,groups", FileFormat::Okta),
    ] {
        let content = format!("{header}\nann,Archers; Bakers ;\nbob,\n");
        let rows = rows_of(content.as_bytes(), format, &ReaderOptions::default());
        assert_eq!(groups_of(&rows[0]), ["Archers", "Bakers"], "{header}");
        assert!(groups_of(&rows[1]).is_empty());
    }
    let user = json!({"email": "a@example.org", "app_metadata": {"authorization": {"groups": ["Archers"]}}});
    let rows = rows_of(
        user.to_string().as_bytes(),
        FileFormat::Auth0,
        &ReaderOptions::default(),
    );
    assert_eq!(groups_of(&rows[0]), ["Archers"]);
}

/// Imports a file from a service with these answers. Returns the summary, the requests and the report.
async fn imported(
    content: &str,
    name: &str,
    answers: &[(u16, Value)],
) -> (Summary, Vec<(String, Value)>, String) {
    let (script, api) = Script::start(answers).await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder, name, content.as_bytes());
    let format = FileFormat::of(&path).expect("a format");
    let options = ImportOptions {
        report: folder.path().join("report"),
        source: path.clone(),
        concurrency: 1,
        on_conflict: ConflictPolicy::Fail,
        dry_run: false,
        patience: std::time::Duration::from_millis(300),
        progress: false,
    };
    let source = source(&path, format, &ReaderOptions::default());
    let summary = import(&api, &source, &options).await.expect("imported");
    let report = fs::read_to_string(&options.report).expect("a report");
    (summary, script.requests(), report)
}

#[tokio::test]
async fn members_are_added_when_all_groups_are_there_and_by_the_ids_that_they_have_here() {
    let other = "0199c1a4-6a5e-7cc3-b1a0-0c4a64b0a1d3";
    let content = format!(
        "{{\"schemas\":[\"{GROUP}\"],\"id\":\"g\",\"displayName\":\"Archers\",\"members\":[{{\"value\":\"h\"}},{{\"value\":\"{ID}\"}}]}}\n\
         {{\"schemas\":[\"{GROUP}\"],\"id\":\"h\",\"displayName\":\"Bakers\"}}\n{{\"id\":\"{ID}\",\"userName\":\"ann\",\"externalId\":\"e\"}}\n"
    );
    let existing = json!({"Resources": [{"id": other, "userName": "ann", "externalId": "e"}]});
    let (summary, requests, report) = imported(
        &content,
        "a.ndjson",
        &[
            (
                200,
                json!({"results": [{"status": "conflict", "detail": "userName: is taken"}]}),
            ),
            (200, existing),
            (
                200,
                json!({"results": [{"status": "created", "id": ID}, {"status": "existing", "id": other}]}),
            ),
            (
                200,
                json!({"results": [{"status": "existing", "id": ID, "members_added": 1,
            "members_refused": [{"id": other, "detail": "no such user or group"}]}]}),
            ),
        ],
    )
    .await;
    assert_eq!(
        (summary.groups_created, summary.groups_existing, summary.members),
        (1, 1, 1)
    );
    assert_eq!((summary.existing, summary.refused), (1, 1));
    let groups: Vec<&Value> = requests
        .iter()
        .filter(|(path, _)| path == "/admin/v1/import/groups")
        .map(|(_, body)| body)
        .collect();
    assert_eq!(groups[0]["groups"].as_array().map(Vec::len), Some(2));
    assert_eq!(groups[0]["groups"][0].get("members"), None);
    let part = &groups[1]["groups"][0];
    // The group got the id ID, and ann has another one here.
    assert_eq!(part["id"], ID);
    assert_eq!(part["members"], json!([{"value": other}, {"value": other}]));
    assert!(
        report.contains("\"displayName\":\"Archers\",\"field\":\"members\""),
        "{report}"
    );
}

#[tokio::test]
async fn a_row_that_names_groups_puts_its_user_into_them() {
    let (summary, requests, report) = imported("userName,groups\nann,Archers;bad\nbob,Archers\n", "a.csv", &[
        (200, json!({"results": [{"status": "created", "id": ID}, {"status": "created", "id": "0199c1a4-6a5e-7cc3-b1a0-0c4a64b0a1d3"}]})),
        (200, json!({"results": [{"status": "created", "id": ID, "members_added": 2}]})),
        (200, json!({"results": [{"status": "refused", "detail": "displayName: is the name of a user"}]})),
    ])
    .await;
    assert_eq!(
        (
            summary.created,
            summary.groups_created,
            summary.members,
            summary.refused
        ),
        (2, 1, 2, 1)
    );
    assert_eq!(
        requests[1].1["groups"][0]["members"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(requests[0].1["users"][0].get("groups"), None);
    let line: Value = serde_json::from_str(&report).expect("one line");
    assert_eq!(line["userName"], "ann");
    assert_eq!(line["field"], "groups");
    assert_eq!(line["reason"], "bad: is the name of a user");
}

#[tokio::test]
async fn a_release_without_an_import_of_many_gets_one_request_for_each_user() {
    let (summary, requests, _) = imported(
        "userName\nann\nbob\n",
        "a.csv",
        &[
            (404, json!({})),
            (201, json!({"id": ID})),
            (201, json!({"id": "0199c1a4-6a5e-7cc3-b1a0-0c4a64b0a1d3"})),
        ],
    )
    .await;
    assert_eq!(summary.created, 2);
    let paths: Vec<&str> = requests.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        ["/admin/v1/import/users", "/scim/v2/Users", "/scim/v2/Users"]
    );
}
