//! Tests of declarative files against the real services: what is made, changed, found changed, taken over and removed.

mod tool;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use testkit::{Engine, Stack, StackOptions};

use self::tool::Tool;
use super::authority::last_line;

const JOB: &str = "[clients.nightly]\nclient_name = \"Nightly\"\ngrant_types = [\"client_credentials\"]\nscope = \"users:read\"\nclient_secret_file = \"nightly.secret\"\n";
const WIKI: &str = "[protected_hosts.\"wiki.example.org\"]\nname = \"Wiki\"\ngroups = [\"staff\"]\n";
const SHOP: &str = "[clients.shop]\nclient_name = \"Shop\"\nredirect_uris = [\"https://shop.example.org/cb\"]\ntoken_endpoint_auth_method = \"none\"\nroles.editor.groups = [\"Editors\"]\n";

/// A file is applied, nothing happens the second time, drift is found and undone, and what the file does not name is removed on demand.
async fn a_file_is_applied(engine: Engine) {
    let stack = Stack::with(StackOptions::on(engine)).await;
    let tool = Tool::new(&stack);
    let file = [JOB, WIKI, SHOP].concat();
    // Without the secret nothing is made.
    let refused = tool.apply(&file, &[]).ends_with(2);
    assert!(
        refused.contains("clients.nightly.client_secret_file: cannot read the file"),
        "{refused}"
    );
    tool.run(&["client", "show", "shop"]).ends_with(3);
    assert!(
        tool.apply(&file, &["--dry-run", "--make-secret-files"])
            .ends_with(7)
            .contains("3 to create")
    );
    assert!(
        !tool.folder.join("nightly.secret").exists(),
        "a dry run makes no file"
    );
    let made = tool.apply(&file, &["--make-secret-files"]).ok();
    assert!(
        made.contains("created client shop") && made.contains("created protected host wiki.example.org"),
        "{made}"
    );
    let path = tool.folder.join("nightly.secret");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let secret = fs::read_to_string(&path).unwrap().trim().to_owned();
    assert!(secret.len() >= 43 && !made.contains(&secret));
    assert_eq!(tool.token_status("nightly", &secret).await, 200);
    for options in [&[][..], &["--dry-run"], &["--prune"]] {
        let again = tool.apply(&file, options).ok();
        assert_eq!(again.trim(), "nothing to change", "{options:?}");
    }
    let version = tool.client("shop")["version"].clone();

    // Drift.
    tool.run(&["client", "update", "shop", "--name", "By hand"]).ok();
    let plan = tool.apply(&file, &["--dry-run"]).ends_with(7);
    assert!(
        plan.contains("\"By hand\" → \"Shop\"  (changed since the file was applied)"),
        "{plan}"
    );
    let plan = tool.apply(&file, &["--dry-run", "--output", "json"]).ends_with(7);
    let plan: Value = serde_json::from_str(&plan).unwrap();
    assert_eq!(
        plan["steps"][0]["members"],
        json!([{ "member": "client_name", "before": "By hand", "after": "Shop", "drift": true }])
    );
    tool.apply(&file, &[]).ok();
    assert_eq!(tool.client("shop")["client_name"], "Shop");
    assert_ne!(tool.client("shop")["version"], version);

    // Another secret in the file changes nothing until somebody says so; the old one stays good beside it.
    let other = secret.chars().rev().collect::<String>();
    fs::write(&path, &other).unwrap();
    assert!(tool.apply(&file, &[]).ok().contains("--update-secrets"));
    assert_eq!(tool.token_status("nightly", &other).await, 401);
    let updated = tool.apply(&file, &["--update-secrets"]).ok();
    assert!(
        updated.contains("changed client nightly") && !updated.contains(&other),
        "{updated}"
    );
    assert_eq!(
        (
            tool.token_status("nightly", &secret).await,
            tool.token_status("nightly", &other).await
        ),
        (200, 200)
    );

    // A third secret ends the oldest, which the plan says before.
    fs::write(&path, format!("{secret}3")).unwrap();
    let plan = tool.apply(&file, &["--update-secrets", "--dry-run"]).ends_with(7);
    assert!(plan.contains("refuses its secret of 20"), "{plan}");
    assert_eq!(tool.token_status("nightly", &secret).await, 200, "a dry run");
    tool.apply(&file, &["--update-secrets"]).ok();
    assert_eq!(
        (
            tool.token_status("nightly", &secret).await,
            tool.token_status("nightly", &other).await
        ),
        (401, 200)
    );

    // A role that people were given, and tokens, are lost with it.
    let plan = tool
        .apply(
            &file.replace("roles.editor.groups", "roles.reader.groups"),
            &["--dry-run"],
        )
        .ends_with(7);
    for words in [
        "takes the role editor from everybody",
        "revokes its access tokens",
    ] {
        assert!(plan.contains(words), "{words}: {plan}");
    }

    // Removal: only what the file made.
    let by_hand = [
        "client",
        "add",
        "By hand",
        "--public",
        "--redirect-uri",
        "https://hand.example.org/cb",
        "--output",
        "json",
    ];
    let by_hand: Value = serde_json::from_str(&tool.run(&by_hand).ok()).unwrap();
    let by_hand = by_hand["client_id"].as_str().unwrap();
    let named = format!(
        "name = \"team\"\n{}",
        SHOP.replace("clients.shop", "clients.other")
    );
    tool.apply(&named, &[]).ok();
    assert!(tool.apply(JOB, &[]).ok().contains("client shop stays"));
    tool.client("shop");
    let removed = tool.apply(JOB, &["--prune"]).ok();
    assert!(
        removed.contains("removed client shop")
            && removed.contains("removed protected host wiki.example.org"),
        "{removed}"
    );
    tool.run(&["client", "show", "shop"]).ends_with(3);
    for id in [by_hand, "nightly", "other", "vestibule-cli"] {
        tool.client(id);
    }
    assert_eq!(tool.apply(JOB, &["--prune"]).ok().trim(), "nothing to change");

    // What another file manages is taken over from that file alone, and the log has both.
    let both = format!("{JOB}{}", SHOP.replace("clients.shop", "clients.other"));
    assert_eq!(tool.apply(&both, &["--adopt"]).ok().trim(), "nothing to change");
    let adopted = tool.apply(&both, &["--adopt-from", "team"]).ok();
    assert!(
        adopted.contains("takes it from the file team") && adopted.contains("adopted client other"),
        "{adopted}"
    );
    let line = last_line(&stack.auth, "client-adopted").await;
    assert_eq!(
        [
            &line["vestibule.declarative_file.name"],
            &line["vestibule.declarative_file.former_name"],
            &line["vestibule.client.id"],
            &line["user.id"]
        ],
        ["default", "team", "other", "vestibule-cli"],
        "{line}"
    );
}

