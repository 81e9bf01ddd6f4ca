//! The page that posts an authorization response to a client (OAuth 2.0 Form Post Response Mode §2).

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

use crate::html::Pages;
use crate::html::view::FormPost;

/// The page whose form posts `fields` to `action`, a redirect URI of the client. A script sends the form; without scripts
/// the person sends it with its button.
pub fn form_post_page(
    pages: &Pages,
    client_name: &str,
    action: &str,
    fields: &[(&'static str, String)],
) -> Response {
    let view = FormPost {
        page: pages.page(),
        client_name,
        action,
        fields,
    };
    let mut response = pages.show(StatusCode::OK, &view);
    // With the policy of the other pages the client would see `Origin: null`. This one names our origin and no path.
    response
        .headers_mut()
        .insert(header::REFERRER_POLICY, HeaderValue::from_static("strict-origin"));
    response
}
