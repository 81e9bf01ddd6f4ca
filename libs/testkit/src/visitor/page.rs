//! A response page of a site, with its forms and text.

use http::{HeaderMap, StatusCode};
use url::Url;

use super::html::{Form, forms, unescape};

/// A response of the site.
#[derive(Clone, Debug)]
pub struct Page {
    /// The requested URL.
    pub url: Url,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl Page {
    /// A header as text; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The target of a redirect.
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

    /// True if it has a form with this action.
    pub fn has_form(&self, action: &str) -> bool {
        forms(&self.body).iter().any(|form| self.acts_on(form, action))
    }

    /// The value of a field of a form.
    ///
    /// # Panics
    /// The page has no such form.
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
    pub(super) fn form(&self, action: &str) -> Form {
        let found = forms(&self.body)
            .into_iter()
            .find(|form| self.acts_on(form, action));
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
