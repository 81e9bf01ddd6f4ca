//! The authorization request while the person signs in: it is saved in the database, and the address has its
//! handle.

use axum::response::Response;
use chassis::db::DbError;
use chassis::http::see_other;
use chassis::secret::Token;
use contract::paths::auth::{AUTHORIZE, LOGIN};
use http::{HeaderMap, StatusCode};
use oidc::authorize::{PageError, UnverifiedAuthorizationRequest};
use oidc::params::Params;
use std::time::Duration;
use url::form_urlencoded;

use super::{AuthorizationEndpoint, BrowserRequest, ResumedRequest, page_error, too_long_page};
use crate::authorization_requests::{Browser, HANDLE_PARAMETER, MAX_REQUEST_BYTES, SaveError};
use crate::pages::{self, ErrorPage};

/// The parameter in which the previous release looks for the time of the required sign-in. It may run beside
/// this one during an upgrade. This release ignores the parameter.
const SIGNED_IN_SINCE: &str = "signed_in_since";

/// Parameters of ours, which are removed from what a client sends.
const INTERNAL_PARAMETERS: [&str; 2] = [HANDLE_PARAMETER, SIGNED_IN_SINCE];

/// The size up to which a request is repeated in the address beside the handle. Replicas of the previous
/// release need it, and people who take longer than the handle lives.
const MAX_REPEATED_BYTES: usize = 4096;

/// The value of `Retry-After` while too many requests are saved.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// Loads a request from the database by its handle, or else from the address.
///
/// # Errors
/// The page to show.
pub(super) async fn load(
    endpoint: &AuthorizationEndpoint,
    headers: &HeaderMap,
    raw: &str,
) -> Result<(UnverifiedAuthorizationRequest, Option<ResumedRequest>), Response> {
    let explain = |error: PageError| page_error(endpoint, &error);
    let params = Params::parse_lenient(raw).map_err(|error| explain(error.into()))?;
    let Some(handle) = params.only(HANDLE_PARAMETER).map(Token::new) else {
        let asked =
            UnverifiedAuthorizationRequest::parse(&params.encoded(&INTERNAL_PARAMETERS)).map_err(explain)?;
        return Ok((asked, None));
    };
    let request = match pages::browser_token(&endpoint.pages, headers) {
        Some(browser) => endpoint
            .authorization_requests
            .find(&handle, &browser)
            .await
            .map_err(|error| unavailable_page(endpoint, error))?,
        None => None,
    };
    if let Some(request) = request {
        let asked = UnverifiedAuthorizationRequest::parse(&request.query).map_err(explain)?;
        return Ok((asked, Some(ResumedRequest { handle, request })));
    }
    // The handle has expired, or this is another browser. The parameters beside the handle are a request like
    // any other.
    match UnverifiedAuthorizationRequest::parse(&params.encoded(&INTERNAL_PARAMETERS)) {
        Err(PageError::NoClient) => Err(expired_page(endpoint)),
        asked => Ok((asked.map_err(explain)?, None)),
    }
}

/// Redirects the browser to the sign-in page, which leads back to this request. For `fresh` see
/// [`oidc::authorize::Decision::SignIn`].
///
/// # Errors
/// When the database fails.
pub(super) async fn redirect_to_sign_in(
    request: &BrowserRequest<'_>,
    fresh: bool,
) -> Result<Response, DbError> {
    let (endpoint, headers) = (request.endpoint, request.headers);
    let query = request.request.params().encoded(&INTERNAL_PARAMETERS);
    if query.len() > MAX_REQUEST_BYTES {
        return Ok(too_long_page(endpoint));
    }
    let browser = pages::browser_cookie(&endpoint.pages, headers);
    let handle = match request.resumed {
        Some(resumed) => Ok(resumed.handle.clone()),
        None => {
            let session = pages::session_token(&endpoint.pages, headers);
            let from = Browser {
                cookie: browser.token(),
                session: session.as_ref(),
                ip: request.caller.ip,
            };
            endpoint.authorization_requests.save(&query, from).await
        }
    };
    let mut back = form_urlencoded::Serializer::new(String::new());
    match handle {
        Ok(handle) => {
            back.append_pair(HANDLE_PARAMETER, handle.expose());
            if fresh {
                back.append_pair(SIGNED_IN_SINCE, &endpoint.clock.now().as_secs().to_string());
            }
        }
        // During a flood, a request that needs no new sign-in goes on in the address.
        Err(SaveError::Full) if !fresh && query.len() <= MAX_REPEATED_BYTES => {}
        Err(SaveError::Full) => return Ok(capacity_page(endpoint)),
        Err(SaveError::Db(error)) => return Err(error),
    }
    let mut back = back.finish();
    if query.len() <= MAX_REPEATED_BYTES {
        if !back.is_empty() {
            back.push('&');
        }
        back.push_str(&query);
    }
    let return_to = form_urlencoded::Serializer::new(String::new())
        .append_pair("return_to", &format!("{AUTHORIZE}?{back}"))
        .finish();
    let mut response = see_other(&endpoint.pages.local(&format!("{LOGIN}?{return_to}")));
    browser.set_browser_cookie(&endpoint.pages, &mut response);
    Ok(response)
}

fn expired_page(endpoint: &AuthorizationEndpoint) -> Response {
    let page = ErrorPage::new(
        StatusCode::BAD_REQUEST,
        "This sign-in took too long",
        "Please go back to the application and start again there.",
    );
    pages::error_page(&endpoint.pages, &page)
}

fn capacity_page(endpoint: &AuthorizationEndpoint) -> Response {
    let page = ErrorPage::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "We will be right back",
        "Too many people are about to sign in. Please go back to the application and try again in a minute.",
    );
    pages::error_page(&endpoint.pages, &page.with_retry_after(RETRY_AFTER))
}

fn unavailable_page(endpoint: &AuthorizationEndpoint, error: DbError) -> Response {
    let problem = chassis::http::Problem::from(error);
    let page = ErrorPage::new(
        problem.status(),
        "We will be right back",
        "The service is busy or starting up. Please try again in a moment.",
    );
    pages::error_page(&endpoint.pages, &page.with_retry_after(Duration::from_secs(5)))
}
