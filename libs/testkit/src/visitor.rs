//! Somebody who uses the pages by plain HTTP: keeps cookies, fills forms, follows redirects, runs no script.

#![expect(clippy::expect_used, reason = "a story that cannot go on must say where")]

use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use url::Url;

/// A browser without JavaScript, at one site.
#[derive(Debug)]
pub struct Visitor {
    http: reqwest::Client,
    site: Url,
    cookies: BTreeMap<String, String>,
}

/// An answer of the site.
#[derive(Clone, Debug)]
pub struct Page {
    /// Where it came from.
    pub url: Url,
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its text.
    pub body: String,
}

/// A form with what it holds before anybody types.
#[derive(Clone, Debug, Default)]
struct Form {
    action: String,
    fields: Vec<(String, String)>,
}

impl Visitor {
    /// Somebody without cookies, at `site` (such as `http://localhost:8000`).
    ///
    /// # Panics
    /// When that is no URL.
    pub fn at(site: &str) -> Self {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(30))
            .build()
            .expect("an HTTP client");
        Self {
            http,
            site: Url::parse(site).expect("a URL"),
            cookies: BTreeMap::new(),
        }
    }

    /// A cookie's value.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Every cookie held.
    pub fn cookies(&self) -> &BTreeMap<String, String> {
        &self.cookies
    }

    /// Plants a cookie, as an attacker on a neighbouring site might.
    pub fn plant_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    /// Opens a path or URL of the site and follows no redirect.
    ///
    /// # Panics
    /// When the site does not answer.
    pub async fn get(&mut self, target: &str) -> Page {
        let url = self.site.join(target).expect("a URL");
        let request = self.http.get(url);
        self.send(request).await
    }

    /// Opens a path or URL and follows redirects within the site. A redirect that leaves it is the answer.
    ///
    /// # Panics
    /// When the site does not answer.
    pub async fn open(&mut self, target: &str) -> Page {
        let page = self.get(target).await;
        self.follow(page).await
    }

    /// Fills the form whose action is the path `action` and submits it, then follows redirects within the site.
    ///
    /// # Panics
    /// When `page` has no such form, or the site does not answer.
    pub async fn submit(&mut self, page: &Page, action: &str, typed: &[(&str, &str)]) -> Page {
        let answer = self.post(page, action, typed).await;
        self.follow(answer).await
    }

    /// Like [`Self::submit`], and follows no redirect.
    ///
    /// # Panics
    /// When `page` has no such form, or the site does not answer.
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
        let answer = request
            .header("Sec-Fetch-Site", "same-origin")
            .header(header::ACCEPT, "text/html")
            .send()
            .await
            .expect("the site answers");
        let headers = answer.headers().clone();
        for cookie in headers.get_all(header::SET_COOKIE) {
            self.keep(cookie.to_str().expect("a cookie in ASCII"));
        }
        Page {
            url: answer.url().clone(),
            status: answer.status(),
            headers,
            body: answer.text().await.expect("a text"),
        }
    }

    fn keep(&mut self, cookie: &str) {
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

impl Page {
    /// A header as text; empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Where it sends the browser, when it does.
    pub fn redirect(&self) -> Option<Url> {
        if !self.status.is_redirection() {
            return None;
        }
        self.url.join(self.header("location")).ok()
    }

    /// The text without tags, in one line.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for part in self.body.split('<') {
            text.push_str(part.split_once('>').map_or(part, |(_, after)| after));
            text.push(' ');
        }
        unescape(&text).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Whether it has a form with this action.
    pub fn has_form(&self, action: &str) -> bool {
        self.forms().iter().any(|form| self.acts_on(form, action))
    }

    /// What a field of the form holds.
    ///
    /// # Panics
    /// When `page` has no such form.
    pub fn field(&self, action: &str, name: &str) -> Option<String> {
        let form = self.form(action);
        form.fields
            .into_iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    #[expect(
        clippy::panic,
        reason = "a page without the form that the story needs is a failed test"
    )]
    fn form(&self, action: &str) -> Form {
        let found = self.forms().into_iter().find(|form| self.acts_on(form, action));
        found.unwrap_or_else(|| {
            panic!(
                "no form for {action} at {} ({}):\n{}",
                self.url, self.status, self.body
            )
        })
    }

    fn acts_on(&self, form: &Form, action: &str) -> bool {
        self.url.join(&form.action).is_ok_and(|url| url.path() == action)
    }

    fn forms(&self) -> Vec<Form> {
        let mut forms: Vec<Form> = Vec::new();
        for tag in self
            .body
            .split('<')
            .filter_map(|part| part.split_once('>'))
            .map(|(tag, _)| tag)
        {
            let attributes = attributes(tag);
            let get = |name: &str| attributes.get(name).cloned().unwrap_or_default();
            if tag.starts_with("form") {
                forms.push(Form {
                    action: get("action"),
                    fields: Vec::new(),
                });
            } else if let Some(form) = forms.last_mut() {
                let button = tag.starts_with("button");
                let named = attributes.contains_key("name");
                if named && (button || tag.starts_with("input")) && ticked(&attributes) {
                    form.fields.push((get("name"), get("value")));
                }
                if button && attributes.contains_key("formaction") {
                    // The same form, sent elsewhere by this button.
                    let elsewhere = Form {
                        action: get("formaction"),
                        fields: form.fields.clone(),
                    };
                    forms.insert(forms.len() - 1, elsewhere);
                }
            }
        }
        forms
    }
}

