//! The list of routes, compared with what the router answers.

use axum::body::Body;
use chassis::routes::Permission;
use http::{Request, StatusCode};

use super::world::{ISSUER, World, stories};
use crate::routes::all;

stories! {
    async fn every_listed_route_is_there_and_asks_for_what_it_says(world) {
        for route in all().iter() {
            let path = route.path.replace(['{', '}'], "");
            let request = Request::builder().method(&route.method).uri(&path);
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            let status = world.send(request.body(Body::empty()).unwrap()).await.status;
            let at = format!("{} {path}: {status}", route.method);
            assert_ne!(status, StatusCode::METHOD_NOT_ALLOWED, "{at}");
            let asks = route.permission.scope_name().is_some()
                || route.permission == Permission::ClientAuthentication;
            assert_eq!(status == StatusCode::UNAUTHORIZED, asks, "{at}");
        }
    }

    async fn the_endpoints_of_the_metadata_are_listed(world) {
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        let listed = all().paths();
        let mut checked = 0;
        for (name, url) in metadata.as_object().unwrap() {
            if name.ends_with("_endpoint") || name == "jwks_uri" {
                let path = url.as_str().unwrap().strip_prefix(ISSUER).unwrap();
                assert!(listed.contains(&path), "{name}");
                checked += 1;
            }
        }
        assert!(checked > 5);
    }
}
