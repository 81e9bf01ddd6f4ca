//! A load generator: people and applications that record every failed request.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use testkit::{Person, Service, Stack, Visitor, pkce_challenge};

/// All scopes of the operator's client. Privileged scopes have to be requested.
const OPERATOR_SCOPE: &str = "admin users:read users:write groups:read groups:write events:read";

/// The redirect URI of the application. It has no listener.
const CALLBACK: &str = "https://app.example/callback";
/// A token of the operator's is good for five minutes.
const TOKEN_RENEWAL: Duration = Duration::from_secs(120);

/// The state that all workers share.
pub(crate) struct Load {
    http: reqwest::Client,
    auth: String,
    users: String,
    operator_secret: String,
    operator: tokio::sync::Mutex<Option<(String, Instant)>>,
    client_id: String,
    person: Person,
    stopped: AtomicBool,
    requests: AtomicU64,
    failures: Mutex<Vec<String>>,
    /// Everybody who was made, and the version that was acknowledged last.
    acknowledged: Mutex<BTreeMap<String, i64>>,
    registered: Mutex<Vec<String>>,
}

impl Load {
    /// The load on `stack`, by `person` and by an application that is registered here.
    pub(crate) async fn on(stack: &Stack, person: &Person) -> Arc<Self> {
        let client = json!({
            "client_name": "An application",
            "redirect_uris": [CALLBACK],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let client = stack.create_client(&client).await;
        Arc::new(Self {
            http: stack.http().clone(),
            auth: stack.auth_url(""),
            users: stack.users_url(""),
            operator_secret: stack.operator_secret().to_owned(),
            operator: tokio::sync::Mutex::default(),
            client_id: client["client_id"].as_str().unwrap().to_owned(),
            person: person.clone(),
            stopped: AtomicBool::new(false),
            requests: AtomicU64::new(0),
            failures: Mutex::default(),
            acknowledged: Mutex::default(),
            registered: Mutex::default(),
        })
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The URL of a service.
    pub(crate) fn url(&self, service: Service) -> String {
        match service {
            Service::Auth => self.auth.clone(),
            Service::Users => self.users.clone(),
        }
    }

    /// Stops every worker after its current request.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// The number of requests.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn failures(&self) -> Vec<String> {
        self.failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The ids of people, each with the version that was acknowledged last.
    pub(crate) fn acknowledged(&self) -> BTreeMap<String, i64> {
        self.acknowledged
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The ids of those who registered.
    pub(crate) fn registered(&self) -> Vec<String> {
        self.registered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn record_failure(&self, what: &str, how: impl std::fmt::Display) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.push(format!("{what}: {how}"));
    }

    /// Sends a request once. Anything but the status that is expected is a failure.
    pub(crate) async fn expect_status(
        &self,
        what: &str,
        request: RequestBuilder,
        expected: u16,
    ) -> Option<Value> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                self.record_failure(what, format!("{error:?}"));
                return None;
            }
        };
        let status = answer.status();
        match answer.text().await {
            Ok(text) if status == expected => Some(serde_json::from_str(&text).unwrap_or(Value::Null)),
            Ok(text) => {
                self.record_failure(what, format!("{status} {text}"));
                None
            }
            Err(error) => {
                self.record_failure(what, format!("{status}, then {error:?}"));
                None
            }
        }
    }

    /// A token of the operator's.
    pub(crate) async fn operator(&self) -> String {
        let mut held = self.operator.lock().await;
        if let Some((token, since)) = held.as_ref()
            && since.elapsed() < TOKEN_RENEWAL
        {
            return token.clone();
        }
        let request = self
            .http
            .post(format!("{}/oauth2/token", self.auth))
            .basic_auth("vestibule-cli", Some(&self.operator_secret))
            .form(&[("grant_type", "client_credentials"), ("scope", OPERATOR_SCOPE)]);
        let answer = self.expect_status("a program gets a token", request, 200).await;
        let token = answer
            .map(|answer| text(&answer, "access_token"))
            .unwrap_or_default();
        *held = Some((token.clone(), Instant::now()));
        token
    }

    /// All workers at once, until [`Self::stop`].
    pub(crate) async fn run(self: &Arc<Self>) {
        tokio::join!(
            self.direct(),
            self.pages(),
            self.code_flows(),
            self.registrations(),
            self.directory(0),
            self.directory(1),
        );
    }

    /// `POST /authenticate`, `GET /user`, and refreshes.
    pub(crate) async fn direct(&self) {
        while !self.is_stopped() {
            let body = json!({ "username": self.person.user_name, "password": self.person.password,
                "scope": "openid profile offline_access" });
            let request = self.http.post(format!("{}/authenticate", self.auth)).json(&body);
            let Some(mut tokens) = self.expect_status("POST /authenticate", request, 200).await else {
                continue;
            };
            for _ in 0..5 {
                let request = self.http.get(format!("{}/user", self.users));
                let request = request.bearer_auth(text(&tokens, "access_token"));
                self.expect_status("GET /user", request, 200).await;
                let refresh = text(&tokens, "refresh_token");
                let Some(next) = self.refresh(&refresh, "vestibule-direct").await else {
                    break;
                };
                tokens = next;
            }
        }
    }

    /// Exchanges a refresh token.
    pub(crate) async fn refresh(&self, token: &str, client: &str) -> Option<Value> {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", client),
        ];
        let request = self.http.post(format!("{}/oauth2/token", self.auth)).form(&form);
        self.expect_status("a refresh", request, 200).await
    }

