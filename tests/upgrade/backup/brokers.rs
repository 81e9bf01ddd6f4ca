//! Tests of restorations with a broker between the services, of one service and of both.

use serde_json::{Value, json};
use testkit::{Engine, Person, Stack, StackOptions, Transport, Visitor, brokers, within};

use super::operator::{
    CATCH_UP_TIMEOUT, assert_success, delete, delete_data, is_in_directory, rename, run_tool, stop,
    wait_until_services_agree, wait_until_sign_in_works,
};

/// Creates and deletes a person, after the backup.
async fn create_and_delete(stack: &Stack, name: &str) -> Person {
    let person = stack.register(name).await;
    delete(stack, &person).await;
    person
}

/// Asserts that new events reach the other service, in both directions.
async fn assert_new_events_flow(stack: &Stack, name: &str) {
    let person = stack.register(name).await;
    rename(stack, &person, "Somebody new").await;
    wait_until_services_agree(stack).await;
    delete(stack, &person).await;
    wait_until_services_agree(stack).await;
}

/// Registers a person while the user service is stopped, and returns the id of the pending registration.
async fn register_while_users_is_away(stack: &Stack, name: &str) -> String {
    let person = Person::named(name);
    let asked = stack
        .http()
        .post(stack.auth_url("/admin/v1/users"))
        .bearer_auth(stack.operator_token().await)
        .json(
            &json!({ "user_name": person.user_name, "email": person.email(), "password": person.password }),
        );
    let answer: Value = asked.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["state"], "pending", "{answer}");
    answer["id"].as_str().unwrap().to_owned()
}

/// Waits until the registration is rejected because the name is taken.
async fn wait_until_rejected(stack: &Stack, registration: &str) {
    let mut visitor = Visitor::at(&stack.auth_url(""));
    within(CATCH_UP_TIMEOUT, "the refusal is heard", async || {
        let page = visitor.open(&format!("/register/wait?id={registration}")).await;
        page.body.contains("That user name is taken").then_some(())
    })
    .await;
}

/// Restores both services, while the broker has a registration from after the backup.
async fn lose_later_changes(stack: &mut Stack) {
    stop(&mut stack.users).await;
    register_while_users_is_away(stack, "pat").await;
    stack.auth_published().await;
    stop(&mut stack.auth).await;
    for service in [0, 1] {
        delete_data(stack, service).await;
    }
    assert_success(&run_tool(
        stack,
        "restore",
        &["users", "auth"],
        &["--from", "backup"],
    ));
    let namespace = brokers::namespace();
    stack.auth.set("VESTIBULE_AUTH__EVENTS__NAMESPACE", &namespace);
    stack.users.set("VESTIBULE_USERS__EVENTS__NAMESPACE", &namespace);
    stack.auth.start_again();
    stack.users.start_again();
    stack.ready().await;
}

async fn story(engine: Engine, transport: Transport) {
    let options = StackOptions {
        transport,
        ..StackOptions::on(engine).with("VESTIBULE_USERS__DELETION__GRACE_DAYS", "0")
    };
    // What was lost is not to be found by comparing.
    let options = options
        .with("VESTIBULE_AUTH__EVENTS__RECONCILE_MINUTES", "0")
        .with("VESTIBULE_USERS__EVENTS__RECONCILE_MINUTES", "0");
    let mut stack = Stack::with(options).await;
    let (ann, eve) = (stack.register("ann").await, stack.register("eve").await);
    // Waits in the backup for an answer that no snapshot tells.
    stop(&mut stack.users).await;
    let second = register_while_users_is_away(&stack, "Ann").await;
    assert_success(&run_tool(
        &stack,
        "backup",
        &["users", "auth"],
        &["--to", "backup"],
    ));
    stack.users.start_again();
    stack.users_ready().await;
    wait_until_rejected(&stack, &second).await;
    rename(&stack, &ann, "After the backup").await;
    delete(&stack, &eve).await;
    let (zoe, kim) = (
        stack.register("zoe").await,
        create_and_delete(&stack, "kim").await,
    );
    wait_until_services_agree(&stack).await;

    // The user service alone loses its data.
    stop(&mut stack.users).await;
    delete_data(&stack, 1).await;
    assert_success(&run_tool(&stack, "restore", &["users"], &["--from", "backup"]));
    stack.users.start_again();
    stack.users_ready().await;
    within(CATCH_UP_TIMEOUT, "zoe is back", async || {
        is_in_directory(&stack, &zoe).await.then_some(())
    })
    .await;
    wait_until_services_agree(&stack).await;
    // Not before: a person who is not in the backup is away at first in any case.
    for gone in [&eve, &kim] {
        assert!(
            !is_in_directory(&stack, gone).await,
            "who was erased stays erased"
        );
    }
    assert_new_events_flow(&stack, "max").await;

    // The authentication service alone.
    stop(&mut stack.auth).await;
    delete_data(&stack, 0).await;
    assert_success(&run_tool(&stack, "restore", &["auth"], &["--from", "backup"]));
    stack.auth.start_again();
    stack.auth_ready().await;
    wait_until_sign_in_works(&stack, &ann).await;
    wait_until_rejected(&stack, &second).await;
    wait_until_services_agree(&stack).await;
    assert_eq!(stack.try_authenticate(&eve, None).await.0, 401);
    for gone in [&eve, &kim] {
        assert!(!is_in_directory(&stack, gone).await);
    }
    assert!(is_in_directory(&stack, &zoe).await);
    assert_new_events_flow(&stack, "moe").await;

    lose_later_changes(&mut stack).await;
    wait_until_sign_in_works(&stack, &ann).await;
    wait_until_services_agree(&stack).await;
    for forgotten in [&zoe, &kim] {
        assert!(!is_in_directory(&stack, forgotten).await);
    }
    assert!(
        is_in_directory(&stack, &eve).await,
        "erasures have to be done again"
    );
    // Asks for the very name that the forgotten registration asked for.
    assert_new_events_flow(&stack, "pat").await;
}

#[tokio::test]
async fn restored_services_agree_over_rabbitmq() {
    story(Engine::Sqlite, Transport::Rabbitmq).await;
}

#[tokio::test]
async fn restored_services_agree_over_kafka() {
    story(Engine::Postgres, Transport::Kafka).await;
}
