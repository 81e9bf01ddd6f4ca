//! A form that is sent twice within moments does its work once. The second is redirected to where the first one led, with
//! a new token of the same sign-in: the browser may have thrown the first answer away, cookies included.
//!
//! What a stranger can make of it is bounded: a form is noted only when it would be worked on, whoever waits for another
//! one gives up with the connection, and few wait at once.

use aws_lc_rs::digest::{Context, SHA256};
use axum::extract::{FromRequest, Request};
use axum::response::Response;
use chassis::http::{Pairs, Problem};
use chassis::telemetry::TraceContext;
use http::HeaderMap;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tracing::Instrument;

use super::cookies::Cookie;
use super::csrf::is_same_origin;
use super::failure::Failure;
use super::return_to::ReturnTo;
use super::session;
use crate::app::{App, SharedApp};
use crate::form_submissions::{self, Claim, Outcome, Progress, SubmissionKey};

/// Requests that wait at once for the form before them, in one process.
pub(crate) const MOST_WAITING: usize = 64;

/// When to try again while the form before is still in work.
const RETRY_AFTER: Duration = Duration::from_secs(2);

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

/// A form, and what a second click on it needs to know.
pub(crate) struct Click<'a, F> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) submission: &'a Submission,
    pub(crate) return_to: &'a ReturnTo,
    /// Whether the form would be worked on: nothing that is missing, and no delay that is not over. If not, nothing of it is
    /// written. Asked only for a form of this service's pages that did not come before: others cost no read.
    pub(crate) is_admitted: F,
}

/// Does `work`, unless the same form came from the same browser a moment ago. An answer says what came of it with an
/// [`Outcome`] among its extensions; one without it is no sign-in, and is not kept.
pub(crate) async fn once(
    app: SharedApp,
    click: Click<'_, impl Future<Output = Result<bool, Failure>>>,
    work: impl Future<Output = Result<Response, Failure>> + Send + 'static,
) -> Result<Response, Failure> {
    let Some(key) = key(&app, &click) else {
        return work.await;
    };
    let mut work = work;
    let mut before = form_submissions::progress(&app, key).await?;
    if before == Progress::Unknown {
        // The token of a form whose first sending signed the person in belongs to no session any more.
        let good = app
            .pages
            .check_form(click.headers, &click.submission.csrf)
            .is_ok();
        if !good || !click.is_admitted.await? {
            return work.await;
        }
        match to_its_end(app.clone(), key, work).await? {
            Raced::First(answer) => return answer,
            Raced::Later(undone) => work = undone,
        }
        before = Progress::InWork;
    }
    if before == Progress::InWork {
        before = wait(&app, key).await?;
    }
    match before {
        Progress::Done(outcome) => session::again(&app, click.headers, outcome, click.return_to).await,
        Progress::Unknown => work.await,
        Progress::InWork => Err(later()),
    }
}

fn key<F>(app: &App, click: &Click<'_, F>) -> Option<SubmissionKey> {
    let browser = app.pages.cookies.read(click.headers, Cookie::Browser)?;
    is_same_origin(click.headers, &app.pages.origin)
        .then(|| app.pages.csrf.submission_key(&browser, &click.submission.digest))
}

async fn wait(app: &App, key: SubmissionKey) -> Result<Progress, Failure> {
    let Ok(_place) = app.pages.second_clicks.try_acquire() else {
        return Err(later());
    };
    Ok(form_submissions::wait(app, key).await?)
}

fn later() -> Failure {
    Problem::unavailable(RETRY_AFTER).into()
}

/// What became of clicks that came at once.
enum Raced<W> {
    /// This was the first: its answer.
    First(Result<Response, Failure>),
    /// Another was the first: the work that was not done.
    Later(W),
}

/// Does the work of the first click. A second click makes the browser hang up on it, and from the claim on it must come to
/// its end all the same: in a task.
#[expect(
    clippy::disallowed_methods,
    reason = "the request waits for the task; it goes on alone only when the browser has gone"
)]
async fn to_its_end<W>(app: SharedApp, key: SubmissionKey, work: W) -> Result<Raced<W>, Failure>
where
    W: Future<Output = Result<Response, Failure>> + Send + 'static,
{
    let task = async move {
        match form_submissions::claim(&app, key).await? {
            Some(claim) => Ok(Raced::First(first(app, claim, work).await)),
            None => Ok(Raced::Later(work)),
        }
    };
    let task = task.instrument(tracing::Span::current());
    let task = match TraceContext::current() {
        Some(trace) => tokio::spawn(trace.scope(task)),
        None => tokio::spawn(task),
    };
    match task.await {
        Ok(raced) => raced,
        Err(error) => Err(Problem::internal(&error).into()),
    }
}

async fn first(
    app: SharedApp,
    claim: Claim,
    work: impl Future<Output = Result<Response, Failure>> + Send,
) -> Result<Response, Failure> {
    let answer = work.await;
    let outcome = answer
        .as_ref()
        .ok()
        .and_then(|answer| answer.extensions().get::<Outcome>().copied());
    let noted = match outcome {
        Some(outcome) => form_submissions::finish(&app, claim, outcome).await,
        None => form_submissions::release(&app, claim).await,
    };
    if let Err(error) = noted {
        tracing::warn!(error.message = %error, "a second click on the form will not be recognised");
    }
    answer
}
