//! Tests of the export of people and groups, and of its import, against running services.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use testkit::postgres;

use crate::import::{people, sign_in, text};
use crate::stack::Up;

/// Keys of age-keygen 1.1.1.
const RECIPIENT: &str = "age1j6w7s3mmqp0zw34wl96kh4paw6ezqw290wgey3yradffms8lpvhsuhd0s3";
const KEY: &str = "AGE-SECRET-KEY-1WEWK3N8RNPJ72A0ND3ASF9CZW36MQ3G30SU0F8WFMMQYZZ2MG7XS9ZR0VC";
const OTHER_RECIPIENT: &str = "age1uhpzwnjf8cks5l9zst7x52pngul32ermn3jnxv6g28fdzs74yueq9rrxl2";
const OTHER_KEY: &str = "AGE-SECRET-KEY-12YYUXKTUNMSPZFGFSMLY54K5VGKJJLD5C4VR58Z5S5NP7FP8JRQSSV876S";

/// An attribute that SCIM never returns, and one that a person alone may write.
const ATTRIBUTES: (&str, &str) = (
    "VESTIBULE_USERS__SCIM__ATTRIBUTES",
    r#"[{name = "never", returned = "never"}, {name = "own", read = ["self"], write = ["self"]}]"#,
);

async fn start_with_attributes() -> Up {
    let up = Up::spawn_with(
        tempfile::tempdir().expect("a temporary directory"),
        &[],
        &[ATTRIBUTES],
    );
    up.wait_for_output("is ready").await;
    up
}

/// A stack on PostgreSQL.
async fn start_on_postgres(databases: [&str; 2]) -> Up {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let environment = [
        ("VESTIBULE_AUTH__DATABASE__URL", databases[0]),
        ("VESTIBULE_USERS__DATABASE__URL", databases[1]),
        ATTRIBUTES,
    ];
    let up = Up::spawn_with(folder, &[], &environment);
    up.wait_for_output("is ready").await;
    up
}

/// The provisioning client whose identifiers two people and a group have.
const ENTRA: &str = "0199c1a4-6a5e-7cc3-b1a0-0c4a64b0a1d3";
/// People of the large group: one more than the members of a line.
const MEMBERS: usize = 5001;

/// Lines of two people with every attribute, each the manager of the other.
fn full_people() -> String {
    let ids = [
        "0199c1a4-6a5e-7cc3-b1a0-0c4a64b0a1e1",
        "0199c1a4-6a5e-7cc3-b1a0-0c4a64b0a1e2",
    ];
    let line = |number: usize| {
        let person = json!({
            "id": ids[number],
            "userName": format!("Full{number}"),
            "externalId": format!("hr-{number}"),
            "external_ids": {"okta-sync": format!("okta-{number}"), ENTRA: format!("entra-{number}")},
            "meta": {"created": "2020-02-03T04:05:06.000007Z"},
            "name": {
                "givenName": "Zoë", "familyName": "Quillfeather", "middleName": "Maria", "formatted": "Dr. Zoë M. Quillfeather",
                "honorificPrefix": "Dr.", "honorificSuffix": "III",
            },
            "displayName": "Zoë", "nickName": "Zo", "profileUrl": "https://example.org/zoe", "title": "Fletcher",
            "userType": "Employee", "preferredLanguage": "fr-CH", "locale": "fr-CH", "timezone": "Europe/Zurich",
            "emails": [
                {"value": format!("full{number}@example.com"), "type": "work"},
                {"value": format!("zoe{number}@example.org"), "type": "home", "primary": true},
            ],
            "phoneNumbers": [{"value": "+41 44 668 18 00", "type": "work", "display": "Desk"}, {"value": "+41 44 668 18 01"}],
            "ims": [{"value": "zoe", "type": "xmpp"}],
            "photos": [{"value": "https://example.org/zoe.png", "type": "photo"}],
            "addresses": [{
                "formatted": "Bahnhofstrasse 1\n8001 Zürich", "streetAddress": "Bahnhofstrasse 1", "locality": "Zürich",
                "region": "ZH", "postalCode": "8001", "country": "CH", "type": "work", "primary": true,
            }],
            "entitlements": [{"value": "range"}], "roles": [{"value": "fletcher", "display": "Fletcher"}],
            "x509Certificates": [{"value": "MIIBCgKCAQEA"}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
                "employeeNumber": number.to_string(), "costCenter": "7", "organization": "Club", "division": "Range",
                "department": "Archery", "manager": {"value": ids[1 - number]},
            },
            "urn:vestibule:params:scim:schemas:extension:profile:1.0:User": {
                "website": "https://example.org", "gender": "female", "birthdate": "1990-02-28",
            },
            "urn:vestibule:params:scim:schemas:extension:attributes:1.0:User": {
                "values": {"theme": "dark", "levels": [1, 2, {"deep": true}]},
            },
            "urn:vestibule:params:scim:schemas:extension:configured:1.0:User": {"never": "n", "own": "o"},
        });
        format!("{person}\n")
    };
    line(0) + &line(1)
}

