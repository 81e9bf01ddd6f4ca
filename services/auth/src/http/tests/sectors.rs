//! Tests of the sector of pairwise clients (OpenID Connect Core §8.1): no client learns the identifiers of a sector that is not
//! its own, and the identifiers of a grant never change.

use http::header::{AUTHORIZATION, COOKIE};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::register::OPEN;
use super::world::{TestResponse, VERIFIER, World, authorization, basic, encode};
use crate::clients::{ClientError, ClientMetadata, GrantType};
use crate::testing::claim;
use oidc::client::SubjectType;

/// Clients that register themselves are of the house.
const TRUSTED: (&str, &str) = ("REGISTRATION__REQUIRE_CONSENT", "false");
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const MALLORY: &str = "https://mallory.example/cb";
const BANK: &str = "https://bank.example/cb";
const DOCUMENT: &str = "https://bank.example/uris.json";

/// A client with its secret.
struct Application {
    id: String,
    basic: String,
    /// The management of its registration, if it registered itself: path and token.
    registration: (String, String),
}

impl Application {
    /// A client that registers itself.
    async fn registered(world: &World, body: &Value) -> Self {
        let made = world.register("", body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        let made = made.json();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        let id = text("client_id");
        Self {
            basic: basic(&id, &text("client_secret")),
            registration: (
                format!("/oauth2/register/{id}"),
                text("registration_access_token"),
            ),
            id,
        }
    }

    /// A client that an administrator registers.
    async fn created(world: &World, id: &str, change: impl FnOnce(&mut ClientMetadata)) -> Self {
        let secret = world.client(id, change).await.unwrap();
        Self {
            id: id.to_owned(),
            basic: basic(id, &secret),
            registration: Default::default(),
        }
    }

    async fn post(&self, world: &World, path: &str, form: &[(&str, &str)]) -> TestResponse {
        world
            .post(path, &[(AUTHORIZATION.as_str(), &self.basic)], form)
            .await
    }

    /// Changes its registration.
    async fn put(&self, world: &World, mut body: Value) -> TestResponse {
        body["client_id"] = json!(self.id);
        let (path, token) = &self.registration;
        world.registration(Method::PUT, path, token, Some(&body)).await
    }

    async fn code(&self, world: &World, cookie: &str, redirect_uri: &str) -> String {
        let change = [
            ("client_id", self.id.as_str()),
            ("redirect_uri", redirect_uri),
            ("scope", "openid"),
        ];
        world.code(cookie, &change).await
    }

    async fn redeem(&self, world: &World, code: &str, redirect_uri: &str) -> TestResponse {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", VERIFIER),
        ];
        self.post(world, "/oauth2/token", &form).await
    }

    /// The tokens of Ann.
    async fn tokens(&self, world: &World, cookie: &str, redirect_uri: &str) -> Value {
        let code = self.code(world, cookie, redirect_uri).await;
        let answer = self.redeem(world, &code, redirect_uri).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.json()
    }

    async fn refresh(&self, world: &World, token: &Value) -> TestResponse {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token.as_str().unwrap()),
        ];
        self.post(world, "/oauth2/token", &form).await
    }

    async fn introspect(&self, world: &World, token: &Value) -> Value {
        let form = [("token", token.as_str().unwrap())];
        self.post(world, "/oauth2/introspect", &form).await.json()
    }
}

fn sub(tokens: &Value) -> Value {
    claim(tokens["id_token"].as_str().unwrap(), "sub")
}

fn mallory() -> Value {
    json!({
        "redirect_uris": [MALLORY],
        "subject_type": "pairwise",
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": "openid",
    })
}

