//! A protected host behind a proxy, and a browser there.

use std::time::Duration;

use reqwest::header::{COOKIE, HOST, LOCATION, SET_COOKIE};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use testkit::{Person, Process, Stack, StackOptions, Visitor, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

use super::application::Application;
use super::proxies::Proxy;
use crate::pages::fill_sign_in;

/// A protected host behind a proxy, and a browser there.
pub(super) struct Site {
    pub(super) stack: Stack,
    pub(super) application: Application,
    #[expect(dead_code, reason = "passes requests on until dropped")]
    proxy: Process,
    pub(super) port: u16,
    pub(super) http: reqwest::Client,
    pub(super) cookies: Vec<(String, String)>,
}

impl Site {
    pub(super) async fn start(proxy: Proxy) -> Self {
        let options = StackOptions::default().with("VESTIBULE_AUTH__LISTEN__TRUSTED_PROXIES", "127.0.0.1");
        let stack = Stack::with(options).await;
        let application = Application::start().await;
        let (process, port) = proxy.start(&stack, application.port);
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(30))
            .build()
            .unwrap();
        let site = Self {
            stack,
            application,
            proxy: process,
            port,
            http,
            cookies: Vec::new(),
        };
        site.register().await;
        within(Duration::from_secs(60), "the proxy answers", async || {
            let answer = site.request(Method::GET, "/health").send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
        site
    }

    pub(super) fn host(&self) -> String {
        format!("wiki.localhost:{}", self.port)
    }

    /// Another registered host, which the proxy does not serve.
    pub(super) fn other_host(&self) -> String {
        format!("open.localhost:{}", self.port)
    }

    async fn register(&self) {
        self.register_host(
            &self.host(),
            json!({
                "everybody": true,
                "public": [{ "path": "/health" }],
                "restricted": [{ "path": "/admin/*", "groups": ["vestibule-admins"] }],
            }),
        )
        .await;
        let everything = json!({ "everybody": true, "public": [{ "path": "/*" }] });
        self.register_host(&self.other_host(), everything).await;
    }

    async fn register_host(&self, host: &str, rules: Value) {
        let body = json!({ "host": format!("http://{host}"), "name": "Wiki", "rules": rules });
        let made = self
            .stack
            .http()
            .post(self.stack.auth_url("/admin/v1/protected-hosts"))
            .bearer_auth(self.stack.operator_token().await)
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(
            made.status(),
            StatusCode::CREATED,
            "{}",
            made.text().await.unwrap()
        );
    }

    /// A request to the host, with the cookies of the browser.
    pub(super) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self
            .http
            .request(method, format!("http://127.0.0.1:{}{path}", self.port))
            .header(HOST, self.host());
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        match cookies.is_empty() {
            true => request,
            false => request.header(COOKIE, cookies.join("; ")),
        }
    }

    /// A navigation of the browser to a path or URL of the host.
    pub(super) async fn navigate(&mut self, target: &str) -> Response {
        let base = Url::parse(&format!("http://{}", self.host())).unwrap();
        let url = base.join(target).unwrap();
        assert_eq!(url.origin(), base.origin(), "{target}");
        let path = &url[url::Position::BeforePath..];
        let request = self
            .request(Method::GET, path)
            .header("Sec-Fetch-Mode", "navigate");
        let answer = request.header("Accept", "text/html").send().await.unwrap();
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }

    /// The whole way from a page of the host through the sign-in and back to it.
    pub(super) async fn sign_in(&mut self, visitor: &mut Visitor, person: &Person, path: &str) -> Value {
        let asked = self.navigate(path).await;
        assert_eq!(
            asked.status(),
            StatusCode::FOUND,
            "{}",
            asked.text().await.unwrap()
        );
        let begun = self.navigate(&location(&asked)).await;
        let login = visitor.open(&location(&begun)).await;
        let back = match login.has_form("/login") {
            true => fill_sign_in(visitor, &login, person).await,
            false => login,
        };
        let callback = back
            .redirect()
            .unwrap_or_else(|| panic!("{} {}", back.url, back.text()));
        let landed = self.navigate(callback.as_str()).await;
        assert_eq!(
            landed.status(),
            StatusCode::SEE_OTHER,
            "{}",
            landed.text().await.unwrap()
        );
        let page = self.navigate(&location(&landed)).await;
        assert_eq!(page.status(), StatusCode::OK);
        page.json().await.unwrap()
    }

    pub(super) async fn status(&self, method: Method, path: &str) -> StatusCode {
        self.request(method, path).send().await.unwrap().status()
    }

    /// The first bytes of the answer to an upgrade, and what comes back of what was sent behind it.
    pub(super) async fn upgrade(&self, cookies: bool) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let cookie = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>();
        let cookie = match cookies {
            true => format!("Cookie: {}\r\n", cookie.join("; ")),
            false => String::new(),
        };
        let head = format!(
            "GET /socket HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{cookie}\r\n",
            self.host()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let mut bytes = [0; 4096];
        while !answer.contains("\r\n\r\n") {
            let read = stream.read(&mut bytes).await.unwrap();
            assert!(read > 0, "{answer}");
            answer.push_str(&String::from_utf8_lossy(&bytes[..read]));
        }
        if answer.starts_with("HTTP/1.1 101") {
            stream.write_all(b"ping").await.unwrap();
            let mut echoed = [0; 4];
            stream.read_exact(&mut echoed).await.unwrap();
            assert_eq!(&echoed, b"ping");
        }
        answer
    }

    /// The way through the sign-in without the cookies of the host.
    pub(super) async fn sign_in_again(&mut self, visitor: &mut Visitor, person: &Person) -> Value {
        self.cookies.clear();
        self.sign_in(visitor, person, "/page").await
    }
}

fn location(answer: &Response) -> String {
    let location = answer.headers().get(LOCATION).expect("a redirect");
    location.to_str().unwrap().to_owned()
}
