//! A backup is taken under load, changes follow, the databases are gone, the backup is put back: people sign in, and the
//! services agree again.

use std::cell::Cell;
use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use testkit::{Engine, Person, Process, Stack, StackOptions, Visitor, eventually, program};

use crate::load::Load;

/// Runs the tool for the services that are named, where they run.
fn tool(stack: &Stack, command: &str, services: &[&str], more: &[&str]) -> Output {
    let mut run = Command::new(program("vestibule"));
    run.arg(command).current_dir(stack.folder());
    for service in services {
        run.arg(format!("--{service}-config"))
            .arg(format!("{service}.toml"));
    }
    run.args(more).output().unwrap()
}

fn done(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// It refused with this exit code, and said this.
fn refused(output: &Output, code: i32, what: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(what), "{said}");
}

/// What an operator would like to forget: the data of a service is gone.
async fn disaster(stack: &Stack, service: usize) {
    let url = &stack.database_urls()[service];
    match url.strip_prefix("sqlite:") {
        Some(path) => {
            for suffix in ["", "-wal", "-shm"] {
                let _ = fs::remove_file(format!("{path}{suffix}"));
            }
        }
        None => {
            let mut connection = PgConnection::connect(url).await.unwrap();
            for statement in ["DROP SCHEMA public CASCADE", "CREATE SCHEMA public"] {
                sqlx::query(statement).execute(&mut connection).await.unwrap();
            }
        }
    }
}

/// Waits until both services say that they hold what the other does, and that all else is in order.
async fn agree(stack: &Stack) {
    for url in [
        stack.auth_url("/admin/v1/events"),
        stack.users_url("/admin/v1/events"),
    ] {
        eventually("the services agree", async || {
            let token = stack.operator_token().await;
            let ask = stack.http().post(format!("{url}/reconcile")).bearer_auth(&token);
            let report: Value = ask.send().await.ok()?.json().await.ok()?;
            let clean = report["caught_up"] == true && report["differences"].as_array()?.is_empty();
            let verify = stack
                .http()
                .get(format!("{url}/verify?older=60"))
                .bearer_auth(&token);
            let verified: Value = verify.send().await.ok()?.json().await.ok()?;
            (clean && verified["ok"] == true).then_some(())
        })
        .await;
    }
}

async fn delete(stack: &Stack, person: &Person) {
    let url = stack.users_url(&format!("/scim/v2/Users/{}", person.id));
    let token = stack.operator_token().await;
    let answer = stack.http().delete(url).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), 204);
    eventually("she can no longer sign in", async || {
        (stack.try_authenticate(person, None).await.0 == 401).then_some(())
    })
    .await;
}

/// The state of somebody in the user service, if there is one.
async fn in_directory(stack: &Stack, person: &Person) -> bool {
    let url = stack.users_url(&format!("/scim/v2/Users/{}", person.id));
    let token = stack.operator_token().await;
    let answer = stack.http().get(url).bearer_auth(token).send().await.unwrap();
    answer.status().is_success()
}

async fn rename(stack: &Stack, person: &Person, display: &str) {
    let url = stack.users_url(&format!("/scim/v2/Users/{}", person.id));
    let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": person.user_name,
        "displayName": display, "name": { "givenName": display } });
    let answer = stack
        .http()
        .put(url)
        .bearer_auth(stack.operator_token().await)
        .header("content-type", "application/scim+json")
        .body(body.to_string());
    assert!(answer.send().await.unwrap().status().is_success());
}

async fn stop(process: &mut Process) {
    assert!(process.terminate().await.success());
}

/// Takes a backup while people register; everybody who was told that they are registered before it began is in it.
async fn backup_under_load(stack: &Stack) {
    let (over, before) = (Cell::new(false), Cell::new(0));
    let people = async {
        for number in 0.. {
            if over.get() {
                break;
            }
            stack.register(&format!("guest{number}")).await;
            before.set(number);
        }
    };
    let taking = async {
        eventually("the load began", async || (before.get() > 0).then_some(())).await;
        let mut run = tokio::process::Command::new(program("vestibule"));
        run.current_dir(stack.folder()).args([
            "backup",
            "--users-config",
            "users.toml",
            "--auth-config",
            "auth.toml",
            "--to",
            "backup",
        ]);
        let output = run.output().await.unwrap();
        over.set(true);
        done(&output);
    };
    tokio::join!(people, taking);
}