// SB-52
#[tokio::test]
async fn a_declarative_file_is_applied() {
    a_file_is_applied(Engine::Sqlite).await;
}

#[tokio::test]
async fn a_declarative_file_is_applied_on_postgres() {
    a_file_is_applied(Engine::Postgres).await;
}

/// The file that a running installation prints changes nothing there, and takes it over on demand.
async fn an_installation_is_taken_over(engine: Engine) {
    let stack = Stack::with(StackOptions::on(engine)).await;
    let tool = Tool::new(&stack);
    for add in [
        &[
            "client",
            "add",
            "Shop",
            "--redirect-uri",
            "https://shop.example.org/cb",
            "--role",
            "editor=Editors",
            "--allow-group",
            "staff",
            "--require-assignment",
            "true",
            "--audience",
            "https://api.example.org/",
        ][..],
        &[
            "client",
            "add",
            "Job",
            "--grant-type",
            "client_credentials",
            "--scope",
            "users:read",
        ],
        &[
            "protected-host",
            "add",
            "wiki.example.org",
            "--name",
            "Wiki",
            "--group",
            "staff",
            "--public",
            "/health",
            "--restrict",
            "PUT /a/*=admins",
        ],
        &[
            "protected-host",
            "add",
            "http://127.0.0.1:8080",
            "--name",
            "Here",
            "--everybody",
        ],
    ] {
        tool.run(add).ok();
    }
    let printed = tool.run(&["apply", "--print-current"]).ok();
    assert!(
        printed.contains("# client vestibule-cli (configuration)"),
        "{printed}"
    );
    assert!(
        printed.contains("audiences = [\"https://api.example.org/\"]"),
        "as it was registered: {printed}"
    );
    assert_eq!(
        tool.apply(&printed, &[]).ok().trim(),
        "nothing to change",
        "{printed}"
    );
    let changed = printed.replace("\"Shop\"", "\"Store\"");
    let refused = tool.apply(&changed, &[]).ends_with(4);
    assert!(
        refused.contains("no file manages it") && refused.contains("--adopt"),
        "{refused}"
    );
    let adopted = tool.apply(&changed, &["--adopt"]).ok();
    assert!(
        adopted.contains("0 to create, 0 to change, 4 to adopt, 0 to remove, 0 to release"),
        "{adopted}"
    );
    assert_eq!(tool.apply(&changed, &[]).ok().trim(), "nothing to change");
    assert!(
        tool.apply(&printed, &["--dry-run"])
            .ends_with(7)
            .contains("\"Store\" → \"Shop\"")
    );
    // What was adopted is released, and never removed.
    let refused = tool.apply("", &["--prune"]).ends_with(2);
    assert!(refused.contains("--prune-all"), "{refused}");
    let released = tool.apply("", &["--prune", "--prune-all"]).ok();
    assert!(released.contains("0 to remove, 4 to release"), "{released}");
    assert_eq!(tool.apply("", &["--prune"]).ok().trim(), "nothing to change");
    assert!(
        tool.run(&["apply", "--print-current"]).ok().contains("\"Store\""),
        "it is there"
    );
    let configured = "[clients.vestibule-cli]\ngrant_types = [\"client_credentials\"]\n";
    let refused = tool
        .apply(configured, &["--adopt", "--show-secrets"])
        .ends_with(4);
    assert!(refused.contains("configuration file"), "{refused}");
}

