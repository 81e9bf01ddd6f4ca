//! `/register`, `/register/wait` and `/setup`.

use std::time::Duration;

use http::StatusCode;

use super::site::{PASSWORD, Site};

const ANN: [(&str, &str); 3] = [
    ("user_name", "ann"),
    ("email", "ann@example.com"),
    ("password", PASSWORD),
];

#[tokio::test]
async fn somebody_registers_and_is_signed_in() {
    let site = Site::start().await;
    let mut ann = site.browser();
    let answer = ann.fill("/register", &ANN).await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/"),
        "{}",
        answer.body
    );
    assert!(ann.get("/").await.body.contains("Hello, ann"));
}

#[tokio::test]
async fn mistakes_stand_beside_their_fields_and_input_is_kept() {
    let site = Site::start().await;
    let mut ann = site.browser();
    let typed = [
        ("user_name", "ann"),
        ("email", "no address"),
        ("password", "swordfish"),
    ];
    let answer = ann.fill("/register", &typed).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.value_of("user_name"), Some("ann"));
    assert_eq!(answer.value_of("email"), Some("no address"));
    assert!(answer.mistake_of("email").is_some(), "{}", answer.body);
    assert!(answer.mistake_of("password").is_some(), "{}", answer.body);
    assert!(answer.mistake_of("user_name").is_none());
    assert!(!answer.body.contains("swordfish"));
    assert!(
        answer.body.contains("href=\"#email\""),
        "the summary leads to the field"
    );

    let empty = ann.fill("/register", &[]).await;
    for field in ["user_name", "email", "password"] {
        assert!(empty.mistake_of(field).is_some(), "{field}");
    }
}

#[tokio::test]
async fn a_taken_user_name_is_told_and_an_address_is_not() {
    // SB-8, as far as registration allows.
    let site = Site::start().await;
    site.register("ann").await;
    let answer = site.browser().fill("/register", &ANN).await;
    assert!(
        answer
            .mistake_of("user_name")
            .is_some_and(|text| text.contains("already")),
        "{}",
        answer.body
    );
    assert_eq!(answer.value_of("email"), Some("ann@example.com"));

    let typed = [
        ("user_name", "bob"),
        ("email", "ann@example.com"),
        ("password", PASSWORD),
    ];
    let other = site.browser().fill("/register", &typed).await;
    assert_eq!(other.location(), "/", "whose address it is, is not told");
}

#[tokio::test]
async fn a_registration_waits_for_the_user_service_and_ends_signed_in() {
    let site = Site::start().await;
    site.users.leave();
    let mut ann = site.browser();
    let answer = ann
        .fill("/register?return_to=%2Foauth2%2Fauthorize%3Fa%3Db", &ANN)
        .await;
    let wait = answer.location().to_owned();
    assert!(wait.starts_with("/register/wait?id="), "{wait}");
    let page = ann.get(&wait).await;
    assert!(
        page.body.contains("<meta http-equiv=\"refresh\""),
        "{}",
        page.body
    );
    assert!(!page.body.contains("<form"));

    site.users.come_back(&site.app).await;
    let mut eve = site.browser();
    let hers = eve.get(&wait).await;
    assert!(
        hers.body.contains("Your account is ready") && !hers.body.contains("<form"),
        "the address proves nothing"
    );

    let page = ann.get(&wait).await;
    assert!(!page.body.contains("http-equiv=\"refresh\""));
    assert!(
        !ann.jar.contains_key("vestibule-8000"),
        "looking does not sign in"
    ); // SB-16
    let id = page
        .hidden()
        .into_iter()
        .find(|(name, _)| name == "id")
        .unwrap()
        .1;
    let csrf = eve.get("/login").await.hidden()[0].1.clone();
    eve.post("/register/wait", &[("csrf", &csrf), ("id", &id)]).await;
    assert_eq!(
        eve.get("/").await.location(),
        "/login",
        "nor does the address with a form"
    );

    let answer = ann.fill(&wait, &[]).await;
    assert_eq!(answer.location(), "/oauth2/authorize?a=b");
    assert!(ann.get("/").await.body.contains("Hello, ann"));
    assert!(!ann.jar.contains_key("vestibule-registration-8000"));
}

/// Somebody who registered while the user service was away, and the page on which she waits.
async fn waiting(site: &Site) -> (super::browser::Browser, String) {
    site.users.leave();
    let mut ann = site.browser();
    let wait = ann.fill("/register", &ANN).await.location().to_owned();
    (ann, wait)
}

