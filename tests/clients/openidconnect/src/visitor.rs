//! A browser without JavaScript: it has cookies, submits forms and follows redirects within the site.

use std::collections::BTreeMap;

use openidconnect::url::Url;
use reqwest::{Client, Method, Request, StatusCode, header};

/// A browser on the site of the issuer.
pub struct Visitor {
    http: Client,
    site: Url,
    cookies: BTreeMap<String, String>,
}

/// A page of the site, or the first URL outside it, which is not opened.
#[derive(Debug)]
pub struct Page {
    pub url: Url,
    pub left: bool,
    pub status: StatusCode,
    pub body: String,
}

impl Visitor {
    pub fn new(http: Client, site: &str) -> Self {
        Self {
            http,
            site: Url::parse(site).unwrap(),
            cookies: BTreeMap::new(),
        }
    }

    pub async fn open(&mut self, url: Url) -> Page {
        self.send(Request::new(Method::GET, url)).await
    }

    /// Fills the form with this action on a page and submits it.
    pub async fn submit(&mut self, page: &Page, action: &str, typed: &[(&str, &str)]) -> Page {
        let form = page.body.split_once(&format!("action=\"{action}\""));
        let Some((form, _)) = form.and_then(|(_, rest)| rest.split_once("</form>")) else {
            panic!(
                "no form for {action} at {} ({}): {}",
                page.url, page.status, page.body
            );
        };
        let mut fields = BTreeMap::new();
        for tag in form.split("<input").skip(1) {
            let tag = tag.split('>').next().unwrap();
            if attribute(tag, "type").as_deref() == Some("hidden") {
                let value = attribute(tag, "value").unwrap_or_default();
                fields.insert(attribute(tag, "name").unwrap(), value);
            }
        }
        fields.extend(
            typed
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let request = self.http.post(page.url.join(action).unwrap()).form(&fields);
        let request = request.header(header::ORIGIN, self.site.origin().ascii_serialization());
        self.send(request.build().unwrap()).await
    }

    /// Opens an authorization request, signs a person in if they are asked, and returns the page that follows.
    pub async fn sign_in(&mut self, url: Url, user_name: &str, password: &str) -> Page {
        let page = self.open(url).await;
        if page.left || page.url.path() != "/login" {
            return page;
        }
        let typed = [("user_name", user_name), ("password", password)];
        self.submit(&page, "/login", &typed).await
    }

    async fn send(&mut self, mut request: Request) -> Page {
        for _ in 0..10 {
            let url = request.url().clone();
            let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
            let cookies = pairs.collect::<Vec<_>>().join("; ");
            let headers = request.headers_mut();
            headers.insert("sec-fetch-site", "same-origin".parse().unwrap());
            if !cookies.is_empty() {
                headers.insert(header::COOKIE, cookies.parse().unwrap());
            }
            let answer = self.http.execute(request).await.unwrap();
            for cookie in answer.headers().get_all(header::SET_COOKIE) {
                self.store(cookie.to_str().unwrap());
            }
            let status = answer.status();
            let Some(location) = answer.headers().get(header::LOCATION) else {
                let body = answer.text().await.unwrap();
                return Page {
                    url,
                    left: false,
                    status,
                    body,
                };
            };
            let url = url.join(location.to_str().unwrap()).unwrap();
            if url.origin() != self.site.origin() {
                return Page {
                    url,
                    left: true,
                    status,
                    body: String::new(),
                };
            }
            request = Request::new(Method::GET, url);
        }
        panic!("too many redirects, the last to {}", request.url());
    }

    fn store(&mut self, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
        let (name, value) = pair.split_once('=').unwrap();
        let expired = attributes
            .to_ascii_lowercase()
            .split(';')
            .any(|one| one.trim() == "max-age=0");
        if expired || value.is_empty() {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

/// The value of an attribute of a tag.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(unescape(rest.split('"').next()?))
}

fn unescape(text: &str) -> String {
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once(';').unwrap();
        plain.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            number => {
                let number = number.strip_prefix('#').unwrap();
                let code = number
                    .strip_prefix(['x', 'X'])
                    .map(|hex| u32::from_str_radix(hex, 16));
                char::from_u32(code.unwrap_or_else(|| number.parse()).unwrap()).unwrap()
            }
        });
        plain.push_str(rest);
    }
    plain
}
