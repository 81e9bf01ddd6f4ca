//! The authorization request while the person signs in: it is saved in the database, and the address has its
//! handle.

use axum::response::Response;
use chassis::db::DbError;
use chassis::http::see_other;
use chassis::secret::Token;
use contract::paths::auth::{AUTHORIZE, LOGIN, REGISTER};
use http::{HeaderMap, StatusCode};
use oidc::authorize::{PageError, UnverifiedAuthorizationRequest, pushed_reference};
use oidc::params::Params;
use std::time::Duration;
use url::form_urlencoded;

use super::{
    AuthorizationEndpoint, BrowserRequest, LoadedRequest, ResumedRequest, error_page, page_error,
    too_long_page,
};
use crate::authorization_requests::{Browser, HANDLE_PARAMETER, MAX_REQUEST_BYTES, NewRequest, SaveError};
use crate::pages::{self, BrowserCookie, ErrorPage};

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

/// Loads a request from the database by its handle or its request URI, or else from the address.
///
/// # Errors
/// The page to show.
pub(super) async fn load(
    endpoint: &AuthorizationEndpoint,
    headers: &HeaderMap,
    raw: &str,
) -> Result<LoadedRequest, Response> {
    let explain = |error: PageError| page_error(endpoint, &error);
    let params = Params::parse_lenient(raw).map_err(|error| explain(error.into()))?;
    let Some(handle) = params.only(HANDLE_PARAMETER).map(Token::new) else {
        if let Some(reference) = params.only("request_uri").and_then(pushed_reference) {
            return load_pushed(endpoint, &params, &Token::new(reference)).await;
        }
        return sent(&params).map_err(explain);
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
        let pushed = request.pushed.clone();
        return Ok(LoadedRequest {
            request: if pushed.is_some() { asked.pushed() } else { asked }.stored(),
            resumed: Some(ResumedRequest { handle, request }),
            pushed,
        });
    }
    // The handle has expired, or this is another browser. The parameters beside the handle are a request like
    // any other.
    match sent(&params) {
        Err(PageError::NoClient) => Err(expired_page(endpoint)),
        asked => asked.map_err(explain),
    }
}

/// The request that the address has.
fn sent(params: &Params) -> Result<LoadedRequest, PageError> {
    Ok(LoadedRequest {
        request: UnverifiedAuthorizationRequest::parse(&params.encoded(&INTERNAL_PARAMETERS))?,
        resumed: None,
        pushed: None,
    })
}

/// Loads a pushed request by the reference of its request URI (RFC 9126 §4). Of the address only `client_id` counts.
async fn load_pushed(
    endpoint: &AuthorizationEndpoint,
    params: &Params,
    reference: &Token,
) -> Result<LoadedRequest, Response> {
    let explain = |error: PageError| page_error(endpoint, &error);
    let client_id = params
        .only("client_id")
        .ok_or(PageError::NoClient)
        .map_err(explain)?;
    let hash = reference.hash();
    let query = endpoint
        .authorization_requests
        .find_pushed(&hash, client_id)
        .await
        .map_err(|error| unavailable_page(endpoint, error))?
        .ok_or_else(|| expired_page(endpoint))?;
    // A request object beside it is refused at the redirect URI of the pushed request (RFC 9101 §5).
    let both: Vec<(&str, &str)> = params
        .all("request")
        .flat_map(|object| [("request", object), ("request_uri", "pushed")])
        .collect();
    let beside = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(both)
        .finish();
    Ok(LoadedRequest {
        request: UnverifiedAuthorizationRequest::parse(&format!("{query}&{beside}"))
            .map_err(explain)?
            .pushed()
            .stored(),
        resumed: None,
        pushed: Some(hash.as_bytes().to_vec()),
    })
}

