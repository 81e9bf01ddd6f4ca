//! Tests of `vestibule up` on a directory that was started on other ports before.

use std::fs;

use serde_json::{Value, json};

use crate::stack::Up;

const PASSWORD: &str = "plum-tractor-violin-42";

/// Gets a token for ann at `auth`, reads `GET /user` at `users` with it and returns the status.
async fn status_at_both_services(up: &Up) -> u16 {
    let http = reqwest::Client::new();
    let answer = http
        .post(format!("http://localhost:{}/authenticate", up.auth))
        .json(&json!({ "username": "ann", "password": PASSWORD }))
        .send()
        .await
        .expect("answered");
    let tokens: Value = answer.json().await.expect("JSON");
    let token = tokens["access_token"].as_str().unwrap_or_default().to_owned();
    let user = http
        .get(format!("http://localhost:{}/user", up.users))
        .bearer_auth(token);
    user.send().await.expect("answered").status().as_u16()
}

#[tokio::test]
async fn a_directory_of_an_older_release_goes_on_at_other_ports() {
    let up = Up::start().await;
    up.add_user("ann", PASSWORD).ok();
    let (file, both) = (up.data().join("auth.toml"), [up.auth, up.users]);
    let folder = up.end().await;
    // What releases until 2026-11 wrote into every client.
    let text = fs::read_to_string(&file).expect("read");
    assert!(
        !text.contains("\naudiences ="),
        "nothing derived is written: {text}"
    );
    let [auth, users] = both.map(|port| format!("http://localhost:{port}"));
    let line = "grant_types = [\"client_credentials\"]";
    let older = text.replace(line, &format!("{line}\naudiences = [\"{auth}\", \"{users}\"]"));
    fs::write(&file, &older).expect("written");

    let up = Up::spawn_in(folder, &[]);
    up.wait_for_output("is ready").await;
    assert_ne!([up.auth, up.users], both);
    assert_eq!(status_at_both_services(&up).await, 200);
    let found = up.run(&["doctor", "--output", "json"]).json();
    assert_eq!(found["ok"], true, "{found:#}");
    up.run(&["user", "list"]).ok();
    assert_eq!(
        fs::read_to_string(&file).expect("read"),
        older,
        "the file is the operator's"
    );
}

#[tokio::test]
async fn an_issuer_that_cannot_be_carried_over_is_refused_and_found_by_doctor() {
    let up = Up::start().await;
    let file = up.data().join("auth.toml");
    let text = fs::read_to_string(&file).expect("read");
    let line = "grant_types = [\"client_credentials\"]";
    let elsewhere = format!("{line}\naudiences = [\"https://id.example.org\"]");
    fs::write(&file, text.replace(line, &elsewhere)).expect("written");
    let said = up.run(&["doctor"]);
    assert_ne!(said.code, 0);
    assert!(said.out.contains("clients.vestibule-auth.audiences"), "{said:?}");
    let folder = up.end().await;

    let up = Up::spawn_in(folder, &[]);
    up.wait_for_output("clients.vestibule-auth.audiences").await;
    assert_eq!(up.count("is ready"), 0);
}
