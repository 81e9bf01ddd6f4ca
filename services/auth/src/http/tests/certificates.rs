//! Tests of mutual TLS (RFC 8705) at the endpoints for clients. The header is the one that the server writes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::AUTHORIZATION;
use oidc::jose::{Algorithm, JwkSet, SigningKey, certificate_thumbprint};
use serde_json::json;

use super::world::{TestResponse, World, exchange};
use crate::clients::{AuthMethod, ClientMetadata, GrantType};
use crate::testing::claim;

const ROBOT: &str = include_str!("../../../../../libs/testkit/certificates/robot.pem");
const INTERMEDIATE: &str = include_str!("../../../../../libs/testkit/certificates/intermediate.pem");
const SELF_SIGNED: &str = include_str!("../../../../../libs/testkit/certificates/self-signed.pem");
const EXPIRED: &str = include_str!("../../../../../libs/testkit/certificates/expired.pem");
const AUTHORITY: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../libs/testkit/certificates/authority.pem"
);

/// The base64 text of a certificate in PEM.
fn base64_of(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with("-----")).collect()
}

fn header(pem: &str) -> String {
    format!(":{}:", base64_of(pem))
}

/// A server that gets certificates from a proxy and knows an authority.
async fn world() -> World {
    World::with(&[
        ("LISTEN__CLIENT_CERTIFICATE_HEADER", "true"),
        ("MUTUAL_TLS__AUTHORITIES", AUTHORITY),
        ("MUTUAL_TLS__URL", "https://mtls.example.org"),
    ])
    .await
}

impl World {
    async fn register_robot(&self, method: AuthMethod, change: impl FnOnce(&mut ClientMetadata)) {
        let secret = self.client("robot", |wish| {
            wish.grant_types = [
                GrantType::ClientCredentials,
                GrantType::AuthorizationCode,
                GrantType::RefreshToken,
            ]
            .into();
            wish.token_endpoint_auth_method = method;
            change(wish);
        });
        assert_eq!(secret.await, None);
    }

    /// A token request of `robot` on a connection with these certificates.
    async fn robot_token(&self, certificates: &[&str], form: &[(&str, &str)]) -> TestResponse {
        let values: Vec<String> = certificates.iter().map(|pem| header(pem)).collect();
        let names = ["client-cert", "client-cert-chain"];
        let headers: Vec<(&str, &str)> = names.into_iter().zip(values.iter().map(String::as_str)).collect();
        let form = [form, &[("client_id", "robot")]].concat();
        self.post("/oauth2/token", &headers, &form).await
    }
}

const MACHINE: [(&str, &str); 1] = [("grant_type", "client_credentials")];

/// A key set with a certificate.
fn key_set(pem: &str) -> JwkSet {
    let mut key = SigningKey::generate(Algorithm::Es256).unwrap().public().clone();
    key.x5c = Some(vec![base64_of(pem)]);
    JwkSet { keys: vec![key] }
}

#[test]
fn the_metadata_tell_whether_certificates_can_come() {
    testkit::block_on(async {
        const METHODS: [&str; 2] = ["tls_client_auth", "self_signed_tls_client_auth"];
        for (settings, offered) in [
            (&[][..], [false, false]),
            (&[("LISTEN__CLIENT_CERTIFICATE_HEADER", "true")], [false, true]),
            (
                &[
                    ("LISTEN__CLIENT_CERTIFICATE_HEADER", "true"),
                    ("MUTUAL_TLS__AUTHORITIES", AUTHORITY),
                ],
                [true, true],
            ),
        ] {
            let world = World::with(settings).await;
            let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
            for endpoint in ["token", "revocation", "introspection"] {
                let listed = metadata[format!("{endpoint}_endpoint_auth_methods_supported")]
                    .as_array()
                    .unwrap();
                assert_eq!(
                    METHODS.map(|method| listed.contains(&json!(method))),
                    offered,
                    "{settings:?}"
                );
            }
            assert_eq!(metadata["tls_client_certificate_bound_access_tokens"], offered[1]);
            assert_eq!(metadata.get("mtls_endpoint_aliases"), None);
        }
        let metadata = world()
            .await
            .get("/.well-known/openid-configuration", &[])
            .await
            .json();
        assert_eq!(
            metadata["mtls_endpoint_aliases"]["token_endpoint"],
            "https://mtls.example.org/oauth2/token"
        );
    });
}

#[test]
fn a_client_authenticates_with_the_certificate_of_its_key_set() {
    // RFC 8705 §2.2, SB-28
    testkit::block_on(async {
        let world = world().await;
        world
            .register_robot(AuthMethod::SelfSignedTlsClientAuth, |wish| {
                wish.jwks = Some(key_set(SELF_SIGNED));
            })
            .await;
        for (certificates, accepted) in [
            (&[SELF_SIGNED][..], true),
            (&[ROBOT, INTERMEDIATE], false),
            (&[], false),
        ] {
            let answer = world.robot_token(certificates, &MACHINE).await;
            assert_eq!(answer.status == StatusCode::OK, accepted, "{}", answer.body);
            if !accepted {
                assert_eq!(
                    (answer.status, answer.error().as_str()),
                    (StatusCode::UNAUTHORIZED, "invalid_client")
                );
            }
        }
        let secret = [MACHINE[0], ("client_secret", "guess")];
        assert_eq!(
            world.robot_token(&[SELF_SIGNED], &secret).await.error(),
            "invalid_client"
        );
    });
}

