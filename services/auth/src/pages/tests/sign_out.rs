//! `/logout`.

use http::StatusCode;

use super::site::Site;

#[tokio::test]
async fn somebody_signs_out_and_the_browser_forgets() {
    // SB-18
    let site = Site::start().await;
    site.register("ann").await;
    let mut ann = site.signed_in("ann").await;
    let session = ann.jar["vestibule-8000"].clone();
    assert!(ann.get("/logout").await.body.contains("Sign out?"));
    let answer = ann.fill("/logout", &[]).await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/logout")
    );
    assert_eq!(answer.header("clear-site-data"), "\"cache\", \"storage\"");
    assert!(!ann.jar.contains_key("vestibule-8000"));
    let done = ann.get("/logout").await;
    assert!(done.body.contains("You are signed out") && !done.body.contains("<form"));

    let mut thief = site.browser();
    thief.jar.insert("vestibule-8000".into(), session);
    assert_eq!(
        thief.get("/").await.location(),
        "/login",
        "the session has ended, not only its cookie"
    );
}

#[tokio::test]
async fn a_form_of_another_tab_asks_again() {
    let site = Site::start().await;
    site.register("ann").await;
    let mut ann = site.signed_in("ann").await;
    let old = ann.get("/").await.hidden()[0].1.clone();
    let mut elsewhere = ann.clone();
    elsewhere.fill("/", &[]).await;
    let gone = ann.post("/logout", &[("csrf", &old)]).await;
    assert_eq!(
        gone.location(),
        "/logout",
        "signed out already: that is what was wanted"
    );
}
