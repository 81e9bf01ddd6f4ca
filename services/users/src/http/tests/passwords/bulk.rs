//! Tests of `password` in operations of bulk requests.

use super::*;

const BULK: &str = "/scim/v2/Bulk";
const REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// A bulk request of these operations.
pub(super) async fn send(caller: &Caller, operations: &[Value]) -> TestResponse {
    let body = json!({"schemas": [REQUEST], "Operations": operations});
    caller.json("POST", BULK, &body).await
}

/// The creation of a user with a password.
pub(super) fn creation(name: &str, password: &str) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": name, "data": user(name, password)})
}

fn change(method: &str, target: &str, data: Value) -> Value {
    json!({"method": method, "path": format!("/Users/{target}"), "data": data})
}

fn new_password(text: &str) -> Value {
    patch(&json!({"op": "replace", "path": "password", "value": text}))
}

fn statuses(answer: &TestResponse) -> Vec<&str> {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let results = answer.body["Operations"].as_array().unwrap().iter();
    results.map(|result| result["status"].as_str().unwrap()).collect()
}

fn id_of(answer: &TestResponse, index: usize) -> Uuid {
    let location = answer.body["Operations"][index]["location"].as_str().unwrap();
    location.rsplit('/').next().unwrap().parse().unwrap()
}

