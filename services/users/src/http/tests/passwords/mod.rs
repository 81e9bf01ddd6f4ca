//! Tests of `password` in requests of SCIM: it is handed to the authentication service before the change, and is never here.

mod administrators;
mod bulk;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chassis::access::BoxFuture;
use chassis::db::Db;
use chassis::on_engine;
use http::StatusCode;
use scim::schema::CORE_USER;
use serde_json::{Value, json};
use testkit::TestDb;
use uuid::Uuid;

use crate::app::SharedApp;
use crate::credentials::{CredentialError, CredentialService, Credentials, NewCredential};
use crate::testing::{Caller, TestResponse, app_with_credentials, clients_token, events_of, persons_token};

const USERS: &str = "/scim/v2/Users";
const PASSWORD: &str = "plover-quilt-anvil";

/// A call of the authentication service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// Id, user, user name after the change, and password.
    Put(Uuid, Uuid, String, String),
    Cancel(Uuid),
}

type Meanwhile = BoxFuture<'static, ()>;

/// An authentication service that does as it is told.
#[derive(Clone, Default)]
pub(super) struct Auth {
    calls: Arc<Mutex<Vec<Call>>>,
    error: Arc<Mutex<Option<CredentialError>>>,
    meanwhile: Arc<Mutex<Option<Meanwhile>>>,
}

impl Auth {
    fn fails(&self, error: CredentialError) {
        *self.error.lock().unwrap() = Some(error);
    }

    /// Has something happen after the next password was handed over, and before the change is made.
    fn meanwhile(&self, what: impl Future<Output = ()> + Send + 'static) {
        *self.meanwhile.lock().unwrap() = Some(Box::pin(what));
    }

    /// The calls since the last time.
    pub(super) fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

impl CredentialService for Auth {
    fn put<'a>(&'a self, id: Uuid, new: &'a NewCredential<'a>) -> BoxFuture<'a, Result<(), CredentialError>> {
        let name = new.user.user_name.as_str().to_owned();
        let call = Call::Put(id, new.user.id, name, new.password.expose().to_owned());
        self.calls.lock().unwrap().push(call);
        let (error, meanwhile) = (
            self.error.lock().unwrap().clone(),
            self.meanwhile.lock().unwrap().take(),
        );
        Box::pin(async move {
            if let Some(meanwhile) = meanwhile {
                meanwhile.await;
            }
            error.map_or(Ok(()), Err)
        })
    }

    fn cancel(&self, id: Uuid) -> BoxFuture<'_, ()> {
        self.calls.lock().unwrap().push(Call::Cancel(id));
        Box::pin(async {})
    }
}

/// The service, its authentication service, and a directory that provisions.
fn world(db: &TestDb) -> (SharedApp, Auth, Caller) {
    let auth = Auth::default();
    let app = app_with_credentials(db, Credentials::to(auth.clone()));
    let directory = Caller::with(&app, clients_token("a-directory", "users:read users:write"));
    (app, auth, directory)
}

fn user(name: &str, password: &str) -> Value {
    json!({"schemas": [CORE_USER], "userName": name, "password": password})
}

fn patch(operation: &Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]})
}

fn refusal(response: &TestResponse) -> (u16, &str, &str) {
    let text = |name: &str| response.body[name].as_str().unwrap_or_default();
    (response.status.as_u16(), text("scimType"), text("detail"))
}

/// The credential that the state of a user names, and that its last event does.
async fn credential(db: &Db, id: Uuid) -> Option<Uuid> {
    const STATE: &str = "SELECT CAST(document AS TEXT) FROM people WHERE id = $1";
    const EVENT: &str =
        "SELECT CAST(payload AS TEXT) FROM outbox WHERE aggregate_id = $1 ORDER BY sequence DESC LIMIT 1";
    let mut reader = db.reader().await.unwrap();
    let mut named = Vec::new();
    for statement in [STATE, EVENT] {
        let text: String =
            on_engine!(&mut reader, c => sqlx::query_scalar(statement).bind(id).fetch_one(c).await.unwrap());
        let value: Value = serde_json::from_str(&text).unwrap();
        named.push(value["credential_id"].as_str().map(|id| id.parse().unwrap()));
    }
    assert_eq!(named[0], named[1], "the state and its event agree");
    named[0]
}

