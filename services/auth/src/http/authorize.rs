//! A person lets a client in.

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use chassis::http::Problem;
use http::header::{CACHE_CONTROL, HeaderMap, LOCATION, REFERRER_POLICY};
use http::{HeaderValue, StatusCode};
use oidc::authorize::{Addressed, AuthorizeRequest, granted, refused};
use oidc::error::{ErrorCode, OAuthError};
use oidc::params::Params;
use std::sync::Arc;
use url::form_urlencoded;

use super::answer::{FormBody, Refusal};
use crate::app::{App, SharedApp};
use crate::clients::{self, Client, GrantType};
use crate::grants::{self, Grant, GrantError, NewCode};
use crate::pages::{self, ErrorPage};
use crate::sessions::{self, Session};
use crate::subjects;

/// Says, in the address that a sign-in returns to, since when (seconds since the Unix epoch) the person must have
/// signed in: what `prompt` and `max_age` asked for, so that they do not ask again.
const SIGNED_IN_SINCE: &str = "signed_in_since";

/// `GET /oauth2/authorize` (RFC 6749 §3.1, OpenID Connect Core §3.1.2).
pub(super) async fn get(
    State(app): State<SharedApp>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    answer(&app, &headers, &query.unwrap_or_default()).await
}

/// `POST /oauth2/authorize` with the same parameters as a form (OpenID Connect Core §3.1.2.1).
pub(super) async fn post(
    State(app): State<SharedApp>,
    headers: HeaderMap,
    form: Result<FormBody, Refusal>,
) -> Response {
    match form {
        // A browser sends no cookie with a POST from another site: ask again with a GET, which has it.
        Ok(FormBody(form)) if pages::session_token(&app.pages, &headers).is_none() => {
            match Params::parse_lenient(&form) {
                Ok(params) => see_other(
                    &app.pages
                        .local(&format!("/oauth2/authorize?{}", params.encoded(&[]))),
                ),
                Err(error) => page(&app, &format!("{error}.")),
            }
        }
        Ok(FormBody(form)) => answer(&app, &headers, &form).await,
        Err(_) => page(&app, "The request is not a form."),
    }
}

/// A request whose client and address are known to be good: errors may be sent there.
struct Checked {
    asked: Addressed,
    client: Arc<Client>,
    redirect_uri: String,
}

/// Why a code is not given.
enum Stop {
    /// The client is told.
    Tell(OAuthError),
    /// The person has to sign in first.
    SignIn,
    /// It failed here.
    Fail(Problem),
}

impl From<OAuthError> for Stop {
    fn from(error: OAuthError) -> Self {
        Self::Tell(error)
    }
}

impl From<chassis::db::DbError> for Stop {
    fn from(error: chassis::db::DbError) -> Self {
        Self::Fail(error.into())
    }
}

impl From<GrantError> for Stop {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::OAuth(error) => Self::Tell(error),
            GrantError::Db(error) => error.into(),
            error @ GrantError::Sign(_) => Self::Fail(Problem::internal(&error)),
        }
    }
}

async fn answer(app: &App, headers: &HeaderMap, raw: &str) -> Response {
    let checked = match addressed(app, raw).await {
        Ok(checked) => checked,
        Err(response) => return response,
    };
    let issuer = app.issuer.url();
    let state = checked.asked.state();
    let url = match decide(app, headers, &checked).await {
        Ok(code) => granted(&checked.redirect_uri, &code, state, issuer),
        Err(Stop::Tell(error)) => refused(&checked.redirect_uri, &error, state, issuer),
        Err(Stop::SignIn) => sign_in_first(app, &checked),
        Err(Stop::Fail(problem)) => {
            if problem.status() == StatusCode::INTERNAL_SERVER_ERROR {
                let error = ErrorCode::ServerError.because("something went wrong");
                refused(&checked.redirect_uri, &error, state, issuer)
            } else {
                let error = ErrorCode::TemporarilyUnavailable.because("try again in a moment");
                refused(&checked.redirect_uri, &error, state, issuer)
            }
        }
    };
    see_other(&url)
}

