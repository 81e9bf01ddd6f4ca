//! Cross-origin resource sharing (CORS): routes that scripts of any origin may call (Fetch §3.3).

#[cfg(test)]
mod tests;

use ::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
};
use ::http::{HeaderValue, StatusCode};
use axum::Router;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::options;

use crate::routes::Routes;

/// Seconds for which a browser remembers the response to a preflight request.
const MAX_AGE: &str = "7200";

/// The headers of routes that scripts of any origin may call. The responses never allow credentials: cookies are not sent with such
/// requests, so a script can do nothing but what the token that it has allows.
#[derive(Clone, Copy, Debug)]
pub struct AnyOrigin {
    /// The request headers that scripts may set, in lower case and separated by commas.
    pub request_headers: &'static str,
    /// The response headers that scripts may read, in lower case and separated by commas.
    pub response_headers: &'static str,
}

impl AnyOrigin {
    /// Opens `router`, which answers `routes` below `prefix`: it answers the preflight requests too, with the methods that each path
    /// has, and every response can be read.
    pub fn open<S: Clone + Send + Sync + 'static>(
        self,
        router: Router<S>,
        routes: &Routes<S>,
        prefix: &str,
    ) -> Router<S> {
        let opened = routes.paths().into_iter().fold(router, |router, path| {
            let methods = routes.methods(path).join(", ");
            let preflight = move || async move { self.preflight(&methods) };
            router.route(Routes::<S>::below(path, prefix), options(preflight))
        });
        opened.layer(map_response(
            move |response| async move { self.readable(response) },
        ))
    }

    /// The response to a preflight request (Fetch §3.3.2).
    fn preflight(self, methods: &str) -> Response {
        let headers = [
            (ACCESS_CONTROL_ALLOW_METHODS, methods),
            (ACCESS_CONTROL_ALLOW_HEADERS, self.request_headers),
            (ACCESS_CONTROL_MAX_AGE, MAX_AGE),
        ];
        (StatusCode::NO_CONTENT, headers).into_response()
    }

    fn readable(self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static(self.response_headers),
        );
        response
    }
}
