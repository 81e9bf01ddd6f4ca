//! Tests of the pushes to a SCIM server that others wrote, `scim2-server` of the scim2 community.

use std::path::PathBuf;

use http::Method;
use serde_json::{Value, json};
use testkit::{Engine, Process, Program, Stack, eventually, free_port};

use super::{add_group, add_user, directory, id, ok, patch};
use crate::source::root;

const TOKEN: &str = "the token of the application";

/// The program, which `scripts/setup` installs.
fn program() -> PathBuf {
    let versions = root().join("tests/system/provisioning/requirements.txt");
    let versions = std::fs::read_to_string(versions).unwrap();
    let pinned = versions
        .lines()
        .find_map(|line| line.strip_prefix("scim2-server=="));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache"));
    let folder = format!(
        "vestibule/tools/scim2-server-{}",
        pinned.expect("a pinned version")
    );
    let program = cache.join(folder).join("bin/scim2-server");
    assert!(
        program.exists(),
        "{} is missing: run scripts/setup",
        program.display()
    );
    program
}

/// The application.
struct Application {
    url: String,
    http: reqwest::Client,
    #[expect(dead_code, reason = "ends the program when dropped")]
    process: Process,
}

impl Application {
    async fn start(stack: &Stack) -> Self {
        let port = free_port();
        let process = Process::start(Program {
            name: "scim2-server",
            path: program(),
            arguments: ["--port", &port.to_string(), "--bearer-token", TOKEN]
                .map(Into::into)
                .to_vec(),
            environment: Vec::new(),
            folder: stack.folder().to_owned(),
            log: stack.folder().join("scim2-server.log"),
        });
        let application = Self {
            url: format!("http://127.0.0.1:{port}/v2"),
            http: stack.http().clone(),
            process,
        };
        eventually("the application answers", async || {
            let url = format!("{}/ServiceProviderConfig", application.url);
            let answer = application.http.get(url).bearer_auth(TOKEN).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
        application
    }

    async fn all(&self, endpoint: &str) -> Vec<Value> {
        let url = format!("{}/{endpoint}", self.url);
        let answer = self.http.get(url).bearer_auth(TOKEN).send().await.unwrap();
        let list: Value = answer.json().await.unwrap();
        list["Resources"].as_array().cloned().unwrap_or_default()
    }

    /// Waits for a resource of which something is true.
    async fn wait_for(&self, endpoint: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        eventually(what, async || {
            self.all(endpoint).await.into_iter().find(|found| is_so(found))
        })
        .await
    }
}

impl Application {
    /// Changes the application behind the back of the directory.
    async fn change(&self, method: Method, path: &str, body: &Value) {
        let url = format!("{}/{path}", self.url);
        let request = self.http.request(method, url).bearer_auth(TOKEN);
        let request = match body {
            Value::Null => request,
            body => request
                .header("content-type", "application/scim+json")
                .body(body.to_string()),
        };
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }
}

#[tokio::test]
async fn a_dry_run_and_a_drift_check_say_what_differs_at_a_server_of_other_authors() {
    let stack = directory(Engine::Sqlite).await;
    let application = Application::start(&stack).await;
    let ann = add_user(&stack, "ann").await;
    let bob = add_user(&stack, "bob").await;
    add_user(&stack, "cas").await;
    let staff = add_group(&stack, "staff", &[&ann, &bob]).await;
    let body = json!({
        "name": "scim2-server",
        "base_url": application.url,
        "credentials": { "type": "bearer", "token": TOKEN },
        "rules": { "people": { "filter": "members", "groups": [staff] } },
        "enabled": false,
    });
    let targets = "/admin/v1/provisioning-targets";
    let target = format!(
        "{targets}/{}",
        id(&ok(&stack, Method::POST, targets, &body).await)
    );
    let at = |end: &str| format!("{target}/{end}");

    // Nothing is written by a dry run, and only members would be.
    let dry = ok(&stack, Method::POST, &at("dry-run"), &Value::Null).await;
    let would: Vec<_> = dry["pushes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|push| push["action"].clone())
        .collect();
    assert_eq!(would, ["create", "create"], "{dry}");
    assert!(application.all("Users").await.is_empty(), "nothing was pushed");

    ok(&stack, Method::PATCH, &target, &json!({ "enabled": true })).await;
    let there = application
        .wait_for("Users", "ann is there", |user| user["userName"] == "ann")
        .await;
    application
        .wait_for("Users", "bob is there", |user| user["userName"] == "bob")
        .await;
    eventually("both are known to be there", async || {
        let target = ok(&stack, Method::GET, &target, &Value::Null).await;
        (target["resources"]["in_step"] == 2 && target["resources"]["waiting"] == 0).then_some(())
    })
    .await;
    let mut names: Vec<Value> = application
        .all("Users")
        .await
        .iter()
        .map(|user| user["userName"].clone())
        .collect();
    names.sort_by_key(Value::to_string);
    assert_eq!(names, ["ann", "bob"], "cas is no member");

    // Behind the directory's back, ann gets another name there and bob is deleted.
    let mut changed = there.clone();
    changed["name"] = json!({ "givenName": "Somebody" });
    application
        .change(Method::PUT, &format!("Users/{}", id(&there)), &changed)
        .await;
    let bob_there = application
        .wait_for("Users", "bob is there", |user| user["userName"] == "bob")
        .await;
    application
        .change(Method::DELETE, &format!("Users/{}", id(&bob_there)), &Value::Null)
        .await;
    ok(
        &stack,
        Method::POST,
        &at("drift-check"),
        &json!({ "repair": true }),
    )
    .await;
    let check = eventually("the drift check ends", async || {
        let check = ok(&stack, Method::GET, &at("drift-check"), &Value::Null).await;
        (check["phase"] == "done").then_some(check)
    })
    .await;
    assert_eq!(
        (&check["different"], &check["missing"]),
        (&json!(1), &json!(1)),
        "{check}"
    );
    let found = |finding: &str, user: &str| {
        let findings = check["findings"].as_array().unwrap();
        findings
            .iter()
            .any(|one| one["finding"] == finding && one["resource_id"] == user)
    };
    assert!(found("different", &ann) && found("missing", &bob), "{check}");
    application
        .wait_for("Users", "ann has her name again", |user| {
            user["name"]["givenName"] == "ann"
        })
        .await;
    application
        .wait_for("Users", "bob is there again", |user| user["userName"] == "bob")
        .await;

    // Who is deleted here is deactivated or gone there.
    ok(
        &stack,
        Method::DELETE,
        &format!("/scim/v2/Users/{bob}"),
        &Value::Null,
    )
    .await;
    eventually("bob is gone or inactive", async || {
        let users = application.all("Users").await;
        let bob = users.iter().find(|user| user["userName"] == "bob");
        bob.is_none_or(|bob| bob["active"] == false).then_some(())
    })
    .await;
}

#[tokio::test]
async fn users_and_groups_live_at_a_server_of_other_authors() {
    let stack = directory(Engine::Sqlite).await;
    let application = Application::start(&stack).await;
    let ann = add_user(&stack, "ann").await;
    let team = add_group(&stack, "team", &[&ann]).await;
    let body = json!({
        "name": "scim2-server",
        "base_url": application.url,
        "credentials": { "type": "bearer", "token": TOKEN },
        "rules": { "groups": { "push": "listed", "groups": [team] } },
    });
    ok(&stack, Method::POST, "/admin/v1/provisioning-targets", &body).await;

    let there = application
        .wait_for("Users", "ann is there", |user| user["userName"] == "ann")
        .await;
    assert_eq!(there["externalId"], ann);
    let has_ann = |group: &Value| {
        let members = group["members"].as_array().cloned().unwrap_or_default();
        members.iter().any(|member| member["value"] == there["id"])
    };
    application
        .wait_for("Groups", "ann is in the team", |group| {
            group["displayName"] == "team" && has_ann(group)
        })
        .await;

    let operations = json!([
        { "op": "replace", "path": "userName", "value": "anna" },
        { "op": "add", "path": "title", "value": "Archer" },
        { "op": "add", "path": "emails", "value": [{ "value": "ann@example.org", "type": "work", "primary": true }] },
        { "op": "replace", "path": "name.familyName", "value": "Archer" },
    ]);
    let path = format!("Users/{ann}");
    patch(&stack, &path, operations).await;
    application
        .wait_for("Users", "ann is changed", |user| {
            user["id"] == there["id"]
                && user["userName"] == "anna"
                && user["title"] == "Archer"
                && user["name"]["familyName"] == "Archer"
                && user["emails"][0]["value"] == "ann@example.org"
        })
        .await;
    patch(&stack, &path, json!([{ "op": "remove", "path": "title" }])).await;
    application
        .wait_for("Users", "the title is gone", |user| user["title"].is_null())
        .await;
    patch(
        &stack,
        &path,
        json!([{ "op": "replace", "path": "active", "value": false }]),
    )
    .await;
    application
        .wait_for("Users", "ann is deactivated", |user| user["active"] == false)
        .await;

    let leave = json!([{ "op": "remove", "path": format!("members[value eq \"{ann}\"]") }]);
    patch(&stack, &format!("Groups/{team}"), leave).await;
    application
        .wait_for("Groups", "ann has left the team", |group| {
            group["displayName"] == "team" && !has_ann(group)
        })
        .await;
    ok(
        &stack,
        Method::DELETE,
        &format!("/scim/v2/Groups/{team}"),
        &Value::Null,
    )
    .await;
    eventually("the team is gone", async || {
        application.all("Groups").await.is_empty().then_some(())
    })
    .await;
    assert_eq!(
        application.all("Users").await.len(),
        1,
        "no second account: {}",
        id(&there)
    );
}
