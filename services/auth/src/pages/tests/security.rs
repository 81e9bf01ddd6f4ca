//! `/security`.

use http::StatusCode;
use oidc::resource::Resource;
use oidc::scope::Scope;

use super::browser::between;
use super::site::Site;
use crate::consents::Allowance;

const CONSENTS: &str = "SELECT COUNT(*) FROM consents";

/// The value of the field `name` in the first form after `text`.
fn field_after<'a>(page: &'a str, text: &str, name: &str) -> &'a str {
    let (_, after) = page.split_once(text).unwrap();
    between(after, &format!("name=\"{name}\" value=\""), "\"").unwrap()
}

#[tokio::test]
async fn ann_sees_her_sessions_and_ends_one_elsewhere() {
    // SB-47
    let site = Site::start().await;
    site.register("ann").await;
    let mut phone = site.signed_in("ann").await;
    let grant = site.grant("ann", site.sid("ann").await).await;
    let sid = site.sid("ann").await;
    let mut laptop = site.signed_in("ann").await;
    assert!(laptop.get("/").await.body.contains("href=\"/security\""));
    let page = laptop.get("/security").await;
    assert_eq!(page.body.matches("Sign out there").count(), 2);
    assert_eq!(page.body.matches("this browser").count(), 1);
    assert!(page.body.contains("Applications with access to your account"));
    let csrf = page.hidden()[0].1.clone();
    let id = sid.to_string();
    let done = laptop
        .post("/security/sessions", &[("csrf", &csrf), ("session_id", &id)])
        .await;
    assert_eq!(
        (done.status, done.location()),
        (StatusCode::SEE_OTHER, "/security")
    );
    assert_eq!(phone.get("/").await.location(), "/login");
    assert!(!site.lives(grant).await, "what hung on the session is revoked");
    assert_eq!(
        laptop
            .get("/security")
            .await
            .body
            .matches("Sign out there")
            .count(),
        1
    );
}

#[tokio::test]
async fn the_end_of_the_own_session_is_a_sign_out() {
    // SB-18
    let site = Site::start().await;
    site.register("ann").await;
    let mut ann = site.signed_in("ann").await;
    let done = ann.fill("/security", &[]).await;
    assert_eq!(done.location(), "/logout");
    assert_eq!(done.header("clear-site-data"), "\"cache\", \"storage\"");
    assert_eq!(ann.get("/security").await.location(), "/login");
}

#[tokio::test]
async fn nobody_ends_what_is_somebody_elses() {
    // SB-16
    let site = Site::start().await;
    site.register("ann").await;
    site.register("bob").await;
    site.signed_in("ann").await;
    let (sid, mut bob) = (site.sid("ann").await.to_string(), site.signed_in("bob").await);
    let csrf = bob.get("/security").await.hidden()[0].1.clone();
    let form = [("csrf", csrf.as_str()), ("session_id", sid.as_str())];
    bob.post("/security/sessions", &form).await;
    assert_eq!(site.count("SELECT COUNT(*) FROM sessions").await, 2);
    let forged = bob
        .post("/security/sessions", &[("csrf", "forged"), ("session_id", &sid)])
        .await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert!(
        forged.body.contains("Where you are signed in"),
        "the page is shown again"
    );
    bob.says = vec![("origin", "https://evil.example".to_owned())];
    for path in ["/security/sessions", "/security/applications"] {
        let form = match path {
            "/security/sessions" => form.to_vec(),
            _ => vec![("csrf", csrf.as_str()), ("client_id", "shop")],
        };
        assert_eq!(
            bob.post(path, &form).await.status,
            StatusCode::FORBIDDEN,
            "{path}"
        );
    }
    let nobody = site.browser().get("/security").await;
    assert_eq!(nobody.location(), "/login");
}

#[tokio::test]
async fn ann_withdraws_the_access_of_an_application() {
    // SB-47
    let site = Site::start().await;
    site.register("ann").await;
    let mut ann = site.signed_in("ann").await;
    let grant = site.grant("ann", site.sid("ann").await).await;
    let scope: Scope = "openid email calendar".parse().unwrap();
    let metadata = crate::clients::ClientMetadata {
        redirect_uris: vec!["https://calendar.example/cb".parse().unwrap()],
        ..Default::default()
    };
    let other = site
        .app
        .clients
        .create(Some("calendar-app".parse().unwrap()), metadata);
    let other = other.await.unwrap().client;
    let mut tx = site.app.db.begin("test").await.unwrap();
    let id = site.users.id_of("ann");
    let allowance = Allowance {
        client: (other.id.as_str(), other.aggregate_id),
        audiences: &[Resource::parse("https://tasks.example").unwrap()],
        scope: &scope,
        details: &Default::default(),
    };
    let granted = site.app.consents.grant(&mut tx, id, allowance).await;
    assert!(granted.unwrap().is_some());
    tx.commit().await.unwrap();
    let page = ann.get("/security").await;
    for text in [
        "See your e-mail address",
        "Use the permission “calendar”",
        "Has had access since",
        "https://tasks.example",
    ] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    let services = page.body.matches("It can do so at these services").count();
    assert_eq!(services, 1, "the other has those of Vestibule");
    let csrf = field_after(&page.body, ">calendar-app<", "csrf").to_owned();
    let form = [("csrf", csrf.as_str()), ("client_id", "calendar-app")];
    let done = ann.post("/security/applications", &form).await;
    assert_eq!(done.location(), "/security");
    assert_eq!(site.count(CONSENTS).await, 0);
    assert!(site.lives(grant).await, "that of another application");
    let page = ann.get("/security").await.body;
    let client = between(&page, "name=\"client_id\" value=\"", "\"").unwrap();
    ann.post(
        "/security/applications",
        &[("csrf", &csrf), ("client_id", client)],
    )
    .await;
    assert!(!site.lives(grant).await);
    assert!(ann.get("/security").await.body.contains("There are none."));
}
