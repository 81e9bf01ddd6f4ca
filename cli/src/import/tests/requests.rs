//! Tests of the requests of an import, against services that are overloaded, strict, late or away.

use std::time::Duration;

use serde_json::json;

use super::super::create::{Creator, Outcome};
use super::*;
use crate::api::ApiClient;
use crate::api::testing::Script;
use crate::error::ErrorCode;

fn record(user: &Value) -> Record {
    Record {
        user: user.as_object().expect("an object").clone(),
        ..Record::default()
    }
}

fn creator(api: &ApiClient, on_conflict: ConflictPolicy) -> Creator<'_> {
    Creator {
        api,
        one_by_one: Default::default(),
        on_conflict,
        patience: Duration::from_millis(300),
    }
}

#[tokio::test]
async fn an_overloaded_service_is_asked_when_it_says() {
    let busy = json!({"detail": "later"});
    let (script, api) = Script::start(&[(503, busy.clone()), (429, busy), (201, json!({"id": "7"}))]).await;
    let outcome = creator(&api, ConflictPolicy::Fail)
        .create(&record(&json!({"userName": "ann", "urn:a:b": {"c": "d"}})))
        .await;
    assert_eq!(outcome.expect("created"), Outcome::Created("7".to_owned()));
    let requests = script.requests();
    assert_eq!(requests.len(), 3);
    let core = "urn:ietf:params:scim:schemas:core:2.0:User";
    assert_eq!(requests[2].1["schemas"], json!([core, "urn:a:b"]));
}

#[tokio::test]
async fn a_bad_row_is_refused_and_a_bad_credential_ends_the_import() {
    let (_, api) = Script::start(&[
        (400, json!({"detail": "emails[0].value: expected an address"})),
        (403, json!({"detail": "the token has not the scope"})),
    ])
    .await;
    let creator = creator(&api, ConflictPolicy::Fail);
    let ann = record(&json!({"userName": "ann"}));
    let rejection = Rejection::new("emails[0].value", "expected an address").of("ann");
    assert_eq!(
        creator.create(&ann).await.expect("refused"),
        Outcome::Rejected(rejection)
    );
    let error: crate::error::CommandError = creator.create(&ann).await.expect_err("denied").into();
    assert_eq!(error.code(), ErrorCode::Denied);
    let (_, away) = Script::start(&[(503, json!({}))]).await;
    let error = self::creator(&away, ConflictPolicy::Fail)
        .create(&ann)
        .await
        .expect_err("away");
    assert_eq!(
        crate::error::CommandError::from(error).code(),
        ErrorCode::Unreachable
    );
}

#[tokio::test]
async fn a_name_that_exists_is_the_same_user_or_a_conflict() {
    let plain = json!({"id": "7", "userName": "Ann", "active": true, "schemas": [], "groups": [{}],
        "emails": [{"value": "ann@example.org", "primary": true}], "meta": {"version": "W/\"3\""}});
    let mut provisioned = plain.clone();
    provisioned["externalId"] = "e1".into();
    let resolve = async |stored: &Value, user: &Value, policy| {
        let found = json!({ "Resources": [stored] });
        let answers = [
            (409, json!({"detail": "userName: is taken"})),
            (200, found),
            (200, json!({})),
        ];
        let (script, api) = Script::start(&answers).await;
        let outcome = creator(&api, policy).create(&record(user)).await;
        (outcome.expect("an outcome"), script.requests())
    };
    let id = || "7".to_owned();
    for (stored, user) in [
        (
            &provisioned,
            json!({"userName": "ann", "externalId": "e1", "title": "new"}),
        ),
        (
            &plain,
            json!({"userName": "ann", "emails": [{"value": "ann@EXAMPLE.org", "primary": true}]}),
        ),
    ] {
        assert_eq!(
            resolve(stored, &user, ConflictPolicy::Fail).await.0,
            Outcome::Exists(id())
        );
    }
    for user in [
        json!({"userName": "ann", "externalId": "e2", "emails": plain["emails"]}),
        json!({"userName": "ann", "title": "new", "emails": plain["emails"]}),
        json!({"userName": "ann", "emails": [{"value": "mallory@example.org", "primary": true}]}),
        json!({"userName": "ann", "active": false, "emails": plain["emails"]}),
        // The hash of a row that has nothing but a name must not go to anybody who has the name.
        json!({"userName": "ann"}),
    ] {
        let (refused, _) = resolve(&plain, &user, ConflictPolicy::Fail).await;
        let reason = "belongs to another user, with the id 7";
        let rejection = Rejection::new("userName", reason).of("ann");
        assert_eq!(refused, Outcome::Rejected(rejection), "{user}");
        assert_eq!(
            resolve(&plain, &user, ConflictPolicy::Skip).await.0,
            Outcome::Skipped
        );
        let (outcome, requests) = resolve(&plain, &user, ConflictPolicy::Update).await;
        assert_eq!(outcome, Outcome::Updated(id()));
        assert_eq!(requests[2].0, "/scim/v2/Users/7 if W/\"3\"");
    }
    let (_, api) = Script::start(&[
        (409, json!({"detail": "externalId: is in use"})),
        (200, json!({"Resources": []})),
    ])
    .await;
    let outcome = creator(&api, ConflictPolicy::Update)
        .create(&record(&json!({"userName": "ann"})))
        .await;
    let rejection = Rejection::new("externalId", "is in use").of("ann");
    assert_eq!(outcome.expect("an outcome"), Outcome::Rejected(rejection));
}