    /// A person signs in and out by the pages.
    async fn pages(&self) {
        while !self.is_stopped() {
            let mut visitor = Visitor::at(&self.auth);
            self.sign_in(&mut visitor).await;
            let home = visitor.open("/").await;
            self.requests.fetch_add(3, Ordering::Relaxed);
            if !home.has_form("/logout") {
                self.record_failure(
                    "a sign-in by the pages",
                    format!("{} {}", home.status, home.text()),
                );
                continue;
            }
            let gone = visitor.submit(&home, "/logout", &[]).await;
            if gone.status.is_server_error() {
                self.record_failure("a sign-out by the pages", gone.status);
            }
        }
    }

    /// Fills the sign-in form.
    pub(crate) async fn sign_in(&self, visitor: &mut Visitor) {
        let form = visitor.open("/login").await;
        if !form.status.is_success() {
            self.record_failure("the sign-in page", form.status);
            return;
        }
        let typed = [
            ("user_name", self.person.user_name.as_str()),
            ("password", self.person.password.as_str()),
        ];
        let answer = visitor.submit(&form, "/login", &typed).await;
        if answer.status.is_server_error() {
            self.record_failure("the sign-in form", answer.status);
        }
    }

    /// An application gets codes for a person who is signed in, and exchanges them.
    async fn code_flows(&self) {
        let mut visitor = Visitor::at(&self.auth);
        self.sign_in(&mut visitor).await;
        let verifier = "a-verifier-of-at-least-forty-three-characters-in-all";
        while !self.is_stopped() {
            let mut place = url::Url::parse(&format!("{}/oauth2/authorize", self.auth)).unwrap();
            place
                .query_pairs_mut()
                .append_pair("response_type", "code")
                .append_pair("client_id", &self.client_id)
                .append_pair("redirect_uri", CALLBACK)
                .append_pair("scope", "openid profile")
                .append_pair("state", "s")
                .append_pair("code_challenge", &pkce_challenge(verifier))
                .append_pair("code_challenge_method", "S256");
            let answer = visitor.open(place.as_str()).await;
            self.requests.fetch_add(1, Ordering::Relaxed);
            let code = answer.redirect().and_then(|target| {
                let mut pairs = target.query_pairs();
                pairs
                    .find(|(name, _)| name == "code")
                    .map(|(_, code)| code.into_owned())
            });
            let Some(code) = code else {
                self.record_failure("a code", format!("{} {}", answer.status, answer.text()));
                continue;
            };
            let form = [
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", CALLBACK),
                ("client_id", &self.client_id),
                ("code_verifier", verifier),
            ];
            let request = self.http.post(format!("{}/oauth2/token", self.auth)).form(&form);
            self.expect_status("the exchange of a code", request, 200).await;
        }
    }

    /// Accounts are made.
    async fn registrations(&self) {
        for number in 0.. {
            if self.is_stopped() {
                break;
            }
            let name = format!("guest{number}");
            let body = json!({ "user_name": name, "email": format!("{name}@example.com"),
                "password": "plum-tractor-violin-42" });
            let request = self.http.post(format!("{}/admin/v1/users", self.auth));
            let request = request.bearer_auth(self.operator().await).json(&body);
            if let Some(made) = self.expect_status("a registration", request, 201).await {
                let mut registered = self.registered.lock().unwrap_or_else(PoisonError::into_inner);
                registered.push(text(&made, "id"));
            }
        }
    }

    /// A directory makes people by SCIM and changes each of them some times.
    async fn directory(&self, number: usize) {
        let base = format!("{}/scim/v2/Users", self.users);
        for round in 0.. {
            if self.is_stopped() {
                break;
            }
            let name = format!("worker{number}-{round}");
            let mut person =
                json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name });
            let request = self.scim(self.http.post(&base), &person).await;
            let Some(made) = self.expect_status("a person by SCIM", request, 201).await else {
                continue;
            };
            let id = text(&made, "id");
            self.record_version(&id, 1);
            for version in 2..=4 {
                person["displayName"] = format!("{name} {version}").into();
                let request = self.scim(self.http.put(format!("{base}/{id}")), &person).await;
                if self
                    .expect_status("a change by SCIM", request, 200)
                    .await
                    .is_none()
                {
                    break;
                }
                self.record_version(&id, version);
            }
        }
    }

    async fn scim(&self, request: RequestBuilder, body: &Value) -> RequestBuilder {
        request
            .bearer_auth(self.operator().await)
            .header("content-type", "application/scim+json")
            .body(body.to_string())
    }

    fn record_version(&self, id: &str, version: i64) {
        let mut acknowledged = self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
        acknowledged.insert(id.to_owned(), version);
    }
}

fn text(answer: &Value, name: &str) -> String {
    answer[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {answer}"))
        .to_owned()
}
