//! Services that end TLS themselves and ask for certificates (`listen.tls.client_certificates`).

use std::sync::Arc;

use serde_json::{Value, json};
use testkit::{CertificateKey, Stack, StackOptions, StackTls, TestAuthority};

use super::{MutualTlsSite, issued_client, self_signed_client};

// SB-28, SB-38, SB-51; RFC 8705 §2, §3
#[tokio::test]
async fn clients_authenticate_in_the_handshake_and_their_tokens_work_with_their_certificates_alone() {
    let authority = Arc::new(TestAuthority::new());
    let tls = StackTls {
        authority: Arc::clone(&authority),
        client_certificates: true,
    };
    let options = StackOptions {
        tls: Some(tls),
        ..StackOptions::default()
    };
    let authorities = authority.certificate();
    let options = options.with(
        "VESTIBULE_AUTH__MUTUAL_TLS__AUTHORITIES",
        authorities.to_str().unwrap(),
    );
    let stack = Stack::with(options).await;

    let metadata = stack.auth_url("/.well-known/openid-configuration");
    let metadata: Value = stack
        .http()
        .get(metadata)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    for method in ["tls_client_auth", "self_signed_tls_client_auth"] {
        let offered = metadata["token_endpoint_auth_methods_supported"]
            .as_array()
            .unwrap();
        assert!(offered.contains(&json!(method)), "{metadata}");
    }
    let site = MutualTlsSite {
        authority: authorities,
        token_endpoint: metadata["token_endpoint"].as_str().unwrap().to_owned(),
        users: stack.users_url(""),
    };
    site.gets_a_bound_token(&issued_client(&stack, &authority, CertificateKey::P256).await);
    site.gets_a_bound_token(&self_signed_client(&stack, &authority).await);
}