/// Whether an input sends anything: a box or a choice only when it is ticked.
fn ticked(attributes: &BTreeMap<String, String>) -> bool {
    let kind = attributes.get("type").map(String::as_str);
    !matches!(kind, Some("checkbox" | "radio")) || attributes.contains_key("checked")
}

/// The attributes of a tag, in the simple form that templates write: `name="value"` or `name`.
fn attributes(tag: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = tag.split_once(char::is_whitespace).map_or("", |(_, rest)| rest);
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        let end = rest
            .find(|c: char| c == '=' || c.is_whitespace())
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.is_empty() {
            return found;
        }
        if let Some(quoted) = after.strip_prefix("=\"") {
            let (value, after) = quoted.split_once('"').unwrap_or((quoted, ""));
            found.insert(name.to_owned(), unescape(value));
            rest = after;
        } else {
            found.insert(name.to_owned(), String::new());
            rest = after.strip_prefix('=').unwrap_or(after);
        }
    }
}

/// Undoes the character references that templates write.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let Some((name, behind)) = after.split_once(';').filter(|(name, _)| name.len() < 8) else {
            plain.push('&');
            rest = after;
            continue;
        };
        match character(name) {
            Some(c) => plain.push(c),
            None => plain.push_str(&format!("&{name};")),
        }
        rest = behind;
    }
    plain.push_str(rest);
    plain
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(body: &str) -> Page {
        Page {
            url: Url::parse("http://localhost:1/login?return_to=%2F").unwrap(),
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: body.to_owned(),
        }
    }

    #[test]
    fn a_form_is_found_by_its_action_with_what_it_holds() {
        let page = page(
            r#"<form method="get" action="/search"><input name="q"></form>
               <form method="post"><input type="hidden" name="csrf" value="a&#38;b"/><input name="u" required value="">
               <input type="checkbox" name="stay"><button formaction="/stay">Stay</button></form>"#,
        );
        assert!(
            page.has_form("/login"),
            "a form without an action acts on the page's own URL"
        );
        assert_eq!(page.field("/login", "csrf").as_deref(), Some("a&b"));
        assert_eq!(page.field("/login", "u").as_deref(), Some(""));
        assert_eq!(
            page.field("/login", "stay"),
            None,
            "an unticked box sends nothing"
        );
        assert_eq!(
            page.field("/stay", "csrf").as_deref(),
            Some("a&b"),
            "a button may send it elsewhere"
        );
        assert!(!page.has_form("/logout"));
    }

    #[test]
    fn text_is_what_a_person_reads() {
        assert_eq!(
            page("<h1>Sign&nbsp;in</h1><p>it&#x27;s\n you</p>").text(),
            "Sign&nbsp;in it's you"
        );
    }
}
