//! Tests of the authorization request while the person signs in.

use std::time::Duration;

use http::StatusCode;
use http::header::COOKIE;

use super::world::{CALLBACK, TestResponse, World, authorization, encode, stories};

const WAITING: &str = "SELECT COUNT(*) FROM authorization_requests";

impl World {
    /// The answer to a browser with these cookies that comes back from the sign-in page.
    async fn come_back(&self, back: &str, cookies: &[&str]) -> TestResponse {
        self.get(back, &[(COOKIE.as_str(), &cookies.join("; "))]).await
    }
}

/// The address that the sign-in page leads back to.
fn back(answer: &TestResponse) -> String {
    assert!(
        answer.location().starts_with("/login?return_to="),
        "{}",
        answer.location()
    );
    answer.query()["return_to"].clone()
}

/// The address with the handle alone.
fn handle_of(back: &str) -> String {
    let (path, query) = back.split_once('?').unwrap();
    let handle = query
        .split('&')
        .find(|pair| pair.starts_with("authorization_request="))
        .unwrap();
    format!("{path}?{handle}")
}

stories! {
    async fn nothing_in_the_address_says_that_ann_signed_in_again(world) {
        // SB-51
        let cookie = world.cookie().await;
        world.app.wait(Duration::from_secs(60));
        for asked in [("prompt", "login"), ("prompt", "select_account"), ("max_age", "0"), ("max_age", "59")] {
            let first = world.authorize(&cookie, &[asked]).await;
            let browser = first.cookie().to_owned();
            let skipping = world.authorize(&cookie, &[asked, ("signed_in_since", "0")]).await;
            assert!(skipping.location().starts_with("/login?"), "{asked:?}: {}", skipping.location());
            for way in [back(&first), handle_of(&back(&first)), back(&skipping)] {
                let forged = format!("{way}&signed_in_since=0");
                for way in [&way, &forged] {
                    let answer = world.come_back(way, &[&cookie, &browser]).await;
                    assert!(answer.location().starts_with("/login?"), "{asked:?}: {way}");
                }
            }
        }
    }

    async fn max_age_0_asks_again_within_the_same_second_and_once(world) {
        let cookie = world.cookie().await;
        let answer = world.authorize(&cookie, &[("max_age", "0")]).await;
        let way = back(&answer);
        let stale = world.come_back(&way, &[&cookie, answer.cookie()]).await;
        assert!(stale.location().starts_with("/login?"), "the sign-in was before the request");
        let fresh = world.cookie().await;
        let done = world.come_back(&way, &[&fresh, answer.cookie()]).await;
        assert!(done.query().contains_key("code"), "{}", done.location());
    }

    async fn max_age_counts_for_a_request_that_waited_too(world) {
        // SB-51
        let answer = world.authorize("", &[("max_age", "120")]).await;
        let way = back(&answer);
        let cookie = world.cookie().await;
        world.app.wait(Duration::from_secs(121));
        let late = world.come_back(&way, &[&cookie, answer.cookie()]).await;
        assert!(late.location().starts_with("/login?"), "the sign-in is too old by now: {}", late.location());
        let fresh = world.cookie().await;
        let done = world.come_back(&way, &[&fresh, answer.cookie()]).await;
        assert!(done.query().contains_key("code"), "{}", done.location());
    }

    async fn what_was_asked_is_what_is_answered_whatever_the_address_says(world) {
        // SB-20
        let answer = world.authorize("", &[]).await;
        let cookie = world.cookie().await;
        let way = handle_of(&back(&answer));
        for more in [("redirect_uri", "https://evil.example/"), ("client_id", "other"), ("scope", "admin"), ("state", "x")] {
            let changed = format!("{way}&{}", encode(&[more]));
            let done = world.come_back(&changed, &[&cookie, answer.cookie()]).await;
            assert!(done.location().starts_with(CALLBACK), "{more:?}: {}", done.location());
            assert_eq!(done.query()["state"], "s t&te", "{more:?}");
        }
    }

    async fn a_handle_is_worth_nothing_in_another_browser_or_after_ten_minutes(world) {
        // SB-16
        let answer = world.authorize("", &[]).await;
        let browser = answer.cookie().to_owned();
        assert!(browser.starts_with("__Host-vestibule-browser="), "{browser}");
        let way = handle_of(&back(&answer));
        assert_eq!(way.len(), "/oauth2/authorize?authorization_request=".len() + 43, "256 bits");
        let others = world.authorize("", &[]).await;
        let cookie = world.cookie().await;
        for cookies in [vec![cookie.as_str()], vec![cookie.as_str(), others.cookie()]] {
            let refused = world.come_back(&way, &cookies).await;
            assert_eq!((refused.status, refused.location()), (StatusCode::BAD_REQUEST, ""));
        }
        world.app.wait(Duration::from_secs(599));
        assert!(world.come_back(&way, &[&cookie, &browser]).await.query().contains_key("code"));
        let other = handle_of(&back(&others));
        world.app.wait(Duration::from_secs(1));
        let late = world.come_back(&other, &[&cookie, others.cookie()]).await;
        assert_eq!(late.status, StatusCode::BAD_REQUEST);
        assert!(late.body.contains("took too long"));
        // With what stands beside the handle it is a request like any other.
        let again = world.come_back(&back(&others), &[&cookie, others.cookie()]).await;
        assert!(again.query().contains_key("code"), "{}", again.location());
    }

    async fn a_request_of_eight_to_twelve_kib_comes_through_and_a_larger_one_is_refused(world) {
        for length in [8_000, 11_500] {
            let claims = "x".repeat(length);
            let answer = world.authorize("", &[("filler", claims.as_str())]).await;
            assert!(answer.location().len() < 200, "{length}: the address is short");
            let cookie = world.cookie().await;
            let done = world.come_back(&back(&answer), &[&cookie, answer.cookie()]).await;
            assert!(done.query().contains_key("code"), "{length}: {}", done.location());
        }
        let rows = world.app.count(WAITING).await;
        let claims = "x".repeat(12 * 1024);
        let refused = world.authorize("", &[("filler", claims.as_str())]).await;
        assert_eq!((refused.status, refused.location()), (StatusCode::BAD_REQUEST, ""));
        assert!(refused.body.contains("12 KiB"));
        let form = [("client_id", "web"), ("filler", claims.as_str())];
        assert_eq!(world.post("/oauth2/authorize", &[], &form).await.status, StatusCode::BAD_REQUEST);
        assert_eq!(world.app.count(WAITING).await, rows);
    }

    async fn only_a_request_of_a_known_client_and_address_is_kept(world) {
        // SB-16, SB-20
        for wrong in [("client_id", "nobody"), ("redirect_uri", "https://evil.example/"), ("response_type", "token"), ("prompt", "none")] {
            world.authorize("", &[wrong]).await;
        }
        assert_eq!(world.app.count(WAITING).await, 0);
        world.authorize("", &[]).await;
        assert_eq!(world.app.count(WAITING).await, 1);
    }

    async fn an_answered_request_soon_makes_room(world) {
        let answer = world.authorize("", &[]).await;
        let cookie = world.cookie().await;
        for _ in 0..2 {
            // A double click at the sign-in page comes back twice.
            let done = world.come_back(&back(&answer), &[&cookie, answer.cookie()]).await;
            assert!(done.query().contains_key("code"));
        }
        world.app.wait(Duration::from_secs(61));
        world.app.sweeper.sweep().await.unwrap();
        assert_eq!(world.app.count(WAITING).await, 0);
    }

    async fn the_release_before_sends_people_back_with_the_parameters_in_the_address(world) {
        let cookie = world.cookie().await;
        let now = crate::testing::BEGINNING.as_secs();
        for more in [String::new(), format!("&signed_in_since={now}"), format!("&max_age=60&signed_in_since={now}")] {
            let way = format!("/oauth2/authorize?{}{more}", authorization(&[]));
            assert!(world.come_back(&way, &[&cookie]).await.query().contains_key("code"), "{more}");
        }
        // It reads `signed_in_since` where a new sign-in was asked for, and passes over the handle.
        let way = back(&world.authorize(&cookie, &[("prompt", "login")]).await);
        assert!(way.contains(&format!("&signed_in_since={now}&")), "{way}");
        assert!(way.contains("client_id=web") && way.len() < 8192, "{way}");
    }
}