#[tokio::test]
async fn an_installation_is_taken_over_by_its_file() {
    an_installation_is_taken_over(Engine::Sqlite).await;
}

#[tokio::test]
async fn an_installation_is_taken_over_by_its_file_on_postgres() {
    an_installation_is_taken_over(Engine::Postgres).await;
}

/// A step that the service refuses ends the run. What was made before stays, and the next run goes on.
#[tokio::test]
async fn a_run_that_fails_in_the_middle_goes_on_the_next_time() {
    let stack = Stack::with(StackOptions::on(Engine::Sqlite)).await;
    let tool = Tool::new(&stack);
    // The service refuses a host of its own, which the tool cannot know.
    let own = "[protected_hosts.\"http://localhost:1\"]\nname = \"Own\"\neverybody = true\n";
    let failed = tool.apply(&[SHOP, own, WIKI].concat(), &[]).ends_with(2);
    for words in [
        "created client shop",
        "1 of 3 steps are done",
        "Not done: protected host wiki.example.org",
    ] {
        assert!(failed.contains(words), "{words}: {failed}");
    }
    let again = tool.apply(&[SHOP, WIKI].concat(), &[]).ok();
    assert!(
        again.contains("1 to create, 0 to change")
            && again.contains("created protected host wiki.example.org"),
        "{again}"
    );
}

/// A scope that the installation does not have stops the run before the first change.
#[tokio::test]
async fn a_scope_that_is_counted_on_must_be_there() {
    let options = StackOptions::on(Engine::Sqlite).with(
        "VESTIBULE_AUTH__SCOPES",
        "{ work = { claims = { title = \"title\" } } }",
    );
    let stack = Stack::with(options).await;
    let tool = Tool::new(&stack);
    let counting_on = |claim: &str| format!("[scopes.work]\nclaims = [\"{claim}\"]\n{SHOP}");
    // The scope email gives this claim, and work does not.
    for claim in ["department", "email"] {
        let refused = tool.apply(&counting_on(claim), &[]).ends_with(4);
        assert!(refused.contains(&format!("the claim {claim}")), "{refused}");
    }
    tool.run(&["client", "show", "shop"]).ends_with(3);
    tool.apply(&counting_on("title"), &[]).ok();
}