/// A line for each of `count` people who have a name alone.
fn names(count: usize) -> String {
    (0..count)
        .map(|number| format!("{}\n", json!({ "userName": format!("n{number:04}") })))
        .collect()
}

/// Lines of groups: one of these people and of another group, and that one with the first person.
fn groups(ids: &[Value]) -> String {
    let group = "urn:ietf:params:scim:schemas:core:2.0:Group";
    let members: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
    let external_ids = json!({ "okta-sync": "okta-all", ENTRA: "entra-all" });
    let inner = json!({"schemas": [group], "id": "inner", "displayName": "Inner", "members": &members[..1]});
    let mut lines = format!("{inner}\n");
    for part in members.chunks(4000) {
        let mut part = part.to_vec();
        part.push(json!({ "value": "inner", "type": "Group" }));
        let line = json!({
            "schemas": [group], "id": "all", "displayName": "All", "externalId": "hr-1", "members": part,
            "external_ids": external_ids,
        });
        lines.push_str(&format!("{line}\n"));
    }
    lines
}

#[tokio::test]
async fn an_export_is_imported_into_another_engine_and_exported_as_the_same_bytes() {
    let databases = [postgres(&[]).await, postgres(&[]).await];
    let (first, second) = (
        start_with_attributes().await,
        start_on_postgres(databases.each_ref().map(|db| db.url())).await,
    );
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let add_client = ["provisioning-client", "add", "Entra ID", "--id", ENTRA];
    first.run(&add_client).ok();
    let lines = people("e", 30) + &full_people() + &names(MEMBERS - 32);
    fs::write(path("people.ndjson"), lines).expect("written");
    first.run(&["user", "import", text(&path("people.ndjson"))]).ok();
    first.run(&["user", "disable", "e0007"]).ok();
    let ids: Vec<Value> = first
        .run(&["user", "export"])
        .ok()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .filter(|line| line.get("userName").is_some())
        .map(|mut line| line["id"].take())
        .collect();
    fs::write(path("groups.ndjson"), groups(&ids)).expect("written");
    let counts = first
        .run(&["user", "import", text(&path("groups.ndjson")), "--output", "json"])
        .json();
    assert_eq!(
        (&counts["groups_created"], &counts["members_added"]),
        (&json!(2), &json!(MEMBERS + 2)),
        "{counts}"
    );

    let export = path("export.ndjson");
    first.run(&["user", "export", "--to", text(&export)]).ok();
    let bytes = fs::read_to_string(&export).expect("a file");
    assert_eq!(
        bytes.lines().count(),
        MEMBERS + 4,
        "everybody, the large group twice, the other one, and the administrators"
    );
    for present in [
        "\"active\":false",
        "\"okta-sync\":\"okta-1\"",
        "\"okta-all\"",
        "\"never\":\"n\"",
        "\"own\":\"o\"",
        "\"manager\":{\"value\"",
    ] {
        assert!(bytes.contains(present), "{present}");
    }
    assert!(!bytes.contains("localhost"), "no address of this installation");
    assert!(first.run(&["user", "export"]).ok() == bytes, "the same bytes");

    // Without the client whose identifiers they have, rows are refused, and a second import makes them.
    let import = ["user", "import", text(&export), "--output", "json"];
    let refused = second.run(&import);
    assert_eq!(refused.code, 1, "{refused:?}");
    let counts: Value = serde_json::from_str(&refused.out).expect("JSON");
    assert_eq!(
        (&counts["created"], &counts["refused"]),
        (&json!(MEMBERS - 2), &json!(5)),
        "two people, the large group in two lines, and the only member of the other: {counts}"
    );
    let report = fs::read_to_string(path("export.ndjson.report.ndjson")).expect("a report");
    assert!(
        report.contains("there is no provisioning client with the id 0199c1a4"),
        "{report}"
    );
    second.run(&add_client).ok();
    let counts = second.run(&import).json();
    assert_eq!(
        (&counts["created"], &counts["refused"], &counts["groups_created"]),
        (&json!(2), &json!(0), &json!(1)),
        "{counts}"
    );
    // Not assert_eq: nobody wants to read both.
    assert!(second.run(&["user", "export"]).ok() == bytes, "the same bytes");
    // Once more: nothing changes.
    let again = second.run(&import).json();
    assert_eq!(
        (&again["existing"], &again["created"], &again["members_added"]),
        (&json!(MEMBERS), &json!(0), &json!(0))
    );
    assert!(second.run(&["user", "export"]).ok() == bytes, "the same bytes");
    assert_eq!(sign_in(&first, "e0000").await, 200);
}

