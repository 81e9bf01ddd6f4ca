//! Rendering of pages: the nonce, the security headers and the current brand.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use chassis::clock::SharedClock;
use chassis::http::{PublicUrl, see_other};
use chassis::random::SharedRandom;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use oidc::redirect_uri::is_plain_host;
use tokio::sync::Semaphore;
use url::Url;

use super::assets::Assets;
use super::brand::{BrandConfig, BrandError, BrandSource};
use super::cookies::{Cookie, Cookies};
use super::csrf::Csrf;
use super::view::{self, Page, View};

/// The number of requests of one process that may wait for a first submission of a form at once.
pub(crate) const MAX_WAITING: usize = 64;

/// The collaborators of the pages. There is one in a service.
pub struct Pages {
    pub(crate) brand: BrandSource,
    pub(crate) assets: Assets,
    pub(crate) csrf: Csrf,
    pub(crate) cookies: Cookies,
    pub(crate) random: SharedRandom,
    /// The permits of requests that wait for the first submission of the same form.
    pub(crate) waiting_submissions: Semaphore,
    /// The public origin, such as `https://id.example.com`.
    pub(crate) origin: String,
    issuer: PublicUrl,
}

/// The arguments of [`Pages::new`].
pub struct PagesConfig<'a> {
    /// The issuer, which is where browsers find the pages.
    pub issuer: &'a PublicUrl,
    /// `[brand]` of the configuration.
    pub brand: BrandConfig,
    /// A secret of the installation of at least 32 bytes, which is the same on every replica.
    pub secret: &'a [u8],
    /// The clock.
    pub clock: SharedClock,
    /// The source of randomness.
    pub random: SharedRandom,
}

/// The content of an error page.
#[derive(Clone, Debug)]
pub struct ErrorPage {
    /// The status of the response.
    pub status: StatusCode,
    /// A short heading, such as `This page does not exist`.
    pub heading: String,
    /// A description of what happened and what the person can do.
    pub detail: String,
    /// The label and the address of a button that helps the person.
    pub action: Option<(String, String)>,
    /// The trace id, with which an administrator finds the cause in the log.
    pub trace_id: Option<String>,
    /// The time until another try makes sense.
    pub retry_after: Option<Duration>,
}

impl ErrorPage {
    /// A page with a heading and an explanation.
    pub fn new(status: StatusCode, heading: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            status,
            heading: heading.into(),
            detail: detail.into(),
            action: None,
            trace_id: None,
            retry_after: None,
        }
    }

    /// With a button that leads to `url`.
    #[must_use]
    pub fn with_action(self, label: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            action: Some((label.into(), url.into())),
            ..self
        }
    }

    /// With the trace id.
    #[must_use]
    pub fn with_trace(self, trace_id: impl Into<String>) -> Self {
        Self {
            trace_id: Some(trace_id.into()),
            ..self
        }
    }

    /// With the time to wait, which is also sent as `Retry-After`.
    #[must_use]
    pub fn with_retry_after(self, wait: Duration) -> Self {
        Self {
            retry_after: Some(wait),
            ..self
        }
    }
}

impl Pages {
    /// Reads the brand and builds the collaborators of the pages.
    ///
    /// # Errors
    /// A brand that cannot be used, named by its key.
    pub fn new(config: PagesConfig<'_>) -> Result<Self, BrandError> {
        Ok(Self {
            brand: BrandSource::new(config.brand, config.clock)?,
            assets: Assets::new(),
            csrf: Csrf::new(config.secret, config.random.clone()),
            cookies: Cookies::new(config.issuer),
            random: config.random,
            waiting_submissions: Semaphore::new(MAX_WAITING),
            origin: config.issuer.origin(),
            issuer: config.issuer.clone(),
        })
    }

    /// The common part of a page, with its own nonce.
    pub(crate) fn page(&self) -> Page {
        Page {
            brand: self.brand.current(),
            base: self.issuer.path().to_owned(),
            nonce: self.random.token().expose().to_owned(),
            style_url: self.assets.style.url(),
            icon_url: self.assets.mark.url(),
        }
    }

    /// The response with the rendered `view`.
    pub(crate) fn show(&self, status: StatusCode, view: &impl View) -> Response {
        match view.render() {
            Ok(html) => {
                let mut response = Response::new(Body::from(html));
                *response.status_mut() = status;
                let headers = response.headers_mut();
                headers.insert(
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("text/html; charset=utf-8"),
                );
                self.set_security_headers(
                    headers,
                    &content_security_policy(&view.page().nonce, view.leads_out(), view.frames()),
                );
                response
            }
            Err(error) => {
                tracing::error!(%error, "a page could not be rendered");
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                response
            }
        }
    }

