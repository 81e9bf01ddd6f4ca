//! Tests of pairwise subject identifiers (OpenID Connect Core §8.1) over HTTP: every token and response of a client has the
//! identifiers of its sector, and nothing has the id of the person.

use http::header::{AUTHORIZATION, COOKIE};
use http::{Method, StatusCode};
use oidc::client::SubjectType;
use oidc::resource::Resource;
use serde_json::{Value, json};

use super::register::with;
use super::world::{ISSUER, TestResponse, VERIFIER, World, basic, encode, stories, userinfo};
use crate::clients::ClientMetadata;
use crate::testing::{claim, person_state, persons_token};

const SHOP: &str = "https://shop.example/cb";
const TWIN: &str = "https://shop.example/twin";
const BANK: &str = "https://bank.example/cb";

/// An application of a sector.
struct Application {
    id: &'static str,
    redirect_uri: &'static str,
    basic: String,
}

impl Application {
    async fn new(world: &World, id: &'static str, redirect_uri: &'static str) -> Self {
        let change = |client: &mut ClientMetadata| {
            client.redirect_uris = vec![redirect_uri.parse().unwrap()];
            client.subject_type = SubjectType::Pairwise;
        };
        let secret = world.client(id, change).await.unwrap();
        Self {
            id,
            redirect_uri,
            basic: basic(id, &secret),
        }
    }

    async fn authorize(&self, world: &World, cookie: &str, more: &[(&str, &str)]) -> TestResponse {
        let mut change = vec![("client_id", self.id), ("redirect_uri", self.redirect_uri)];
        change.extend(more);
        world.authorize(cookie, &change).await
    }

    /// The tokens of Ann.
    async fn tokens(&self, world: &World, cookie: &str) -> Value {
        let answer = self.authorize(world, cookie, &[]).await;
        let code = answer.query()["code"].clone();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", self.redirect_uri),
            ("code_verifier", VERIFIER),
        ];
        self.token(world, &form).await
    }

    async fn token(&self, world: &World, form: &[(&str, &str)]) -> Value {
        let headers = [(AUTHORIZATION.as_str(), self.basic.as_str())];
        let answer = world.post("/oauth2/token", &headers, form).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.json()
    }

    async fn introspect(&self, world: &World, token: &str) -> Value {
        let headers = [(AUTHORIZATION.as_str(), self.basic.as_str())];
        world
            .post("/oauth2/introspect", &headers, &[("token", token)])
            .await
            .json()
    }

    /// The `sub` by which it knows Ann, and the `sid` of her session, the same wherever it looks.
    async fn identifiers(&self, world: &World, cookie: &str) -> (Value, Value) {
        let tokens = self.tokens(world, cookie).await;
        let (access, id_token, refresh) = (
            text(&tokens, "access_token"),
            text(&tokens, "id_token"),
            text(&tokens, "refresh_token"),
        );
        let (sub, sid) = (claim(id_token, "sub"), claim(id_token, "sid"));
        assert_eq!(
            (claim(access, "sub"), claim(access, "sid")),
            (sub.clone(), sid.clone())
        );
        assert_eq!(claim(access, "aud"), ISSUER, "it is not for the user service");
        assert_eq!(userinfo(world, access).await.json()["sub"], sub);
        for token in [access, refresh] {
            assert_eq!(self.introspect(world, token).await["sub"], sub);
        }
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        let next = self.token(world, &form).await;
        assert_eq!(claim(text(&next, "access_token"), "sub"), sub);
        assert_eq!(claim(text(&next, "id_token"), "sub"), sub);
        (sub, sid)
    }
}

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name}: {answer}"))
}

