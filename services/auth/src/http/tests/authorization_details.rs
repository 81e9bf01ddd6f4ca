//! Tests of `authorization_details` (RFC 9396), from the authorization request to tokens and introspection.

mod ended;
mod refused;
mod services;
mod stored;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use http::header::{AUTHORIZATION, COOKIE};
use oidc::client::AccessTokenFormat;
use oidc::resource::Resource;
use serde_json::{Value, json};

use super::consent::hidden;
use super::world::{ISSUER, World, basic, exchange};
use crate::clients::{ClientMetadata, GrantType};

const TYPE: [(&str, &str); 4] = [
    ("AUTHORIZATION_DETAILS__PAYMENT__DESCRIPTION", "Start a payment"),
    (
        "AUTHORIZATION_DETAILS__PAYMENT__SCHEMA__PROPERTIES__AMOUNT__TYPE",
        "integer",
    ),
    (
        "AUTHORIZATION_DETAILS__PAYMENT__SCHEMA__PROPERTIES__CREDITOR__TYPE",
        "string",
    ),
    (
        "AUTHORIZATION_DETAILS__PAYMENT__SCHEMA__PROPERTIES__LOCATIONS__TYPE",
        "array",
    ),
];

/// A type whose member `note` may have anything.
const OPEN_TYPE: [(&str, &str); 2] = [
    ("AUTHORIZATION_DETAILS__PAYMENT__DESCRIPTION", "Start a payment"),
    (
        "AUTHORIZATION_DETAILS__PAYMENT__SCHEMA__PROPERTIES__NOTE__TYPE",
        "array",
    ),
];

const TWO: &str = r#"[{"type":"payment","amount":5,"creditor":"The <b>Harbour</b>"},{"type":"payment","amount":7,"locations":["https://elsewhere.example"]}]"#;

fn payer(client: &mut ClientMetadata) {
    client.authorization_details_types = ["payment".to_owned()].into();
    client.grant_types.insert(GrantType::ClientCredentials);
}

impl World {
    async fn with_payer(change: fn(&mut ClientMetadata)) -> (Self, String) {
        let world = Self::with(&TYPE).await;
        let secret = world.client("payer", |client| {
            payer(client);
            change(client);
        });
        let secret = secret.await.unwrap();
        (world, secret)
    }

    async fn as_payer(&self, secret: &str, form: &[(&str, &str)]) -> super::world::TestResponse {
        let basic = basic("payer", secret);
        self.post("/oauth2/token", &[(AUTHORIZATION.as_str(), &basic)], form)
            .await
    }
}