async fn story(engine: Engine) {
    let mut stack = Stack::with(StackOptions::on(engine)).await;
    let (ann, eve) = (stack.register("ann").await, stack.register("eve").await);
    let load = Load::on(&stack, &ann).await;
    let mut visitor = Visitor::at(&stack.auth_url(""));
    load.sign_in(&mut visitor).await;
    assert!(visitor.open("/").await.has_form("/logout"));
    let (_, given) = stack
        .try_authenticate(&ann, Some("openid profile offline_access"))
        .await;
    let refresh = given["refresh_token"].as_str().unwrap().to_owned();

    backup_under_load(&stack).await;
    refused(
        &tool(&stack, "backup", &["auth"], &["--to", "backup"]),
        4,
        "there already",
    );
    rename(&stack, &ann, "After the backup").await;
    delete(&stack, &eve).await;
    let zoe = stack.register("zoe").await;
    refused(
        &tool(&stack, "restore", &["users"], &["--from", "backup", "--replace"]),
        4,
        "in use",
    );

    // The user service alone loses its data.
    stop(&mut stack.users).await;
    disaster(&stack, 1).await;
    done(&tool(&stack, "restore", &["users"], &["--from", "backup"]));
    stack.users.start_again();
    stack.users_ready().await;
    stack.authenticate(&ann).await;
    // Asked for by `auth` after the backup, and so asked for again.
    eventually("zoe is back", async || {
        in_directory(&stack, &zoe).await.then_some(())
    })
    .await;
    eventually("eve stays erased", async || {
        (!in_directory(&stack, &eve).await).then_some(())
    })
    .await;
    agree(&stack).await;
    assert!(
        visitor.open("/").await.has_form("/logout"),
        "sessions are no affair of the user service"
    );
    rename(&stack, &zoe, "After the restoration").await;
    agree(&stack).await;

    // The authentication service alone.
    stop(&mut stack.auth).await;
    refused(
        &tool(&stack, "restore", &["auth"], &["--from", "backup"]),
        4,
        "--replace",
    );
    done(&tool(
        &stack,
        "restore",
        &["auth"],
        &["--from", "backup", "--replace"],
    ));
    stack.auth.start_again();
    stack.auth_ready().await;
    stack.authenticate(&ann).await;
    assert!(
        !visitor.open("/").await.has_form("/logout"),
        "the session of the backup is over"
    );
    let used = load.refresh(&refresh, "vestibule-direct").await;
    assert!(used.is_none(), "a refresh token of the backup is worth nothing");
    eventually("eve stays erased", async || {
        (stack.try_authenticate(&eve, None).await.0 == 401).then_some(())
    })
    .await;
    agree(&stack).await;

    // Both at once.
    stop(&mut stack.auth).await;
    stop(&mut stack.users).await;
    disaster(&stack, 0).await;
    disaster(&stack, 1).await;
    done(&tool(
        &stack,
        "restore",
        &["users", "auth"],
        &["--from", "backup"],
    ));
    stack.auth.start_again();
    stack.users.start_again();
    stack.ready().await;
    stack.authenticate(&ann).await;
    let tokens = stack.authenticate(&stack_guest()).await;
    eventually("a guest of the backup is whole", async || {
        stack.user(&tokens.access).await.0.is_success().then_some(())
    })
    .await;
    agree(&stack).await;
    stack.register("new").await;
    agree(&stack).await;
}

/// Who registered before the backup began.
fn stack_guest() -> Person {
    Person::named("guest0")
}

#[tokio::test]
async fn a_backup_brings_everything_back_on_sqlite() {
    story(Engine::Sqlite).await;
}

#[tokio::test]
async fn a_backup_brings_everything_back_on_postgres() {
    story(Engine::Postgres).await;
}

#[tokio::test]
async fn what_does_not_fit_is_refused_before_anything_is_changed() {
    let mut stack = Stack::start().await;
    stack.register("ann").await;
    done(&tool(&stack, "backup", &["users", "auth"], &["--to", "backup"]));
    for file in ["backup/auth/database.sqlite", "backup/auth/manifest.json"] {
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &fs::metadata(stack.folder().join(file)).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    stop(&mut stack.auth).await;
    let database = stack.folder().join("auth.db");
    let before = fs::read(&database).unwrap();
    let restore = |more: &[&str]| {
        let all = [&["--from", "backup"], more].concat();
        tool(&stack, "restore", &["auth"], &all)
    };
    refused(&restore(&[]), 4, "--replace");

    let manifest = stack.folder().join("backup/auth/manifest.json");
    let good = fs::read_to_string(&manifest).unwrap();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_str(&good).unwrap();
        change(&mut value);
        fs::write(&manifest, value.to_string()).unwrap();
    };
    with(&|value| value["schema"][0]["migration"] = 9999.into());
    refused(&restore(&["--replace"]), 2, "9999");
    with(&|value| value["engine"] = "postgres".into());
    refused(&restore(&["--replace"]), 2, "postgres");
    with(&|value| value["service"] = "users".into());
    refused(&restore(&["--replace"]), 2, "users");
    fs::write(&manifest, &good).unwrap();
    let copy = stack.folder().join("backup/auth/database.sqlite");
    let mut bytes = fs::read(&copy).unwrap();
    bytes[5000] ^= 1;
    fs::write(&copy, &bytes).unwrap();
    refused(&restore(&["--replace"]), 1, "damaged");
    assert_eq!(fs::read(&database).unwrap(), before, "nothing was changed");
    bytes[5000] ^= 1;
    fs::write(&copy, &bytes).unwrap();
    done(&restore(&["--replace"]));
    assert!(stack.folder().join("auth.db.replaced").exists());
}
