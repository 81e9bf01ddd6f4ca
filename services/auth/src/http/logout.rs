//! `GET` and `POST /oauth2/logout`: end-session endpoint (OpenID Connect RP-Initiated Logout §2).

use axum::extract::{RawQuery, State};
use axum::response::Response;
use chassis::http::{Problem, see_other};
use http::{HeaderMap, StatusCode};
use oidc::claims::IdTokenClaims;
use oidc::logout::LogoutRequest;
use oidc::params::{Params, ParamsError};
use oidc::redirect_uri::RedirectUri;
use std::sync::Arc;
use url::form_urlencoded;

use super::oauth_endpoint::{FormBody, OAuthErrorResponse};
use crate::app::{App, SharedApp};
use crate::clients::Client;
use crate::pages::{self, ErrorPage, LogoutConfirmation};
use crate::sessions::{Session, SessionEnd};
use crate::tokens::IdTokenHint;

/// `GET /oauth2/logout`: end-session endpoint. It ends a session only with a valid hint (SB-16, SB-30).
pub(super) async fn get(
    State(app): State<SharedApp>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    handle(&app, &headers, &query.unwrap_or_default(), None).await
}

/// `POST /oauth2/logout`: end-session endpoint, for applications and for our confirmation page.
pub(super) async fn post(
    State(app): State<SharedApp>,
    headers: HeaderMap,
    form: Result<FormBody, OAuthErrorResponse>,
) -> Result<Response, Problem> {
    let Ok(FormBody(form)) = form else {
        return Ok(error_page(&app, "The request is not a form."));
    };
    let params = match Params::parse(&form, &[]) {
        Ok(params) => params,
        Err(error) => return Ok(parse_error_page(&app, &error)),
    };
    let confirmation = params.get("csrf");
    if pages::session_token(&app.pages, &headers).is_none() {
        // A browser sends no cookie with a POST from another site. The redirect makes it a GET, which has the
        // cookie. Another site may send any `csrf`, so its presence proves nothing.
        return Ok(see_other(
            &app.pages
                .local(&format!("/oauth2/logout?{}", params.encoded(&["csrf"]))),
        ));
    }
    handle(&app, &headers, &form, confirmation).await
}

/// A logout request whose client, hint and redirection URI are valid.
struct ValidatedLogout {
    client: Option<Arc<Client>>,
    hint: Option<IdTokenClaims>,
    /// The `post_logout_redirect_uri` with `state`.
    destination: Option<String>,
}

async fn handle(
    app: &App,
    headers: &HeaderMap,
    raw: &str,
    confirmation: Option<&str>,
) -> Result<Response, Problem> {
    let request = match LogoutRequest::parse(raw) {
        Ok(request) => request,
        Err(error) => return Ok(parse_error_page(app, &error)),
    };
    let logout = match validate(app, &request).await? {
        Ok(logout) => logout,
        Err(why) => return Ok(error_page(app, why)),
    };
    let session = match pages::session_token(&app.pages, headers) {
        Some(token) => app.sessions.find(&token).await?,
        None => None,
    };
    let Some(session) = session else {
        return Ok(redirect_signed_out(app, &logout));
    };
    match confirmation {
        Some(csrf) => {
            if let Err(error) = pages::check_form(&app.pages, headers, csrf) {
                return Ok(pages::error_page(&app.pages, &error));
            }
        }
        None if !hint_names_session(&logout, &session) => {
            return Ok(confirmation_page(app, headers, &request, &logout));
        }
        None => {}
    }
    let mut tx = app.db.begin("oauth_sign_out").await?;
    app.sessions
        .end(&mut tx, session.id, SessionEnd::SignedOut)
        .await?;
    tx.commit().await?;
    tracing::info!(event.action = "sign-out", event.outcome = "success", user.id = %session.account_id, "user signed out");
    Ok(redirect_signed_out(app, &logout))
}