stories! {
    async fn an_application_knows_a_person_by_an_identifier_of_its_sector(world) {
        // OpenID Connect Core §8.1
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        assert_eq!(metadata["subject_types_supported"], json!(["public", "pairwise"]));
        let cookie = world.cookie().await;
        let mut known = Vec::new();
        for (id, redirect_uri) in [("shop", SHOP), ("twin", TWIN), ("bank", BANK)] {
            let application = Application::new(&world, id, redirect_uri).await;
            known.push(application.identifiers(&world, &cookie).await);
        }
        let [shop, twin, bank] = known.try_into().unwrap();
        assert_eq!(shop, twin, "one sector");
        assert!(shop.0 != bank.0 && shop.1 != bank.1, "neither the person nor the session tells that they are the same");
        assert!(shop.0 != json!(world.ann) && shop.0 != shop.1);
    }

    async fn an_identifier_stays_when_the_redirect_uris_change_within_the_sector(world) {
        let shop = Application::new(&world, "shop", SHOP).await;
        let cookie = world.cookie().await;
        let before = shop.identifiers(&world, &cookie).await;
        let mut metadata = world.app.clients.find_newest("shop").await.unwrap().unwrap().metadata;
        metadata.redirect_uris = vec![TWIN.parse().unwrap(), SHOP.parse().unwrap()];
        world.app.clients.update("shop", None, metadata, true).await.unwrap();
        assert_eq!(shop.identifiers(&world, &cookie).await, before);
    }

    async fn its_id_token_is_a_hint_of_the_person_and_of_the_session(world) {
        // OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2; SB-30
        let shop = Application::new(&world, "shop", SHOP).await;
        let cookie = world.cookie().await;
        let tokens = shop.tokens(&world, &cookie).await;
        let hint = text(&tokens, "id_token");
        let silent = [("prompt", "none"), ("id_token_hint", hint)];
        assert!(shop.authorize(&world, &cookie, &silent).await.query().contains_key("code"));
        let bye = [("id_token_hint", hint), ("post_logout_redirect_uri", "https://app.example.org/bye")];
        let path = format!("/oauth2/logout?{}", encode(&bye));
        // Of another session Ann is asked.
        let other = world.get(&path, &[(COOKIE.as_str(), &world.cookie().await)]).await;
        assert_eq!(other.status, StatusCode::OK);
        let answer = world.get(&path, &[(COOKIE.as_str(), &cookie)]).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "https://app.example.org/bye"));
    }

    async fn its_hint_is_not_good_for_somebody_else(world) {
        // SB-51
        let shop = Application::new(&world, "shop", SHOP).await;
        let tokens = shop.tokens(&world, &world.cookie().await).await;
        let bob = world.bobs_cookie().await;
        let silent = [("prompt", "none"), ("id_token_hint", text(&tokens, "id_token"))];
        assert_eq!(shop.authorize(&world, &bob, &silent).await.query()["error"], "login_required");
    }

    async fn its_hint_offers_a_name_where_the_person_has_signed_in_before(world) {
        // SB-8
        let shop = Application::new(&world, "shop", SHOP).await;
        let tokens = shop.tokens(&world, &world.cookie().await).await;
        world.bobs_cookie().await;
        let answer = shop.authorize(&world, "", &[("id_token_hint", text(&tokens, "id_token"))]).await;
        for (name, offered) in [("ann", true), ("bob", false)] {
            let who = world.app.sign_in(name, crate::testing::PASSWORD).await.unwrap();
            let mut tx = world.app.db.begin("test").await.unwrap();
            let device = world.app.accounts.remember_device(&mut tx, who.account_id).await.unwrap();
            tx.commit().await.unwrap();
            let cookies = format!("{}; __Host-vestibule-device={}", answer.cookie(), device.expose());
            let page = world.get(answer.location(), &[(COOKIE.as_str(), &cookies)]).await;
            assert_eq!(page.status, StatusCode::OK);
            assert_eq!(page.body.contains("value=\"ann\""), offered, "{name}: {}", page.body);
            assert!(!page.body.contains("value=\"bob\""), "{}", page.body);
        }
    }

    async fn its_tokens_are_for_userinfo_and_for_no_administration(world) {
        let mut ann = person_state(world.ann, "ann");
        (ann.groups, ann.version) = (vec!["vestibule-admins".to_owned()], 2);
        world.app.change(&ann).await;
        world.client("shop", |client| {
            client.redirect_uris = vec![SHOP.parse().unwrap()];
            client.subject_type = SubjectType::Pairwise;
            client.scope = "openid admin".parse().unwrap();
        }).await;
        let token = persons_token(&world.app, world.ann, "shop", "openid admin").await;
        assert_eq!(userinfo(&world, &token).await.status, StatusCode::OK);
        let refused = world.get("/admin/v1/clients", &[(AUTHORIZATION.as_str(), &format!("Bearer {token}"))]).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        // An administrator reads by which identifier an application knows a person.
        let admin = persons_token(&world.app, world.ann, "web", "admin").await;
        let path = format!("/admin/v1/users/{}/consents", world.ann);
        let listed = world.get(&path, &[(AUTHORIZATION.as_str(), &format!("Bearer {admin}"))]).await.json();
        let subject = |client: &str| {
            let all = listed["consents"].as_array().unwrap();
            all.iter().find(|one| one["client_id"] == client).unwrap()["subject"].clone()
        };
        assert_eq!((subject("shop"), subject("web")), (claim(&token, "sub"), json!(world.ann)));
    }

    async fn a_service_that_exchanges_a_token_knows_the_person_and_the_session_by_its_own_identifiers(world) {
        let urls = |all: &[&str]| all.iter().map(|url| Resource::parse(url).unwrap()).collect::<Vec<_>>();
        let (orders, bills, stock) = ("https://orders.example", "https://bills.example", "https://stock.example");
        world.client("shop", |client| {
            client.redirect_uris = vec![SHOP.parse().unwrap()];
            client.subject_type = SubjectType::Pairwise;
            client.audiences = urls(&[orders, bills, stock]);
        }).await;
        let who = world.app.sign_in("ann", crate::testing::PASSWORD).await.unwrap();
        let session = world.app.start(&who).await.unwrap().session;
        let client = world.app.clients.find("shop").await.unwrap().unwrap();
        let grant = crate::tokens::Grant {
            subject: world.ann,
            scope: "profile".parse().unwrap(),
            audiences: urls(&[orders, bills, stock]),
            session_id: Some(session.id),
            auth_time: crate::testing::BEGINNING,
            amr: Vec::new(),
            nonce: None,
            details: Default::default(),
            confirmation: crate::testing::NOTHING.clone(),
        };
        let mut tx = world.app.db.begin("test").await.unwrap();
        let pending = world.app.tokens.issue(&mut tx, &client, grant).await.unwrap();
        tx.commit().await.unwrap();
        let token = world.app.tokens.sign(pending, &client, &urls(&[orders, bills, stock])).unwrap().access_token;
        let of_shop = (claim(&token, "sub"), claim(&token, "sid"));
        for (id, resource, subject_type) in [("orders", orders, SubjectType::Public), ("bills", bills, SubjectType::Pairwise)] {
            let secret = world.client(id, |client| {
                client.grant_types = [crate::clients::GrantType::TokenExchange].into();
                client.subject_type = subject_type;
                client.resource = Some(Resource::parse(resource).unwrap());
                client.audiences = urls(&[stock]);
            }).await.unwrap();
            let form = [
                ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
                ("subject_token", &token),
                ("subject_token_type", oidc::exchange::TYPE_ACCESS_TOKEN),
            ];
            let answer = world.post("/oauth2/token", &[(AUTHORIZATION.as_str(), &basic(id, &secret))], &form).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            let tokens = answer.json();
            let exchanged = text(&tokens, "access_token");
            let found = (claim(exchanged, "sub"), claim(exchanged, "sid"));
            let client = world.app.clients.find(id).await.unwrap().unwrap();
            let known = (
                json!(world.app.keys.subject(client.registered(), world.ann)),
                json!(world.app.keys.session(client.registered(), session.id)),
            );
            assert_eq!(found, known, "{id}");
            assert!(found.0 != of_shop.0 && found.1 != of_shop.1, "{id}");
            let public = (json!(world.ann), json!(session.id));
            assert_eq!(found == public, subject_type == SubjectType::Public, "{id}");
        }
    }

    async fn its_frame_hears_of_a_sign_out_by_its_own_session_id(world) {
        // OpenID Connect Front-Channel Logout §2
        let shop = Application::new(&world, "shop", SHOP).await;
        let mut metadata = world.app.clients.find_newest("shop").await.unwrap().unwrap().metadata;
        metadata.frontchannel_logout_uri = Some("https://shop.example/bye".parse().unwrap());
        world.app.clients.update("shop", None, metadata, true).await.unwrap();
        let cookie = world.cookie().await;
        let tokens = shop.tokens(&world, &cookie).await;
        let web = world.tokens(&cookie).await;
        let sid = |tokens: &Value| claim(text(tokens, "id_token"), "sid").as_str().unwrap().to_owned();
        assert_ne!(sid(&tokens), sid(&web));
        let query = encode(&[("id_token_hint", text(&tokens, "id_token"))]);
        let page = world.get(&format!("/oauth2/logout?{query}"), &[(COOKIE.as_str(), &cookie)]).await;
        let frame = format!("https://shop.example/bye?iss=https%3A%2F%2Fid.example.org&#38;sid={}", sid(&tokens));
        assert!(page.body.contains(&format!("<iframe src=\"{frame}\"")), "{}", page.body);
        assert!(!page.body.contains(&sid(&web)), "{}", page.body);
    }

    async fn a_device_of_its_sector_knows_the_person_by_the_same_identifier(world) {
        // RFC 8628
        let change = |client: &mut ClientMetadata| {
            client.redirect_uris = vec![SHOP.parse().unwrap()];
            client.subject_type = SubjectType::Pairwise;
            client.grant_types = [crate::clients::GrantType::DeviceCode].into();
            client.token_endpoint_auth_method = crate::clients::AuthMethod::None;
        };
        world.client("tv", change).await;
        let codes = super::devices::codes(&world).await;
        super::devices::allow(&world, &codes["user_code"]).await;
        let tokens = super::devices::poll(&world, &codes).await.json();
        let shop = Application::new(&world, "shop", SHOP).await;
        let known = shop.tokens(&world, &world.cookie().await).await;
        assert_eq!(claim(text(&tokens, "id_token"), "sub"), claim(text(&known, "id_token"), "sub"));
        assert_eq!(claim(text(&tokens, "access_token"), "sub"), claim(text(&known, "id_token"), "sub"));
    }
}

#[test]
fn a_pairwise_client_is_not_registered_for_the_user_service() {
    with(&[], async |world| {
        let mut ann = person_state(world.ann, "ann");
        (ann.groups, ann.version) = (vec!["vestibule-admins".to_owned()], 2);
        world.app.change(&ann).await;
        let admin = persons_token(&world.app, world.ann, "web", "admin").await;
        let body = json!({
            "redirect_uris": [SHOP], "subject_type": "pairwise", "audiences": [ISSUER, "https://users.example.org/"],
        });
        let bearer = format!("Bearer {admin}");
        let refused = world
            .call(Method::POST, "/admin/v1/clients", &bearer, Some(body))
            .await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            refused.body
        );
        assert!(refused.body.contains("audiences"), "{}", refused.body);
    });
}
