//! Tests of the logo of an application on the consent page, and of its address (RFC 7591 §2, SB-32).

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, StatusCode};
use serde_json::Value;

use super::assertions::LOCAL;
use super::world::World;
use crate::testing::image_server::ImageServer;

/// A GIF of 4 by 3 pixels, whose bytes are text.
const GIF: &[u8] = b"GIF89a\x04\0\x03\0\0\0\0\x2c\0\0\0\0\x04\0\x03\0\0\x02\x01\x44\0\x3b";

impl World {
    /// Registers `shop`, an application of another party with a logo.
    async fn shop_with_logo(&self, server: &ImageServer) {
        let url = server.url.parse().unwrap();
        self.client("shop", |client| {
            client.require_consent = true;
            client.client_name = Some("The \"shop\"".to_owned());
            client.logo_uri = Some(url);
        })
        .await;
    }

    /// The consent page of `shop`.
    async fn consent_page(&self, cookie: &str) -> String {
        let answer = self.authorize(cookie, &[("client_id", "shop")]).await;
        let cookies = format!("{cookie}; {}", answer.cookie());
        let page = self.get(answer.location(), &[(COOKIE.as_str(), &cookies)]).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        page.body
    }

    /// `shop` as an administrator sees it.
    async fn described(&self) -> Value {
        let admin = self.admin("admin").await;
        self.call(Method::GET, "/admin/v1/clients/shop", &admin, None)
            .await
            .json()
    }
}

#[test]
fn the_consent_page_shows_the_logo_from_our_own_origin() {
    testkit::block_on(async {
        let world = World::with(&LOCAL).await;
        let server = ImageServer::start(GIF.to_vec()).await;
        world.shop_with_logo(&server).await;
        let cookie = world.cookie().await;
        assert!(!world.consent_page(&cookie).await.contains("<img"));
        world.app.client_logos.fetch_due().await.unwrap();
        let page = world.consent_page(&cookie).await;
        assert!(!page.contains(&server.url), "{page}");
        assert!(page.contains("alt=\"Logo of The &#34;shop&#34;\""), "{page}");
        let (_, rest) = page
            .split_once("<img class=\"client-logo\" src=\"")
            .unwrap_or_else(|| panic!("{page}"));
        let path = rest.split('"').next().unwrap();
        let image = world.get(path, &[]).await;
        assert_eq!((image.status, image.body.as_bytes()), (StatusCode::OK, GIF));
        for (header, value) in [
            // Its server said text/html.
            (CONTENT_TYPE, "image/gif"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
            (CACHE_CONTROL, "public, max-age=3600"),
        ] {
            assert_eq!(image.header(&header), value, "{header}");
        }
        let tag = image.header(ETAG);
        let again = world.get(path, &[(IF_NONE_MATCH.as_str(), tag)]).await;
        assert_eq!(
            (again.status, again.body.as_str()),
            (StatusCode::NOT_MODIFIED, "")
        );
        let other = world.get(path, &[(IF_NONE_MATCH.as_str(), "\"other\", *")]).await;
        assert_eq!(other.status, StatusCode::NOT_MODIFIED);
        let state = world.described().await;
        assert_eq!(state["logo"]["media_type"], "image/gif", "{state}");
        // An image that could not be sent: it is not read for a browser that has it.
        world
            .app
            .run("UPDATE client_logos SET media_type = 'text/html'")
            .await;
        let again = world.get(path, &[(IF_NONE_MATCH.as_str(), tag)]).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED);
        assert_eq!(world.get(path, &[]).await.status, StatusCode::NOT_FOUND);
        world.app.clients.delete("shop").await.unwrap();
        for gone in [path, "/client-logos/shop", "/client-logos/00"] {
            for headers in [&[][..], &[(IF_NONE_MATCH.as_str(), tag)]] {
                assert_eq!(
                    world.get(gone, headers).await.status,
                    StatusCode::NOT_FOUND,
                    "{gone}"
                );
            }
        }
    });
}

#[test]
fn the_address_of_a_logo_does_not_tell_that_a_client_has_a_known_image() {
    testkit::block_on(async {
        let world = World::with(&LOCAL).await;
        let server = ImageServer::start(GIF.to_vec()).await;
        world.shop_with_logo(&server).await;
        let url = server.url.parse().unwrap();
        world.client("other", |client| client.logo_uri = Some(url)).await;
        world.app.client_logos.fetch_due().await.unwrap();
        let digests = world.app.texts("SELECT digest FROM client_logos").await;
        assert_eq!(digests.len(), 2);
        assert_ne!(digests[0], digests[1], "mallory's client tells nothing of others");
        let plain = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, GIF);
        let plain: String = plain.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        for (digest, status) in [(&digests[0], StatusCode::OK), (&plain, StatusCode::NOT_FOUND)] {
            let image = world.get(&format!("/client-logos/{digest}"), &[]).await;
            assert_eq!(image.status, status);
        }
    });
}

#[test]
fn a_logo_that_cannot_be_fetched_holds_up_nobody_and_the_administrator_learns_why() {
    testkit::block_on(async {
        let world = World::with(&LOCAL).await;
        let server = ImageServer::start(b"<svg onload=\"alert(1)\"/>".to_vec()).await;
        world.shop_with_logo(&server).await;
        world.app.client_logos.fetch_due().await.unwrap();
        let cookie = world.cookie().await;
        assert!(!world.consent_page(&cookie).await.contains("<img"));
        let state = world.described().await;
        assert_eq!(
            state["logo"]["error"], "expected a PNG, JPEG, GIF or WebP image",
            "{state}"
        );
    });
}