/// Reads who asks and where to answer. Until both are known to be good nobody is redirected anywhere (SB-20).
async fn addressed(app: &App, raw: &str) -> Result<Checked, Response> {
    let asked = Addressed::parse(raw).map_err(|error| page(app, &format!("{error}.")))?;
    let client = match clients::find(app, &asked.client_id).await {
        Ok(Some(client)) => client,
        Ok(None) => return Err(page(app, "The application is not known here.")),
        Err(error) => return Err(Problem::from(error).into_response()),
    };
    let registered = &client.registration.redirect_uris;
    let redirect_uri = match (&asked.redirect_uri, registered.as_slice()) {
        (Some(uri), _) if registered.iter().any(|known| known.matches(uri)) => uri.clone(),
        // RFC 6749 §3.1.2.3: it may be left out when there is one alone.
        (None, [only]) => only.to_string(),
        _ => {
            let why = "The application asked to be answered at an address that is not registered for it.";
            return Err(page(app, why));
        }
    };
    Ok(Checked {
        asked,
        client,
        redirect_uri,
    })
}

async fn decide(app: &App, headers: &HeaderMap, checked: &Checked) -> Result<String, Stop> {
    let client = &*checked.client;
    if !client.may(GrantType::AuthorizationCode) {
        return Err(ErrorCode::UnauthorizedClient
            .because("the client is not registered for this grant")
            .into());
    }
    let request = checked.asked.request()?;
    if request.code_challenge.is_none()
        && (client.registration.require_pkce || client.registration.is_public())
    {
        return Err(ErrorCode::InvalidRequest
            .because("PKCE is required: send code_challenge with code_challenge_method=S256")
            .into());
    }
    let audiences = grants::audiences(app, client, &request.resources)?;
    let session = match signed_in(app, headers, checked, &request).await? {
        Some(session) => session,
        None if request.prompt.none => {
            return Err(ErrorCode::LoginRequired
                .because("the person has to sign in")
                .into());
        }
        None => return Err(Stop::SignIn),
    };
    let mut reader = app.db.reader().await?;
    let subject = subjects::find(&mut reader, session.account_id).await?;
    drop(reader);
    let Some(subject) = subject.filter(|subject| subject.active) else {
        return Err(ErrorCode::AccessDenied
            .because("the person may not sign in")
            .into());
    };
    let grant = Grant {
        subject: subject.id,
        scope: grants::person_scope(client, &subject, &request.scope)?,
        audiences,
        session_id: Some(session.id),
        auth_time: session.auth_time,
        amr: session.amr,
        nonce: request.nonce,
    };
    let new = NewCode {
        client,
        grant,
        redirect_uri: checked.redirect_uri.clone(),
        redirect_uri_sent: checked.asked.redirect_uri.is_some(),
        challenge: request.code_challenge,
    };
    Ok(grants::issue_code(app, new).await?.expose().to_owned())
}

/// The session of the browser, if it is recent enough for the request.
async fn signed_in(
    app: &App,
    headers: &HeaderMap,
    checked: &Checked,
    request: &AuthorizeRequest,
) -> Result<Option<Session>, Stop> {
    let Some(token) = pages::session_token(&app.pages, headers) else {
        return Ok(None);
    };
    let Some(session) = sessions::find(app, &token).await? else {
        return Ok(None);
    };
    let auth_time = session.auth_time.as_secs();
    let since = checked.asked.params().only(SIGNED_IN_SINCE);
    if let Some(since) = since.and_then(|text| text.parse::<i64>().ok()) {
        return Ok((auth_time >= since).then_some(session));
    }
    let age = app.clock.now().as_secs().saturating_sub(auth_time);
    let too_old = request.max_age.is_some_and(|most| age > i64::from(most));
    let again = request.prompt.login || request.prompt.select_account;
    Ok((!too_old && !again).then_some(session))
}

/// The sign-in page, and from there back to this request.
fn sign_in_first(app: &App, checked: &Checked) -> String {
    let params = checked.asked.params();
    let mut query = params.encoded(&["prompt", SIGNED_IN_SINCE]);
    if params.get("prompt").is_some() || params.get("max_age").is_some() {
        query = form_urlencoded::Serializer::new(query)
            .append_pair(SIGNED_IN_SINCE, &app.clock.now().as_secs().to_string())
            .finish();
    }
    let return_to = form_urlencoded::Serializer::new(String::new())
        .append_pair("return_to", &format!("/oauth2/authorize?{query}"))
        .finish();
    app.pages.local(&format!("/login?{return_to}"))
}

/// 303: a browser that POSTed must not POST again (SB-25, RFC 9700 §4.12).
fn see_other(url: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    if let Ok(url) = HeaderValue::from_str(url) {
        headers.insert(LOCATION, url);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

fn page(app: &App, why: &str) -> Response {
    let page = ErrorPage::new(
        StatusCode::BAD_REQUEST,
        "This sign-in request does not work",
        format!("{why} You did nothing wrong: please tell the people who run the application."),
    );
    pages::error_page(&app.pages, &page)
}