/// Saves a request under a handle for this browser, unless it was saved before.
///
/// # Errors
/// When the database fails. The inner error is the page to show: there is no place for the request, or it is too long.
pub(super) async fn save(
    request: &BrowserRequest<'_>,
) -> Result<Result<(BrowserCookie, Token), Response>, DbError> {
    let endpoint = request.endpoint;
    let query = request.request.params().encoded(&INTERNAL_PARAMETERS);
    if query.len() > MAX_REQUEST_BYTES {
        return Ok(Err(too_long_page(endpoint)));
    }
    let browser = pages::browser_cookie(&endpoint.pages, request.headers);
    match find_or_save(request, &query, &browser).await {
        Ok(handle) => Ok(Ok((browser, handle))),
        Err(SaveError::Full) => Ok(Err(capacity_page(endpoint))),
        Err(SaveError::Db(error)) => Err(error),
    }
}

/// The handle of a request that was saved before, or a new one.
async fn find_or_save(
    request: &BrowserRequest<'_>,
    query: &str,
    browser: &BrowserCookie,
) -> Result<Token, SaveError> {
    if let Some(resumed) = request.resumed {
        return Ok(resumed.handle.clone());
    }
    let endpoint = request.endpoint;
    let session = pages::session_token(&endpoint.pages, request.headers);
    let from = Browser {
        cookie: browser.token(),
        session: session.as_ref(),
        ip: request.caller.ip,
    };
    let new = NewRequest {
        query,
        pushed: request.pushed,
    };
    endpoint.authorization_requests.save(new, from).await
}

/// Redirects the browser to the sign-in page, which leads back to a request in the address. It is not saved.
pub(super) fn redirect_with_query(endpoint: &AuthorizationEndpoint, query: &str) -> Response {
    if query.len() > MAX_REPEATED_BYTES {
        return error_page(
            endpoint,
            "The application sent a request that cannot be answered.",
        );
    }
    let return_to = form_urlencoded::Serializer::new(String::new())
        .append_pair("return_to", &format!("{AUTHORIZE}?{query}"))
        .finish();
    see_other(&endpoint.pages.local(&format!("{LOGIN}?{return_to}")))
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
    let handle = find_or_save(request, &query, &browser).await;
    // In the address, a pushed request could be read and changed, and a signed one changed.
    let is_repeated =
        query.len() <= MAX_REPEATED_BYTES && request.pushed.is_none() && !request.request.is_signed();
    let mut back = form_urlencoded::Serializer::new(String::new());
    match handle {
        Ok(handle) => {
            back.append_pair(HANDLE_PARAMETER, handle.expose());
            if fresh {
                back.append_pair(SIGNED_IN_SINCE, &endpoint.clock.now().as_secs().to_string());
            }
        }
        // During a flood, a request that needs no new sign-in goes on in the address.
        Err(SaveError::Full) if !fresh && is_repeated => {}
        Err(SaveError::Full) => return Ok(capacity_page(endpoint)),
        Err(SaveError::Db(error)) => return Err(error),
    }
    let mut back = back.finish();
    if is_repeated {
        if !back.is_empty() {
            back.push('&');
        }
        back.push_str(&query);
    }
    let return_to = form_urlencoded::Serializer::new(String::new())
        .append_pair("return_to", &format!("{AUTHORIZE}?{back}"))
        .finish();
    let page = if request.request.wants_registration() {
        REGISTER
    } else {
        LOGIN
    };
    let mut response = see_other(&endpoint.pages.local(&format!("{page}?{return_to}")));
    browser.set_browser_cookie(&endpoint.pages, &mut response);
    Ok(response)
}

/// Marks a saved request as answered with an error, so that it makes room for others soon. One that gets a code is marked with it.
pub(super) async fn mark_answered(endpoint: &AuthorizationEndpoint, resumed: Option<&ResumedRequest>) {
    let Some(resumed) = resumed else { return };
    let requests = &endpoint.authorization_requests;
    if let Err(error) = requests.mark_answered(&resumed.handle).await {
        tracing::warn!(error.message = %error, "authorization request could not be marked as answered: it can be answered until it expires");
    }
}

pub(super) fn expired_page(endpoint: &AuthorizationEndpoint) -> Response {
    let page = ErrorPage::new(
        StatusCode::BAD_REQUEST,
        "This sign-in took too long or was used before",
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