fn pending(count: usize) -> Vec<super::super::credentials::PendingHash> {
    (0..count)
        .map(|index| super::super::credentials::PendingHash {
            row: super::super::report::RowRef {
                number: index as u64 + 1,
                line: None,
            },
            user_name: format!("user{index}"),
            id: index.to_string(),
            hash: "$6$x".into(),
        })
        .collect()
}

fn ids(request: &Value) -> Vec<&str> {
    let rows = request["credentials"].as_array().expect("a list");
    rows.iter()
        .map(|row| row["id"].as_str().expect("an id"))
        .collect()
}

#[tokio::test]
async fn hashes_that_auth_has_no_account_for_are_sent_once_more_and_bad_ones_are_not() {
    let unknown = json!({"status": "rejected", "field": "id", "detail": "there is no such account"});
    let (script, api) = Script::start(&[
        (200, json!({"results": [{"status": "imported"}, unknown, {"status": "rejected", "detail": "unknown scheme"}]})),
        (200, json!({"results": [{"status": "unchanged"}]})),
    ])
    .await;
    let outcome = creator(&api, ConflictPolicy::Fail)
        .import_hashes(pending(3))
        .await
        .expect("an outcome");
    assert_eq!((outcome.imported, outcome.unchanged), (1, 1));
    let (row, rejection, id) = &outcome.rejected[0];
    assert_eq!((row.number, id.as_str()), (3, "2"));
    assert_eq!(
        *rejection,
        Rejection::new("password_hash", "unknown scheme").of("user2")
    );
    let requests = script.requests();
    assert_eq!(ids(&requests[1].1), ["1"]);
    let (_, late) = Script::start(&[(200, json!({"results": [unknown]}))]).await;
    let outcome = creator(&late, ConflictPolicy::Fail)
        .import_hashes(pending(1))
        .await
        .expect("an outcome");
    assert!(
        outcome.rejected[0]
            .1
            .reason
            .starts_with("auth has no such account")
    );
}

#[tokio::test]
async fn hashes_fit_the_limits_of_a_request() {
    let imported = json!({"status": "imported"});
    let (script, api) = Script::start(&[
        (413, json!({"detail": "too large"})),
        (200, json!({"results": vec![&imported; 500]})),
    ])
    .await;
    let outcome = creator(&api, ConflictPolicy::Fail)
        .import_hashes(pending(2100))
        .await
        .expect("an outcome");
    assert_eq!(outcome.imported, 2100);
    let sizes: Vec<usize> = script
        .requests()
        .iter()
        .map(|(_, body)| ids(body).len())
        .collect();
    assert_eq!(sizes, [1000, 500, 500, 500, 500, 100]);
    let (script, api) = Script::start(&[(200, json!({"results": vec![&imported; 1000]}))]).await;
    let mut long = pending(100);
    for row in &mut long {
        row.hash = "\"".repeat(5000).into();
    }
    creator(&api, ConflictPolicy::Fail)
        .import_hashes(long)
        .await
        .expect("an outcome");
    let requests = script.requests();
    assert!(requests.len() > 4, "{}", requests.len());
    assert!(
        requests
            .iter()
            .all(|(_, body)| body.to_string().len() < 256 * 1024)
    );
}
