//! `externalId`, of which each provisioning client has its own (RFC 7643 §3.1).

mod deleted_clients;
mod races;

use chassis::on_engine;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::app::SharedApp;
use crate::testing::{
    Caller, TestResponse, app, clients_token, desired_user, events_of, make_administrator, persons_token,
    token,
};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const SCOPES: &str = "users:read users:write groups:read groups:write";

fn client(app: &SharedApp, name: &str) -> Caller {
    Caller::with(app, clients_token(name, SCOPES))
}

fn client_with(app: &SharedApp, name: &str, scopes: &str) -> Caller {
    Caller::with(app, clients_token(name, scopes))
}

async fn administrator(app: &SharedApp) -> Caller {
    let id = app.users.create(desired_user("chief")).await.unwrap().id;
    make_administrator(app, id).await;
    Caller::with(app, token(&id.to_string(), "console", SCOPES))
}

fn user(name: &str, external_id: &str) -> Value {
    json!({"schemas": [USER], "userName": name, "externalId": external_id})
}

fn group(name: &str, external_id: &str) -> Value {
    json!({"schemas": [GROUP], "displayName": name, "externalId": external_id})
}

fn path(endpoint: &str, answer: &TestResponse) -> String {
    format!("/scim/v2/{endpoint}/{}", answer.body["id"].as_str().unwrap())
}

async fn set(caller: &Caller, path: &str, external_id: &str) -> TestResponse {
    let operations = json!([{"op": "replace", "path": "externalId", "value": external_id}]);
    caller
        .json(
            "PATCH",
            path,
            &json!({"schemas": [PATCH], "Operations": operations}),
        )
        .await
}

async fn seen(caller: &Caller, path: &str) -> Value {
    caller.get(path).await.body["externalId"].clone()
}

