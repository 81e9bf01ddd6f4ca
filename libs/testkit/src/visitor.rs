//! A browser without JavaScript: keeps cookies, fills forms and follows redirects over plain HTTP.

#![expect(clippy::expect_used, reason = "a story that cannot go on must say where")]

mod html;
mod page;

use std::collections::BTreeMap;
use std::time::Duration;

use http::header;
use url::Url;

pub use page::Page;

/// A browser without JavaScript, on one site.
#[derive(Debug)]
pub struct Visitor {
    http: reqwest::Client,
    site: Url,
    /// The port of a single replica of the site, if one is chosen.
    port: Option<u16>,
    cookies: BTreeMap<String, String>,
}

impl Visitor {
    /// A browser without cookies, on `site` (such as `http://localhost:8000`).
    ///
    /// # Panics
    /// The text is not a URL.
    pub fn at(site: &str) -> Self {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(30))
            .build()
            .expect("an HTTP client");
        Self {
            http,
            site: Url::parse(site).expect("a URL"),
            port: None,
            cookies: BTreeMap::new(),
        }
    }

    /// Sends the following requests to `replica`, a URL of which only the port counts.
    ///
    /// # Panics
    /// The text is not a URL with a port.
    pub fn switch_to_replica(&mut self, replica: &str) {
        let url = Url::parse(replica).expect("a URL");
        self.port = Some(url.port().expect("a port"));
    }

    /// A cookie's value.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// All cookies.
    pub fn cookies(&self) -> &BTreeMap<String, String> {
        &self.cookies
    }

    /// Plants a cookie, as an attacker on a sibling site might.
    pub fn plant_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    /// Requests a path or URL of the site, without following redirects.
    ///
    /// # Panics
    /// The site does not respond.
    pub async fn get(&mut self, target: &str) -> Page {
        let url = self.site.join(target).expect("a URL");
        let request = self.http.get(url);
        self.send(request).await
    }

    /// Requests a path or URL and follows redirects within the site. A redirect to another site is returned.
    ///
    /// # Panics
    /// The site does not respond.
    pub async fn open(&mut self, target: &str) -> Page {
        let page = self.get(target).await;
        self.follow(page).await
    }

    /// Fills the form whose action is the path `action` and submits it, then follows redirects within the site.
    ///
    /// # Panics
    /// `page` has no such form, or the site does not respond.
    pub async fn submit(&mut self, page: &Page, action: &str, typed: &[(&str, &str)]) -> Page {
        let answer = self.post(page, action, typed).await;
        self.follow(answer).await
    }

    /// Like [`Self::submit`], without following redirects.
    ///
    /// # Panics
    /// `page` has no such form, or the site does not respond.
    pub async fn post(&mut self, page: &Page, action: &str, typed: &[(&str, &str)]) -> Page {
        let form = page.form(action);
        let mut fields = form.fields;
        for (name, value) in typed {
            fields.retain(|(known, _)| known != name);
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        let url = page.url.join(&form.action).expect("a form's action is a URL");
        let request = self
            .http
            .post(url)
            .header(header::ORIGIN, self.site.origin().ascii_serialization())
            .form(&fields);
        self.send(request).await
    }

    async fn follow(&mut self, mut page: Page) -> Page {
        for _ in 0..10 {
            match page.redirect() {
                Some(target) if target.origin() == self.site.origin() => {
                    page = self.get(target.as_str()).await
                }
                _ => break,
            }
        }
        page
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Page {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = if cookies.is_empty() {
            request
        } else {
            request.header(header::COOKIE, cookies.join("; "))
        };
        let mut request = request
            .header("Sec-Fetch-Site", "same-origin")
            .header(header::ACCEPT, "text/html")
            .build()
            .expect("a request");
        let url = request.url().clone();
        if let Some(port) = self.port {
            let host = format!(
                "{}:{}",
                url.host_str().unwrap_or_default(),
                url.port().unwrap_or(80)
            );
            request
                .headers_mut()
                .insert(header::HOST, host.parse().expect("a host"));
            request.url_mut().set_port(Some(port)).expect("a URL with a host");
        }
        let answer = self.http.execute(request).await.expect("the site answers");
        let headers = answer.headers().clone();
        for cookie in headers.get_all(header::SET_COOKIE) {
            self.store_cookie(cookie.to_str().expect("a cookie in ASCII"));
        }
        Page {
            url,
            status: answer.status(),
            headers,
            body: answer.text().await.expect("a text"),
        }
    }

    fn store_cookie(&mut self, cookie: &str) {
        let mut parts = cookie.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        if parts.any(|attribute| attribute.eq_ignore_ascii_case("max-age=0")) || value.is_empty() {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}
