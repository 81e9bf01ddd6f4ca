//! The operator's actions and checks in the backup tests.

use std::fs;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use testkit::{Person, Process, Stack, eventually, program, within};

/// A service that starts again joins its group or queue again, and reads in the feed what it missed; one look at whether
/// services agree waits for that.
pub(super) const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(90);

/// Runs `vestibule` for the named services.
pub(super) fn run_tool(stack: &Stack, command: &str, services: &[&str], more: &[&str]) -> Output {
    let mut run = Command::new(program("vestibule"));
    run.arg(command).current_dir(stack.folder());
    for service in services {
        run.arg(format!("--{service}-config"))
            .arg(format!("{service}.toml"));
    }
    run.args(more).output().unwrap()
}

pub(super) fn assert_success(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// Asserts the exit code and a part of the message.
pub(super) fn assert_refused(output: &Output, code: i32, what: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(what), "{said}");
}

/// Deletes the data of a service.
pub(super) async fn delete_data(stack: &Stack, service: usize) {
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

/// Waits until both services say that they hold what the other does, and that all else is in order. They only look: what
/// they lacked would be repaired otherwise.
pub(super) async fn wait_until_services_agree(stack: &Stack) {
    for url in [
        stack.auth_url("/admin/v1/events"),
        stack.users_url("/admin/v1/events"),
    ] {
        within(CATCH_UP_TIMEOUT, "the services agree", async || {
            let token = stack.operator_token().await;
            let ask = stack
                .http()
                .post(format!("{url}/reconcile?dry=true"))
                .bearer_auth(&token);
            let report: Value = ask.send().await.ok()?.json().await.ok()?;
            let clean = report["caught_up"] == true && report["differences"].as_array()?.is_empty();
            let verify = stack
                .http()
                .get(format!("{url}/verify?older=60"))
                .bearer_auth(&token);
            let verified: Value = verify.send().await.ok()?.json().await.ok()?;
            let agreed = clean && verified["ok"] == true;
            if !agreed {
                println!("{url}: {report}\n{verified}");
            }
            agreed.then_some(())
        })
        .await;
    }
}

/// Waits until a person can sign in, after a restored `auth` has caught up with the user service.
pub(super) async fn wait_until_sign_in_works(stack: &Stack, person: &Person) {
    within(CATCH_UP_TIMEOUT, "sign-in is open again", async || {
        let (status, body) = stack.try_authenticate(person, None).await;
        if status == 503 {
            return None;
        }
        assert_eq!(status, 200, "{body}");
        Some(())
    })
    .await;
}

pub(super) async fn delete(stack: &Stack, person: &Person) {
    let url = stack.users_url(&format!("/scim/v2/Users/{}", person.id));
    let token = stack.operator_token().await;
    let answer = stack.http().delete(url).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), 204);
    eventually("she can no longer sign in", async || {
        (stack.try_authenticate(person, None).await.0 == 401).then_some(())
    })
    .await;
}

/// True if the user service has the person.
pub(super) async fn is_in_directory(stack: &Stack, person: &Person) -> bool {
    let url = stack.users_url(&format!("/scim/v2/Users/{}", person.id));
    let token = stack.operator_token().await;
    let answer = stack.http().get(url).bearer_auth(token).send().await.unwrap();
    answer.status().is_success()
}

pub(super) async fn rename(stack: &Stack, person: &Person, display: &str) {
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

pub(super) async fn stop(process: &mut Process) {
    assert!(process.terminate().await.success());
}