#[tokio::test]
async fn circles_and_members_that_do_not_exist_are_refused_for_themselves() {
    let up = Up::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("groups.ndjson");
    let group = |id: &str, members: Value| {
        let schemas = ["urn:ietf:params:scim:schemas:core:2.0:Group"];
        json!({"schemas": schemas, "id": id, "displayName": format!("Group {id}"), "members": members})
    };
    let lines = [
        group(
            "a",
            json!([{"value": "b"}, {"value": "ann"}, {"value": "nobody"}]),
        ),
        group("b", json!([{"value": "c"}])),
        group("c", json!([{"value": "a"}, {"value": "ann"}])),
        json!({"id": "ann", "userName": "ann"}),
        group("d", json!("x")),
    ];
    fs::write(&path, lines.map(|line| format!("{line}\n")).concat()).expect("written");
    let imported = up.run(&["user", "import", text(&path), "--output", "json"]);
    assert_eq!(imported.code, 1, "{imported:?}");
    let counts: Value = serde_json::from_str(&imported.out).expect("JSON");
    assert_eq!(
        (&counts["groups_created"], &counts["members_added"]),
        (&json!(3), &json!(4)),
        "{counts}"
    );
    let report = fs::read_to_string(folder.path().join("groups.ndjson.report.ndjson")).expect("a report");
    let lines: Vec<Value> = report
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let shape: Vec<(&Value, &str)> = lines
        .iter()
        .map(|line| (&line["row"], line["reason"].as_str().expect("a reason")))
        .collect();
    assert_eq!(
        shape,
        [
            (&json!(5), "expected a list of objects with value"),
            (&json!(1), "nobody: no such user or group"),
            (&json!(3), "a: the group would be a member of itself"),
        ]
    );
    assert_eq!(lines[1]["displayName"], "Group a");
}

