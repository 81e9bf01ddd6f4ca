//! Tests of a restoration after a deletion: a person who was deleted after the backup stays deleted.

use testkit::{Engine, Person, Stack, StackOptions, within};

use super::operator::{
    CATCH_UP_TIMEOUT, assert_success, delete, delete_data, is_in_directory, run_tool, stop,
    wait_until_services_agree, wait_until_sign_in_works,
};

/// Two people, one of whom is deleted after the backup.
async fn deleted_after_the_backup(engine: Engine, grace_days: &str) -> (Stack, Person, Person) {
    let options = StackOptions::on(engine).with("VESTIBULE_USERS__DELETION__GRACE_DAYS", grace_days);
    let stack = Stack::with(options).await;
    let (ann, eve) = (stack.register("ann").await, stack.register("eve").await);
    assert_success(&run_tool(
        &stack,
        "backup",
        &["users", "auth"],
        &["--to", "backup"],
    ));
    delete(&stack, &eve).await;
    wait_until_services_agree(&stack).await;
    (stack, ann, eve)
}

/// `auth` was restored and its database is gone: it does not know of the deletion before it has heard `users`.
async fn auth_lets_nobody_in_before_it_has_heard_users(engine: Engine) {
    let (mut stack, ann, eve) = deleted_after_the_backup(engine, "30").await;
    stop(&mut stack.users).await;
    stop(&mut stack.auth).await;
    delete_data(&stack, 0).await;
    assert_success(&run_tool(&stack, "restore", &["auth"], &["--from", "backup"]));
    stack.auth.start_again();
    stack.auth_ready().await;
    let ready = stack.http().get(stack.auth_management_url("/health/ready"));
    let ready = ready.send().await.unwrap().text().await.unwrap();
    assert!(ready.contains("sign-in is closed"), "{ready}");
    for person in [&eve, &ann] {
        let (status, body) = stack.try_authenticate(person, None).await;
        assert_eq!(status, 503, "{body}");
        assert!(body.to_string().contains("restored from a backup"), "{body}");
    }
    // It is not forgotten by a restart.
    stop(&mut stack.auth).await;
    stack.auth.start_again();
    stack.auth_ready().await;
    assert_eq!(stack.try_authenticate(&eve, None).await.0, 503);

    stack.users.start_again();
    stack.users_ready().await;
    let mut answers = Vec::new();
    within(CATCH_UP_TIMEOUT, "sign-in is open again", async || {
        answers.push(stack.try_authenticate(&eve, None).await.0.as_u16());
        (stack.try_authenticate(&ann, None).await.0 == 200).then_some(())
    })
    .await;
    answers.push(stack.try_authenticate(&eve, None).await.0.as_u16());
    assert!(
        answers.iter().all(|status| [503, 401].contains(status)),
        "{answers:?}"
    );
    assert_eq!(answers.last(), Some(&401));
    wait_until_services_agree(&stack).await;
    assert!(!is_in_directory(&stack, &eve).await);
}

/// The database that is replaced is asked who was erased; here both services go back, and the other one knows nothing.
async fn the_replaced_databases_tell_who_was_erased(engine: Engine, grace_days: &str) {
    let (mut stack, ann, eve) = deleted_after_the_backup(engine, grace_days).await;
    stop(&mut stack.users).await;
    stop(&mut stack.auth).await;
    let replaced = ["--from", "backup", "--replace"];
    assert_success(&run_tool(&stack, "restore", &["users", "auth"], &replaced));
    stack.auth.start_again();
    stack.users.start_again();
    stack.ready().await;
    wait_until_sign_in_works(&stack, &ann).await;
    assert_eq!(stack.try_authenticate(&eve, None).await.0, 401);
    assert!(!is_in_directory(&stack, &eve).await);
    wait_until_services_agree(&stack).await;
}

/// `users` was restored and its database is gone: `auth` knows of the erasure.
async fn users_erases_again_whom_auth_remembers(engine: Engine) {
    let (mut stack, ann, eve) = deleted_after_the_backup(engine, "0").await;
    stop(&mut stack.users).await;
    delete_data(&stack, 1).await;
    assert_success(&run_tool(&stack, "restore", &["users"], &["--from", "backup"]));
    stack.users.start_again();
    stack.users_ready().await;
    assert_eq!(stack.try_authenticate(&eve, None).await.0, 401);
    within(CATCH_UP_TIMEOUT, "eve is erased again", async || {
        (!is_in_directory(&stack, &eve).await).then_some(())
    })
    .await;
    assert_eq!(stack.try_authenticate(&eve, None).await.0, 401);
    stack.authenticate(&ann).await;
    wait_until_services_agree(&stack).await;
}

#[tokio::test]
async fn a_restored_auth_lets_nobody_in_before_it_has_heard_users_on_sqlite() {
    // SB-15
    auth_lets_nobody_in_before_it_has_heard_users(Engine::Sqlite).await;
}

#[tokio::test]
async fn a_restored_auth_lets_nobody_in_before_it_has_heard_users_on_postgres() {
    // SB-15
    auth_lets_nobody_in_before_it_has_heard_users(Engine::Postgres).await;
}

#[tokio::test]
async fn the_replaced_databases_tell_who_was_erased_on_sqlite() {
    the_replaced_databases_tell_who_was_erased(Engine::Sqlite, "0").await;
}

#[tokio::test]
async fn the_replaced_databases_tell_who_was_erased_on_postgres() {
    the_replaced_databases_tell_who_was_erased(Engine::Postgres, "0").await;
}

#[tokio::test]
async fn the_replaced_databases_tell_who_was_deleted_on_sqlite() {
    the_replaced_databases_tell_who_was_erased(Engine::Sqlite, "30").await;
}

#[tokio::test]
async fn the_replaced_databases_tell_who_was_deleted_on_postgres() {
    the_replaced_databases_tell_who_was_erased(Engine::Postgres, "30").await;
}

#[tokio::test]
async fn a_restored_users_erases_again_whom_auth_remembers_on_sqlite() {
    users_erases_again_whom_auth_remembers(Engine::Sqlite).await;
}

#[tokio::test]
async fn a_restored_users_erases_again_whom_auth_remembers_on_postgres() {
    users_erases_again_whom_auth_remembers(Engine::Postgres).await;
}