/// Everything that the tables of this service hold of people and events, as text.
async fn stored(db: &Db) -> String {
    const ALL: &str = "SELECT CAST(document AS TEXT) FROM people UNION ALL SELECT value_key FROM user_values
        UNION ALL SELECT CAST(payload AS TEXT) FROM outbox";
    let mut reader = db.reader().await.unwrap();
    let rows: Vec<String> = on_engine!(&mut reader, c => sqlx::query_scalar(ALL).fetch_all(c).await.unwrap());
    rows.join("\n")
}

async fn people(db: &Db) -> i64 {
    let mut reader = db.reader().await.unwrap();
    on_engine!(&mut reader, c => sqlx::query_scalar("SELECT count(*) FROM people").fetch_one(c).await.unwrap())
}

async fn create(directory: &Caller, name: &str) -> Uuid {
    let made = directory.json("POST", USERS, &user(name, PASSWORD)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    made.body["id"].as_str().unwrap().parse().unwrap()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_password_goes_to_auth_under_the_new_id_and_nowhere_else(db: TestDb) {
        let (app, auth, directory) = world(&db);
        let made = directory.json("POST", USERS, &user("ann", PASSWORD)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        let id: Uuid = made.body["id"].as_str().unwrap().parse().unwrap();
        let named = credential(&db, id).await.unwrap();
        assert_eq!(auth.calls(), [Call::Put(named, id, "ann".to_owned(), PASSWORD.to_owned())]);
        let shown = directory.get(&format!("{USERS}/{id}")).await;
        let own = Caller::with(&app, persons_token(id)).get("/user").await;
        for text in [stored(&db).await, format!("{made:?}"), format!("{shown:?}"), format!("{own:?}")] {
            assert!(!text.contains(PASSWORD), "{text}");
        }
        for body in [&made.body, &shown.body, &own.body] {
            assert!(!body.to_string().contains(&named.to_string()), "{body}");
        }
        let features = directory.get("/scim/v2/ServiceProviderConfig").await;
        assert_eq!(features.body["changePassword"]["supported"], true);
    }

    async fn without_auth_nothing_is_created_or_changed(db: TestDb) {
        let (_app, auth, directory) = world(&db);
        let id = create(&directory, "ann").await;
        auth.fails(CredentialError::Unavailable { retry_after: Duration::from_secs(7) });
        let path = format!("{USERS}/{id}");
        for (method, path, body) in [
            ("POST", USERS, user("bob", PASSWORD)),
            ("PUT", &path, user("anna", PASSWORD)),
            ("PATCH", &path, patch(&json!({"op": "add", "value": {"userName": "anna", "password": PASSWORD}}))),
        ] {
            let refused = directory.json(method, path, &body).await;
            assert_eq!((refused.status, refused.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "7"), "{refused:?}");
            assert_eq!(refused.body["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
        }
        assert_eq!(people(&db).await, 1);
        assert_eq!(events_of(&db, id).await.len(), 1);
        // Without a password there is no need of it.
        let changed = directory.json("PUT", &path, &json!({"schemas": [CORE_USER], "userName": "anna"})).await;
        assert_eq!(changed.status, StatusCode::OK);
    }

    async fn a_password_that_auth_refuses_is_an_invalid_value_with_the_reason(db: TestDb) {
        let (_app, auth, directory) = world(&db);
        let id = create(&directory, "ann").await;
        auth.fails(CredentialError::Refused("use at least 15 characters".to_owned()));
        let path = format!("{USERS}/{id}");
        for (method, path, body) in [
            ("POST", USERS, user("bob", "short")),
            ("PUT", &path, user("ann", "short")),
            ("PATCH", &path, patch(&json!({"op": "replace", "path": "password", "value": "short"}))),
        ] {
            let refused = directory.json(method, path, &body).await;
            assert_eq!(refusal(&refused), (400, "invalidValue", "password: use at least 15 characters"));
        }
        assert_eq!(people(&db).await, 1);
        assert_eq!(events_of(&db, id).await.len(), 1);
    }

    async fn of_a_change_that_is_refused_the_password_is_cancelled_or_was_never_sent(db: TestDb) {
        let (_app, auth, directory) = world(&db);
        let id = create(&directory, "ann").await;
        auth.calls();
        let path = format!("{USERS}/{id}");
        // What is known before costs no hash.
        let taken = directory.json("POST", USERS, &user("Ann", PASSWORD)).await;
        let stale = directory.json_if("PUT", &path, &user("ann", PASSWORD), "W/\"7\"").await;
        let nobody = directory.json("PUT", &format!("{USERS}/{}", Uuid::nil()), &user("eve", PASSWORD)).await;
        let invalid = directory.json("POST", USERS, &user("a b", PASSWORD)).await;
        let statuses = [taken.status, stale.status, nobody.status, invalid.status].map(|status| status.as_u16());
        assert_eq!((statuses, auth.calls()), ([409, 412, 404, 400], vec![]));
        // The name is taken while the password is hashed.
        let other = directory.clone();
        auth.meanwhile(async move {
            let quick = json!({"schemas": [CORE_USER], "userName": "bob"});
            assert_eq!(other.json("POST", USERS, &quick).await.status, StatusCode::CREATED);
        });
        let taken = directory.json("POST", USERS, &user("bob", PASSWORD)).await;
        assert_eq!(refusal(&taken).1, "uniqueness");
        let calls = auth.calls();
        assert!(matches!(&calls[..], [Call::Put(put, ..), Call::Cancel(cancelled)] if put == cancelled), "{calls:?}");
        // The user is changed, and then deleted, while the password is hashed.
        let (other, at) = (directory.clone(), path.clone());
        auth.meanwhile(async move {
            let quick = json!({"schemas": [CORE_USER], "userName": "ann", "title": "Boss"});
            assert_eq!(other.json("PUT", &at, &quick).await.status, StatusCode::OK);
        });
        let changed = directory.json_if("PUT", &path, &user("ann", PASSWORD), "W/\"1\"").await;
        let (other, at) = (directory.clone(), path.clone());
        auth.meanwhile(async move {
            assert_eq!(other.send("DELETE", &at, &[], axum::body::Body::empty()).await.status, StatusCode::NO_CONTENT);
        });
        let gone = directory.json("PUT", &path, &user("ann", PASSWORD)).await;
        assert_eq!([changed.status.as_u16(), gone.status.as_u16()], [412, 404]);
        let calls = auth.calls();
        assert!(
            matches!(&calls[..], [Call::Put(a, ..), Call::Cancel(b), Call::Put(c, ..), Call::Cancel(d)] if a == b && c == d),
            "{calls:?}"
        );
    }

    async fn a_new_password_is_a_new_version_though_nothing_else_changes(db: TestDb) {
        let (_app, auth, directory) = world(&db);
        let id = create(&directory, "ann").await;
        let path = format!("{USERS}/{id}");
        let first = credential(&db, id).await;
        let replaced = directory.json("PUT", &path, &user("ann", "walnut-ferry-dusk")).await;
        assert_eq!((replaced.status, replaced.header("etag")), (StatusCode::OK, "W/\"2\""));
        let second = credential(&db, id).await;
        assert!(second.is_some() && second != first);
        for (version, operation) in (3..).zip([
            json!({"op": "replace", "path": "password", "value": PASSWORD}),
            json!({"op": "Add", "value": {"Password": PASSWORD, "title": "Boss"}}),
            json!({"op": "replace", "path": format!("{CORE_USER}:password"), "value": PASSWORD}),
        ]) {
            auth.calls();
            let patched = directory.json("PATCH", &path, &patch(&operation)).await;
            assert_eq!(patched.status, StatusCode::OK, "{operation}: {patched:?}");
            assert_eq!(patched.header("etag"), format!("W/\"{version}\""), "{operation}");
            let named = credential(&db, id).await.unwrap();
            assert_eq!(auth.calls(), [Call::Put(named, id, "ann".to_owned(), PASSWORD.to_owned())]);
        }
        let last = credential(&db, id).await;
        directory.json("PATCH", &path, &patch(&json!({"op": "add", "path": "title", "value": "Chief"}))).await;
        assert_eq!((credential(&db, id).await, auth.calls()), (last, vec![]), "no password, no call");
        let removed = directory.json("PATCH", &path, &patch(&json!({"op": "remove", "path": "password"}))).await;
        assert_eq!(refusal(&removed), (400, "invalidValue", "password: cannot be removed: set another one, or deactivate the user"));
    }

    async fn of_two_replacements_at_once_the_later_version_names_its_own_password(db: TestDb) {
        let (_app, auth, directory) = world(&db);
        let id = create(&directory, "ann").await;
        auth.calls();
        let path = format!("{USERS}/{id}");
        let (one, other) = (user("ann", "walnut-ferry-dusk"), user("ann", "copper-lilac-march"));
        let (one, other) = tokio::join!(directory.json("PUT", &path, &one), directory.json("PUT", &path, &other));
        assert_eq!((one.status, other.status), (StatusCode::OK, StatusCode::OK));
        let last = if one.header("etag") == "W/\"3\"" { "walnut-ferry-dusk" } else { "copper-lilac-march" };
        let named = credential(&db, id).await.unwrap();
        let calls = auth.calls();
        assert!(calls.contains(&Call::Put(named, id, "ann".to_owned(), last.to_owned())), "{calls:?}");
        assert_eq!(calls.len(), 2, "neither is cancelled: {calls:?}");
        assert_eq!(events_of(&db, id).await.len(), 3);
    }

    async fn where_passwords_are_switched_off_they_are_refused(db: TestDb) {
        let app = app_with_credentials(&db, Credentials::Refused);
        let directory = Caller::with(&app, clients_token("a-directory", "users:read users:write"));
        let refused = directory.json("POST", USERS, &user("ann", PASSWORD)).await;
        assert_eq!(refusal(&refused), (
            400, "invalidValue", "password: cannot be set here: this server does not take passwords over SCIM",
        ));
        assert_eq!(people(&db).await, 0);
        let features = directory.get("/scim/v2/ServiceProviderConfig").await;
        assert_eq!(features.body["changePassword"]["supported"], false);
    }

    async fn where_passwords_are_ignored_they_are_left_out_of_every_request(db: TestDb) {
        let app = app_with_credentials(&db, Credentials::Ignored);
        let directory = Caller::with(&app, clients_token("a-directory", "users:read users:write"));
        let made = directory.json("POST", USERS, &user("ann", PASSWORD)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        let id: Uuid = made.body["id"].as_str().unwrap().parse().unwrap();
        let path = format!("{USERS}/{id}");
        let mut titled = user("ann", PASSWORD);
        titled["title"] = json!("Boss");
        for (method, body, version) in [
            ("PUT", titled.clone(), "W/\"2\""),
            ("PUT", titled, "W/\"2\""),
            ("PATCH", patch(&json!({"op": "replace", "path": "password", "value": PASSWORD})), "W/\"2\""),
            ("PATCH", patch(&json!({"op": "remove", "path": "password"})), "W/\"2\""),
            ("PATCH", patch(&json!({"op": "replace", "value": {"password": PASSWORD, "title": "Chief"}})), "W/\"3\""),
        ] {
            let changed = directory.json(method, &path, &body).await;
            assert_eq!((changed.status, changed.header("etag")), (StatusCode::OK, version), "{method} {body}: {changed:?}");
        }
        let bulk = bulk::send(&directory, &[bulk::creation("bob", PASSWORD)]).await;
        assert_eq!(bulk.body["Operations"][0]["status"], "201", "{bulk:?}");
        assert_eq!(credential(&db, id).await, None);
        assert!(!stored(&db).await.contains(PASSWORD));
        let features = directory.get("/scim/v2/ServiceProviderConfig").await;
        assert_eq!(features.body["changePassword"]["supported"], false);
    }
}
