//! Tests of databases and folders that cannot be used: a clear message, an exit code and no partial write.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use testkit::{Stack, program};

/// The configuration and data of a stack that has run and stopped.
async fn stopped_stack() -> Stack {
    let mut stack = Stack::start().await;
    stack.register("ann").await;
    stack.auth.terminate().await;
    stack.users.terminate().await;
    stack
}

fn start_service(folder: &Path, service: &str) -> Output {
    let configuration = folder.join(format!("{service}.toml"));
    Command::new(program(&format!("vestibule-{service}")))
        .arg("--config")
        .arg(configuration)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// Asserts that the service exited with `code` and a message that names `what`, and without a panic.
fn assert_refused(output: &Output, code: i32, what: &str) {
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(what), "{what:?} is not in: {said}");
    assert!(!said.contains("panicked"), "{said}");
}

#[tokio::test]
async fn a_corrupt_database_is_named_and_left_alone() {
    let stack = stopped_stack().await;
    for service in ["auth", "users"] {
        let path = stack.folder().join(format!("{service}.db"));
        for file in [
            path.clone(),
            path.with_extension("db-wal"),
            path.with_extension("db-shm"),
        ] {
            let _ = fs::remove_file(file);
        }
        let garbage = b"this is no database ".repeat(500);
        fs::write(&path, &garbage).unwrap();
        assert_refused(
            &start_service(stack.folder(), service),
            3,
            &format!("{service}.db"),
        );
        assert_eq!(fs::read(&path).unwrap(), garbage, "nothing was written");
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_taken_until_it_shuts_this_one_out() {
    let mut stack = stopped_stack().await;
    for (service, url) in ["auth", "users"].into_iter().zip(stack.database_urls()) {
        let mut connection = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url)
            .await
            .unwrap();
        for set in ["events", service] {
            let mut insert = sqlx::QueryBuilder::<sqlx::Sqlite>::new(format!(
                "INSERT INTO _migrations_{set} (version, description, success, checksum, execution_time) VALUES (9999, 'from the future', TRUE, x'00', 0)"
            ));
            insert.build().execute(&mut connection).await.unwrap();
        }
        sqlx::Connection::close(connection).await.unwrap();
    }
    stack.auth.start_again();
    stack.users.start_again();
    stack.ready().await;
    stack.register("bob").await;
    stack.auth.terminate().await;
    stack.users.terminate().await;
    for (service, url) in ["auth", "users"].into_iter().zip(stack.database_urls()) {
        let mut connection = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url)
            .await
            .unwrap();
        sqlx::query("UPDATE _migrations_compatible SET oldest = 9999 WHERE name = 'events'")
            .execute(&mut connection)
            .await
            .unwrap();
        sqlx::Connection::close(connection).await.unwrap();
        assert_refused(
            &start_service(stack.folder(), service),
            3,
            "migration 9999 of events",
        );
    }
}

#[tokio::test]
async fn a_database_in_a_folder_that_is_none_is_refused() {
    let stack = stopped_stack().await;
    fs::write(stack.folder().join("file"), "").unwrap();
    for service in ["auth", "users"] {
        let path = stack.folder().join(format!("{service}.toml"));
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("sqlite:", "sqlite:file/")).unwrap();
        assert_refused(&start_service(stack.folder(), service), 3, "file/");
    }
}

#[tokio::test]
async fn a_bad_configuration_names_file_key_and_what_is_expected() {
    let stack = stopped_stack().await;
    for service in ["auth", "users"] {
        let path = stack.folder().join(format!("{service}.toml"));
        let good = fs::read_to_string(&path).unwrap();
        let file = format!("{service}.toml");

        fs::write(&path, format!("surprise = 1\n{good}")).unwrap();
        let output = start_service(stack.folder(), service);
        assert_refused(&output, 2, &file);
        assert_refused(&output, 2, "surprise");

        fs::write(
            &path,
            good.replace("drain_seconds = 0", "drain_seconds = \"soon\""),
        )
        .unwrap();
        let output = start_service(stack.folder(), service);
        assert_refused(&output, 2, &file);
        assert_refused(&output, 2, "drain_seconds");

        fs::write(&path, &good).unwrap();
    }
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let stack = stopped_stack().await;
    for service in ["auth", "users"] {
        let text = fs::read_to_string(stack.folder().join(format!("{service}.toml"))).unwrap();
        let address = text
            .lines()
            .find_map(|line| line.strip_prefix("address = "))
            .unwrap()
            .trim_matches('"')
            .to_owned();
        let _taken = std::net::TcpListener::bind(&address).unwrap();
        let port = address.split(':').next_back().unwrap();
        assert_refused(&start_service(stack.folder(), service), 4, port);
    }
}

/// A full disk, as far as a process can tell: no file may grow beyond a limit, and the signal that would come is ignored.
#[tokio::test]
async fn a_full_disk_is_told_and_leaves_nothing_half_written() {
    let stack = stopped_stack().await;
    for service in ["auth", "users"] {
        for suffix in ["db", "db-wal", "db-shm"] {
            let _ = fs::remove_file(stack.folder().join(format!("{service}.{suffix}")));
        }
        let limited = |blocks: u32| {
            Command::new("bash")
                .args([
                    "-c",
                    "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"",
                    "bash",
                    &blocks.to_string(),
                ])
                .arg(program(&format!("vestibule-{service}")))
                .arg("--config")
                .arg(stack.folder().join(format!("{service}.toml")))
                .current_dir(stack.folder())
                .output()
                .unwrap()
        };
        assert_refused(&limited(16), 3, &format!("{service}.db"));
    }
    // With room again, both start from what is there and work.
    let mut stack = stack;
    stack.auth.start_again();
    stack.users.start_again();
    stack.ready().await;
    stack.register("bob").await;
}
