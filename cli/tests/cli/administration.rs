//! Tests of the administrator's commands against running services.

use serde_json::{Value, json};
use testkit::eventually;

use crate::stack::{Up, vestibule};

const PASSWORD: &str = "plenty of words to guess";

#[tokio::test]
async fn applications_are_added_listed_shown_and_deleted() {
    let up = Up::start().await;
    let callback = "http://localhost:3000/callback";
    let add = [
        "client",
        "add",
        "Shop",
        "--redirect-uri",
        callback,
        "--output",
        "json",
    ];
    let made = up.run(&add).json();
    let id = made["client_id"].as_str().expect("an id");
    assert!(made["client_secret"].as_str().expect("a secret").len() >= 43);
    let shown = up.run(&["client", "show", id]).ok();
    assert!(shown.contains(callback) && shown.contains("Shop"), "{shown}");
    assert!(
        !shown.contains(made["client_secret"].as_str().expect("a secret")),
        "once only"
    );
    let phone = [
        "client",
        "add",
        "Phone",
        "--public",
        "--redirect-uri",
        "http://127.0.0.1/callback",
    ];
    assert!(!up.run(&phone).ok().contains("client_secret"));
    let table = up.run(&["client", "list"]).ok();
    assert!(table.contains("Shop") && table.contains("Phone"), "{table}");
    up.run(&["client", "delete", id]).ok();
    up.run(&["client", "show", id]).fails(3);
    up.run(&["client", "delete", id]).fails(3);
    up.run(&["client", "add", "Bad", "--redirect-uri", "not a uri"])
        .fails(2);
}

#[tokio::test]
async fn a_client_for_a_job_gets_tokens_of_its_scopes() {
    let up = Up::start().await;
    let add = [
        "client",
        "add",
        "Job",
        "--grant-type",
        "client_credentials",
        "--scope",
        "users:read",
    ];
    let made = up.run(&[&add[..], &["--output", "json"]].concat()).json();
    let text = |key: &str| made[key].as_str().expect("text").to_owned();
    let answer = reqwest::Client::new()
        .post(format!("http://localhost:{}/oauth2/token", up.auth))
        .basic_auth(text("client_id"), Some(text("client_secret")))
        .form(&[("grant_type", "client_credentials"), ("scope", "users:read")])
        .send()
        .await
        .expect("answered");
    assert_eq!(answer.status(), 200);
    let token: Value = answer.json().await.expect("JSON");
    let token = token["access_token"].as_str().expect("a token");
    let users = format!("http://localhost:{}", up.users);
    let remote = ["--users-url", &users, "--token", token];
    vestibule(&[&["user", "list"], &remote[..]].concat(), "").ok();
    vestibule(
        &[&["events", "tail", "--service", "users"], &remote[..]].concat(),
        "",
    )
    .fails(6);
    vestibule(&[&["user", "list"], &remote[..3], &["nonsense"]].concat(), "").fails(6);
}

#[tokio::test]
async fn keys_are_listed_and_rotated_and_tokens_go_on() {
    let up = Up::start().await;
    let before = up.run(&["keys", "list", "--output", "json"]).json();
    assert!(up.run(&["keys", "list"]).ok().contains("ES256"));
    up.run(&["keys", "rotate"]).ok();
    let after = up.run(&["keys", "list", "--output", "json"]).json();
    assert_ne!(before, after);
    up.run(&["user", "list"]).ok();
}

#[tokio::test]
async fn events_are_printed_from_a_position_on() {
    let up = Up::start().await;
    up.add_user("ann", PASSWORD).ok();
    let tail = ["events", "tail", "--service", "users", "--output", "json"];
    let first = eventually("user.created is published", async || {
        let lines = up.run(&tail).ok();
        let mut events = lines
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        events.find(|event| event["type"] == "vestibule.user.created.v1")
    })
    .await;
    let position = first["position"].as_str().expect("a position").to_owned();
    let later = up.run(&[&tail[..], &["--after", &position]].concat()).ok();
    assert!(!later.contains(first["id"].as_str().expect("an id")), "{later}");
    let both = up.run(&["events", "tail"]).ok();
    assert!(
        both.contains("user.created.v1") && both.contains("registration.requested.v1"),
        "{both}"
    );
    assert_eq!(up.run(&["events", "tail", "--after", "3"]).code, 2);
}

#[tokio::test]
async fn doctor_is_content_with_a_running_stack_and_finds_an_open_secret() {
    use std::os::unix::fs::PermissionsExt;
    let up = Up::start().await;
    let report = up.run(&["doctor", "--output", "json"]).json();
    assert_eq!(report["ok"], true, "{report:#}");
    assert!(
        report["checks"].as_array().expect("checks").len() > 10,
        "{report:#}"
    );
    let secret = up.data().join("secrets/encryption-k1");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).expect("changed");
    let found = up.run(&["doctor"]);
    assert_eq!(found.code, 1, "{found:?}");
    assert!(
        found.out.contains(&format!("chmod 600 {}", secret.display())),
        "{}",
        found.out
    );
}

#[tokio::test]
async fn somebody_can_sign_in_and_nobody_is_left_behind() {
    let up = Up::start().await;
    let said = up.run(&["smoke"]).ok();
    assert!(
        said.contains("signed in") && said.contains("deleted again"),
        "{said}"
    );
    let left = up.run(&["user", "list", "--output", "json"]).json();
    assert_eq!(left, json!([]));

    up.add_user("ann", PASSWORD).ok();
    let (auth, users) = (
        format!("http://localhost:{}", up.auth),
        format!("http://localhost:{}", up.users),
    );
    let password = up.data().join("password");
    std::fs::write(&password, PASSWORD).expect("written");
    let file = password.to_str().expect("UTF-8");
    let smoke = [
        "smoke",
        "--auth-url",
        &auth,
        "--users-url",
        &users,
        "--output",
        "json",
    ];
    // Somebody who is there needs no credential beside the password.
    let ann = [&smoke[..], &["--user", "ann", "--password-file", file]].concat();
    let said = vestibule(&ann, "").json();
    assert_eq!((&said["ok"], &said["deleted"]), (&json!(true), &json!(false)));
    std::fs::write(&password, "something else altogether").expect("written");
    vestibule(&ann, "").fails(6);

    vestibule(&smoke, "").fails(2);
    let secret = up.data().join("secrets/vestibule-cli");
    let secret = [
        "--client-id",
        "vestibule-cli",
        "--client-secret-file",
        secret.to_str().expect("UTF-8"),
    ];
    assert_eq!(
        vestibule(&[&smoke[..], &secret].concat(), "").json()["deleted"],
        true
    );
    let left = up.run(&["user", "list", "--output", "json"]).json();
    assert_eq!(left[0]["userName"], "ann");
    assert_eq!(left.as_array().expect("a list").len(), 1);
}
