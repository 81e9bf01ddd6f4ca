//! Test of a backup under load and its restoration: people sign in afterwards, and the services agree.

use std::cell::Cell;

use testkit::{Engine, Person, Stack, StackOptions, Visitor, eventually, program};

use super::operator::{
    assert_refused, assert_success, delete, delete_data, is_in_directory, rename, run_tool, stop,
    wait_until_services_agree, wait_until_sign_in_works,
};
use crate::load::Load;

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
        assert_success(&output);
    };
    tokio::join!(people, taking);
}

async fn story(engine: Engine) {
    let mut stack =
        Stack::with(StackOptions::on(engine).with("VESTIBULE_USERS__DELETION__GRACE_DAYS", "0")).await;
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
    assert_refused(
        &run_tool(&stack, "backup", &["auth"], &["--to", "backup"]),
        4,
        "there already",
    );
    rename(&stack, &ann, "After the backup").await;
    delete(&stack, &eve).await;
    let zoe = stack.register("zoe").await;
    assert_refused(
        &run_tool(&stack, "restore", &["users"], &["--from", "backup", "--replace"]),
        4,
        "in use",
    );

    // The user service alone loses its data.
    stop(&mut stack.users).await;
    delete_data(&stack, 1).await;
    assert_success(&run_tool(&stack, "restore", &["users"], &["--from", "backup"]));
    stack.users.start_again();
    stack.users_ready().await;
    stack.authenticate(&ann).await;
    // Asked for by `auth` after the backup, and so asked for again.
    eventually("zoe is back", async || {
        is_in_directory(&stack, &zoe).await.then_some(())
    })
    .await;
    eventually("eve stays erased", async || {
        (!is_in_directory(&stack, &eve).await).then_some(())
    })
    .await;
    wait_until_services_agree(&stack).await;
    assert!(
        visitor.open("/").await.has_form("/logout"),
        "sessions are no affair of the user service"
    );
    rename(&stack, &zoe, "After the restoration").await;
    wait_until_services_agree(&stack).await;

    // The authentication service alone.
    stop(&mut stack.auth).await;
    assert_refused(
        &run_tool(&stack, "restore", &["auth"], &["--from", "backup"]),
        4,
        "--replace",
    );
    assert_success(&run_tool(
        &stack,
        "restore",
        &["auth"],
        &["--from", "backup", "--replace"],
    ));
    stack.auth.start_again();
    stack.auth_ready().await;
    wait_until_sign_in_works(&stack, &ann).await;
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
    wait_until_services_agree(&stack).await;

    // Both at once.
    stop(&mut stack.auth).await;
    stop(&mut stack.users).await;
    delete_data(&stack, 0).await;
    delete_data(&stack, 1).await;
    assert_success(&run_tool(
        &stack,
        "restore",
        &["users", "auth"],
        &["--from", "backup"],
    ));
    stack.auth.start_again();
    stack.users.start_again();
    stack.ready().await;
    wait_until_sign_in_works(&stack, &ann).await;
    let tokens = stack.authenticate(&first_person()).await;
    eventually("a guest of the backup is whole", async || {
        stack.user(&tokens.access).await.0.is_success().then_some(())
    })
    .await;
    wait_until_services_agree(&stack).await;
    stack.register("new").await;
    wait_until_services_agree(&stack).await;
}

/// The person who registered before the backup began.
fn first_person() -> Person {
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
