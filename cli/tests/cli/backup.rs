//! Tests of `backup` and `restore` on a data directory.

use std::fs;

use serde_json::json;

use crate::stack::{Up, run_without_disk_space};

const PASSWORD: &str = "plenty of words to guess";

/// Signs in with `POST /authenticate` and returns the status.
async fn sign_in(up: &Up, name: &str) -> u16 {
    let answer = reqwest::Client::new()
        .post(format!("http://localhost:{}/authenticate", up.auth))
        .json(&json!({ "username": name, "password": PASSWORD }))
        .send()
        .await
        .expect("answered");
    answer.status().as_u16()
}

#[tokio::test]
async fn a_data_directory_is_brought_back_with_one_command() {
    let mut up = Up::start().await;
    up.add_user("ann", PASSWORD).ok();
    let to = up.data().with_file_name("backup");
    let to = to.to_str().expect("UTF-8");
    let said = up.run(&["backup", "--to", to]).ok();
    assert!(said.contains("auth") && said.contains("users"), "{said}");
    let full = up.data().with_file_name("full");
    let full = full.to_str().expect("UTF-8");
    let data = up.data();
    let data = data.to_str().expect("UTF-8");
    let said = run_without_disk_space(&["backup", "--data", data, "--to", full]).fails(1);
    let folder = up.data().with_file_name(".backup-");
    let folder = folder.to_str().expect("UTF-8");
    assert!(said.contains(&format!("disk that holds {folder}")), "{said}");
    assert!(!std::path::Path::new(full).exists());
    let again = up.run(&["backup", "--to", to]).fails(4);
    assert!(again.contains("there already"), "{again}");
    up.add_user("bob", PASSWORD).ok();

    let refused = up.run(&["restore", "--from", to, "--replace"]).fails(4);
    assert!(refused.contains("vestibule up"), "{refused}");
    assert!(up.process.terminate().await.success());
    for name in ["auth.db", "users.db"] {
        fs::remove_file(up.data().join(name)).expect("it was there");
    }
    up.run(&["restore", "--from", to]).ok();
    up.process.start_again();
    let begun = up.count("is ready");
    testkit::within(
        std::time::Duration::from_secs(60),
        "it is ready again",
        async || (up.count("is ready") > begun).then_some(()),
    )
    .await;
    testkit::eventually("ann signs in", async || {
        (sign_in(&up, "ann").await == 200).then_some(())
    })
    .await;
    assert_eq!(sign_in(&up, "bob").await, 401);
    up.run(&["events", "verify"]).ok();
}
