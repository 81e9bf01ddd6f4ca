//! A service without listeners, Ann who is signed in, and a client.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chassis::http::{PublicScheme, standard_layers};
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use testkit::TestDb;
use tower::ServiceExt;
use url::Url;
use uuid::Uuid;

use crate::clients::ClientMetadata;
use crate::routes::router;
use crate::testing::{self, PASSWORD, TestApp, client};

pub(super) const ISSUER: &str = "https://id.example.org";
pub(super) const CALLBACK: &str = "https://app.example.org/callback?tenant=1";
/// RFC 7636, Appendix B.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(super) struct World {
    pub(super) app: TestApp,
    pub(super) ann: Uuid,
    pub(super) secret: String,
    router: Router,
    pub(super) db: TestDb,
}

/// An answer, read to its end.
pub(super) struct TestResponse {
    pub(super) status: StatusCode,
    pub(super) headers: http::HeaderMap,
    pub(super) body: String,
}

fn served(app: &TestApp) -> Router {
    let limits = app.settings.limits.clone();
    let scheme = PublicScheme::of(app.settings.issuer.as_str());
    standard_layers(router(app).with_state(app.app.clone()), &limits, scheme)
}

impl World {
    /// With a confidential client called `web`, and Ann.
    pub(super) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// The same, with these settings.
    pub(super) async fn with(settings: &[(&str, &str)]) -> Self {
        let db = testkit::sqlite(&[&events::MIGRATIONS, &crate::MIGRATIONS]).await;
        Self::on(db, settings).await
    }

    /// The same, on a database of one of the engines.
    pub(super) async fn on(db: TestDb, settings: &[(&str, &str)]) -> Self {
        let app = testing::app_set(&db, settings).await;
        let ann = app.person("ann").await;
        let mut world = Self {
            router: served(&app),
            app,
            ann,
            secret: String::new(),
            db,
        };
        world.secret = world.client("web", |_| {}).await.unwrap();
        world
    }

    /// The same installation, after a start with other settings.
    pub(super) async fn restarted(self, settings: &[(&str, &str)]) -> Self {
        let app = testing::app_set(&self.db, settings).await;
        Self {
            router: served(&app),
            app,
            ..self
        }
    }

    /// Registers a client; its secret, if it has one.
    pub(super) async fn client(&self, id: &str, change: impl FnOnce(&mut ClientMetadata)) -> Option<String> {
        let mut registration = ClientMetadata {
            redirect_uris: vec![CALLBACK.parse().unwrap()],
            post_logout_redirect_uris: vec!["https://app.example.org/bye".parse().unwrap()],
            ..ClientMetadata::default()
        };
        change(&mut registration);
        let created = self
            .app
            .clients
            .create(Some(id.parse().unwrap()), registration)
            .await;
        created.unwrap().secret.map(|secret| secret.expose().to_owned())
    }

    /// Waits until the keys of the algorithms that clients were registered for sign.
    pub(super) async fn let_new_keys_sign(&self) {
        self.app.wait(Duration::from_secs(330));
        self.app.keys.refresh_and_rotate().await.unwrap();
    }

    /// Signs Ann in; the cookie.
    pub(super) async fn cookie(&self) -> String {
        let who = self.app.sign_in("ann", PASSWORD).await.unwrap();
        let mut tx = self.app.db.begin("test").await.unwrap();
        let started = self
            .app
            .sessions
            .start(&mut tx, &who, &client("192.0.2.1"))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(who.account_id, self.ann);
        format!("__Host-vestibule={}", started.token.expose())
    }

    pub(super) async fn send(&self, request: Request<Body>) -> TestResponse {
        let response: Response<Body> = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        TestResponse {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub(super) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> TestResponse {
        self.send(request(Method::GET, path, headers, String::new()))
            .await
    }

    /// A form, from the client `web` unless it says who it is.
    pub(super) async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        form: &[(&str, &str)],
    ) -> TestResponse {
        let form = encode(form);
        let mut all = headers.to_vec();
        all.push((CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded"));
        self.send(request(Method::POST, path, &all, form)).await
    }

    /// A token request of `web`.
    pub(super) async fn token(&self, form: &[(&str, &str)]) -> TestResponse {
        let basic = basic("web", &self.secret);
        self.post("/oauth2/token", &[(AUTHORIZATION.as_str(), &basic)], form)
            .await
    }

    /// The answer to an authorization request from a browser with these cookies.
    pub(super) async fn authorize(&self, cookie: &str, change: &[(&str, &str)]) -> TestResponse {
        let path = format!("/oauth2/authorize?{}", authorization(change));
        self.get(&path, &[(COOKIE.as_str(), cookie)]).await
    }

    /// A code for Ann.
    pub(super) async fn code(&self, cookie: &str, change: &[(&str, &str)]) -> String {
        let answer = self.authorize(cookie, change).await;
        answer
            .query()
            .remove("code")
            .unwrap_or_else(|| panic!("{}", answer.location()))
    }

    /// Tokens for Ann, by the whole flow.
    pub(super) async fn tokens(&self, cookie: &str) -> serde_json::Value {
        let code = self.code(cookie, &[]).await;
        let answer = self.token(&exchange(&code)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.json()
    }
}

/// The token request for a code.
pub(super) fn exchange(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]
}

/// The query of an authorization request; an empty value takes a parameter out.
pub(super) fn authorization(change: &[(&str, &str)]) -> String {
    let mut pairs = BTreeMap::from([
        ("response_type", "code"),
        ("client_id", "web"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid profile email"),
        ("state", "s t&te"),
        ("nonce", "n"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    for (name, value) in change {
        pairs.insert(name, value);
    }
    pairs.retain(|_, value| !value.is_empty());
    encode(&pairs.into_iter().collect::<Vec<_>>())
}

pub(super) fn encode(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

pub(super) fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

fn request(method: Method, path: &str, headers: &[(&str, &str)], body: String) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body)).unwrap()
}

impl TestResponse {
    pub(super) fn header(&self, name: impl http::header::AsHeaderName) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }

    pub(super) fn location(&self) -> &str {
        self.header(LOCATION)
    }

    /// The parameters of the address that the browser is sent to.
    pub(super) fn query(&self) -> BTreeMap<String, String> {
        let base = Url::parse(ISSUER).unwrap();
        let url = base.join(self.location()).unwrap();
        url.query_pairs().into_owned().collect()
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The `error` of an OAuth answer.
    pub(super) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }

    /// `NAME=VALUE` of the cookie that was set.
    pub(super) fn cookie(&self) -> &str {
        self.header(SET_COOKIE).split(';').next().unwrap_or_default()
    }
}

/// Turns a story into a test.
macro_rules! stories {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident) $body:block)+) => {$(
        $(#[$meta])*
        #[test]
        fn $name() {
            testkit::block_on(async {
                let $world = World::new().await;
                $body
            });
        }
    )+};
}
pub(super) use stories;

/// The response of the introspection endpoint to a client that authenticates so.
pub(super) async fn introspect(world: &World, client: &str, token: &str) -> Value {
    let headers = [(AUTHORIZATION.as_str(), client)];
    let answer = world
        .post("/oauth2/introspect", &headers, &[("token", token)])
        .await;
    answer.json()
}

/// The response of the userinfo endpoint to a bearer of this token.
pub(super) async fn userinfo(world: &World, token: &str) -> TestResponse {
    let bearer = format!("Bearer {token}");
    let headers = [(AUTHORIZATION.as_str(), bearer.as_str())];
    world.get("/oauth2/userinfo", &headers).await
}