    /// A path of ours, such as `/login?return_to=…`, under the path of the issuer. Links and redirects need
    /// it. Values of forms and parameters are without it.
    pub fn local(&self, path: &str) -> String {
        self.issuer.local(path)
    }

    /// The full URL of the start page.
    pub(crate) fn start_page(&self) -> String {
        self.issuer.full("/")
    }

    /// True if other applications may share our origin, because the issuer has a path.
    pub(crate) fn shares_its_origin(&self) -> bool {
        !self.issuer.path().is_empty()
    }

    /// A 303 redirect (RFC 9110 §15.4.4). `to` is a path of ours without the path of the issuer.
    pub(crate) fn redirect(&self, to: &str) -> Response {
        let mut response = see_other(&self.local(to));
        self.set_security_headers(
            response.headers_mut(),
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
        );
        response
    }

    /// The response with an error page.
    pub(crate) fn error(&self, error: &ErrorPage) -> Response {
        let action = error.action.as_ref().map(|(label, url)| {
            let ours = url.starts_with('/');
            let url = if ours { self.local(url) } else { url.clone() };
            (label.as_str(), url)
        });
        let reason = error.status.canonical_reason().unwrap_or_default();
        let view = view::Error {
            page: self.page(),
            status: format!("{} {reason}", error.status.as_u16()),
            heading: &error.heading,
            detail: &error.detail,
            action,
            trace_id: error.trace_id.as_deref(),
        };
        let mut response = self.show(error.status, &view);
        if let Some(wait) = error.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, retry_after_value(wait));
        }
        response
    }

    /// Sets a cookie.
    pub(crate) fn set_cookie(
        &self,
        response: &mut Response,
        cookie: Cookie,
        value: &str,
        lifetime: Option<Duration>,
    ) {
        for value in self.cookies.set(cookie, value, lifetime) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }

    /// Deletes a cookie.
    pub(crate) fn clear_cookie(&self, response: &mut Response, cookie: Cookie) {
        for value in self.cookies.clear(cookie) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }

    fn set_security_headers(&self, headers: &mut HeaderMap, policy: &str) {
        if let Ok(policy) = HeaderValue::try_from(policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        for (name, value) in [
            (header::CACHE_CONTROL, "no-store"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::X_FRAME_OPTIONS, "DENY"),
            // Not `no-referrer`: with it, browsers send `Origin: null` even to ourselves.
            (header::REFERRER_POLICY, "same-origin"),
            (
                HeaderName::from_static("cross-origin-opener-policy"),
                "same-origin",
            ),
            (
                HeaderName::from_static("cross-origin-resource-policy"),
                "same-origin",
            ),
            (
                HeaderName::from_static("permissions-policy"),
                "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
            ),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if self.issuer.is_secure() {
            headers.insert(
                header::STRICT_TRANSPORT_SECURITY,
                HeaderValue::from_static("max-age=63072000"),
            );
        }
    }
}

/// The Content-Security-Policy of a page. A form that leads to an application has no `form-action`, because
/// Chromium checks every redirect after the POST against it, also those of the application, which are
/// unknown. Frames may be loaded from the origins of `frames` alone. A
/// host with characters that separate directives and policies is left out, so that a URL adds an origin and nothing else.
fn content_security_policy(nonce: &str, leads_out: bool, frames: &[String]) -> String {
    let origins: BTreeSet<String> = frames
        .iter()
        .filter_map(|frame| Url::parse(frame).ok().filter(is_plain_host))
        .map(|frame| frame.origin().ascii_serialization())
        .collect();
    let frames = match origins.is_empty() {
        true => String::new(),
        false => format!(
            "; frame-src {}",
            origins.into_iter().collect::<Vec<_>>().join(" ")
        ),
    };
    let forms = if leads_out { "" } else { "; form-action 'self'" };
    format!(
        "default-src 'none'; style-src 'self' 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src 'self'; \
         object-src 'none'; base-uri 'none'; frame-ancestors 'none'{forms}{frames}"
    )
}

/// The value of `Retry-After`: whole seconds, rounded up (RFC 9110 §10.2.3).
pub(crate) fn retry_after_value(wait: Duration) -> HeaderValue {
    HeaderValue::from(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_add_origins_to_the_policy_and_nothing_else() {
        // SB-39
        let frames = [
            "https://b.example:444/bye?x=y",
            "https://a,frame-src/x",
            "https://a;sandbox/x",
            "https://*.example/x",
            "not a url",
        ]
        .map(str::to_owned);
        let policy = content_security_policy("n", true, &frames);
        assert!(policy.ends_with("; frame-src https://b.example:444"), "{policy}");
        assert!(!policy.contains(',') && !policy.contains("sandbox"), "{policy}");
        assert!(!content_security_policy("n", true, &frames[1..]).contains("frame-src"));
    }
}
