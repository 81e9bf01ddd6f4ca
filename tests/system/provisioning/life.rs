//! Tests of the life of users and groups at another Vestibule.

use http::Method;
use serde_json::{Value, json};
use testkit::{Engine, eventually};

use super::{Pair, add_group, add_target, add_user, directory, id, ok, patch};

async fn a_user_lives_at_the_application_as_here(engine: Engine) {
    let pair = Pair::start(engine, json!({})).await;
    let ann = add_user(&pair.directory, "ann").await;
    let there = pair.wait_for_user("ann", |_| true).await;
    assert_eq!(
        (&there["active"], &there["name"]["givenName"]),
        (&json!(true), &json!("ann"))
    );
    assert_ne!(id(&there), ann);

    let path = format!("Users/{ann}");
    let operations = json!([
        { "op": "replace", "path": "userName", "value": "anna" },
        { "op": "add", "path": "title", "value": "Archer" },
        { "op": "add", "path": "emails", "value": [{ "value": "ann@example.org", "primary": true }] },
    ]);
    patch(&pair.directory, &path, operations).await;
    let renamed = pair.wait_for_user("anna", |user| user["title"] == "Archer").await;
    assert_eq!(renamed["emails"][0]["value"], "ann@example.org");
    assert_eq!(id(&renamed), id(&there), "the same account");
    patch(
        &pair.directory,
        &path,
        json!([{ "op": "remove", "path": "title" }]),
    )
    .await;
    pair.wait_for_user("anna", |user| user["title"].is_null()).await;

    patch(
        &pair.directory,
        &path,
        json!([{ "op": "replace", "path": "active", "value": false }]),
    )
    .await;
    pair.wait_for_user("anna", |user| user["active"] == false).await;
    patch(
        &pair.directory,
        &path,
        json!([{ "op": "replace", "path": "active", "value": true }]),
    )
    .await;
    pair.wait_for_user("anna", |user| user["active"] == true).await;
    ok(
        &pair.directory,
        Method::DELETE,
        &format!("/scim/v2/{path}"),
        &Value::Null,
    )
    .await;
    eventually("the account is gone or inactive", async || {
        let user = pair.user("anna").await;
        user.is_none_or(|user| user["active"] == false).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_user_lives_at_the_application_as_here_sqlite() {
    a_user_lives_at_the_application_as_here(Engine::Sqlite).await;
}

#[tokio::test]
async fn a_user_lives_at_the_application_as_here_postgres() {
    a_user_lives_at_the_application_as_here(Engine::Postgres).await;
}

#[tokio::test]
async fn somebody_who_was_here_before_the_target_is_pushed_and_one_who_leaves_the_group_is_deactivated() {
    let stack = directory(Engine::Sqlite).await;
    let (ann, bob) = (add_user(&stack, "ann").await, add_user(&stack, "bob").await);
    let inner = add_group(&stack, "inner", &[&ann]).await;
    let outer = add_group(&stack, "outer", &[&inner, &bob]).await;
    add_user(&stack, "cas").await;
    let application = testkit::Stack::start().await;
    let rules = json!({ "people": { "filter": "members", "groups": [outer] } });
    let target = add_target(&stack, &application, rules).await;
    let pair = Pair {
        directory: stack,
        application,
        target,
    };
    pair.wait_until_in_step(2).await;
    assert!(pair.user("ann").await.is_some() && pair.user("bob").await.is_some());
    assert!(pair.user("cas").await.is_none(), "not a member");
    // The group in the group leaves; ann's own record does not change.
    let leave = json!([{ "op": "remove", "path": format!("members[value eq \"{inner}\"]") }]);
    patch(&pair.directory, &format!("Groups/{outer}"), leave).await;
    pair.wait_for_user("ann", |user| user["active"] == false).await;
    pair.wait_for_user("bob", |user| user["active"] == true).await;
    let back = json!([{ "op": "add", "path": "members", "value": [{ "value": ann }] }]);
    patch(&pair.directory, &format!("Groups/{outer}"), back).await;
    pair.wait_for_user("ann", |user| user["active"] == true).await;
}

async fn groups_have_their_members_at_the_application(engine: Engine, nested: bool) {
    let rules = json!({ "groups": { "push": "all" }, "nested_groups": nested });
    let pair = Pair::start(engine, rules).await;
    let (ann, bob) = (
        add_user(&pair.directory, "ann").await,
        add_user(&pair.directory, "bob").await,
    );
    let inner = add_group(&pair.directory, "inner", &[&ann]).await;
    let outer = add_group(&pair.directory, "outer", &[&inner, &bob]).await;
    let there = async |name: &str| id(&pair.wait_for_user(name, |_| true).await);
    let (ann_there, bob_there) = (there("ann").await, there("bob").await);
    let mut expected = vec![ann_there.clone(), bob_there.clone()];
    expected.sort_unstable();
    eventually("the groups have their members", async || {
        let (inner, outer) = (pair.members("inner").await, pair.members("outer").await);
        let outer_is = match nested {
            true => outer.len() == 2 && outer.contains(&bob_there) && !outer.contains(&ann_there),
            false => outer == expected,
        };
        (inner == [ann_there.clone()] && outer_is).then_some(())
    })
    .await;
    let leave = json!([{ "op": "remove", "path": format!("members[value eq \"{ann}\"]") }]);
    patch(&pair.directory, &format!("Groups/{inner}"), leave).await;
    let rename = json!([{ "op": "replace", "path": "displayName", "value": "core" }]);
    patch(&pair.directory, &format!("Groups/{inner}"), rename).await;
    ok(
        &pair.directory,
        Method::DELETE,
        &format!("/scim/v2/Groups/{outer}"),
        &Value::Null,
    )
    .await;
    eventually("the groups are as here", async || {
        let core = super::find(&pair.application, "Groups", "displayName", "core").await;
        let outer = super::find(&pair.application, "Groups", "displayName", "outer").await;
        (core.is_some() && outer.is_none() && pair.members("core").await.is_empty()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn groups_have_their_members_at_the_application_sqlite() {
    groups_have_their_members_at_the_application(Engine::Sqlite, false).await;
}

#[tokio::test]
async fn groups_have_their_members_at_the_application_postgres() {
    groups_have_their_members_at_the_application(Engine::Postgres, false).await;
}

#[tokio::test]
async fn groups_are_members_of_groups_where_the_application_has_that() {
    groups_have_their_members_at_the_application(Engine::Sqlite, true).await;
}
