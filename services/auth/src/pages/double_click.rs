//! A form that is sent twice within moments does its work once. The second is redirected to where the first one led, with
//! a new token of the same sign-in: the browser may have thrown the first answer away, cookies included.

use aws_lc_rs::digest::{Context, SHA256};
use axum::extract::{FromRequest, Request};
use axum::response::Response;
use chassis::http::Pairs;
use chassis::telemetry::TraceContext;
use http::HeaderMap;
use serde::de::DeserializeOwned;
use tracing::Instrument;

use super::cookies::Cookie;
use super::csrf::is_same_origin;
use super::failure::Failure;
use super::session;
use crate::app::{App, SharedApp};
use crate::form_submissions::{self, Led, SubmissionKey};

/// A form, every field of it known and there once, and what makes it out.
pub(crate) struct Submitted<T> {
    pub(crate) form: T,
    pub(crate) submission: Submission,
}

/// What makes a form out that was sent: where to, and all of its fields.
pub(crate) struct Submission {
    digest: Vec<u8>,
    csrf: String,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Submitted<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let path = request.uri().path().to_owned();
        let pairs = Pairs::from_request(request, state).await?;
        let mut digest = Context::new(&SHA256);
        let fields = pairs.iter().flat_map(|(name, value)| [name, value]);
        for text in std::iter::once(path.as_str()).chain(fields) {
            // The lengths keep one form from reading like another.
            digest.update(&text.len().to_be_bytes());
            digest.update(text.as_bytes());
        }
        let submission = Submission {
            digest: digest.finish().as_ref().to_vec(),
            csrf: pairs.get("csrf").unwrap_or_default().to_owned(),
        };
        Ok(Self {
            form: pairs.read()?,
            submission,
        })
    }
}

/// Does `work`, unless the same form came from the same browser a moment ago. An answer says where it led with [`Led`]
/// among its extensions; one without it is no sign-in, and is not kept.
///
/// A second click makes the browser hang up on the first, which must come to its end all the same: in a task.
#[expect(
    clippy::disallowed_methods,
    reason = "the request waits for the task; it goes on alone only when the browser has gone"
)]
pub(crate) async fn once(
    app: SharedApp,
    headers: HeaderMap,
    submission: Submission,
    work: impl Future<Output = Result<Response, Failure>> + Send + 'static,
) -> Result<Response, Failure> {
    let browser = app.pages.cookies.read(&headers, Cookie::Browser);
    let Some(browser) = browser.filter(|_| is_same_origin(&headers, &app.pages.origin)) else {
        return work.await;
    };
    let key = app.pages.csrf.submission_key(&browser, &submission.digest);
    // The token of a form whose first sending signed the person in belongs to no session any more.
    let good = app.pages.check_form(&headers, &submission.csrf).is_ok();
    let task = async move {
        if good && form_submissions::claim(&app, key).await? {
            return first(&app, key, work).await;
        }
        match form_submissions::outcome(&app, key).await? {
            Some(led) => session::again(&app, &headers, led).await,
            None => work.await,
        }
    };
    let task = task.instrument(tracing::Span::current());
    let task = match TraceContext::current() {
        Some(trace) => tokio::spawn(trace.scope(task)),
        None => tokio::spawn(task),
    };
    match task.await {
        Ok(outcome) => outcome,
        Err(error) => Err(chassis::http::Problem::internal(&error).into()),
    }
}

async fn first(
    app: &App,
    key: SubmissionKey,
    work: impl Future<Output = Result<Response, Failure>> + Send,
) -> Result<Response, Failure> {
    let outcome = work.await;
    let led = outcome
        .as_ref()
        .ok()
        .and_then(|answer| answer.extensions().get::<Led>());
    if let Err(error) = note(app, key, led).await {
        tracing::warn!(error.message = %error, "a second click on the form will not be recognised");
    }
    outcome
}

async fn note(app: &App, key: SubmissionKey, led: Option<&Led>) -> Result<(), chassis::db::DbError> {
    match led {
        Some(led) => form_submissions::led(app, key, led).await,
        None => form_submissions::release(app, key).await,
    }
}
