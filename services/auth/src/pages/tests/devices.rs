//! `/device`: the page on which people allow devices access.

use std::net::IpAddr;
use std::sync::Arc;

use http::StatusCode;
use oidc::device::DeviceAuthorizationResponse;
use oidc::resource::Resource;

use super::browser::Browser;
use super::site::Site;
use crate::clients::{AuthMethod, Client, ClientMetadata, GrantType};
use crate::device_authorizations::NewDevice;
use crate::testing::NOTHING;
use crate::tokens::DeviceRedemption;

/// A site with a television, which has asked for codes.
struct World {
    site: Site,
    tv: Arc<Client>,
    codes: DeviceAuthorizationResponse,
}

impl World {
    async fn new(client_name: &str) -> Self {
        Self::asking(client_name, "openid profile").await
    }

    async fn asking(client_name: &str, scope: &str) -> Self {
        let site = Site::start().await;
        site.register("ann").await;
        let metadata = ClientMetadata {
            client_name: Some(client_name.to_owned()),
            grant_types: [GrantType::DeviceCode].into(),
            token_endpoint_auth_method: AuthMethod::None,
            scope: "openid profile admin".parse().unwrap(),
            ..ClientMetadata::default()
        };
        let created = site
            .app
            .clients
            .create(Some("tv".parse().unwrap()), metadata)
            .await;
        let tv = Arc::new(created.unwrap().client);
        let new = NewDevice {
            client: &tv,
            ip: Some(IpAddr::from([192, 0, 2, 9])),
            scope: &scope.parse().unwrap(),
            audiences: site.app.issuer.audiences(),
        };
        let codes = site.app.device_authorizations.request(new).await.unwrap();
        Self { site, tv, codes }
    }

    /// The path of `verification_uri_complete`.
    fn complete(&self) -> String {
        format!("/device?user_code={}", self.codes.user_code)
    }

    /// The error of the device's token request; `None` when it got tokens.
    async fn poll(&self) -> Option<String> {
        let redeem = DeviceRedemption {
            code: &self.codes.device_code,
            resources: &[],
            confirmation: &NOTHING,
        };
        let answer = self.site.app.tokens.redeem_device_code(&self.tv, &redeem).await;
        answer.err().map(|error| error.to_string())
    }

    /// Sends the form of the page at `path` with a button.
    async fn press(&self, browser: &mut Browser, path: &str, answer: &str) -> super::browser::TestResponse {
        browser.fill(path, &[("answer", answer)]).await
    }
}

#[tokio::test]
async fn a_person_signs_in_types_the_code_in_and_allows_the_device() {
    // RFC 8628 §3.3
    let world = World::new("Film Box").await;
    let mut ann = world.site.browser();
    let away = ann.get("/device").await;
    assert_eq!(
        (away.status, away.location()),
        (StatusCode::SEE_OTHER, "/login?return_to=%2Fdevice")
    );
    let typed = [("user_name", "ann"), ("password", super::site::PASSWORD)];
    let back = ann.fill("/login?return_to=%2Fdevice", &typed).await;
    assert_eq!(back.location(), "/device");
    let code = world.codes.user_code.to_lowercase().replace('-', "");
    let question = ann.fill("/device", &[("user_code", &code)]).await;
    assert_eq!(question.status, StatusCode::OK);
    for shown in [
        "Film Box",
        world.codes.user_code.as_str(),
        "ann",
        "See your profile",
        "192.0.2.9",
    ] {
        assert!(question.body.contains(shown), "{shown}");
    }
    assert!(
        world.poll().await.unwrap().contains("AuthorizationPending"),
        "nothing is allowed yet"
    );
    let hidden = question.hidden();
    let mut fields: Vec<(&str, &str)> = hidden.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    fields.push(("answer", "allow"));
    let done = ann.post("/device", &fields).await;
    assert!(done.body.contains("The device is connected"), "{}", done.body);
    // A double click says the same.
    let again = ann.post("/device", &fields).await;
    assert!(again.body.contains("The device is connected"), "{}", again.body);
    assert_eq!(world.poll().await, None);
    let consents = "SELECT COUNT(*) FROM consents WHERE client_id = 'tv'";
    assert_eq!(
        world.site.count(consents).await,
        1,
        "it stands among the connected applications"
    );
}

#[tokio::test]
async fn a_form_without_what_the_page_showed_allows_nothing() {
    // SB-29: the person has seen each permission.
    let world = World::new("Film Box").await;
    let mut ann = world.site.signed_in("ann").await;
    for shown in ["", "openid"] {
        let again = ann
            .fill(&world.complete(), &[("scope", shown), ("answer", "allow")])
            .await;
        assert!(again.body.contains("Allow this device access?"), "{}", again.body);
        assert!(!again.body.contains("registered itself"));
    }
    assert!(world.poll().await.unwrap().contains("AuthorizationPending"));
    assert_eq!(world.site.count("SELECT COUNT(*) FROM consents").await, 0);
}

