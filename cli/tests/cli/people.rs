//! Tests of the commands for people: adding, changing, deleting, restoring and erasing them.

use serde_json::json;
use testkit::eventually;

use crate::stack::Up;

const PASSWORD: &str = "plenty of words to guess";

/// Signs in with `POST /authenticate` and returns the status.
async fn sign_in(up: &Up, name: &str, password: &str) -> u16 {
    let answer = reqwest::Client::new()
        .post(format!("http://localhost:{}/authenticate", up.auth))
        .json(&json!({ "username": name, "password": password }))
        .send()
        .await
        .expect("answered");
    answer.status().as_u16()
}

#[tokio::test]
async fn people_are_added_listed_shown_disabled_enabled_and_deleted() {
    let up = Up::start().await;
    let add = [
        "user",
        "add",
        "ann",
        "--email",
        "ann@example.org",
        "--given-name",
        "Ann",
        "--family-name",
        "Archer",
    ];
    let made = up
        .run_with(
            &[&add[..], &["--password-stdin", "--output", "json"]].concat(),
            PASSWORD,
        )
        .json();
    let id = made["id"].as_str().expect("an id").to_owned();
    eventually("the user service has answered", async || {
        (sign_in(&up, "ann", PASSWORD).await == 200).then_some(())
    })
    .await;

    let again = up
        .run_with(&[&add[..], &["--password-stdin"]].concat(), PASSWORD)
        .fails(4);
    assert!(again.contains("user_name: "), "{again}");
    let short = [
        "user",
        "add",
        "bob",
        "--email",
        "bob@example.org",
        "--password-stdin",
    ];
    assert!(up.run_with(&short, "short\n").fails(2).contains("password"));
    assert_eq!(
        up.run(&short).fails(2),
        "error: --password-stdin: the first line of standard input is empty\n"
    );

    let table = up.run(&["user", "list"]).ok();
    assert!(
        table
            .lines()
            .any(|line| line.starts_with("ann ") && line.contains(&id)),
        "{table}"
    );
    let list = up.run(&["user", "list", "--output", "json"]).json();
    assert_eq!(list[0]["userName"], "ann");
    assert_eq!(list[0]["name"]["familyName"], "Archer");
    let filter = "emails.value eq \"ANN@example.org\"";
    let found = up
        .run(&["user", "list", "--all", "--filter", filter, "--output", "json"])
        .json();
    assert_eq!(
        (found[0]["userName"].as_str(), found[1].as_str()),
        (Some("ann"), None)
    );
    let nobody = up
        .run(&[
            "user",
            "list",
            "--filter",
            "userName sw \"zz\"",
            "--output",
            "json",
        ])
        .json();
    assert_eq!(nobody, json!([]));
    assert!(
        up.run(&["user", "list", "--filter", "shoeSize pr"])
            .fails(2)
            .contains("shoeSize")
    );
    up.run(&["user", "list", "--all", "--limit", "3"]).fails(2);
    assert!(up.run(&["user", "show", "ANN"]).ok().contains("ann@example.org"));
    assert_eq!(
        up.run(&["user", "show", "--id", &id, "--output", "json"]).json()["id"],
        id
    );
    up.run(&["user", "show", "nobody\" or userName pr"]).fails(3);
    // SB-49: a name is never taken for an id, and nobody can have a name that is one.
    for command in ["show", "disable", "enable"] {
        let told = up.run(&["user", command, &id]).fails(3);
        assert!(told.contains(&format!("--id {id}")), "{told}");
    }
    up.run(&["user", "show", "ann", "--id", &id]).fails(2);
    up.run(&["user", "show"]).fails(2);
    for (name, why) in [
        (id.as_str(), "id"),
        ("rооt", "scripts"),
        ("root", "reserved"),
        ("a<b", "<"),
    ] {
        let told = up
            .run(&["user", "add", name, "--email", "m@example.org"])
            .fails(2);
        assert!(told.contains(why), "{name}: {told}");
    }

    let link = up.run(&["user", "link", "ann"]).ok();
    assert!(link.contains("/setup?token="), "{link}");

    up.run(&["user", "disable", "ann"]).ok();
    assert!(up.run(&["user", "show", "ann"]).ok().contains("disabled"));
    eventually("ann is refused", async || {
        (sign_in(&up, "ann", PASSWORD).await == 401).then_some(())
    })
    .await;
    up.run(&["user", "enable", "ann"]).ok();
    eventually("ann is let in", async || {
        (sign_in(&up, "ann", PASSWORD).await == 200).then_some(())
    })
    .await;

    let unsure = up.run(&["user", "delete", "ann"]).fails(2);
    assert!(unsure.contains("--yes"), "{unsure}");
    up.run(&["user", "delete", "ann", "--yes"]).ok();
    up.run(&["user", "show", "ann"]).fails(3);
    eventually("ann is gone", async || {
        (sign_in(&up, "ann", PASSWORD).await == 401).then_some(())
    })
    .await;
    a_deleted_person_is_restored_and_erased(&up, &id).await;
}

/// `id` is that of ann, who was deleted.
async fn a_deleted_person_is_restored_and_erased(up: &Up, id: &str) {
    let listed = up.run(&["user", "list", "--deleted", "--output", "json"]).json();
    assert_eq!(
        (&listed[0]["user_name"], &listed[0]["id"]),
        (&json!("ann"), &json!(id))
    );
    assert!(
        up.run(&["user", "list", "--deleted"])
            .ok()
            .contains("ann@example.org")
    );
    assert!(
        up.run(&["user", "restore", "nobody"])
            .fails(3)
            .contains("--deleted")
    );
    let restored = up.run(&["user", "restore", "ann", "--as", "anna"]).ok();
    assert!(restored.contains("anna is back"), "{restored}");
    eventually("ann signs in under the new name", async || {
        (sign_in(up, "anna", PASSWORD).await == 200).then_some(())
    })
    .await;
    up.run(&["user", "delete", "--id", id, "--yes"]).ok();
    let unsure = up.run(&["user", "erase", "anna"]).fails(2);
    assert!(unsure.contains("--yes"), "{unsure}");
    up.run(&["user", "erase", "anna", "--yes"]).ok();
    up.run(&["user", "restore", "--id", id]).fails(3);
    assert_eq!(
        up.run(&["user", "list", "--deleted", "--output", "json"]).json(),
        json!([])
    );
    // Somebody who is there is deleted and erased in one step; a name of two people is refused.
    for _ in 0..2 {
        up.run_with(
            &[
                "user",
                "add",
                "bob",
                "--email",
                "bob@example.org",
                "--password-stdin",
            ],
            PASSWORD,
        )
        .ok();
        eventually("bob is there", async || {
            (sign_in(up, "bob", PASSWORD).await == 200).then_some(())
        })
        .await;
        up.run(&["user", "delete", "bob", "--yes"]).ok();
    }
    assert!(up.run(&["user", "restore", "bob"]).fails(2).contains("--id"));
    assert!(
        up.run(&["user", "erase", "bob", "--yes"])
            .fails(2)
            .contains("--id")
    );
}

#[tokio::test]
async fn an_account_without_a_password_gets_a_link() {
    let up = Up::start().await;
    let shown = up
        .run(&["user", "add", "bob", "--email", "bob@example.org", "--admin"])
        .ok();
    assert!(
        shown.contains(&format!("http://localhost:{}/", up.auth)),
        "{shown}"
    );
    let groups = up.run(&["user", "show", "bob"]).ok();
    assert!(groups.contains("vestibule-admins"), "{groups}");
}