fn payload(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn details(value: &Value) -> Vec<i64> {
    let details = value["authorization_details"].as_array();
    details
        .into_iter()
        .flatten()
        .map(|detail| detail["amount"].as_i64().unwrap())
        .collect()
}

#[test]
fn what_was_granted_is_in_the_answer_the_token_and_introspection() {
    // RFC 9396 §3, §6, §7, §9
    testkit::block_on(async {
        let (world, secret) = World::with_payer(|_| {}).await;
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        assert_eq!(
            metadata["authorization_details_types_supported"],
            json!(["payment"])
        );
        let cookie = world.cookie().await;
        let code = world
            .code(&cookie, &[("client_id", "payer"), ("authorization_details", TWO)])
            .await;
        let more = [
            &exchange(&code)[..],
            &[("authorization_details", r#"[{"type":"payment","amount":6}]"#)],
        ]
        .concat();
        let refused = world.as_payer(&secret, &more).await;
        assert_eq!(
            (refused.status, refused.error().as_str()),
            (StatusCode::BAD_REQUEST, "invalid_authorization_details")
        );
        let tokens = world.as_payer(&secret, &exchange(&code)).await.json();
        assert_eq!(
            details(&tokens),
            [5],
            "the other is for another service: {tokens}"
        );
        assert_eq!(details(&payload(&tokens["access_token"])), [5]);
        let basic = basic("payer", &secret);
        let ask = [("token", tokens["access_token"].as_str().unwrap())];
        let facts = world
            .post("/oauth2/introspect", &[(AUTHORIZATION.as_str(), &basic)], &ask)
            .await
            .json();
        assert_eq!((details(&facts), &facts["active"]), (vec![5], &json!(true)));
        let refresh = [
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
        ];
        assert_eq!(details(&world.as_payer(&secret, &refresh).await.json()), [5]);
    });
}

#[test]
fn introspection_of_an_opaque_token_has_them() {
    // RFC 9396 §9.2
    testkit::block_on(async {
        let (world, secret) = World::with_payer(|client| {
            client.access_token_format = AccessTokenFormat::Opaque;
            client.audiences = vec![Resource::parse("https://elsewhere.example").unwrap()];
        })
        .await;
        let code = world
            .code(
                &world.cookie().await,
                &[("client_id", "payer"), ("authorization_details", TWO)],
            )
            .await;
        let tokens = world.as_payer(&secret, &exchange(&code)).await.json();
        assert_eq!(details(&tokens), [5, 7]);
        let access = tokens["access_token"].as_str().unwrap();
        assert!(!access.contains("payment"), "{access}");
        let basic = basic("payer", &secret);
        let facts = world
            .post(
                "/oauth2/introspect",
                &[(AUTHORIZATION.as_str(), &basic)],
                &[("token", access)],
            )
            .await;
        assert_eq!(details(&facts.json()), [5, 7], "{}", facts.body);
    });
}

#[test]
fn a_client_asks_for_itself() {
    // RFC 9396 §5
    testkit::block_on(async {
        let (world, secret) = World::with_payer(|_| {}).await;
        for (details, error) in [
            (r#"[{"type":"payment","amount":5}]"#, ""),
            (
                r#"[{"type":"payment","amount":"5"}]"#,
                "invalid_authorization_details",
            ),
            (r#"[{"type":"other"}]"#, "invalid_authorization_details"),
            ("5", "invalid_authorization_details"),
        ] {
            let form = [
                ("grant_type", "client_credentials"),
                ("authorization_details", details),
            ];
            assert_eq!(world.as_payer(&secret, &form).await.error(), error, "{details}");
        }
        let web = [
            ("client_id", "web"),
            ("authorization_details", r#"[{"type":"payment","amount":5}]"#),
        ];
        let answer = world.authorize(&world.cookie().await, &web).await;
        assert_eq!(
            answer.query()["error"],
            "invalid_authorization_details",
            "it is not registered for the type"
        );
    });
}

#[test]
fn a_person_allows_each_payment() {
    // RFC 9396 §3; SB-29
    testkit::block_on(async {
        let (world, _) = World::with_payer(|client| client.require_consent = true).await;
        let cookie = world.cookie().await;
        for _ in 0..2 {
            let answer = world
                .authorize(&cookie, &[("client_id", "payer"), ("authorization_details", TWO)])
                .await;
            assert!(
                answer.location().starts_with("/consent?"),
                "{}",
                answer.location()
            );
            let cookies = format!("{cookie}; {}", answer.cookie());
            let page = world.get(answer.location(), &[(COOKIE.as_str(), &cookies)]).await;
            for text in [
                "Start a payment",
                "<bdi>amount</bdi></dt><dd><bdi>5</bdi></dd>",
                "<bdi>“The &#60;b&#62;Harbour&#60;/b&#62;”</bdi>",
            ] {
                assert!(page.body.contains(text), "{text}: {}", page.body);
            }
            let mut form: Vec<(&str, &str)> = ["csrf", "authorization_request", "scope", "audiences"]
                .map(|name| (name, hidden(&page.body, name)))
                .to_vec();
            form.push(("answer", "allow"));
            let headers = [(COOKIE.as_str(), cookies.as_str()), ("origin", ISSUER)];
            let done = world.post("/consent", &headers, &form).await;
            assert!(
                done.query().contains_key("code"),
                "{} {}",
                done.location(),
                done.body
            );
        }
        let silent = [
            ("client_id", "payer"),
            ("authorization_details", TWO),
            ("prompt", "none"),
        ];
        assert_eq!(
            world.authorize(&cookie, &silent).await.query()["error"],
            "consent_required"
        );
    });
}
