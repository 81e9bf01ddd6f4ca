//! `GET` and `POST /oauth2/authorize`: authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2).
//!
//! [`oidc::authorize`] decides. `mod.rs` reads the request and its client, `respond.rs` reads the session and
//! carries the decision out, and `pending.rs` saves and loads the request while the person signs in.

mod pending;
mod respond;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use chassis::http::{ClientInfo, Problem, see_other};
use chassis::secret::Token;
use http::{HeaderMap, StatusCode};
use oidc::authorize::{AuthorizationError, PageError, UnverifiedAuthorizationRequest, check};
use oidc::params::Params;

use super::oauth_endpoint::{FormBody, OAuthErrorResponse};
use crate::app::{App, SharedApp};
use crate::authorization_requests::{AuthorizationRequest, MAX_REQUEST_BYTES};
use crate::clients::Client;
use crate::pages::{self, ErrorPage};
use respond::AuthorizationResponse;

/// `GET /oauth2/authorize`: authorization endpoint (RFC 6749 §3.1).
pub(crate) async fn get(
    State(app): State<SharedApp>,
    headers: HeaderMap,
    client: ClientInfo,
    RawQuery(query): RawQuery,
) -> Response {
    handle(&app, &headers, &client, &query.unwrap_or_default()).await
}

/// `POST /oauth2/authorize`: authorization endpoint with the parameters in a form (OpenID Connect Core
/// §3.1.2.1).
pub(crate) async fn post(
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

/// An authorization request and the browser that sent it.
struct BrowserRequest<'a> {
    app: &'a App,
    headers: &'a HeaderMap,
    caller: &'a ClientInfo,
    request: &'a UnverifiedAuthorizationRequest,
    client: &'a Client,
    /// Set when the request was saved while the person signed in.
    resumed: Option<&'a ResumedRequest>,
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
    let (request, resumed) = match pending::load(app, headers, raw).await {
        Ok(loaded) => loaded,
        Err(page) => return page,
    };
    let client = match app.clients.find(&request.client_id).await {
        Ok(Some(client)) => client,
        Ok(None) => return page_error(app, &PageError::UnknownClient),
        Err(error) => return Problem::from(error).into_response(),
    };
    let hint_keys = app.keys.current().hint_keys();
    let server = app.issuer.server(&hint_keys);
    let url = match check(&request, client.registered(), server, app.clock.now().as_secs()) {
        Err(AuthorizationError::Page(error)) => return page_error(app, &error),
        Err(AuthorizationError::Redirect(error)) => error.url(),
        Ok(checked) => {
            let browser = BrowserRequest {
                app,
                headers,
                caller,
                request: &request,
                client: &client,
                resumed: resumed.as_ref(),
            };
            match respond::respond(&browser, &checked).await {
                AuthorizationResponse::Redirect(url) => url,
                AuthorizationResponse::SignIn(response) => return response,
            }
        }
    };
    if let Some(resumed) = &resumed
        && let Err(error) = app.authorization_requests.mark_answered(&resumed.handle).await
    {
        tracing::warn!(error.message = %error, "answered authorization request could not be deleted: it expires by itself");
    }
    see_other(&url)
}

/// An error that is shown on a page and never redirected (SB-20).
fn page_error(app: &App, error: &PageError) -> Response {
    error_page(app, &format!("{error}."))
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
