//! A browser at the service's router: it keeps cookies as browsers do, and says where a request comes from.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use tower::ServiceExt;

/// Somebody's browser.
#[derive(Clone)]
pub(super) struct Browser {
    router: Router,
    pub(super) jar: BTreeMap<String, String>,
    /// Headers sent with every POST; `same_origin` unless a test says otherwise.
    pub(super) says: Vec<(&'static str, String)>,
}

/// The response that the browser received.
pub(super) struct TestResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Browser {
    pub(super) fn new(router: Router, origin: &str) -> Self {
        let says = vec![
            ("sec-fetch-site", "same-origin".to_owned()),
            ("origin", origin.to_owned()),
        ];
        Self {
            router,
            jar: BTreeMap::new(),
            says,
        }
    }

    pub(super) async fn get(&mut self, path: &str) -> TestResponse {
        self.send(
            Request::get(path).header(header::ACCEPT, "text/html"),
            Body::empty(),
        )
        .await
    }

    /// Posts `fields` as they are.
    pub(super) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> TestResponse {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.post_raw(path, "application/x-www-form-urlencoded", body.into_bytes())
            .await
    }

    pub(super) async fn post_raw(&mut self, path: &str, kind: &str, body: Vec<u8>) -> TestResponse {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, kind);
        for (name, value) in &self.says {
            request = request.header(*name, value);
        }
        self.send(request, Body::from(body)).await
    }

    /// Opens the page at `path`, fills its form and sends it where it says.
    pub(super) async fn fill(&mut self, path: &str, typed: &[(&str, &str)]) -> TestResponse {
        let page = self.get(path).await;
        let hidden = page.hidden();
        let mut fields: Vec<(&str, &str)> = hidden.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        fields.retain(|(name, _)| !typed.iter().any(|(other, _)| other == name));
        fields.extend(typed);
        let action = between(&page.body, "<form method=\"post\" action=\"", "\"")
            .expect("a form")
            .to_owned();
        self.post(&action, &fields).await
    }

    async fn send(&mut self, mut request: axum::http::request::Builder, body: Body) -> TestResponse {
        if !self.jar.is_empty() {
            let cookies: Vec<String> = self
                .jar
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        let response = self
            .router
            .clone()
            .oneshot(request.body(body).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            match rest.split(';').next().unwrap() {
                "" => self.jar.remove(name),
                value => self.jar.insert(name.to_owned(), value.to_owned()),
            };
        }
        let body = body.collect().await.unwrap().to_bytes();
        TestResponse {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }
}

impl TestResponse {
    pub(super) fn location(&self) -> &str {
        self.header("location")
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn set_cookies(&self) -> Vec<&str> {
        self.headers
            .get_all(header::SET_COOKIE)
            .iter()
            .map(|value| value.to_str().unwrap())
            .collect()
    }

    /// The hidden fields of the first form.
    pub(super) fn hidden(&self) -> Vec<(String, String)> {
        let form = between(&self.body, "<form", "</form>").unwrap_or_default();
        form.split("<input type=\"hidden\" name=\"")
            .skip(1)
            .map(|rest| {
                let name = rest.split('"').next().unwrap().to_owned();
                let value = between(rest, "value=\"", "\"").unwrap();
                (name, value.replace("&#38;", "&").replace("&amp;", "&"))
            })
            .collect()
    }

    /// The value of the input called `name`, as written in the page.
    pub(super) fn value_of(&self, name: &str) -> Option<&str> {
        let input = self
            .body
            .split("<input id=\"")
            .find(|rest| rest.starts_with(&format!("{name}\"")))?;
        between(input.split('>').next()?, "value=\"", "\"")
    }

    /// The error message beside the input called `name`.
    pub(super) fn mistake_of(&self, name: &str) -> Option<&str> {
        let place = self.body.split(&format!("id=\"{name}-error\"")).nth(1)?;
        between(place, "<span>", "</span>")
    }

    /// The page without what differs each time: token and nonce.
    pub(super) fn alike(&self) -> String {
        let mut text = self.body.clone();
        for (from, to) in [("name=\"csrf\" value=\"", "\""), ("nonce=\"", "\"")] {
            while let Some(token) = between(&text, from, to).filter(|token| !token.is_empty()) {
                text = text.replace(&token.to_owned(), "");
            }
        }
        text
    }
}

pub(super) fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let start = text.find(from)? + from.len();
    let rest = &text[start..];
    Some(&rest[..rest.find(to)?])
}
