//! `GET` and `POST /consent`: the page on which a person allows an application access (OpenID Connect Core §3.1.2.4).
//!
//! The authorization request stands in the database meanwhile, as during a sign-in, and the address has its handle. Both methods
//! decide the request once more: it may have been answered in another tab, or the session may have ended.

use axum::extract::State;
use axum::response::Response;
use chassis::db::DbError;
use chassis::http::{ClientInfo, Query, see_other};
use contract::paths::auth::{CLIENT_LOGO, CONSENT};
use contract::paths::fill;
use http::{HeaderMap, StatusCode};
use oidc::authorize::CheckedRequest;
use oidc::consent::AllowedAccess;
use oidc::scope::Scope;
use serde::Deserialize;
use url::{Position, Url, form_urlencoded};

use super::respond::BrowserSession;
use super::{AuthorizationEndpoint, BrowserRequest, Interaction, details, pending, proceed};
use crate::authorization_requests::HANDLE_PARAMETER;
use crate::clients::{Client, Origin};
use crate::html::page_error::{FormFields, PageError};
use crate::html::view;

/// The query of the page.
#[derive(Deserialize, schemars::JsonSchema)]
pub(crate) struct ConsentQuery {
    #[serde(default)]
    authorization_request: String,
}

/// The answer of the person.
#[derive(Clone, Copy, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ConsentAnswer {
    Allow,
    Deny,
}

/// The fields of the form.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsentForm {
    #[serde(default)]
    csrf: String,
    authorization_request: String,
    /// The scope that the page showed.
    #[serde(default)]
    scope: String,
    /// The services that the page showed, separated by spaces.
    #[serde(default)]
    audiences: String,
    answer: ConsentAnswer,
}

/// `GET /consent`: shows who asks for what.
pub(crate) async fn show(
    State(endpoint): State<AuthorizationEndpoint>,
    headers: HeaderMap,
    caller: ClientInfo,
    query: Result<Query<ConsentQuery>, chassis::http::Problem>,
) -> Result<Response, PageError> {
    let saved = parameters(&query?.0.authorization_request);
    Ok(match pending::load(&endpoint, &headers, &saved).await {
        Ok(loaded) => proceed(&endpoint, (&headers, &caller), loaded, Interaction::ShowConsent).await,
        Err(page) => page,
    })
}

/// `POST /consent`: stores what the person allowed and answers the application. A double click is answered twice with the same
/// code.
pub(crate) async fn submit(
    State(endpoint): State<AuthorizationEndpoint>,
    headers: HeaderMap,
    caller: ClientInfo,
    FormFields(form): FormFields<ConsentForm>,
) -> Result<Response, PageError> {
    let saved = parameters(&form.authorization_request);
    if !endpoint.pages.is_current_form(&headers, &form.csrf)? {
        // The person signed in or out in another tab. The page is shown for the session that there is now.
        return Ok(see_other(&endpoint.pages.local(&format!("{CONSENT}?{saved}"))));
    }
    let shown = AllowedAccess::parse(&form.scope, &form.audiences).unwrap_or_default();
    let interaction = match form.answer {
        ConsentAnswer::Allow => Interaction::Allowed(&shown),
        ConsentAnswer::Deny => Interaction::Denied,
    };
    Ok(match pending::load(&endpoint, &headers, &saved).await {
        Ok(loaded) => proceed(&endpoint, (&headers, &caller), loaded, interaction).await,
        Err(page) => page,
    })
}

/// The parameters that name a saved request.
fn parameters(handle: &str) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair(HANDLE_PARAMETER, handle)
        .finish()
}

/// Redirects the browser to the page. The request is saved, if it was not saved during a sign-in.
///
/// # Errors
/// When the database fails.
pub(super) async fn redirect_to_consent(request: &BrowserRequest<'_>) -> Result<Response, DbError> {
    let endpoint = request.endpoint;
    let (browser, handle) = match pending::save(request).await? {
        Ok(saved) => saved,
        Err(page) => return Ok(page),
    };
    let saved = parameters(handle.expose());
    let mut response = see_other(&endpoint.pages.local(&format!("{CONSENT}?{saved}")));
    browser.set_browser_cookie(&endpoint.pages, &mut response);
    Ok(response)
}

/// The page. `scope` is what the application would get.
pub(super) async fn page(
    request: &BrowserRequest<'_>,
    checked: &CheckedRequest<'_>,
    session: &BrowserSession,
    scope: &Scope,
) -> Response {
    let endpoint = request.endpoint;
    let (csrf, browser) = endpoint.pages.form_token(request.headers).into_parts();
    let handle = request.resumed.map(|resumed| resumed.handle.expose());
    let logo = logo(endpoint, request.client).await;
    let view = view::Consent {
        page: endpoint.pages.page(),
        csrf,
        client_name: request.client.display_name(),
        user_name: session.user_name(),
        permissions: scope
            .iter()
            .map(|scope| endpoint.scopes.permission(scope))
            .collect(),
        services: services(request.client),
        details: details::shown(checked.authorization_details(), endpoint.issuer.detail_types()),
        destination: destination(checked.target().redirect_uri()),
        logo,
        links: links(request.client),
        authorization_request: handle.unwrap_or_default(),
        scope: scope.to_string(),
        leads_out: true,
    };
    endpoint.pages.show_form(StatusCode::OK, &view, browser.as_ref())
}

/// The address of the logo of the application (RFC 7591 §2), if there is one. Without it the page says the same.
async fn logo(endpoint: &AuthorizationEndpoint, client: &Client) -> Option<String> {
    match endpoint.client_logos.find_digest(client).await {
        Ok(digest) => digest.map(|digest| endpoint.pages.local(&fill(CLIENT_LOGO, &[&digest]))),
        Err(error) => {
            tracing::warn!(client.id = client.id.as_str(), error.message = %error, "the logo of a client cannot be read: the consent page is shown without it");
            None
        }
    }
}

/// The services that the tokens of the application may be for. All are named: what is allowed is allowed for all of them.
fn services(client: &Client) -> Vec<&str> {
    let audiences = client.metadata.audiences.iter();
    audiences.map(|audience| audience.as_str()).collect()
}

/// The pages of the application about itself (RFC 7591 §2). Nobody has checked those of an application that registered itself, so
/// people are led only to the sites that the code may go to (RFC 7591 §5).
fn links(client: &Client) -> Vec<view::ApplicationLink<'_>> {
    let metadata = &client.metadata;
    let is_own_site = |page: &Url| {
        metadata.redirect_uris.iter().any(|uri| {
            let uri = Url::parse(uri.as_str());
            uri.is_ok_and(|uri| uri.scheme() == page.scheme() && uri.host_str() == page.host_str())
        })
    };
    [
        ("Home page", &metadata.client_uri),
        ("Privacy policy", &metadata.policy_uri),
        ("Terms of service", &metadata.tos_uri),
    ]
    .into_iter()
    .filter_map(|(title, uri)| {
        let url = uri.as_ref()?.as_url();
        Some(view::ApplicationLink {
            title,
            url: url.as_str(),
            site: &url[Position::BeforeHost..Position::AfterPort],
            is_linked: client.origin != Origin::Registration || is_own_site(url),
        })
    })
    .collect()
}

/// The receiver of the answer, as the person reads it: the host, which nobody else can have, or a program on their device.
fn destination(redirect_uri: &str) -> String {
    let url = Url::parse(redirect_uri).ok();
    match url.as_ref().and_then(|url| Some((url.scheme(), url.host_str()?))) {
        Some(("https", host)) => format!("at {host}"),
        _ => "on this device".to_owned(),
    }
}
