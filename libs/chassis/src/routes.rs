//! The routes of a service as a list: method, path, permission and handler of each. The router is built from the list, so
//! what is listed is what is answered.

use ::http::Method;
use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};

use crate::access::Scope;

/// The permission that a request needs. The check itself is an extractor of the handler or of its group of
/// routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Nothing, for this reason.
    Public(&'static str),
    /// An access token with this scope (RFC 6750).
    Scope(&'static str),
    /// An access token with any of these scopes: what else the request may do depends on which.
    AnyScope(&'static [&'static str]),
    /// An access token with this scope that was not issued to a client for itself (RFC 6749 §4.4).
    SubjectScope(&'static str),
    /// An access token with this scope, and what else is asked of it.
    ScopeAnd(&'static str, &'static str),
    /// The session of a browser, kept by cookies. A request without one is answered all the same: where a person
    /// is needed it leads to the sign-in, and the pages that sign out have nothing to end.
    Session,
    /// The authentication of an OAuth client (RFC 6749 §2.3).
    ClientAuthentication,
}

impl Permission {
    /// The scope `S`.
    pub fn scope<S: Scope>() -> Self {
        match S::ALTERNATIVES {
            [] => Self::Scope(S::NAME),
            any => Self::AnyScope(any),
        }
    }

    /// The scope that a token must have; of alternatives the first one.
    pub fn scope_name(self) -> Option<&'static str> {
        match self {
            Self::Scope(name) | Self::SubjectScope(name) | Self::ScopeAnd(name, _) => Some(name),
            Self::AnyScope(names) => names.first().copied(),
            Self::Public(_) | Self::Session | Self::ClientAuthentication => None,
        }
    }
}

/// One route.
#[derive(Clone, Debug)]
pub struct Route<S> {
    /// The method. `GET` answers `HEAD` as well.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// The permission that a request needs.
    pub permission: Permission,
    handler: MethodRouter<S>,
}

/// A list of routes.
#[derive(Clone, Debug)]
pub struct Routes<S>(Vec<Route<S>>);

impl<S> Default for Routes<S> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident = $method:ident;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name<H, T>(self, path: &'static str, permission: Permission, handler: H) -> Self
        where
            H: Handler<T, S>,
            T: 'static,
        {
            self.with(Route {
                method: Method::$method,
                path,
                permission,
                handler: on(MethodFilter::$method, handler),
            })
        }
    )*};
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    methods! {
        /// Adds a route for `GET`.
        get = GET;
        /// Adds a route for `POST`.
        post = POST;
        /// Adds a route for `PUT`.
        put = PUT;
        /// Adds a route for `PATCH`.
        patch = PATCH;
        /// Adds a route for `DELETE`.
        delete = DELETE;
    }

    fn with(mut self, route: Route<S>) -> Self {
        self.0.push(route);
        self
    }

    /// Adds all routes of another list.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The routes, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Route<S>> {
        self.0.iter()
    }

    /// The paths, each once.
    pub fn paths(&self) -> Vec<&'static str> {
        let mut paths: Vec<&'static str> = self.0.iter().map(|route| route.path).collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    }

    /// The methods of a path, in order.
    pub(crate) fn methods(&self, path: &str) -> Vec<&str> {
        let of_path = self.0.iter().filter(|route| route.path == path);
        of_path.map(|route| route.method.as_str()).collect()
    }

    /// A path as the router below `prefix` has it.
    pub(crate) fn below<'a>(path: &'a str, prefix: &str) -> &'a str {
        match path.strip_prefix(prefix) {
            // The prefix itself.
            Some("") => "/",
            Some(rest) => rest,
            None => path,
        }
    }

    /// The router that answers these routes and no others.
    pub fn into_router(self) -> Router<S> {
        self.into_router_below("")
    }

    /// The router to nest at `prefix`, with which the path of each route begins.
    pub fn into_router_below(self, prefix: &str) -> Router<S> {
        self.0.into_iter().fold(Router::new(), |router, route| {
            router.route(Self::below(route.path, prefix), route.handler)
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::{Request, StatusCode};
    use tower::ServiceExt;

    use super::*;

    const ANY: Permission = Permission::Public("a test");

    fn listed() -> Routes<()> {
        let answer = |text: &'static str| async move { text };
        Routes::default()
            .get("/base/things", ANY, move || answer("list"))
            .post("/base/things", ANY, move || answer("create"))
            .and(Routes::default().delete("/base/things/{id}", ANY, move || answer("delete")))
    }

    async fn status(router: Router, method: &str, path: &str) -> StatusCode {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::empty())
            .unwrap();
        router.oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn the_router_answers_what_is_listed_and_nothing_else() {
        let nested = Router::new().nest("/base", listed().into_router_below("/base"));
        for router in [listed().into_router(), nested] {
            for route in listed().iter() {
                let path = route.path.replace("{id}", "1");
                assert_eq!(
                    status(router.clone(), route.method.as_str(), &path).await,
                    StatusCode::OK
                );
            }
            assert_eq!(
                status(router.clone(), "PUT", "/base/things").await,
                StatusCode::METHOD_NOT_ALLOWED
            );
            assert_eq!(status(router, "GET", "/things").await, StatusCode::NOT_FOUND);
        }
        assert_eq!(listed().paths(), ["/base/things", "/base/things/{id}"]);
    }
}
