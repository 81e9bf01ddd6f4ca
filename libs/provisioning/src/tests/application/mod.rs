//! An application with a SCIM endpoint, which a test can make fail.

mod scim;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use chassis::shutdown::Shutdown;
use http::Method;
use serde_json::{Map, Value, json};

use self::scim::{insert, status};

/// The reaction that a test wants instead of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fault {
    /// Answers with a status, and `Retry-After` in seconds.
    Status(u16, Option<u32>),
    /// Does what is asked, and then answers with a status, as if the answer were lost.
    Afterwards(u16),
    /// Does what is asked, and answers with a status and a text of so many bytes.
    Large(u16, usize),
    /// Never answers.
    Silence,
}

/// A rule is given the method, the path, and the body, or the query of a GET.
type Rule = dyn Fn(&Method, &str, &Value) -> Option<Fault> + Send + Sync;

/// The resources of the application by endpoint and id.
type Resources = BTreeMap<(String, String), Map<String, Value>>;

/// The application.
#[derive(Clone)]
pub(crate) struct Application {
    pub(super) url: String,
    pub(super) token: Arc<Mutex<String>>,
    resources: Arc<Mutex<Resources>>,
    requests: Arc<Mutex<Vec<(Method, String, Value)>>>,
    rule: Arc<Mutex<Arc<Rule>>>,
    patch: Arc<Mutex<bool>>,
    external_ids: Arc<Mutex<bool>>,
}

impl Application {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let application = Self {
            url: format!("http://{}/scim/v2", listener.local_addr().unwrap()),
            token: Arc::new(Mutex::new("open sesame".to_owned())),
            resources: Arc::default(),
            requests: Arc::default(),
            rule: Arc::new(Mutex::new(Arc::new(|_, _, _| None))),
            patch: Arc::new(Mutex::new(true)),
            external_ids: Arc::new(Mutex::new(true)),
        };
        let me = application.clone();
        let router = Router::new().fallback(move |request: Request| {
            let me = me.clone();
            async move { me.handle(request).await }
        });
        Shutdown::new().spawn("application", async move {
            axum::serve(listener, router).await.unwrap();
        });
        application
    }

    pub(super) fn behave(
        &self,
        rule: impl Fn(&Method, &str, &Value) -> Option<Fault> + Send + Sync + 'static,
    ) {
        *self.rule.lock().unwrap() = Arc::new(rule);
    }

    /// Takes PATCH away.
    pub(super) fn without_patch(&self) {
        *self.patch.lock().unwrap() = false;
    }

    /// Has no `externalId` kept from now on.
    pub(super) fn without_external_ids(&self) {
        *self.external_ids.lock().unwrap() = false;
    }

    /// The requests that were made, and forgets them.
    pub(super) fn requests(&self) -> Vec<(Method, String, Value)> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }

    /// The number of requests to a path.
    pub(super) fn count_requests(&self, path: &str) -> usize {
        let requests = self.requests.lock().unwrap();
        requests.iter().filter(|(_, asked, _)| asked == path).count()
    }

    /// The requests that write, as `POST Users`, and forgets all.
    pub(super) fn writes(&self) -> Vec<String> {
        let requests = self.requests().into_iter();
        let writes = requests.filter(|(method, ..)| *method != Method::GET);
        writes
            .map(|(method, path, _)| format!("{method} {}", path.split('/').next().unwrap()))
            .collect()
    }

    /// The resources of an endpoint, in the order of their ids.
    pub(super) fn all(&self, endpoint: &str) -> Vec<Map<String, Value>> {
        let resources = self.resources.lock().unwrap();
        let of_endpoint = resources.iter().filter(|((of, _), _)| of == endpoint);
        of_endpoint.map(|(_, resource)| resource.clone()).collect()
    }

    /// The user with a name.
    pub(super) fn user(&self, name: &str) -> Option<Map<String, Value>> {
        let named = |user: &Map<String, Value>| user["userName"] == name;
        self.all("Users").into_iter().find(named)
    }

    /// The names of the members of a group, in order.
    pub(super) fn members(&self, group: &str) -> Vec<String> {
        let groups = self.all("Groups");
        let group = groups.iter().find(|found| found["displayName"] == group).unwrap();
        let resources = self.resources.lock().unwrap();
        let members = group
            .get("members")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let name = |member: Value| {
            let id = member["value"].as_str().unwrap().to_owned();
            let find = |endpoint: &str| resources.get(&(endpoint.to_owned(), id.clone()));
            let of = |found: &Map<String, Value>, name: &str| found[name].as_str().unwrap().to_owned();
            find("Users")
                .map(|user| of(user, "userName"))
                .or_else(|| find("Groups").map(|group| of(group, "displayName")))
                .unwrap()
        };
        let mut names: Vec<String> = members.into_iter().map(name).collect();
        names.sort_unstable();
        names
    }

    /// Adds a resource behind everybody's back.
    pub(super) fn add(&self, endpoint: &str, resource: Value) -> String {
        let mut resources = self.resources.lock().unwrap();
        insert(&mut resources, endpoint, resource.as_object().unwrap().clone())
    }

    /// Changes a resource behind everybody's back.
    pub(super) fn set(&self, endpoint: &str, id: &str, name: &str, value: Value) {
        let mut resources = self.resources.lock().unwrap();
        let resource = resources.get_mut(&(endpoint.to_owned(), id.to_owned())).unwrap();
        resource.insert(name.to_owned(), value);
    }

    /// Removes a resource behind everybody's back.
    pub(super) fn remove(&self, endpoint: &str, id: &str) {
        let mut resources = self.resources.lock().unwrap();
        resources.remove(&(endpoint.to_owned(), id.to_owned()));
    }

    /// Removes all resources of an endpoint behind everybody's back.
    pub(super) fn clear(&self, endpoint: &str) {
        self.resources.lock().unwrap().retain(|(of, _), _| of != endpoint);
    }

    async fn handle(&self, request: Request) -> Response {
        let (head, body) = request.into_parts();
        let bytes: Bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let path = head.uri.path().trim_start_matches("/scim/v2/").to_owned();
        let query: BTreeMap<String, String> =
            form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        let body = match head.method {
            Method::GET => json!(query),
            _ => body,
        };
        self.requests
            .lock()
            .unwrap()
            .push((head.method.clone(), path.clone(), body.clone()));
        let authorization = format!("Bearer {}", self.token.lock().unwrap());
        if head
            .headers
            .get("authorization")
            .and_then(|value| value.to_str().ok())
            != Some(&authorization)
        {
            return status(401).into_response();
        }
        let rule = Arc::clone(&self.rule.lock().unwrap());
        match rule(&head.method, &path, &body) {
            None => self.answer(&head.method, &path, &query, body),
            Some(Fault::Silence) => std::future::pending().await,
            Some(Fault::Status(code, retry_after)) => {
                let mut response = status(code).into_response();
                if let Some(seconds) = retry_after {
                    response.headers_mut().insert("retry-after", seconds.into());
                }
                response
            }
            Some(Fault::Large(code, bytes)) => {
                self.answer(&head.method, &path, &query, body);
                (status(code), format!(r#"{{"id":"{}"}}"#, "x".repeat(bytes))).into_response()
            }
            Some(Fault::Afterwards(code)) => {
                self.answer(&head.method, &path, &query, body);
                status(code).into_response()
            }
        }
    }
}
