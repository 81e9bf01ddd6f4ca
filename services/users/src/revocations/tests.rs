//! Tests of the revocation list: what is refused, and for how long.

mod bulk;
mod following;
mod late;

use std::sync::Mutex;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chassis::access::{BoxFuture, IssuedToken, RemoteKeys, ServiceTokens, TokenError, TokenIssuer};
use chassis::clock::SystemClock;
use chassis::db::Db;
use chassis::http_client::{ClientOptions, HttpClient};
use chassis::secret::Token;
use chassis::shutdown::Shutdown;
use http::StatusCode;
use serde_json::{Value, json};
use testkit::eventually;

use super::follower::MOST;
use super::*;
use crate::app::SharedApp;
use crate::testing::{
    Caller, app, clients_token, desired_user, exchanged_token, make_administrator, revocable_clients_token,
    token_of_grant,
};

const GRANT: Uuid = Uuid::from_u128(7);

/// An authentication service that answers as it is told; without an answer it is down.
#[derive(Clone, Default)]
struct Auth {
    answer: Arc<Mutex<Option<Value>>>,
    asked: Arc<Mutex<Vec<String>>>,
    key_set: Arc<Mutex<String>>,
    /// The number of times that the keys were fetched.
    fetched: Arc<Mutex<u32>>,
}

impl Auth {
    fn says(&self, grants: &[Uuid], clients: Value) {
        let answer = json!({
            "as_of": "2026-09-21T14:13:20.000000Z", "keep_seconds": 390,
            "key_set": *self.key_set.lock().unwrap(), "grants": grants, "clients": clients,
        });
        *self.answer.lock().unwrap() = Some(answer);
    }

    async fn answer(State(auth): State<Self>, RawQuery(query): RawQuery) -> Response {
        auth.asked.lock().unwrap().push(query.unwrap_or_default());
        match auth.answer.lock().unwrap().clone() {
            Some(answer) if answer.is_null() => StatusCode::NOT_FOUND.into_response(),
            Some(answer) => axum::Json(answer).into_response(),
            None => StatusCode::BAD_GATEWAY.into_response(),
        }
    }

    /// Answers 404, as a release without the list does.
    fn has_no_list(&self) {
        *self.answer.lock().unwrap() = Some(Value::Null);
    }

    /// Answers on a port of its own, and is followed into the list of `app`.
    async fn followed_by(&self, app: &SharedApp, shutdown: &Shutdown) {
        let parts = self.serve(app, shutdown).await;
        let follower = Follower::new(parts, app.revocations.clone());
        shutdown.spawn("revocations", follower.run(shutdown.clone()));
    }

    /// Answers on a port of its own; what follows it for `app` is made of the parts.
    async fn serve(&self, app: &SharedApp, shutdown: &Shutdown) -> FollowerParts {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let fetched = Arc::clone(&self.fetched);
        let discovery = move || {
            let fetched = Arc::clone(&fetched);
            async move {
                *fetched.lock().unwrap() += 1;
            }
        };
        let routes = axum::Router::new()
            .route("/revocations", get(Self::answer))
            .route("/.well-known/openid-configuration", get(discovery))
            .with_state(self.clone());
        shutdown.spawn(
            "auth",
            async move { axum::serve(listener, routes).await.unwrap() },
        );
        let http = HttpClient::new(ClientOptions::default()).unwrap();
        FollowerParts {
            auth: url.parse().unwrap(),
            keys: RemoteKeys::new(url.trim_end_matches('/'), http.clone(), Arc::clone(&app.clock)),
            http,
            tokens: ServiceTokens::issued_by(Issuer, Arc::new(SystemClock)),
            db: app.db.clone(),
            clock: Arc::clone(&app.clock),
        }
    }
}

/// Makes the list of `app` so old that nothing privileged is honoured.
fn outdate(app: &SharedApp) {
    app.revocations
        .complete(Instant::now() - FRESH_FOR - Duration::from_millis(1));
}

struct Issuer;

impl TokenIssuer for Issuer {
    fn issue(&self) -> BoxFuture<'_, Result<IssuedToken, TokenError>> {
        Box::pin(async {
            Ok(IssuedToken {
                token: Token::new("t"),
                expires_at: Timestamp::from_secs(9_000_000_000),
            })
        })
    }
}

/// Root, who administers, with a token of the grant.
async fn root(app: &SharedApp) -> Caller {
    let id = app.users.create(desired_user("chief")).await.unwrap().id;
    make_administrator(app, id).await;
    Caller::with(
        app,
        token_of_grant(GRANT, id, "openid users:read events:read admin"),
    )
}