/// Whether the hint names this session. Then the application may end it without a confirmation (SB-30).
fn hint_names_session(logout: &ValidatedLogout, session: &Session) -> bool {
    logout
        .hint
        .as_ref()
        .and_then(|hint| hint.sid.as_deref())
        .is_some_and(|sid| sid == session.id.to_string())
}

async fn validate(
    app: &App,
    request: &LogoutRequest,
) -> Result<Result<ValidatedLogout, &'static str>, Problem> {
    let (hint, meant) = match &request.id_token_hint {
        None => (None, None),
        Some(token) => match app.tokens.id_token_hint(token) {
            IdTokenHint::Verified(claims) => (Some(claims.clone()), Some(claims.aud)),
            IdTokenHint::UnknownKey { client_id } => (None, Some(client_id)),
            IdTokenHint::Invalid => {
                return Ok(Err("The request brings an ID token that is not one of ours."));
            }
        },
    };
    let named = request.client_id.as_deref();
    if let (Some(meant), Some(named)) = (&meant, named)
        && meant != named
    {
        return Ok(Err("The request brings an ID token of another application."));
    }
    let id = meant.as_deref().or(named);
    let client = match id {
        None => None,
        Some(id) => app.clients.find(id).await?,
    };
    let destination = match (&request.post_logout_redirect_uri, &client) {
        (None, _) => None,
        // The comparison is exact. Not even the port of a loopback address is free (SB-20).
        (Some(uri), Some(client))
            if client
                .metadata
                .post_logout_redirect_uris
                .iter()
                .any(|known| known.as_str() == uri) =>
        {
            Some(with_state(uri, request.state.as_deref()))
        }
        (Some(_), Some(_)) => {
            return Ok(Err(
                "The application asked to go on to an address that is not registered for it.",
            ));
        }
        (Some(_), None) => {
            return Ok(Err(match id {
                Some(_) => "The application that asked to go on to another address is not known here.",
                None => {
                    "The request asks to go on to another address and does not say which application it comes from. \
                     The application has to send its client_id or an ID token along."
                }
            }));
        }
    };
    Ok(Ok(ValidatedLogout {
        client,
        hint,
        destination,
    }))
}

fn with_state(uri: &str, state: Option<&str>) -> String {
    match state {
        None => uri.to_owned(),
        Some(state) => {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("state", state)
                .finish();
            RedirectUri::with_query(uri, &query)
        }
    }
}

fn confirmation_page(
    app: &App,
    headers: &HeaderMap,
    request: &LogoutRequest,
    logout: &ValidatedLogout,
) -> Response {
    let hidden: Vec<(&str, &str)> = [
        ("id_token_hint", &request.id_token_hint),
        ("client_id", &request.client_id),
        ("post_logout_redirect_uri", &request.post_logout_redirect_uri),
        ("state", &request.state),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value.as_deref()?)))
    .collect();
    let question = LogoutConfirmation {
        client_name: logout.client.as_ref().map(|client| client.display_name()),
        action: "/oauth2/logout",
        hidden: &hidden,
        leads_out: logout.destination.is_some(),
    };
    pages::logout_confirmation(&app.pages, headers, &question)
}

fn redirect_signed_out(app: &App, logout: &ValidatedLogout) -> Response {
    let destination = logout.destination.clone();
    let mut response = see_other(&destination.unwrap_or_else(|| app.pages.local("/logout")));
    pages::clear_browser_state(&app.pages, &mut response);
    response
}

/// The page shows nothing of what was sent, not even the name of a parameter, because an attacker may have
/// written it.
fn parse_error_page(app: &App, error: &ParamsError) -> Response {
    match error {
        ParamsError::Duplicate(_) => error_page(app, "A parameter of the request is there more than once."),
        error => error_page(app, &format!("{error}.")),
    }
}

fn error_page(app: &App, why: &str) -> Response {
    let page = ErrorPage::new(
        StatusCode::BAD_REQUEST,
        "This sign-out request does not work",
        why,
    );
    pages::error_page(&app.pages, &page.with_action("Sign out here", "/logout"))
}
