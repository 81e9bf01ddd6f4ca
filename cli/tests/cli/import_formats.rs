//! Imports of the export files of other systems, each with `--format` against running services: with groups, and sign-ins with imported
//! hashes.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use testkit::eventually;

use crate::import::{PASSWORD, sign_in_with, text};
use crate::stack::Up;

/// A file of another system.
struct File {
    format: &'static str,
    fixture: &'static str,
    /// Names that another file has too, with those that take their place.
    renamed: &'static [(&'static str, &'static str)],
    options: Vec<String>,
    /// People who are created, those of them who have a hash, rows that are refused, and groups.
    counts: [u64; 4],
    /// People who can sign in afterwards, with their passwords.
    sign_ins: &'static [(&'static str, &'static str)],
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/import/tests/fixtures")
}

fn files() -> Vec<File> {
    let plain = |format, fixture, counts, sign_ins| File {
        format,
        fixture,
        renamed: &[],
        options: Vec::new(),
        counts,
        sign_ins,
    };
    let parameters = fixtures().join("firebase-hash-config.txt");
    vec![
        // The account of a client is refused.
        plain("keycloak", "keycloak.json", [2, 1, 1, 1], &[("ann", PASSWORD)]),
        // Written by `kc.sh export --realm acme --file …` of Keycloak 26.7, without the clients and the realm's keys: hashes of Argon2,
        // PBKDF2-SHA512 and PBKDF2-SHA256 (of a disabled person), somebody without a password, and a group in a group.
        plain(
            "keycloak",
            "keycloak-26.7.json",
            [4, 3, 1, 2],
            &[("ann.archer", "plum orbit canvas sixteen"), ("zoë", UNICODE)],
        ),
        plain(
            "auth0",
            "auth0.ndjson",
            [3, 2, 0, 0],
            &[("bob@example.org", PASSWORD)],
        ),
        File {
            options: vec!["--firebase-hash-config".to_owned(), text(&parameters).to_owned()],
            ..plain(
                "firebase",
                "firebase.json",
                [2, 1, 0, 0],
                &[("user1@example.com", "user1password")],
            )
        },
        File {
            renamed: &[
                (",FALSE,ann", ",FALSE,kay"),
                ("bob@example.org", "kim@example.org"),
            ],
            ..plain("cognito", "cognito.csv", [2, 0, 0, 0], &[])
        },
        File {
            renamed: &[("ann@example.org", "lea@example.org"), ("\"bob\"", "\"leo\"")],
            ..plain(
                "kratos",
                "kratos.json",
                [2, 1, 0, 0],
                &[("lea@example.org", PASSWORD)],
            )
        },
        File {
            renamed: &[
                ("primaryPhone", "primaryPhone,groups"),
                ("\"+1 555 0100\"", "\"+1 555 0100\",\"Support; Everybody\""),
            ],
            ..plain("okta", "okta.csv", [1, 0, 0, 2], &[])
        },
        File {
            renamed: &[
                ("uid=ann", "uid=mia"),
                ("uid: ann", "uid: mia"),
                ("uid=bob", "uid=mo"),
                ("uid: bob", "uid: mo"),
            ],
            ..plain(
                "ldif",
                "people.ldif",
                [2, 2, 0, 1],
                &[("mia", UNICODE), ("mo", LONG)],
            )
        },
    ]
}

/// Passwords of the LDIF: letters of two bytes and of four, and one longer than what bcrypt hashes.
const UNICODE: &str = "Zażółć gęślą 🪿";
const LONG: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
/// A group of the directory of the LDIF.
const GROUP: &str = "
dn: cn=Archers,ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: Archers
member: uid=mia,ou=people,dc=example,dc=org
member: uid=mo,ou=people,dc=example,dc=org
";

#[tokio::test]
async fn people_of_every_format_come_with_their_groups_and_sign_in_with_their_passwords() {
    let up = Up::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    for file in files() {
        let format = file.format;
        let mut content = fs::read_to_string(fixtures().join(file.fixture)).expect("a fixture");
        for (name, other) in file.renamed {
            assert!(content.contains(name), "{format}: {name}");
            content = content.replace(name, other);
        }
        if format == "ldif" {
            content.push_str(GROUP);
        }
        // The name of the file does not tell the format.
        let path = folder.path().join(format!("{format}.export"));
        fs::write(&path, content).expect("written");
        let mut arguments = vec![
            "user",
            "import",
            text(&path),
            "--format",
            format,
            "--output",
            "json",
        ];
        arguments.extend(file.options.iter().map(String::as_str));
        let imported = up.run(&arguments);
        let counts: Value =
            serde_json::from_str(&imported.out).unwrap_or_else(|_| panic!("{format}: {imported:?}"));
        let expected =
            ["created", "passwords", "refused", "groups_created"].map(|name| counts[name].as_u64());
        assert_eq!(expected, file.counts.map(Some), "{format}: {counts}");
        assert_eq!(
            imported.code,
            i32::from(file.counts[2] > 0),
            "{format}: {imported:?}"
        );
        for (name, password) in file.sign_ins {
            eventually(&format!("{name} of {format} signs in"), async || {
                (sign_in_with(&up, name, password).await == 200).then_some(())
            })
            .await;
            assert_eq!(
                sign_in_with(&up, name, "another").await,
                401,
                "{name} of {format}"
            );
        }
    }

    let exported = up.run(&["user", "export"]).ok();
    let lines: Vec<Value> = exported
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let names_of = |group: &str| {
        let group = lines
            .iter()
            .find(|line| line["displayName"] == group)
            .unwrap_or_else(|| panic!("{group}"));
        let members = group["members"].as_array().into_iter().flatten();
        let mut names: Vec<&str> = members
            .filter_map(|member| {
                lines.iter().find(|line| line["id"] == member["value"])?["userName"].as_str()
            })
            .collect();
        names.sort_unstable();
        names
    };
    assert_eq!(names_of("staff"), ["ann"]);
    assert_eq!(names_of("Sales"), ["ann.archer"]);
    assert_eq!(names_of("Sales/North"), ["zoë"]);
    assert_eq!(names_of("Support"), ["ann.archer@example.org"]);
    assert_eq!(names_of("Everybody"), ["ann.archer@example.org"]);
    assert_eq!(names_of("Archers"), ["mia", "mo"]);
    let named = |name: &str| {
        lines
            .iter()
            .find(|line| line["userName"] == name)
            .expect("a user")
    };
    assert_eq!(named("bob")["active"], json!(false), "disabled in Keycloak");
    assert_eq!(named("kim")["active"], json!(false), "disabled in Keycloak 26.7");
    assert_eq!(named("ann.archer@example.org")["addresses"][0]["country"], "CH");
}