#[test]
fn a_flood_of_requests_is_bounded_and_stops_nobody() {
    // SB-16, SB-43
    testkit::block_on(async {
        let world = World::with(&[("AUTHORIZATION__WAITING_PER_SOURCE", "5")]).await;
        let mut turned_away = 0;
        for _ in 0..40 {
            let answer = world.authorize("", &[("prompt", "login")]).await;
            if answer.status == StatusCode::SERVICE_UNAVAILABLE {
                assert_eq!(answer.header("retry-after"), "60");
                turned_away += 1;
            }
        }
        assert_eq!((world.app.count(WAITING).await, turned_away), (5, 35));
        // A person who just signs in is not held up: the request goes along in the address.
        let answer = world.authorize("", &[]).await;
        let cookie = world.cookie().await;
        let done = world.come_back(&back(&answer), &[&cookie]).await;
        assert!(done.query().contains_key("code"), "{}", done.location());
        assert_eq!(world.app.count(WAITING).await, 5);
        world.app.wait(Duration::from_secs(600));
        world.app.sweeper.sweep().await.unwrap();
        assert_eq!(world.app.count(WAITING).await, 0);
        assert_eq!(
            world.authorize("", &[("prompt", "login")]).await.status,
            StatusCode::SEE_OTHER
        );
    });
}