// SB-34, SB-52
#[tokio::test]
async fn hashes_leave_encrypted_by_auth_and_to_its_recipients_alone() {
    let closed = Up::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let export = path("export.ndjson");
    let arguments = ["user", "export", "--hashes", "--to", text(&export)];
    fs::write(path("people.ndjson"), people("h", 30)).expect("written");
    closed.run(&["user", "import", text(&path("people.ndjson"))]).ok();
    let refused = closed.run(&arguments).fails(6);
    assert!(refused.contains("export_recipients"), "{refused}");
    assert!(!export.exists());

    let folder_of_data = closed.end().await;
    let environment = [("VESTIBULE_AUTH__PASSWORDS__EXPORT_RECIPIENTS", RECIPIENT)];
    let open = Up::spawn_with(folder_of_data, &[], &environment);
    open.wait_for_output("is ready").await;
    let counts = open.run(&[&arguments[..], &["--output", "json"]].concat()).json();
    assert_eq!(
        (&counts["users"], &counts["hashes"]),
        (&json!(30), &json!(30)),
        "{counts}"
    );
    assert_absent(&export, &["$2b$", "pbkdf2", "\"password_hash\""]);
    // The names and addresses too, with a key of the tool.
    let whole = path("export.ndjson.age");
    let arguments = [
        "user",
        "export",
        "--hashes",
        "--recipient",
        OTHER_RECIPIENT,
        "--to",
        text(&whole),
    ];
    open.run(&arguments).ok();
    assert_absent(&whole, &["h0001", "vestibule-admins", "BEGIN AGE"]);
    drop(open);

    let secret = |name: &str, keys: &str| {
        fs::write(path(name), format!("# keys\n{keys}\n")).expect("written");
        path(name)
    };
    let (right, wrong) = (secret("key.txt", KEY), secret("wrong.txt", OTHER_KEY));
    let both = secret("both.txt", &format!("{OTHER_KEY}\n{KEY}"));
    let second = Up::start().await;
    for file in [&export, &whole] {
        let locked = second.run(&["user", "import", text(file)]).fails(2);
        assert!(
            locked.contains("is encrypted: name the file with the key"),
            "{locked}"
        );
    }
    for (file, key) in [(&export, &wrong), (&whole, &right), (&whole, &wrong)] {
        let locked = second
            .run(&["user", "import", text(file), "--identity", text(key)])
            .fails(2);
        assert!(locked.contains("cannot be decrypted"), "{locked}");
    }
    assert_imported(
        &second,
        &["user", "import", text(&export), "--identity", text(&right)],
    )
    .await;
    let third = Up::start().await;
    assert_imported(
        &third,
        &["user", "import", text(&whole), "--identity", text(&both)],
    )
    .await;
    for file in ["export.ndjson.report.ndjson", "export.ndjson.age.report.ndjson"] {
        assert_absent(&path(file), &["$2b$"]);
    }
}

/// Asserts that a file has none of these texts.
fn assert_absent(file: &Path, texts: &[&str]) {
    let content = fs::read(file).expect("a file");
    let content = String::from_utf8_lossy(&content);
    for text in texts {
        assert!(!content.contains(text), "{} has {text}", file.display());
    }
}

/// Asserts that 30 people come with their passwords.
async fn assert_imported(up: &Up, import: &[&str]) {
    let counts = up.run(&[import, &["--output", "json"]].concat()).json();
    assert_eq!(
        (&counts["created"], &counts["passwords"]),
        (&json!(30), &json!(30)),
        "{counts}"
    );
    for name in ["h0000", "h0001", "h0002"] {
        assert_eq!(sign_in(up, name).await, 200, "{name}");
    }
}

#[tokio::test]
async fn one_document_has_what_both_services_know_of_a_person() {
    let up = Up::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("people.ndjson");
    fs::write(&path, people("d", 2)).expect("written");
    up.run(&["user", "import", text(&path)]).ok();
    assert_eq!(sign_in(&up, "d0000").await, 200);
    let document = up.run(&["user", "export", "--user-name", "d0000"]).json();
    assert_eq!(document["users"]["user"]["user_name"], "d0000");
    assert_eq!(document["auth"]["subject"]["user_name"], "d0000");
    assert_eq!(document["auth"]["credentials"][0]["kind"], "password");
    assert!(!document.to_string().contains("$argon2id$"), "no hash");
    let id = document["id"].as_str().expect("an id");
    let file = folder.path().join("d.json");
    up.run(&["user", "export", "--id", id, "--to", text(&file)]).ok();
    let written: Value = serde_json::from_str(&fs::read_to_string(&file).expect("a file")).expect("JSON");
    assert_eq!(written["users"], document["users"]);
    up.run(&["user", "export", "--user-name", "nobody"]).fails(3);
    up.run(&["user", "export", "--id", "01980000-0000-7000-8000-000000000001"])
        .fails(3);
}