#[test]
fn a_client_authenticates_with_a_certificate_of_a_trusted_authority() {
    // RFC 8705 §2.1, SB-28
    testkit::block_on(async {
        let world = world().await;
        world
            .register_robot(AuthMethod::TlsClientAuth, |wish| {
                wish.tls_client_auth_subject_dn = Some(r"CN=robot,O=Example\, Inc.".to_owned());
            })
            .await;
        for (certificates, accepted) in [
            (&[ROBOT, INTERMEDIATE][..], true),
            (&[ROBOT], false),
            // The same subject, of itself and of before.
            (&[SELF_SIGNED], false),
            (&[EXPIRED], false),
            (&[INTERMEDIATE], false),
            (&[], false),
        ] {
            let answer = world.robot_token(certificates, &MACHINE).await;
            assert_eq!(answer.status == StatusCode::OK, accepted, "{}", answer.body);
        }
        let other = World::with(&[("LISTEN__CLIENT_CERTIFICATE_HEADER", "true")]).await;
        other
            .register_robot(AuthMethod::TlsClientAuth, |wish| {
                wish.tls_client_auth_san_dns = Some("robot.example".to_owned());
            })
            .await;
        let answer = other.robot_token(&[ROBOT, INTERMEDIATE], &MACHINE).await;
        assert_eq!(answer.error(), "invalid_client", "there is no authority");
    });
}

#[test]
fn tokens_are_bound_to_the_certificate_and_refresh_tokens_stay() {
    // RFC 8705 §3, §4; SB-24
    testkit::block_on(async {
        let world = world().await;
        world
            .register_robot(AuthMethod::SelfSignedTlsClientAuth, |wish| {
                wish.jwks = Some(key_set(SELF_SIGNED));
                wish.tls_client_certificate_bound_access_tokens = true;
            })
            .await;
        let cookie = world.cookie().await;
        let code = world.code(&cookie, &[("client_id", "robot")]).await;
        let answer = world.robot_token(&[SELF_SIGNED], &exchange(&code)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let tokens = answer.json();
        assert_eq!(tokens["token_type"], "Bearer");
        let access = tokens["access_token"].as_str().unwrap();
        let der = STANDARD.decode(base64_of(SELF_SIGNED)).unwrap();
        let confirmation = json!({ "x5t#S256": certificate_thumbprint(&der) });
        assert_eq!(claim(access, "cnf"), confirmation);

        let bearer = format!("Bearer {access}");
        for (certificate, status) in [
            (Some(SELF_SIGNED), StatusCode::OK),
            (Some(ROBOT), StatusCode::UNAUTHORIZED),
            (None, StatusCode::UNAUTHORIZED),
        ] {
            let value = certificate.map(header).unwrap_or_default();
            let mut headers = vec![(AUTHORIZATION.as_str(), bearer.as_str())];
            if certificate.is_some() {
                headers.push(("client-cert", value.as_str()));
            }
            let info = world.get("/oauth2/userinfo", &headers).await;
            assert_eq!(info.status, status, "{}", info.body);
        }
        let refresh = [
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
        ];
        for _ in 0..2 {
            let refreshed = world.robot_token(&[SELF_SIGNED], &refresh).await;
            assert_eq!(refreshed.status, StatusCode::OK, "{}", refreshed.body);
            assert_eq!(refreshed.json().get("refresh_token"), None);
            assert_eq!(
                claim(refreshed.json()["access_token"].as_str().unwrap(), "cnf"),
                confirmation
            );
        }
    });
}

#[test]
fn a_client_with_a_secret_binds_its_tokens_to_the_certificate_of_the_connection() {
    // RFC 8705 §3.4
    testkit::block_on(async {
        let world = world().await;
        let secret = world.client("robot", |wish| {
            wish.grant_types = [GrantType::ClientCredentials].into();
            wish.token_endpoint_auth_method = AuthMethod::ClientSecretPost;
            wish.tls_client_certificate_bound_access_tokens = true;
        });
        let secret = secret.await.unwrap();
        let form = [MACHINE[0], ("client_secret", secret.as_str())];
        let bound = world.robot_token(&[ROBOT], &form).await.json();
        assert!(claim(bound["access_token"].as_str().unwrap(), "cnf")["x5t#S256"].is_string());
        let unbound = world.robot_token(&[], &form).await;
        assert_eq!(unbound.error(), "invalid_request", "{}", unbound.body);
    });
}