#[tokio::test]
async fn the_proof_of_a_registration_is_short_lived() {
    let site = Site::start().await;
    let (mut ann, wait) = waiting(&site).await;
    site.users.come_back(&site.app).await;
    assert!(ann.get(&wait).await.body.contains("<form"));
    site.clock.advance(Duration::from_secs(15 * 60));
    let page = ann.get(&wait).await;
    assert!(
        page.body.contains("href=\"/login\"") && !page.body.contains("<form"),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn the_proof_of_a_registration_serves_once_and_in_its_browser() {
    // SB-13
    let site = Site::start().await;
    let (mut ann, wait) = waiting(&site).await;
    site.users.come_back(&site.app).await;
    let proof = ann.jar["vestibule-registration"].clone();
    let mut eve = site.browser();
    eve.get("/login").await;
    eve.jar.insert("vestibule-registration".to_owned(), proof.clone());
    assert!(!eve.get(&wait).await.body.contains("<form"), "of another browser");
    assert_eq!(ann.fill(&wait, &[]).await.location(), "/");
    ann.jar.remove("vestibule");
    ann.jar.insert("vestibule-registration".to_owned(), proof);
    let page = ann.get(&wait).await;
    assert!(
        page.body.contains("href=\"/login\"") && !page.body.contains("<form"),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn the_proof_of_a_registration_ends_with_the_sessions() {
    // SB-15
    let site = Site::start().await;
    let (mut ann, wait) = waiting(&site).await;
    site.users.come_back(&site.app).await;
    let id: uuid::Uuid = wait.split(['=', '&']).nth(1).unwrap().parse().unwrap();
    let mut tx = site.app.db.begin("test").await.unwrap();
    site.app
        .sessions
        .end_all(&mut tx, id, crate::sessions::SessionEnd::Revoked)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(!ann.get(&wait).await.body.contains("<form"));
}

#[tokio::test]
async fn too_many_new_accounts_are_refused_with_a_page_that_says_so() {
    let site = Site::with(&[("REGISTRATION__HOURLY_PER_SOURCE", "1")]).await;
    site.browser().fill("/register", &ANN).await;
    let answer = site
        .browser()
        .fill("/register", &[("user_name", "bob"), ANN[1], ANN[2]])
        .await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.header("retry-after"), "3600");
    assert!(answer.body.contains("Too many new accounts"), "{}", answer.body);
    assert!(answer.body.contains("60 minutes"), "{}", answer.body);
    assert_eq!(answer.value_of("user_name"), Some("bob"));
}

#[tokio::test]
async fn a_closed_registration_says_so() {
    let site = Site::with(&[("REGISTRATION__OPEN", "false")]).await;
    assert!(!site.browser().get("/login").await.body.contains("/register"));
    assert_eq!(
        site.browser().get("/register").await.status,
        StatusCode::FORBIDDEN
    );
    let mut ann = site.browser();
    let csrf = ann.get("/login").await.hidden()[0].1.clone();
    let mut fields = vec![("csrf", csrf.as_str())];
    fields.extend(ANN);
    assert_eq!(ann.post("/register", &fields).await.status, StatusCode::FORBIDDEN);
    assert_eq!(site.users.count(), 0);
}

#[tokio::test]
async fn a_set_up_link_works_once() {
    // SB-11
    let site = Site::start().await;
    let link = site.set_up_link().await;
    let mut ann = site.browser();
    let page = ann.get(&link).await;
    assert!(page.body.contains("first administrator"), "{}", page.body);
    let short = ann
        .fill(
            &link,
            &[
                ("user_name", "ann"),
                ("email", "ann@example.com"),
                ("password", "x"),
            ],
        )
        .await;
    assert!(
        short.mistake_of("password").is_some(),
        "a mistake does not use it up: {}",
        short.body
    );
    let answer = ann.fill(&link, &ANN).await;
    assert_eq!(answer.location(), "/", "{}", answer.body);
    assert!(ann.get("/").await.body.contains("vestibule-admins"));

    let mut eve = site.browser();
    let page = eve.get(&link).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(!page.body.contains("<form"));
    let csrf = eve.get("/login").await.hidden()[0].1.clone();
    let token = link.split('=').next_back().unwrap();
    let fields = [
        ("csrf", csrf.as_str()),
        ("token", token),
        ("user_name", "eve"),
        ("email", "e@example.com"),
        ("password", PASSWORD),
    ];
    assert_eq!(eve.post("/setup", &fields).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.users.count(), 1);
}

#[tokio::test]
async fn whoever_asks_for_name_after_name_is_slowed_down() {
    // SB-8: what registration has to tell is told slowly.
    let site = Site::with(&[("THROTTLE__SOURCE_FAILURES", "2")]).await;
    site.register("ann").await;
    let mut eve = site.browser();
    for _ in 0..3 {
        assert_eq!(
            eve.fill("/register", &ANN).await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }
    let answer = eve.fill("/register", &ANN).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.value_of("user_name"), Some("ann"));
}