/// The credentials that were handed over, with the passwords, and those that were cancelled.
fn handed(calls: &[Call]) -> (Vec<(Uuid, &str)>, Vec<Uuid>) {
    let (mut put, mut cancelled) = (Vec::new(), Vec::new());
    for call in calls {
        match call {
            Call::Put(id, _, _, password) => put.push((*id, password.as_str())),
            Call::Cancel(id) => cancelled.push(*id),
        }
    }
    (put, cancelled)
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn every_kind_of_operation_hands_its_password_over_and_stores_none(db: TestDb) {
        let (_app, auth, directory) = world(&db);
        let (bob, cas) = (create(&directory, "bob").await, create(&directory, "cas").await);
        auth.calls();
        let answer = send(&directory, &[
            creation("ann", "walnut-ferry-dusk"),
            change("PUT", &bob.to_string(), user("bob", "copper-lilac-march")),
            change("PATCH", &cas.to_string(), new_password("velvet-anchor-plum")),
            json!({"method": "POST", "path": "/Users", "bulkId": "dan", "data": {"schemas": [CORE_USER], "userName": "dan"}}),
        ]).await;
        assert_eq!(statuses(&answer), ["201", "200", "200", "201"], "{answer:?}");
        let calls = auth.calls();
        assert_eq!(calls.len(), 3, "{calls:?}");
        for (id, name, password) in [
            (id_of(&answer, 0), "ann", "walnut-ferry-dusk"), (bob, "bob", "copper-lilac-march"), (cas, "cas", "velvet-anchor-plum"),
        ] {
            let named = credential(&db, id).await.unwrap();
            assert!(calls.contains(&Call::Put(named, id, name.to_owned(), password.to_owned())), "{name}: {calls:?}");
            assert!(!stored(&db).await.contains(password) && !answer.body.to_string().contains(password));
        }
        assert_eq!(credential(&db, id_of(&answer, 3)).await, None);
    }

    async fn a_password_may_depend_on_an_operation_before_it(db: TestDb) {
        let (_app, auth, directory) = world(&db);
        let bob = create(&directory, "bob").await;
        auth.calls();
        let answer = send(&directory, &[
            creation("ann", "walnut-ferry-dusk"),
            change("PATCH", "bulkId:ann", new_password("velvet-anchor-plum")),
            change("PATCH", &bob.to_string(), patch(&json!({"op": "replace", "path": "userName", "value": "robert"}))),
            creation("bob", "copper-lilac-march"),
        ]).await;
        assert_eq!(statuses(&answer), ["201", "200", "200", "201"], "{answer:?}");
        let calls = auth.calls();
        let (put, cancelled) = handed(&calls);
        assert_eq!(put.len(), 3, "{calls:?}");
        assert_eq!(cancelled, Vec::<Uuid>::new(), "none of them was refused");
        let last = credential(&db, id_of(&answer, 0)).await.unwrap();
        assert!(put.contains(&(last, "velvet-anchor-plum")), "{calls:?}");
    }

    async fn without_auth_the_operations_with_a_password_are_refused_and_the_others_are_run(db: TestDb) {
        let (_app, auth, directory) = world(&db);
        let bob = create(&directory, "bob").await;
        auth.fails(CredentialError::Unavailable { retry_after: Duration::from_secs(7) });
        auth.calls();
        let many: Vec<Value> = (0..9).map(|number| creation(&format!("ann{number}"), PASSWORD)).collect();
        let mut operations = many.clone();
        operations.push(change("PUT", &bob.to_string(), user("anna", PASSWORD)));
        operations.push(change("PATCH", &bob.to_string(), patch(&json!({"op": "add", "value": {"title": "Boss"}}))));
        let answer = send(&directory, &operations).await;
        let mut expected = vec!["503"; 10];
        expected.push("200");
        assert_eq!(statuses(&answer), expected, "{answer:?}");
        assert_eq!(people(&db).await, 1);
        assert_eq!(events_of(&db, bob).await.len(), 2);
        let shown = directory.get(&format!("{USERS}/{bob}")).await;
        assert_eq!((&shown.body["userName"], &shown.body["title"]), (&json!("bob"), &json!("Boss")));
        // It is not asked for every one: each call may take seconds.
        let asked = auth.calls().len();
        assert!((1..=4).contains(&asked), "{asked}");
    }

    async fn a_password_that_auth_refuses_is_the_fault_of_its_operation_alone(db: TestDb) {
        let (_app, auth, directory) = world(&db);
        auth.fails(CredentialError::Refused("use at least 15 characters".to_owned()));
        let plain = json!({"method": "POST", "path": "/Users", "bulkId": "b", "data": {"schemas": [CORE_USER], "userName": "bob"}});
        let answer = send(&directory, &[creation("ann", "short"), plain]).await;
        assert_eq!(statuses(&answer), ["400", "201"]);
        let response = &answer.body["Operations"][0]["response"];
        assert_eq!((&response["scimType"], &response["detail"]), (&json!("invalidValue"), &json!("password: use at least 15 characters")));
        assert_eq!(people(&db).await, 1);
    }

    async fn the_password_of_an_operation_that_is_rolled_back_is_cancelled(db: TestDb) {
        let (_app, auth, directory) = world(&db);
        // The name is taken while the password is hashed.
        let other = directory.clone();
        auth.meanwhile(async move {
            let quick = json!({"schemas": [CORE_USER], "userName": "eve"});
            assert_eq!(other.json("POST", USERS, &quick).await.status, StatusCode::CREATED);
        });
        let answer = send(&directory, &[creation("eve", PASSWORD), creation("ann", PASSWORD)]).await;
        assert_eq!(statuses(&answer), ["409", "201"], "{answer:?}");
        let calls = auth.calls();
        let (put, cancelled) = handed(&calls);
        assert_eq!((put.len(), cancelled.len()), (2, 1), "{calls:?}");
        assert_ne!(credential(&db, id_of(&answer, 1)).await, Some(cancelled[0]));
        // What is refused now is not hashed.
        let again = send(&directory, &[creation("eve", PASSWORD), creation("EVE", PASSWORD)]).await;
        assert_eq!((statuses(&again), auth.calls()), (vec!["409", "409"], vec![]));
        // Of two with one name, the later one is refused by the earlier one.
        let twins = send(&directory, &[creation("Gus", PASSWORD), creation("gus", PASSWORD)]).await;
        assert_eq!(statuses(&twins), ["201", "409"]);
        let calls = auth.calls();
        let (put, cancelled) = handed(&calls);
        let kept = credential(&db, id_of(&twins, 0)).await.unwrap();
        assert!(put.iter().all(|(id, _)| *id == kept || cancelled.contains(id)), "{calls:?}");
        assert!(!cancelled.contains(&kept), "{calls:?}");
    }

    async fn when_the_transaction_fails_its_passwords_are_cancelled(db: TestDb) {
        let (_app, auth, directory) = world(&db);
        let bob = create(&directory, "bob").await;
        auth.calls();
        let mut tx = db.begin("test").await.unwrap();
        on_engine!(&mut tx, c => sqlx::query("ALTER TABLE tombstones RENAME TO elsewhere").execute(c).await.map(drop).unwrap());
        tx.commit().await.unwrap();
        let deletion = json!({"method": "DELETE", "path": format!("/Users/{bob}")});
        let answer = send(&directory, &[creation("ann", PASSWORD), deletion]).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{answer:?}");
        let calls = auth.calls();
        assert!(matches!(&calls[..], [Call::Put(put, ..), Call::Cancel(cancelled)] if put == cancelled), "{calls:?}");
        assert_eq!(people(&db).await, 1);
    }

    async fn many_passwords_are_handed_over_in_parts(db: TestDb) {
        let (_app, auth, directory) = world(&db);
        let operations: Vec<Value> = (0..70).map(|number| creation(&format!("user{number}"), PASSWORD)).collect();
        let answer = send(&directory, &operations).await;
        assert_eq!(statuses(&answer), vec!["201"; 70]);
        let calls = auth.calls();
        for index in [0, 31, 32, 69] {
            let id = id_of(&answer, index);
            let named = credential(&db, id).await.unwrap();
            assert!(calls.contains(&Call::Put(named, id, format!("user{index}"), PASSWORD.to_owned())));
        }
        assert_eq!(handed(&calls).1, Vec::<Uuid>::new());
    }

    // SB-47
    async fn a_request_ends_when_its_client_is_deleted(db: TestDb) {
        let (app, auth, directory) = world(&db);
        let admin = Caller::with(&app, clients_token("cli", "admin"));
        let clients = "/admin/v1/provisioning-clients";
        let made = admin.json("POST", clients, &json!({"name": "HR", "scopes": ["users:read", "users:write"]})).await;
        let hr = Caller::with(&app, made.body["token"].as_str().unwrap().to_owned());
        let path = format!("{clients}/{}", made.body["id"].as_str().unwrap());
        // While the passwords of its first operations are hashed.
        auth.meanwhile(async move {
            let deleted = admin.send("DELETE", &path, &[], axum::body::Body::empty()).await;
            assert_eq!(deleted.status, StatusCode::NO_CONTENT);
        });
        let operations: Vec<Value> = (0..3).map(|number| creation(&format!("user{number}"), PASSWORD)).collect();
        let answer = send(&hr, &operations).await;
        assert_eq!(statuses(&answer), ["401", "401", "401"], "{answer:?}");
        assert_eq!(people(&db).await, 0);
        let calls = auth.calls();
        let (put, cancelled) = handed(&calls);
        assert_eq!((put.len(), cancelled.len()), (3, 3), "{calls:?}");
        assert_eq!(send(&directory, &operations).await.status, StatusCode::OK);
    }
}
