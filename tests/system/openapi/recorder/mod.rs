//! The examples of a description: each is sent to the running service, and the answer is compared with the committed one.

mod acts;
mod call;
mod compare;

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Map, Value, json};
use testkit::Stack;
use uuid::Uuid;

use super::{Described, operations};
use crate::source::root;
use acts::Acts;
pub(super) use call::Call;
use call::as_value;
use compare::{compare, is_list_of_texts, keep_what_is_equal};

/// Values that differ with every run.
const SECRETS: [&str; 23] = [
    "access_token",
    "refresh_token",
    "id_token",
    "device_token",
    "client_secret",
    "initial_access_token",
    "registration_access_token",
    "secret",
    "token",
    "ending",
    "csrf",
    "setup_url",
    "kid",
    "n",
    "x",
    "y",
    "key_set",
    "digest",
    "made",
    "etag",
    "last_error",
    "traceparent",
    "jti",
];
/// The beginning of the URI of a pushed authorization request; the rest of it is random (RFC 9126 §2.2).
const PUSHED: &str = "urn:ietf:params:oauth:request_uri:";
/// Longer documents are named and not repeated.
const LONGEST: usize = 6000;

/// Sends the examples of a service, and holds them against the committed ones.
pub(super) struct Recorder<'a> {
    stack: &'a Stack,
    service: Described,
    document: Value,
    ids: BTreeMap<Uuid, usize>,
    recorded: Map<String, Value>,
    acts: Acts,
}

impl<'a> Recorder<'a> {
    pub(super) async fn new(stack: &'a Stack, service: Described) -> Self {
        Self {
            stack,
            service,
            document: service.document(stack).await,
            ids: BTreeMap::new(),
            recorded: Map::new(),
            acts: Acts::default(),
        }
    }

