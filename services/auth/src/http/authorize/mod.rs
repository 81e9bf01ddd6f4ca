//! `GET` and `POST /oauth2/authorize`: authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2).
//!
//! `mod.rs` validates the client and the redirection URI, `decide.rs` decides on the code, and `pending.rs`
//! saves and loads the request while the person signs in.

mod decide;
mod pending;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use chassis::http::{ClientInfo, Problem, see_other};
use chassis::secret::Token;
use http::{HeaderMap, StatusCode};
use oidc::authorize::{UnverifiedAuthorizationRequest, code_redirect, error_redirect};
use oidc::error::ErrorCode;
use oidc::params::Params;
use std::sync::Arc;

use super::oauth_endpoint::{FormBody, OAuthErrorResponse};
use crate::app::{App, SharedApp};
use crate::authorization_requests::{AuthorizationRequest, MAX_REQUEST_BYTES};
use crate::clients::Client;
use crate::pages::{self, ErrorPage};
use decide::AuthorizationOutcome;

/// `GET /oauth2/authorize`: authorization endpoint (RFC 6749 §3.1).
pub(super) async fn get(
    State(app): State<SharedApp>,
    headers: HeaderMap,
    client: ClientInfo,
    RawQuery(query): RawQuery,
) -> Response {
    handle(&app, &headers, &client, &query.unwrap_or_default()).await
}

/// `POST /oauth2/authorize`: authorization endpoint with the parameters in a form (OpenID Connect Core
/// §3.1.2.1).
pub(super) async fn post(
    State(app): State<SharedApp>,
    headers: HeaderMap,
    client: ClientInfo,
    form: Result<FormBody, OAuthErrorResponse>,
) -> Response {
    match form {
        Ok(FormBody(form)) if form.len() > MAX_REQUEST_BYTES => too_long_page(&app),
        // A browser sends no cookie with a POST from another site. The redirect makes it a GET, which has the
        // cookie.
        Ok(FormBody(form)) if pages::session_token(&app.pages, &headers).is_none() => {
            match Params::parse_lenient(&form) {
                Ok(params) => see_other(
                    &app.pages
                        .local(&format!("/oauth2/authorize?{}", params.encoded(&[]))),
                ),
                Err(error) => error_page(&app, &format!("{error}.")),
            }
        }
        Ok(FormBody(form)) => handle(&app, &headers, &client, &form).await,
        Err(_) => error_page(&app, "The request is not a form."),
    }
}

/// A request whose client and redirection URI are valid. Errors may be sent to the client.
struct ValidatedRequest {
    /// Its parameters, of which the others are not checked yet.
    unverified: UnverifiedAuthorizationRequest,
    client: Arc<Client>,
    redirect_uri: String,
    /// Set when the request was saved while the person signed in.
    resumed: Option<ResumedRequest>,
}

/// A saved request and its handle.
struct ResumedRequest {
    handle: Token,
    request: AuthorizationRequest,
}

async fn handle(app: &App, headers: &HeaderMap, caller: &ClientInfo, raw: &str) -> Response {
    if raw.len() > MAX_REQUEST_BYTES {
        return too_long_page(app);
    }
    let validated = match validate(app, headers, raw).await {
        Ok(validated) => validated,
        Err(response) => return response,
    };
    let issuer = app.issuer.url();
    let state = validated.unverified.state();
    let to_client = |error| error_redirect(&validated.redirect_uri, &error, state, issuer);
    let url = match decide::decide(app, headers, &validated).await {
        Ok(code) => code_redirect(&validated.redirect_uri, &code, state, issuer),
        Err(AuthorizationOutcome::Error(error)) => to_client(error),
        Err(AuthorizationOutcome::SignInRequired { fresh }) => {
            match pending::redirect_to_sign_in(app, headers, caller, &validated, fresh).await {
                Ok(response) => return response,
                Err(error) => to_client(unavailable(&Problem::from(error))),
            }
        }
        Err(AuthorizationOutcome::Failed(problem)) => to_client(unavailable(&problem)),
    };
    if let Some(resumed) = &validated.resumed
        && let Err(error) = app.authorization_requests.mark_answered(&resumed.handle).await
    {
        tracing::warn!(error.message = %error, "answered authorization request could not be deleted: it expires by itself");
    }
    see_other(&url)
}

fn unavailable(problem: &Problem) -> oidc::error::OAuthError {
    if problem.status() == StatusCode::INTERNAL_SERVER_ERROR {
        ErrorCode::ServerError.because("something went wrong")
    } else {
        ErrorCode::TemporarilyUnavailable.because("try again in a moment")
    }
}

/// Validates the client and the redirection URI. An error here is shown on a page and never redirected
/// (SB-20).
async fn validate(app: &App, headers: &HeaderMap, raw: &str) -> Result<ValidatedRequest, Response> {
    let (unverified, resumed) = pending::load(app, headers, raw).await?;
    let client = match app.clients.find(&unverified.client_id).await {
        Ok(Some(client)) => client,
        Ok(None) => return Err(error_page(app, "The application is not known here.")),
        Err(error) => return Err(Problem::from(error).into_response()),
    };
    let registered = &client.metadata.redirect_uris;
    let redirect_uri = match (&unverified.redirect_uri, registered.as_slice()) {
        (Some(uri), _) if registered.iter().any(|known| known.matches(uri)) => uri.clone(),
        // RFC 6749 §3.1.2.3: `redirect_uri` may be left out when exactly one is registered.
        (None, [only]) => only.to_string(),
        _ => {
            let why = "The application asked to be answered at an address that is not registered for it.";
            return Err(error_page(app, why));
        }
    };
    Ok(ValidatedRequest {
        unverified,
        client,
        redirect_uri,
        resumed,
    })
}

fn error_page(app: &App, why: &str) -> Response {
    let page = ErrorPage::new(
        StatusCode::BAD_REQUEST,
        "This sign-in request does not work",
        format!("{why} You did nothing wrong: please tell the people who run the application."),
    );
    pages::error_page(&app.pages, &page)
}

fn too_long_page(app: &App) -> Response {
    error_page(
        app,
        "The application asks for more than fits in a request: 12 KiB.",
    )
}