const PRIVILEGED: [&str; 4] = [
    "/scim/v2/Users",
    "/events",
    "/admin/v1/webhooks",
    "/admin/v1/events/stats",
];

async fn statuses(caller: &Caller) -> Vec<StatusCode> {
    let mut statuses = Vec::new();
    for path in PRIVILEGED {
        statuses.push(caller.get(path).await.status);
    }
    statuses
}

async fn stored(db: &Db, at: Timestamp) -> Vec<Revoked> {
    store::all(&mut db.reader().await.unwrap(), at).await.unwrap()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_token_is_refused_when_its_grant_was_revoked(db: TestDb) {
        // SB-47
        let (app, shutdown, auth) = (app(&db), Shutdown::new(), Auth::default());
        let root = root(&app).await;
        auth.says(&[], json!([]));
        auth.followed_by(&app, &shutdown).await;
        assert!(statuses(&root).await.iter().all(|status| *status != StatusCode::UNAUTHORIZED));
        assert_eq!(root.get("/user").await.status, StatusCode::OK);
        // The first question is for everything, the second for what is new since then.
        eventually("the second question", async || {
            let asked = auth.asked.lock().unwrap();
            asked.iter().any(|query| query.starts_with("since=2026-09-21T14")).then_some(())
        }).await;
        auth.says(&[GRANT], json!([]));
        eventually("the token is refused", async || {
            (root.get("/user").await.status == StatusCode::UNAUTHORIZED).then_some(())
        }).await;
        assert_eq!(statuses(&root).await, [StatusCode::UNAUTHORIZED; 4]);
        eventually("it is stored", async || (stored(&db, app.clock.now()).await == [Revoked::Grant(GRANT)]).then_some(())).await;
        shutdown.finish(Duration::from_secs(5)).await.ok();
    }

    async fn the_token_of_a_deleted_client_is_refused_and_a_later_one_of_its_id_is_not(db: TestDb) {
        // SB-47
        let app = app(&db);
        let tool = Caller::with(&app, clients_token("tool", "users:read"));
        assert_eq!(tool.get("/scim/v2/Users").await.status, StatusCode::OK);
        let issued_at = app.clock.now();
        let gone = |at| vec![Revoked::Client("tool".to_owned(), at)];
        app.revocations.add(gone(issued_at - Duration::from_secs(1)), MOST);
        assert_eq!(tool.get("/scim/v2/Users").await.status, StatusCode::OK);
        assert_eq!(app.revocations.add(gone(issued_at), MOST).len(), 1, "deleted again");
        assert_eq!(tool.get("/scim/v2/Users").await.status, StatusCode::UNAUTHORIZED);
    }

    async fn an_exchanged_token_is_refused_when_something_is_taken_from_a_client_before_it(db: TestDb) {
        // RFC 8693, SB-47
        let app = app(&db);
        let ann = app.users.create(desired_user("ann")).await.unwrap().id;
        let stock = |clients: &[&str]| Caller::with(&app, exchanged_token(ann, "stock", clients));
        let (of_both, of_app) = (stock(&["app", "shop"]), stock(&["app"]));
        assert_eq!(of_both.get("/user").await.status, StatusCode::OK);
        app.revocations.add(vec![Revoked::Client("shop".to_owned(), app.clock.now())], MOST);
        assert_eq!(of_both.get("/user").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(of_app.get("/user").await.status, StatusCode::OK);
        app.revocations.add(vec![Revoked::Client("app".to_owned(), app.clock.now())], MOST);
        assert_eq!(of_app.get("/user").await.status, StatusCode::UNAUTHORIZED);
    }

    async fn a_token_of_a_client_for_itself_is_refused_when_it_was_revoked(db: TestDb) {
        // RFC 7009 §2.1, SB-47
        let app = app(&db);
        let caller = |id| Caller::with(&app, revocable_clients_token(id, "tool", "users:read"));
        let (tool, next) = (caller(GRANT), caller(Uuid::from_u128(8)));
        assert_eq!(tool.get("/scim/v2/Users").await.status, StatusCode::OK);
        app.revocations.add(vec![Revoked::Grant(GRANT)], MOST);
        assert_eq!(tool.get("/scim/v2/Users").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(next.get("/scim/v2/Users").await.status, StatusCode::OK, "its next token");
    }

    async fn without_auth_privileges_are_refused_and_a_persons_own_data_is_served(db: TestDb) {
        // SB-47
        let app = app(&db);
        let root = root(&app).await;
        outdate(&app);
        for path in PRIVILEGED {
            let refused = root.get(path).await;
            assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
            assert_eq!(refused.header("retry-after"), "1");
        }
        let tool = Caller::with(&app, clients_token("tool", "users:read"));
        assert_eq!(tool.get("/scim/v2/Users").await.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(root.get("/user").await.status, StatusCode::OK);
        // `auth` itself is heard by its asking.
        let auth = Caller::with(&app, clients_token("vestibule-auth", "events:read"));
        assert_eq!(auth.get("/events").await.status, StatusCode::OK);
        let auth = Auth::default();
        let shutdown = Shutdown::new();
        auth.followed_by(&app, &shutdown).await;
        auth.says(&[], json!([]));
        eventually("it is heard", async || {
            (root.get("/scim/v2/Users").await.status == StatusCode::OK).then_some(())
        }).await;
        shutdown.finish(Duration::from_secs(5)).await.ok();
    }

    async fn whoever_administers_no_more_is_refused(db: TestDb) {
        // SB-47
        let app = app(&db);
        let id = app.users.create(desired_user("ann")).await.unwrap().id;
        let ann = Caller::with(&app, token_of_grant(GRANT, id, "openid users:read events:read admin"));
        assert_eq!(statuses(&ann).await, [StatusCode::UNAUTHORIZED; 4]);
        assert_eq!(ann.get("/user").await.status, StatusCode::OK);
        make_administrator(&app, id).await;
        assert!(statuses(&ann).await.iter().all(|status| *status != StatusCode::UNAUTHORIZED));
    }

    async fn a_start_without_auth_knows_what_was_revoked_before(db: TestDb) {
        // SB-47
        let app = app(&db);
        let root = root(&app).await;
        let now = app.clock.now();
        let forget_at = now + Duration::from_secs(60);
        let entries = [Revoked::Client("tool".to_owned(), now), Revoked::Grant(GRANT)];
        let mut tx = db.begin("test").await.unwrap();
        store::insert(&mut tx, &entries, now, forget_at).await.unwrap();
        store::insert(&mut tx, &entries, now, forget_at).await.unwrap();
        tx.commit().await.unwrap();
        let (shutdown, auth) = (Shutdown::new(), Auth::default());
        auth.followed_by(&app, &shutdown).await;
        eventually("it is refused", async || {
            (root.get("/user").await.status == StatusCode::UNAUTHORIZED).then_some(())
        }).await;
        shutdown.finish(Duration::from_secs(5)).await.ok();
        let mut known = stored(&db, now).await;
        known.sort_by_key(|entry| matches!(entry, Revoked::Grant(_)));
        assert_eq!(known, entries);
        let mut tx = db.begin("test").await.unwrap();
        assert_eq!(store::prune(&mut tx, now).await.unwrap(), 0);
        assert_eq!(store::prune(&mut tx, forget_at).await.unwrap(), 2);
        tx.commit().await.unwrap();
    }

    async fn when_the_keys_are_others_they_are_fetched_at_once(db: TestDb) {
        // SB-37
        let (app, shutdown, auth) = (app(&db), Shutdown::new(), Auth::default());
        auth.says(&[], json!([]));
        auth.followed_by(&app, &shutdown).await;
        eventually("auth was asked twice", async || (auth.asked.lock().unwrap().len() > 1).then_some(())).await;
        assert_eq!(*auth.fetched.lock().unwrap(), 0);
        *auth.key_set.lock().unwrap() = "others".to_owned();
        auth.says(&[], json!([]));
        eventually("the keys are fetched", async || (*auth.fetched.lock().unwrap() > 0).then_some(())).await;
        shutdown.finish(Duration::from_secs(5)).await.ok();
    }
}

#[test]
fn an_entry_is_forgotten_when_no_token_can_be_valid() {
    let list = Revocations::default();
    assert_eq!(list.add(vec![Revoked::Grant(GRANT)], Duration::ZERO).len(), 1);
    assert_eq!(
        list.add(vec![Revoked::Grant(GRANT)], Duration::ZERO).len(),
        0,
        "known"
    );
    list.complete(Instant::now());
    assert_eq!(
        list.add(vec![Revoked::Grant(GRANT)], Duration::ZERO).len(),
        1,
        "forgotten"
    );
}