    /// Sends the example of an operation. The body of the answer.
    pub(super) async fn call(&mut self, id: &str, call: Call) -> Value {
        let found = operations(&self.document)
            .into_iter()
            .find(|operation| operation.id == id);
        let operation = found.unwrap_or_else(|| panic!("{id} is no operation"));
        let (method, mut path): (Method, String) =
            (operation.method.parse().unwrap(), operation.path.to_owned());
        for (name, value) in &call.path {
            path = path.replace(&format!("{{{name}}}"), value);
        }
        let mut request = self
            .stack
            .http()
            .request(method.clone(), self.service.url(self.stack, &path));
        let (trace, traceparent) = self.acts.trace();
        request = request.header("traceparent", traceparent).query(&call.query);
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        if let Some(token) = &call.token {
            request = request.bearer_auth(token);
        }
        if let Some((id, secret)) = &call.basic {
            request = request.basic_auth(id, Some(secret));
        }
        if let Some(body) = &call.json {
            let media_type = call.media_type.unwrap_or("application/json");
            request = request.header("content-type", media_type).body(body.to_string());
        }
        if let Some(form) = &call.form {
            request = request.form(form);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        if answer.status().is_success() && acts::is_administrative(&method, &path) {
            self.acts.remember(id, trace);
        }
        let media_type = answer.headers().get("content-type").map(|value| {
            value
                .to_str()
                .unwrap()
                .split(';')
                .next()
                .unwrap()
                .trim()
                .to_owned()
        });
        let text = answer.text().await.unwrap();
        self.record(id, &call, status, media_type.as_deref(), &text)
    }

    /// Records what a browser has sent and got by other means.
    pub(super) fn browser(&mut self, id: &str, form: &[(&'static str, &str)], status: u16, media_type: &str) {
        let call = Call::new().form(form);
        let media_type = Some(media_type).filter(|media_type| !media_type.is_empty());
        self.record(id, &call, status, media_type, "");
    }

    fn record(&mut self, id: &str, call: &Call, status: u16, media_type: Option<&str>, text: &str) -> Value {
        let body: Value = serde_json::from_str(text).unwrap_or_default();
        let mut request = Map::new();
        let mut put = |name: &str, pairs: &[(&'static str, String)]| {
            let pairs: Map<String, Value> = pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), as_value(name, value)))
                .collect();
            if !pairs.is_empty() {
                request.insert(name.to_owned(), json!(pairs));
            }
        };
        put("path", &call.path);
        put("query", &call.query);
        put("body", call.form.as_deref().unwrap_or_default());
        if let Some(body) = &call.json {
            request.insert("body".to_owned(), body.clone());
        }
        let mut response = json!({ "status": status });
        if let Some(media_type) = media_type {
            response["content_type"] = media_type.into();
        }
        if !body.is_null() && text.len() <= LONGEST {
            response["body"] = body.clone();
        }
        let mut example = json!({ "request": request, "response": response });
        self.normalize(&mut example, "");
        let responses = operations(&self.document)
            .into_iter()
            .find(|operation| operation.id == id);
        let described =
            responses.map(|operation| operation.described["responses"][status.to_string()].clone());
        assert!(
            described.is_some_and(|described| !described.is_null()),
            "{id}: {status} {text}"
        );
        self.recorded.insert(id.to_owned(), example);
        body
    }

    /// Replaces what differs with every run.
    fn normalize(&mut self, value: &mut Value, member: &str) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    self.normalize(value, name);
                }
            }
            Value::Array(items) => {
                // Keys of the same moment have no order.
                let algorithm = |item: &Value| {
                    let name = item.get("alg").or_else(|| item.get("algorithm"))?;
                    name.as_str().map(str::to_owned)
                };
                items.sort_by_key(algorithm);
                // A list of names says what there is, so it stays whole.
                if !is_list_of_texts(items) {
                    items.truncate(2);
                }
                items.iter_mut().for_each(|item| self.normalize(item, member));
            }
            Value::String(text) => {
                if SECRETS.contains(&member) || text.starts_with("eyJ") {
                    "…".clone_into(text);
                } else if is_secret_id(text) {
                    "3f9a1c0b7d2e4856".clone_into(text);
                } else if text.starts_with(PUSHED) {
                    *text = format!("{PUSHED}…");
                } else if is_time(text) {
                    "2026-11-29T12:00:00.000000Z".clone_into(text);
                } else {
                    *text = self.without_ids(&self.without_urls(text));
                }
            }
            _ => {}
        }
    }

    fn without_urls(&self, text: &str) -> String {
        text.replace(&self.stack.auth_url(""), "https://id.example.com")
            .replace(&self.stack.users_url(""), "https://users.example.com")
            .replace("http://127.0.0.1:9/", "https://hooks.example.com/")
    }

    /// With ids that are the same in every run.
    fn without_ids(&mut self, text: &str) -> String {
        let mut whole = without_client_id(text);
        let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        for at in starts {
            let Some(id) = text.get(at..at + 36).and_then(|part| part.parse::<Uuid>().ok()) else {
                continue;
            };
            let next = self.ids.len() + 1;
            let number = *self.ids.entry(id).or_insert(next);
            whole = whole.replace(&id.to_string(), &format!("0199c1a4-6a5e-7cc3-b1a0-{number:012}"));
        }
        whole
    }

    /// Compares with the committed examples, or writes them.
    pub(super) async fn finish(self) {
        let process = match self.service {
            Described::Auth => &self.stack.auth,
            Described::Users => &self.stack.users,
        };
        self.acts.are_logged(process).await;
        let path = root().join(format!("services/{}/openapi-examples.json", self.service.name()));
        let mut recorded = Value::Object(self.recorded);
        let read = || -> Value { serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap() };
        if testkit::is_generating() {
            keep_what_is_equal(&read(), &mut recorded);
            std::fs::write(&path, serde_json::to_string_pretty(&recorded).unwrap() + "\n").unwrap();
        }
        let committed = read();
        let mut differences = Vec::new();
        compare(&committed, &recorded, "", &mut differences);
        assert!(
            differences.is_empty(),
            "the examples of {} are out of date (`make generate` writes them anew): {differences:#?}",
            self.service.name()
        );
        for operation in operations(&self.document) {
            assert!(
                recorded.get(operation.id).is_some(),
                "{} has no example",
                operation.id
            );
        }
    }
}

/// True for the id of a client's secret.
fn is_secret_id(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// With the id of a client that has registered itself as it is in every run.
fn without_client_id(text: &str) -> String {
    const PREFIX: &str = "app-";
    let id = text
        .match_indices(PREFIX)
        .filter_map(|(at, _)| text.get(at..at + PREFIX.len() + 32))
        .find(|id| id.bytes().skip(PREFIX.len()).all(|byte| byte.is_ascii_hexdigit()));
    match id {
        Some(id) => text.replace(id, "app-0199c1a46a5e7cc3b1a0000000000000"),
        None => text.to_owned(),
    }
}

fn is_time(text: &str) -> bool {
    text.len() >= 20 && text.as_bytes().get(10) == Some(&b'T') && text.ends_with('Z')
}
