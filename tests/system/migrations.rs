//! Tests of the migrations: a released migration is never edited, because installed databases have it already.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::source::{files, root};

const FOLDERS: [&str; 4] = [
    "libs/events/migrations",
    "libs/provisioning/migrations",
    "services/auth/migrations",
    "services/users/migrations",
];

/// `SHA256SUMS` stands beside the folders of the engines and is only added to: a migration goes in with the commit that
/// brings it, by `sha256sum */NAME.sql >> SHA256SUMS`.
#[test]
fn a_migration_is_never_edited() {
    for folder in FOLDERS {
        let output = Command::new("sha256sum")
            .args(["--check", "--strict", "--quiet", "SHA256SUMS"])
            .current_dir(root().join(folder))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{folder}: a released migration was edited; write a new one instead\n{said}"
        );
        let listed = fs::read_to_string(root().join(folder).join("SHA256SUMS")).unwrap();
        let listed: BTreeSet<&str> = listed
            .lines()
            .filter_map(|line| line.split_whitespace().nth(1))
            .collect();
        for file in files(folder, "sql") {
            let name = Path::new(&file.path).strip_prefix(folder).unwrap();
            assert!(
                listed.contains(name.to_str().unwrap()),
                "{}: add it to {folder}/SHA256SUMS",
                file.path
            );
        }
    }
}

/// The migrator locks the tables of a migration on PostgreSQL before its first statement, and knows what these kinds lock
/// (`migration_locks.rs` of chassis): another kind has to be added there.
#[test]
fn the_locks_of_every_statement_are_known() {
    const KINDS: [&str; 13] = [
        "ALTER TABLE ",
        "CREATE FUNCTION ",
        "CREATE OR REPLACE FUNCTION ",
        "CREATE INDEX ",
        "CREATE TABLE ",
        "CREATE TRIGGER ",
        "CREATE UNIQUE INDEX ",
        "DELETE FROM ",
        "DROP INDEX ",
        "DROP TABLE ",
        "INSERT INTO ",
        "LOCK TABLE ",
        "UPDATE ",
    ];
    for folder in FOLDERS {
        for file in files(&format!("{folder}/postgres"), "sql") {
            // Without the bodies of functions.
            let outside: String = file.text.split("$$").step_by(2).collect();
            let lines = outside.lines().map(|line| line.split("--").next().unwrap());
            let text = lines.collect::<Vec<_>>().join("\n");
            for statement in text
                .split(';')
                .map(str::trim)
                .filter(|statement| !statement.is_empty())
            {
                assert!(
                    KINDS.iter().any(|kind| statement.starts_with(kind)),
                    "{}: {statement}",
                    file.path
                );
            }
        }
    }
}

/// Both engines have the same migrations, and their numbers have no gap.
#[test]
fn the_engines_have_the_same_migrations() {
    for folder in FOLDERS {
        let names = |engine: &str| -> Vec<String> {
            let place = format!("{folder}/{engine}");
            let files = files(&place, "sql");
            files
                .iter()
                .map(|file| file.path[place.len() + 1..].to_owned())
                .collect()
        };
        let sqlite = names("sqlite");
        assert_eq!(sqlite, names("postgres"), "{folder}");
        for (number, name) in (1..).zip(&sqlite) {
            assert!(name.starts_with(&format!("{number:04}_")), "{folder}/{name}");
        }
    }
}

/// The minimum versions that a migration sets: the set, and the migration that a program has to know.
fn minimum_versions(text: &str) -> Vec<(String, u32)> {
    let lines = text
        .lines()
        .filter(|line| line.contains("_migrations_compatible") && !line.trim_start().starts_with("--"));
    lines
        .map(|line| {
            let said = line
                .trim()
                .strip_prefix("UPDATE _migrations_compatible SET oldest = ")
                .and_then(|rest| rest.strip_suffix("';"))
                .and_then(|rest| rest.split_once(" WHERE name = '"));
            let Some((oldest, set)) = said else {
                panic!("not as docs/decisions/0016-schema-changes.md has it: {line}");
            };
            (set.to_owned(), oldest.parse().unwrap())
        })
        .collect()
}

/// A migration that shuts older programs out says the same on both engines, of its own set, and asks for no migration
/// that comes later: nobody could start any more.
#[test]
fn what_shuts_older_programs_out_is_said_for_both_engines() {
    for folder in FOLDERS {
        let own = folder.rsplit('/').nth(1).unwrap();
        for file in files(&format!("{folder}/sqlite"), "sql") {
            let twin = file.path.replace("/sqlite/", "/postgres/");
            let said = minimum_versions(&file.text);
            assert_eq!(
                said,
                minimum_versions(&fs::read_to_string(root().join(&twin)).unwrap()),
                "{}",
                file.path
            );
            let name = file.path.rsplit('/').next().unwrap();
            let number: u32 = name.split('_').next().unwrap().parse().unwrap();
            for (set, oldest) in said {
                assert_eq!(set, own, "{}: there is no such set", file.path);
                assert!(oldest <= number, "{}: nobody knows {oldest} yet", file.path);
            }
        }
    }
    let broken = "UPDATE _migrations_compatible SET oldest = 9 WHERE name = 'event';";
    assert_eq!(minimum_versions(broken), [("event".to_owned(), 9)]);
}