fn with(more: Value) -> Value {
    let mut body = mallory();
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    body
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_client_does_not_change_into_another_sector(db: TestDb) {
        // OpenID Connect Core §8.1, §12.2
        let world = World::on(db, &[OPEN, TRUSTED]).await;
        let cookie = world.cookie().await;
        let mallory_app = Application::registered(&world, &mallory()).await;
        let tokens = mallory_app.tokens(&world, &cookie, MALLORY).await;
        for (change, member) in [
            (json!({"redirect_uris": [BANK]}), "redirect_uris"),
            (json!({"sector_identifier_uri": DOCUMENT}), "sector_identifier_uri"),
            (json!({"redirect_uris": [BANK], "sector_identifier_uri": DOCUMENT}), "sector_identifier_uri"),
            (json!({"subject_type": "public"}), "subject_type"),
            (json!({"redirect_uris": [BANK], "subject_type": "public"}), "subject_type"),
        ] {
            let answer = mallory_app.put(&world, with(change.clone())).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{change}: {}", answer.body);
            let text = answer.json()["error_description"].to_string();
            assert!(text.starts_with(&format!("\"{member}: ")), "{change}: {text}");
        }
        // It goes on as it was, and changes what is its own.
        let moved = with(json!({"redirect_uris": ["https://mallory.example/other"]}));
        let answer = mallory_app.put(&world, moved).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let known = sub(&tokens);
        let told = mallory_app.introspect(&world, &tokens["refresh_token"]).await;
        assert_eq!(told["sub"], known);
        let answer = mallory_app.refresh(&world, &tokens["refresh_token"]).await;
        assert_eq!(sub(&answer.json()), known);
        let bank = Application::created(&world, "bank", |client| {
            client.redirect_uris = vec![BANK.parse().unwrap()];
            client.subject_type = SubjectType::Pairwise;
        }).await;
        assert_ne!(sub(&bank.tokens(&world, &cookie, BANK).await), known);
    }

    async fn a_public_client_does_not_become_one_of_a_sector(db: TestDb) {
        let world = World::on(db, &[OPEN, TRUSTED]).await;
        let cookie = world.cookie().await;
        let public = with(json!({"subject_type": "public"}));
        let mallory_app = Application::registered(&world, &public).await;
        let tokens = mallory_app.tokens(&world, &cookie, MALLORY).await;
        let answer = mallory_app.put(&world, with(json!({"redirect_uris": [BANK]}))).await;
        assert!(answer.body.contains("subject_type: "), "{}", answer.body);
        let answer = mallory_app.refresh(&world, &tokens["refresh_token"]).await;
        assert_eq!(sub(&answer.json()), json!(world.ann));
    }

    async fn a_device_code_proves_no_sector(db: TestDb) {
        // OpenID Connect Core §8.1, RFC 8628
        let world = World::on(db, &[OPEN, TRUSTED]).await;
        for grants in [json!([DEVICE]), json!(["authorization_code", "refresh_token", DEVICE])] {
            let answer = world.register("", &with(json!({"redirect_uris": [BANK], "grant_types": grants}))).await;
            assert_eq!(answer.error(), "invalid_client_metadata", "{}", answer.body);
            assert!(answer.body.contains("grant_types: "), "{}", answer.body);
        }
        // Nor does it for one that registered itself before that rule.
        let tv = Application::created(&world, "tv", |client| {
            client.redirect_uris = vec![BANK.parse().unwrap()];
            client.subject_type = SubjectType::Pairwise;
            client.grant_types = [GrantType::DeviceCode].into();
        }).await;
        let ask = async || tv.post(&world, "/oauth2/device_authorization", &[("scope", "openid")]).await;
        let answer = ask().await;
        assert_eq!(answer.status, StatusCode::OK, "an administrator vouches for it: {}", answer.body);
        let code = answer.json()["device_code"].as_str().unwrap().to_owned();
        world.app.run("UPDATE clients SET origin = 'registration' WHERE id = 'tv'").await;
        world.app.wait(std::time::Duration::from_secs(4));
        assert_eq!(ask().await.error(), "unauthorized_client");
        let answer = tv.post(&world, "/oauth2/token", &[("grant_type", DEVICE), ("device_code", &code)]).await;
        assert_eq!(answer.error(), "unauthorized_client");
    }

    async fn a_client_that_did_not_prove_its_sector_gets_no_code_and_no_frame(db: TestDb) {
        // OpenID Connect Core §8.1, Front-Channel Logout §2: it registered itself before that had to be proved.
        let world = World::on(db, &[OPEN, TRUSTED]).await;
        let cookie = world.cookie().await;
        let framed = Application::created(&world, "framed", |client| {
            client.redirect_uris = vec![BANK.parse().unwrap()];
            client.subject_type = SubjectType::Pairwise;
            client.frontchannel_logout_uri = Some("https://bank.example/bye".parse().unwrap());
            client.backchannel_logout_uri = Some("https://mallory.example/bye".parse().unwrap());
        }).await;
        let request = [("client_id", "framed"), ("redirect_uri", BANK)];
        let pushed = authorization(&request);
        let pushed: Vec<(String, String)> = url::form_urlencoded::parse(pushed.as_bytes()).into_owned().collect();
        let pushed: Vec<(&str, &str)> = pushed.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let push = async || framed.post(&world, "/oauth2/par", &pushed).await;
        assert!(world.authorize(&cookie, &request).await.query().contains_key("code"), "an administrator vouches for it");
        assert_eq!(push().await.status, StatusCode::CREATED);
        world.app.run("UPDATE clients SET origin = 'registration' WHERE id = 'framed'").await;
        world.app.wait(std::time::Duration::from_secs(4));
        let refused = world.authorize(&cookie, &request).await;
        assert!(refused.location().starts_with(BANK), "{}", refused.location());
        assert_eq!(refused.query()["error"], "unauthorized_client");
        assert_eq!(push().await.error(), "unauthorized_client");
        let tokens = world.tokens(&cookie).await;
        let query = encode(&[("id_token_hint", tokens["id_token"].as_str().unwrap())]);
        let page = world.get(&format!("/oauth2/logout?{query}"), &[(COOKIE.as_str(), &cookie)]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "the session ends without a frame: {}", page.body);
    }

    async fn the_document_of_a_sector_vouches_for_no_client_without_its_redirect_uris(db: TestDb) {
        // OpenID Connect Registration §5
        let world = World::on(db, &[OPEN, TRUSTED]).await;
        let no_codes = json!({"grant_types": [DEVICE], "response_types": [], "sector_identifier_uri": DOCUMENT});
        for (redirect_uris, member) in [(json!([]), "redirect_uris"), (json!([BANK]), "grant_types")] {
            let mut body = with(no_codes.clone());
            body["redirect_uris"] = redirect_uris;
            let answer = world.register("", &body).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
            assert!(answer.body.contains(&format!("{member}: ")), "{body}: {}", answer.body);
        }
        // An administrator's client needs them as well.
        let metadata = ClientMetadata {
            grant_types: [GrantType::DeviceCode].into(),
            subject_type: SubjectType::Pairwise,
            sector_identifier_uri: Some(DOCUMENT.parse().unwrap()),
            ..ClientMetadata::default()
        };
        let refused = world.app.clients.create(None, metadata).await;
        assert!(matches!(&refused, Err(ClientError::Invalid(invalid)) if invalid.field == "redirect_uris"), "{refused:?}");
    }

    async fn a_client_that_an_administrator_moves_to_another_sector_begins_anew(db: TestDb) {
        // OpenID Connect Core §12.2, SB-47
        let world = World::on(db, &[]).await;
        let cookie = world.cookie().await;
        let shop = Application::created(&world, "shop", |client| {
            client.redirect_uris = vec![MALLORY.parse().unwrap()];
            client.subject_type = SubjectType::Pairwise;
        }).await;
        let update = async |change: &dyn Fn(&mut ClientMetadata)| {
            let mut metadata = world.app.clients.find_newest("shop").await.unwrap().unwrap().metadata;
            change(&mut metadata);
            world.app.clients.update("shop", None, metadata, true).await.unwrap();
        };
        let first = shop.tokens(&world, &cookie, MALLORY).await;
        update(&|client| client.redirect_uris = vec![MALLORY.parse().unwrap(), "https://mallory.example/b".parse().unwrap()]).await;
        let kept = shop.refresh(&world, &first["refresh_token"]).await.json();
        assert_eq!(sub(&kept), sub(&first), "the sector is the same");

        for change in [
            &(|client: &mut ClientMetadata| client.redirect_uris = vec![BANK.parse().unwrap()]) as &dyn Fn(&mut ClientMetadata),
            &|client| client.subject_type = SubjectType::Public,
            &|client| client.subject_type = SubjectType::Pairwise,
        ] {
            let metadata = world.app.clients.find_newest("shop").await.unwrap().unwrap().metadata;
            let redirect_uri = metadata.redirect_uris[0].as_str();
            let before = shop.tokens(&world, &cookie, redirect_uri).await;
            let code = shop.code(&world, &cookie, redirect_uri).await;
            update(change).await;
            let metadata = world.app.clients.find_newest("shop").await.unwrap().unwrap().metadata;
            let answer = shop.refresh(&world, &before["refresh_token"]).await;
            assert_eq!(answer.error(), "invalid_grant", "{}", answer.body);
            assert_eq!(shop.redeem(&world, &code, redirect_uri).await.error(), "invalid_grant");
            for token in ["refresh_token", "access_token"] {
                assert_eq!(shop.introspect(&world, &before[token]).await, json!({"active": false}), "{token}");
            }
            let bearer = format!("Bearer {}", before["access_token"].as_str().unwrap());
            let userinfo = world.get("/oauth2/userinfo", &[(AUTHORIZATION.as_str(), &bearer)]).await;
            assert_eq!(userinfo.status, StatusCode::UNAUTHORIZED);
            let after = shop.tokens(&world, &cookie, metadata.redirect_uris[0].as_str()).await;
            assert_ne!(sub(&after), sub(&before));
        }
    }
}