/// The names of those that a client finds by its identifier.
async fn found(caller: &Caller, endpoint: &str, external_id: &str) -> Vec<String> {
    let answer = caller
        .get(&format!(
            "/scim/v2/{endpoint}?filter=externalId%20eq%20%22{external_id}%22"
        ))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let name = if endpoint == "Users" {
        "userName"
    } else {
        "displayName"
    };
    let all = answer.body["Resources"].as_array().unwrap().iter();
    all.map(|it| it[name].as_str().unwrap().to_owned()).collect()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn each_client_has_a_value_of_its_own(db: TestDb) {
        let app = app(&db);
        let (entra, hr, chief) = (client(&app, "entra"), client(&app, "hr"), administrator(&app).await);
        for (endpoint, body) in [("Users", user("ann", "e-1")), ("Groups", group("Archers", "e-1"))] {
            let made = entra.json("POST", &format!("/scim/v2/{endpoint}"), &body).await;
            assert_eq!((made.status, &made.body["externalId"]), (StatusCode::CREATED, &json!("e-1")), "{made:?}");
            let path = path(endpoint, &made);
            let name = body["userName"].as_str().or(body["displayName"].as_str()).unwrap();
            assert_eq!(seen(&hr, &path).await, Value::Null, "{endpoint}");
            assert!(set(&hr, &path, "h-1").await.status.is_success());
            assert!(set(&chief, &path, "shared").await.status.is_success());
            for (caller, own) in [(&entra, "e-1"), (&hr, "h-1"), (&chief, "shared")] {
                assert_eq!(seen(caller, &path).await, own, "{endpoint}");
                assert_eq!(found(caller, endpoint, own).await, [name], "{endpoint}");
            }
            for (caller, foreign) in [(&entra, "h-1"), (&entra, "shared"), (&hr, "e-1"), (&chief, "e-1")] {
                assert_eq!(found(caller, endpoint, foreign).await, Vec::<String>::new(), "{endpoint} {foreign}");
            }
            // A replacement without the attribute removes the client's own, and no other.
            let mut without = body.clone();
            without.as_object_mut().unwrap().remove("externalId");
            let replaced = entra.json("PUT", &path, &without).await;
            assert_eq!(replaced.status, StatusCode::OK, "{replaced:?}");
            assert_eq!((seen(&entra, &path).await, seen(&hr, &path).await), (json!("shared"), json!("h-1")));
            assert_eq!(found(&entra, endpoint, "e-1").await, Vec::<String>::new());
        }
    }

    async fn a_client_gives_a_value_to_one_resource_of_a_type(db: TestDb) {
        let app = app(&db);
        let (entra, hr) = (client(&app, "entra"), client(&app, "hr"));
        for (endpoint, one, other) in [
            ("Users", user("ann", "1"), user("bob", "1")),
            ("Groups", group("Archers", "1"), group("Bowmen", "1")),
        ] {
            let place = format!("/scim/v2/{endpoint}");
            let first = entra.json("POST", &place, &one).await;
            assert_eq!(first.status, StatusCode::CREATED, "a value of another type is another one: {first:?}");
            let second = entra.json("POST", &place, &other).await;
            assert_eq!((second.status, &second.body["scimType"]), (StatusCode::CONFLICT, &json!("uniqueness")), "{second:?}");
            assert!(second.body["detail"].as_str().unwrap().contains("externalId"));
            let of_hr = hr.json("POST", &place, &other).await;
            assert_eq!(of_hr.status, StatusCode::CREATED, "{of_hr:?}");
            let taken = set(&entra, &path(endpoint, &of_hr), "1").await;
            assert_eq!(taken.status, StatusCode::CONFLICT, "{taken:?}");
            // Who is deleted, and who gets another value, leaves it to others.
            entra.send("DELETE", &path(endpoint, &first), &[], axum::body::Body::empty()).await;
            assert!(set(&entra, &path(endpoint, &of_hr), "1").await.status.is_success());
            assert!(set(&entra, &path(endpoint, &of_hr), "2").await.status.is_success());
            let again = entra.json("POST", &place, &one).await;
            assert_eq!(again.status, StatusCode::CREATED, "{again:?}");
        }
        let long = entra.json("POST", "/scim/v2/Users", &user("eve", &"x".repeat(257))).await;
        assert_eq!((long.status, &long.body["scimType"]), (StatusCode::BAD_REQUEST, &json!("invalidValue")));
    }

    async fn a_value_from_before_is_seen_until_a_client_gives_its_own(db: TestDb) {
        let app = app(&db);
        let (entra, chief) = (client(&app, "entra"), administrator(&app).await);
        let old = chief.json("POST", "/scim/v2/Users", &user("ann", "hr-7")).await;
        assert_eq!(found(&entra, "Users", "hr-7").await, ["ann"]);
        let other = entra.json("POST", "/scim/v2/Users", &user("bob", "hr-7")).await;
        assert_eq!(other.status, StatusCode::CONFLICT, "the client would see two users with it: {other:?}");
        // Sent back as it was read, it is not the client's.
        let same = entra.json("PUT", &path("Users", &old), &user("ann", "hr-7")).await;
        assert_eq!((same.status, same.header("etag")), (StatusCode::OK, "W/\"1\""));
        set(&entra, &path("Users", &old), "e-7").await;
        let other = entra.json("POST", "/scim/v2/Users", &user("bob", "hr-7")).await;
        assert_eq!(other.status, StatusCode::CREATED, "{other:?}");
        assert_eq!(found(&entra, "Users", "hr-7").await, ["bob"]);
        assert_eq!(found(&chief, "Users", "hr-7").await, ["ann"]);
    }

    async fn a_bulk_request_keeps_to_it(db: TestDb) {
        let app = app(&db);
        let entra = client(&app, "entra");
        entra.json("POST", "/scim/v2/Users", &user("first", "1")).await;
        let operations: Vec<Value> = [("taken", "1"), ("ann", "2"), ("bob", "2"), ("first", "3"), ("cas", "3")]
            .iter()
            .map(|(name, id)| json!({"method": "POST", "path": "/Users", "bulkId": name, "data": user(name, id)}))
            .collect();
        let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations});
        let answer = entra.json("POST", "/scim/v2/Bulk", &body).await;
        let statuses: Vec<&str> = answer.body["Operations"].as_array().unwrap().iter().map(|it| it["status"].as_str().unwrap()).collect();
        assert_eq!(statuses, ["409", "201", "409", "409", "201"], "{answer:?}");
        assert_eq!(found(&entra, "Users", "2").await, ["ann"]);
        assert_eq!(found(&entra, "Users", "3").await, ["cas"]);
    }

    async fn a_person_does_not_see_how_clients_know_them(db: TestDb) {
        let app = app(&db);
        let made = client(&app, "entra").json("POST", "/scim/v2/Users", &user("ann", "e-1")).await;
        let id: Uuid = made.body["id"].as_str().unwrap().parse().unwrap();
        let own = Caller::with(&app, persons_token(id)).get("/user").await;
        assert_eq!(own.status, StatusCode::OK);
        assert!(!own.body.to_string().contains("e-1"), "{own:?}");
        let me = Caller::with(&app, persons_token(id)).get("/scim/v2/Me").await;
        assert!(!me.body.to_string().contains("e-1"), "{me:?}");
    }

    async fn events_have_the_values_of_all_clients_and_an_older_release_loses_none(db: TestDb) {
        let app = app(&db);
        let entra = client(&app, "entra");
        let made = entra.json("POST", "/scim/v2/Users", &user("ann", "e-1")).await;
        let id: Uuid = made.body["id"].as_str().unwrap().parse().unwrap();
        const LAST: &str = "SELECT CAST(payload AS TEXT) FROM outbox WHERE aggregate_id = $1 ORDER BY sequence DESC LIMIT 1";
        let last = async || -> Value {
            let mut reader = db.reader().await.unwrap();
            let text: String = on_engine!(&mut reader, c => sqlx::query_scalar(LAST).bind(id).fetch_one(c).await.unwrap());
            serde_json::from_str(&text).unwrap()
        };
        assert_eq!(last().await["external_ids"], json!({"entra": "e-1"}));
        // An older release writes the state without a member that it does not know.
        let mut tx = db.begin("test").await.unwrap();
        let document = "SELECT CAST(document AS TEXT) FROM people WHERE id = $1";
        let text: String = on_engine!(&mut tx, c => sqlx::query_scalar(document).bind(id).fetch_one(c).await.unwrap());
        let mut state: Value = serde_json::from_str(&text).unwrap();
        state.as_object_mut().unwrap().remove("external_ids");
        state["version"] = json!(2);
        let update = "UPDATE people SET document = $2, version = 2 WHERE id = $1";
        on_engine!(&mut tx, c => sqlx::query(update).bind(id).bind(sqlx::types::Json(&state)).execute(c).await.map(drop).unwrap());
        tx.commit().await.unwrap();
        assert_eq!(found(&entra, "Users", "e-1").await, ["ann"]);
        assert_eq!(seen(&entra, &path("Users", &made)).await, "e-1");
        assert_eq!((last().await["external_ids"].clone(), last().await["version"].clone()), (json!({"entra": "e-1"}), json!(3)));
    }

    async fn a_client_never_sees_one_value_at_two_resources(db: TestDb) {
        let app = app(&db);
        let (entra, hr, chief) = (client(&app, "entra"), client(&app, "hr"), administrator(&app).await);
        for (endpoint, make) in [("Users", user as fn(&str, &str) -> Value), ("Groups", group)] {
            let at = format!("/scim/v2/{endpoint}");
            let name = |number: u8| format!("{}{number}", endpoint.to_lowercase());
            let one = path(endpoint, &entra.json("POST", &at, &make(&name(1), "x")).await);
            let two = path(endpoint, &chief.json("POST", &at, &make(&name(2), "y")).await);
            // It has no value of its own at the second one, and would see that of everybody.
            for refused in [set(&chief, &two, "x").await, chief.json("POST", &at, &make(&name(3), "x")).await] {
                assert_eq!((refused.status, &refused.body["scimType"]), (StatusCode::CONFLICT, &json!("uniqueness")), "{refused:?}");
            }
            assert!(set(&entra, &two, "z").await.status.is_success());
            assert!(set(&chief, &two, "x").await.status.is_success());
            // Without the value of its own it would see that of everybody.
            let remove = json!({"schemas": [PATCH], "Operations": [{"op": "remove", "path": "externalId"}]});
            let refused = entra.json("PATCH", &two, &remove).await;
            assert_eq!((refused.status, &refused.body["scimType"]), (StatusCode::CONFLICT, &json!("uniqueness")), "{refused:?}");
            assert_eq!((seen(&entra, &two).await, seen(&hr, &two).await), (json!("z"), json!("x")));
            assert_eq!((found(&entra, endpoint, "x").await, found(&hr, endpoint, "x").await), (vec![name(1)], vec![name(2)]));
            assert!(entra.json("PATCH", &one, &remove).await.status.is_success());
            assert!(entra.json("PATCH", &two, &remove).await.status.is_success());
            assert_eq!(found(&entra, endpoint, "x").await, [name(2)]);
        }
    }

    async fn long_values_are_compared_to_their_ends(db: TestDb) {
        let app = app(&db);
        let (admin, hr) = (administrator(&app).await, client(&app, "hr"));
        let long = |end: &str| format!("{}{end}", "x".repeat(250));
        let ann = path("Users", &admin.json("POST", "/scim/v2/Users", &user("ann", &long("a"))).await);
        let taken = hr.json("POST", "/scim/v2/Users", &user("bob", &long("a"))).await;
        assert_eq!((taken.status, &taken.body["scimType"]), (StatusCode::CONFLICT, &json!("uniqueness")));
        let other = hr.json("POST", "/scim/v2/Users", &user("bob", &long("b"))).await;
        assert_eq!(other.status, StatusCode::CREATED, "{other:?}");
        assert_eq!(found(&hr, "Users", &long("a")).await, ["ann"]);
        assert_eq!(seen(&hr, &ann).await, long("a"));
    }
}