#[tokio::test]
async fn a_service_that_is_added_while_the_page_is_open_is_shown_first() {
    // SB-29, SB-48
    let world = World::new("Film Box").await;
    let mut ann = world.site.signed_in("ann").await;
    let question = ann.get(&world.complete()).await;
    let bank = "https://bank.example";
    assert!(!question.body.contains(bank), "{}", question.body);
    let metadata = ClientMetadata {
        audiences: vec![Resource::parse(bank).unwrap()],
        ..world.tv.metadata.clone()
    };
    let changed = world.site.app.clients.update("tv", None, metadata, true).await;
    assert!(changed.is_ok());
    let hidden = question.hidden();
    let mut fields: Vec<(&str, &str)> = hidden.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    fields.push(("answer", "allow"));
    let again = ann.post("/device", &fields).await;
    assert!(
        again.body.contains("Allow this device access?") && again.body.contains(bank),
        "{}",
        again.body
    );
    assert_eq!(world.site.count("SELECT COUNT(*) FROM consents").await, 0);
    let done = world.press(&mut ann, &world.complete(), "allow").await;
    assert!(done.body.contains("The device is connected"), "{}", done.body);
    let consents = "SELECT COUNT(*) FROM consents WHERE audiences = 'https://bank.example'";
    assert_eq!(world.site.count(consents).await, 1);
}

#[tokio::test]
async fn an_application_that_registered_itself_is_named_as_such() {
    // SB-48
    let world = World::new("Film Box").await;
    let registered = "UPDATE clients SET origin = 'registration' WHERE id = 'tv'";
    let mut tx = world.site.app.db.begin("test").await.unwrap();
    chassis::on_engine!(&mut tx, c => sqlx::query(registered).execute(c).await.map(drop).unwrap());
    tx.commit().await.unwrap();
    let mut ann = world.site.signed_in("ann").await;
    let question = ann.get(&world.complete()).await;
    assert!(
        question.body.contains("The application registered itself"),
        "{}",
        question.body
    );
}

#[tokio::test]
async fn a_withdrawn_consent_takes_the_device_with_it() {
    // SB-47
    let world = World::new("Film Box").await;
    let mut ann = world.site.signed_in("ann").await;
    world.press(&mut ann, &world.complete(), "allow").await;
    let id = world.site.users.id_of("ann");
    assert!(world.site.app.consents.withdraw(id, "tv").await.unwrap());
    assert!(world.poll().await.unwrap().contains("InvalidGrant"));
}

#[tokio::test]
async fn the_code_in_the_address_is_confirmed_and_never_allowed_by_itself() {
    // RFC 8628 §3.3.1, SB-16
    let world = World::new("Film Box").await;
    let mut ann = world.site.signed_in("ann").await;
    let question = ann.get(&world.complete()).await;
    assert!(question.body.contains("Film Box") && question.body.contains(&world.codes.user_code));
    assert!(world.poll().await.unwrap().contains("AuthorizationPending"));
    let done = world.press(&mut ann, &world.complete(), "deny").await;
    assert!(done.body.contains("The device has no access"), "{}", done.body);
    assert!(world.poll().await.unwrap().contains("AccessDenied"));
    // The code keeps its way through the sign-in page.
    let away = world.site.browser().get(&world.complete()).await;
    let wanted = format!(
        "/login?return_to=%2Fdevice%3Fuser_code%3D{}",
        world.codes.user_code
    );
    assert_eq!(away.location(), wanted);
}

#[tokio::test]
async fn a_form_of_another_site_or_session_allows_nothing() {
    // SB-16
    let world = World::new("Film Box").await;
    let mut ann = world.site.signed_in("ann").await;
    let csrf = ann.get(&world.complete()).await.hidden()[0].1.clone();
    let code = world.codes.user_code.clone();
    let fields = [("csrf", csrf.as_str()), ("user_code", &code), ("answer", "allow")];
    let mut evil = ann.clone();
    evil.says = vec![
        ("sec-fetch-site", "cross-site".to_owned()),
        ("origin", "https://evil.example".to_owned()),
    ];
    assert_eq!(evil.post("/device", &fields).await.status, StatusCode::FORBIDDEN);
    world.site.register("bob").await;
    let mut bob = world.site.signed_in("bob").await;
    assert_eq!(bob.post("/device", &fields).await.status, StatusCode::FORBIDDEN);
    let nobody = world.site.browser().post("/device", &fields).await;
    assert_ne!(nobody.status, StatusCode::OK);
    assert!(world.poll().await.unwrap().contains("AuthorizationPending"));
}

#[tokio::test]
async fn wrong_codes_are_explained_and_then_have_to_wait() {
    // RFC 8628 §5.1, SB-46
    let world = World::new("Film Box").await;
    let mut ann = world.site.signed_in("ann").await;
    let wrong = ann.fill("/device", &[("user_code", "<b>1")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        wrong
            .mistake_of("user_code")
            .unwrap()
            .contains("No device shows this code")
    );
    assert!(!wrong.body.contains("<b>1"));
    let mut last = wrong;
    for _ in 0..6 {
        last = ann.get("/device?user_code=BBBB-BBBB").await;
    }
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!last.header("retry-after").is_empty());
    let waits = ann.get(&world.complete()).await;
    assert_eq!(
        waits.status,
        StatusCode::TOO_MANY_REQUESTS,
        "the right one as well"
    );
}

#[tokio::test]
async fn a_person_allows_what_they_may_and_a_name_cannot_change_the_page() {
    // SB-48
    let world = World::asking("<script>Box", "admin").await;
    let mut ann = world.site.signed_in("ann").await;
    let refused = ann.get(&world.complete()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.body.contains("This device cannot get access"));
    assert!(refused.body.contains("script") && !refused.body.contains("<script"));
    assert!(world.poll().await.unwrap().contains("AuthorizationPending"));
}

#[tokio::test]
async fn somebody_who_is_disabled_allows_nothing() {
    // SB-15
    let world = World::new("Film Box").await;
    let mut ann = world.site.signed_in("ann").await;
    world.site.disable("ann").await;
    assert!(ann.get(&world.complete()).await.location().starts_with("/login"));
}
