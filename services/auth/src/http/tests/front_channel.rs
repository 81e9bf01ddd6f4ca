//! Tests of front-channel logout (OpenID Connect Front-Channel Logout §2, §3).

use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, COOKIE};

use super::world::{World, stories};
use crate::testing::claim;

stories! {
    async fn applications_hear_of_a_sign_out_in_frames(world) {
        // SB-17, SB-18
        world.client("framed", |client| {
            client.frontchannel_logout_uri = Some("https://app.example.org/bye?a=b".parse().unwrap());
        }).await;
        let cookie = world.cookie().await;
        world.code(&cookie, &[("client_id", "framed")]).await;
        let tokens = world.tokens(&cookie).await;
        let hint = tokens["id_token"].as_str().unwrap();
        let sid = claim(hint, "sid");
        let query = super::world::encode(&[
            ("id_token_hint", hint),
            ("post_logout_redirect_uri", "https://app.example.org/bye"),
            ("state", "x"),
        ]);
        let page = world.get(&format!("/oauth2/logout?{query}"), &[(COOKIE.as_str(), &cookie)]).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.location());
        let frame = format!("https://app.example.org/bye?a=b&#38;iss=https%3A%2F%2Fid.example.org&#38;sid={}", sid.as_str().unwrap());
        assert!(page.body.contains(&format!("<iframe src=\"{frame}\"")), "{}", page.body);
        assert!(page.body.contains("content=\"2; url=https://app.example.org/bye?state=x\""), "{}", page.body);
        let policy = page.header(CONTENT_SECURITY_POLICY);
        assert!(policy.contains("; frame-src https://app.example.org") && !policy.contains("frame-src https://app.example.org/"), "{policy}");
        assert!(page.header("clear-site-data").contains("cache"));
        assert!(world.authorize(&cookie, &[]).await.location().starts_with("/login?"), "the session has ended");
    }

    async fn without_such_an_application_the_browser_goes_on_at_once(world) {
        let cookie = world.cookie().await;
        let tokens = world.tokens(&cookie).await;
        let query = super::world::encode(&[("id_token_hint", tokens["id_token"].as_str().unwrap())]);
        let answer = world.get(&format!("/oauth2/logout?{query}"), &[(COOKIE.as_str(), &cookie)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
    }
}
