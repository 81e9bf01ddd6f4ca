//! `/login` and `/`: what comes back, and what a sign-in does to the browser.

use http::StatusCode;

use super::site::{PASSWORD, Site};

#[tokio::test]
async fn somebody_signs_in_and_is_greeted() {
    let site = Site::start().await;
    site.register("ann").await;
    let mut ann = site.browser();
    assert_eq!(ann.get("/").await.location(), "/login");
    let answer = ann
        .fill("/login", &[("user_name", "ann"), ("password", PASSWORD)])
        .await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"));
    let home = ann.get("/").await;
    assert!(home.body.contains("Hello, ann"), "{}", home.body);
    assert_eq!(ann.get("/login").await.location(), "/");
    assert_eq!(ann.get("/register").await.location(), "/");
}

#[tokio::test]
async fn unknown_wrong_and_disabled_get_the_same_answer() {
    // SB-8
    let site = Site::start().await;
    site.register("ann").await;
    site.register("bob").await;
    site.disable("bob").await;
    let mut answers = Vec::new();
    for (user_name, password) in [
        ("ann", "not her password, really"),
        ("eve", PASSWORD),
        ("bob", PASSWORD),
    ] {
        let mut browser = site.browser();
        let answer = browser
            .fill("/login", &[("user_name", user_name), ("password", password)])
            .await;
        assert!(!browser.jar.contains_key("vestibule-8000"), "{user_name}");
        answers.push((
            answer.status,
            answer.alike().replace(&format!("value=\"{user_name}\""), ""),
        ));
    }
    assert_eq!(answers[0].0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
}

#[tokio::test]
async fn what_was_typed_is_kept_but_never_the_password() {
    let site = Site::start().await;
    let mut browser = site.browser();
    let typed = [("user_name", "a\"n<n>"), ("password", "swordfish swordfish")];
    let answer = browser.fill("/login", &typed).await;
    assert_eq!(answer.value_of("user_name"), Some("a&#34;n&#60;n&#62;"));
    assert!(!answer.body.contains("swordfish"));
    assert!(answer.body.contains("role=\"alert\" tabindex=\"-1\" autofocus"));

    let empty = browser
        .fill("/login", &[("user_name", " "), ("password", "")])
        .await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(empty.mistake_of("user_name"), Some("Enter your user name."));
    assert_eq!(empty.mistake_of("password"), Some("Enter your password."));
}

#[tokio::test]
async fn a_planted_session_is_worth_nothing_and_a_sign_in_makes_a_new_one() {
    // SB-12
    let site = Site::start().await;
    site.register("ann").await;
    let planted = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let mut ann = site.browser();
    ann.jar.insert("vestibule-8000".into(), planted.into());
    assert_eq!(ann.get("/").await.location(), "/login");
    ann.fill("/login", &[("user_name", "ann"), ("password", PASSWORD)])
        .await;
    let first = ann.jar["vestibule-8000"].clone();
    assert_ne!(first, planted);
    assert_eq!(first.len(), 43, "256 bits"); // SB-13

    let there = "/login?return_to=%2Foauth2%2Fauthorize%3Fa%3Db";
    ann.fill(there, &[("user_name", "ann"), ("password", PASSWORD)])
        .await;
    let second = ann.jar["vestibule-8000"].clone();
    assert_ne!(second, first);
    let mut thief = site.browser();
    thief.jar.insert("vestibule-8000".into(), first);
    assert_eq!(
        thief.get("/").await.location(),
        "/login",
        "the session before has ended"
    );
    assert_eq!(ann.get("/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn signing_in_again_leaves_other_applications_alone() {
    // SB-12
    let site = Site::start().await;
    site.register("ann").await;
    site.register("bob").await;
    let mut tabs = site.browser();
    let there = "/login?return_to=%2Foauth2%2Fauthorize%3Fa%3Db";
    let waiting = tabs.get(there).await;
    let ann = [("user_name", "ann"), ("password", PASSWORD)];
    tabs.fill(there, &ann).await;
    let (sid, cookie) = (site.sid("ann").await, tabs.jar["vestibule-8000"].clone());
    let grant = site.grant("ann", sid).await;

    // The form of the other tab is of a time before the sign-in: it is shown again, and sent again.
    let hidden = waiting.hidden();
    let mut stale: Vec<(&str, &str)> = hidden
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    stale.extend(ann);
    assert_eq!(tabs.post("/login", &stale).await.status, StatusCode::FORBIDDEN);
    tabs.fill(there, &ann).await;
    assert_ne!(tabs.jar["vestibule-8000"], cookie);
    assert_eq!(site.sid("ann").await, sid, "the same session");
    assert!(site.lives(grant).await, "the other application stays signed in");

    tabs.fill(there, &[("user_name", "bob"), ("password", PASSWORD)])
        .await;
    assert_ne!(site.sid("bob").await, sid);
    assert!(
        !site.lives(grant).await,
        "Ann is gone when somebody else signs in"
    );
}

#[tokio::test]
async fn a_sign_in_ends_at_our_own_pages_alone() {
    // SB-20
    let site = Site::start().await;
    site.register("ann").await;
    let authorize = "/oauth2/authorize?client_id=web&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&state=x%26y";
    for (asked, got) in [
        (authorize, authorize),
        ("https://evil.example/", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/oauth2/authorize?a\r\nLocation: https://evil.example", "/"),
        ("/logout", "/"),
        ("javascript:alert(1)", "/"),
    ] {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("return_to", asked)
            .finish();
        let typed = [("user_name", "ann"), ("password", PASSWORD)];
        let pending = site.browser().fill(&format!("/login?{query}"), &typed).await;
        assert_eq!(pending.location(), got, "{asked}");
        let sent = [("return_to", asked), ("user_name", "ann"), ("password", PASSWORD)];
        let posted = site.browser().fill("/login", &sent).await;
        assert_eq!(posted.location(), got, "{asked}");
    }
}

#[tokio::test]
async fn too_many_failures_are_told_to_wait_but_a_known_device_is_not() {
    // SB-7
    let site = Site::start().await;
    site.register("ann").await;
    let mut ann = site.browser();
    ann.fill("/login", &[("user_name", "ann"), ("password", PASSWORD)])
        .await;
    let device = ann.jar["vestibule-device-8000"].clone();
    ann.fill("/", &[]).await;
    assert_eq!(
        ann.jar.get("vestibule-device-8000"),
        Some(&device),
        "it outlives the sign-out"
    );

    let mut guesser = site.browser();
    let mut last = guesser
        .fill("/login", &[("user_name", "ann"), ("password", "guess")])
        .await;
    for _ in 0..20 {
        if last.status == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
        last = guesser
            .fill("/login", &[("user_name", "ann"), ("password", "guess")])
            .await;
    }
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(last.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert!(last.body.contains("Too many tries"));
    assert_eq!(last.value_of("user_name"), Some("ann"));

    let answer = ann
        .fill("/login", &[("user_name", "ann"), ("password", PASSWORD)])
        .await;
    assert_eq!(answer.location(), "/");
}
