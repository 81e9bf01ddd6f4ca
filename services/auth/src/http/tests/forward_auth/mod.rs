//! Tests of forward authentication through the router: the questions of proxies, the way of a sign-in, and administration.

mod administration;
mod decisions;
mod sign_in;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::body::Body;
use chassis::http::Peer;
use http::header::COOKIE;
use http::{Method, Request, StatusCode};
use serde_json::json;

use super::world::{ISSUER, TestResponse, World};

const WIKI: &str = "https://wiki.example.org";
const HTML: (&str, &str) = ("sec-fetch-mode", "navigate");

impl World {
    /// Registers a protected host with these rules.
    async fn protect(&self, host: &str, rules: serde_json::Value) {
        let admin = self.admin("admin").await;
        let body = json!({ "host": host, "name": "Wiki", "rules": rules });
        let made = self
            .call(Method::POST, "/admin/v1/protected-hosts", &admin, Some(body))
            .await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        // The next one gets its administrator anew.
        assert!(self.app.clients.delete("tool").await.unwrap());
    }

    /// A request from the address of a peer, with one trusted proxy at 10.0.0.1.
    async fn send_from(
        &self,
        peer: &str,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> TestResponse {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "auth.internal:8000");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        request.extensions_mut().insert(Peer {
            address: SocketAddr::new(peer.parse().unwrap(), 4711),
            tls: false,
            trusted: vec!["10.0.0.1".parse().unwrap()].into(),
        });
        self.send(request).await
    }

    /// The answer to a question as Traefik and Caddy ask.
    async fn ask(&self, method: &str, target: &str, more: &[(&str, &str)]) -> TestResponse {
        let mut headers = vec![
            ("x-forwarded-method", method),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "wiki.example.org"),
            ("x-forwarded-uri", target),
        ];
        headers.extend(more);
        self.send_from("10.0.0.1", Method::GET, "/forward-auth", &headers, "")
            .await
    }

    /// A request to `/.vestibule/…` of the wiki, forwarded by the proxy.
    async fn at_wiki(&self, method: Method, path: &str, more: &[(&str, &str)], body: &str) -> TestResponse {
        let mut headers = vec![("host", "wiki.example.org"), ("x-forwarded-proto", "https")];
        headers.extend(more);
        self.send_from("10.0.0.1", method, path, &headers, body).await
    }

    /// The cookie of a session at the wiki, by the whole way. `cookie` is that of the sign-in session.
    async fn host_cookie(&self, cookie: &str) -> String {
        let (callback, nonce) = self.ticket(cookie, "/page?x=1").await;
        let landed = self
            .at_wiki(Method::GET, &callback, &[(COOKIE.as_str(), &nonce)], "")
            .await;
        assert_eq!(
            (landed.status, landed.location()),
            (StatusCode::SEE_OTHER, "https://wiki.example.org/page?x=1")
        );
        landed.cookie().to_owned()
    }

    /// The path of the callback with a ticket, and the cookie with its nonce.
    async fn ticket(&self, cookie: &str, target: &str) -> (String, String) {
        let asked = self.ask("GET", target, &[HTML]).await;
        assert_eq!(asked.status, StatusCode::FOUND);
        let begin = asked.location().strip_prefix(WIKI).unwrap().to_owned();
        let begun = self.at_wiki(Method::GET, &begin, &[], "").await;
        assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.body);
        let nonce = begun.cookie().to_owned();
        let sign_in = begun.location().strip_prefix(ISSUER).unwrap();
        let back = self.get(sign_in, &[(COOKIE.as_str(), cookie)]).await;
        assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.body);
        (back.location().strip_prefix(WIKI).unwrap().to_owned(), nonce)
    }
}

fn identity(answer: &TestResponse) -> BTreeMap<&str, &str> {
    [
        "remote-subject",
        "remote-user",
        "remote-name",
        "remote-email",
        "remote-groups",
    ]
    .into_iter()
    .map(|name| (name, answer.header(name)))
    .collect()
}
