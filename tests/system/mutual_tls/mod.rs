//! Tests of mutual TLS (RFC 8705) with curl and certificates of openssl: the services end TLS themselves, or nginx does.

mod curl;
mod native;
mod proxied;

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use testkit::{CertificateFiles, CertificateKey, Stack, TestAuthority};

use self::curl::{CurlAnswer, curl};

/// A client with its certificate, and certificates that are not its own.
struct CertificateClient {
    id: String,
    own: CertificateFiles,
    others: Vec<CertificateFiles>,
}

/// The endpoints at which clients present certificates.
struct MutualTlsSite {
    /// The authority of the certificates of the endpoints.
    authority: PathBuf,
    token_endpoint: String,
    users: String,
}

impl MutualTlsSite {
    /// A token request of a client, on a connection with this certificate.
    fn token(
        &self,
        client: &CertificateClient,
        certificate: Option<&CertificateFiles>,
        spoofed: &[String],
    ) -> CurlAnswer {
        token_request(&self.token_endpoint, client, |arguments| {
            curl(Some(&self.authority), certificate, spoofed, arguments)
        })
    }

    /// A list of users, on a connection with this certificate.
    fn list_users(
        &self,
        token: &str,
        certificate: Option<&CertificateFiles>,
        spoofed: &[String],
    ) -> CurlAnswer {
        users_request(&self.users, token, |arguments| {
            curl(Some(&self.authority), certificate, spoofed, arguments)
        })
    }

    /// A client gets a token with its own certificate alone, and the token works on connections with that certificate alone.
    /// What a client writes into the headers of a certificate counts for nothing. Returns the token.
    fn gets_a_bound_token(&self, client: &CertificateClient) -> String {
        let issued = self.token(client, Some(&client.own), &[]);
        assert_eq!(issued.status, 200, "{}", issued.body);
        assert_eq!(issued.body["token_type"], "Bearer");
        let token = issued.body["access_token"].as_str().unwrap().to_owned();
        let confirmation = json!({ "x5t#S256": client.own.thumbprint() });
        assert_eq!(payload(&token)["cnf"], confirmation);

        let read = self.list_users(&token, Some(&client.own), &[]);
        assert_eq!(read.status, 200, "{}", read.body);
        let spoofed = spoofed_headers(&client.own);
        for certificate in client.others.iter().map(Some).chain([None]) {
            for spoofed in [&[][..], spoofed.as_slice()] {
                assert_refused(&self.token(client, certificate, spoofed), "invalid_client");
                let stolen = self.list_users(&token, certificate, spoofed);
                assert_eq!(stolen.status, 401, "{certificate:?}: {}", stolen.body);
            }
        }
        // Nor does it hide the certificate of the connection.
        let hidden = spoofed_headers(&client.others[0]);
        assert_eq!(self.list_users(&token, Some(&client.own), &hidden).status, 200);
        token
    }
}

fn token_request(
    endpoint: &str,
    client: &CertificateClient,
    send: impl FnOnce(&[&str]) -> CurlAnswer,
) -> CurlAnswer {
    let client_id = format!("client_id={}", client.id);
    let form = [
        "-d",
        "grant_type=client_credentials",
        "-d",
        "scope=users:read",
        "-d",
    ];
    send(&[&form[..], &[client_id.as_str(), endpoint]].concat())
}

fn users_request(users: &str, token: &str, send: impl FnOnce(&[&str]) -> CurlAnswer) -> CurlAnswer {
    let (bearer, url) = (
        format!("Authorization: Bearer {token}"),
        format!("{users}/scim/v2/Users"),
    );
    send(&["-H", &bearer, &url])
}

fn assert_refused(answer: &CurlAnswer, error: &str) {
    let found = (answer.status, answer.body["error"].as_str());
    assert_eq!(found, (401, Some(error)), "{}", answer.body);
}

/// The headers of a certificate (RFC 9440), in the spellings that a proxy or a service could take for them.
fn spoofed_headers(certificate: &CertificateFiles) -> Vec<String> {
    let value = format!(":{}:", certificate.base64());
    ["Client-Cert", "client-cert-chain", "Client_Cert"]
        .map(|name| format!("{name}: {value}"))
        .to_vec()
}

/// The claims of an access token.
fn payload(token: &str) -> Value {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

/// Registers a client for `tls_client_auth`, whose certificate has a key of this kind.
async fn issued_client(stack: &Stack, authority: &TestAuthority, key: CertificateKey) -> CertificateClient {
    let metadata = json!({
        "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_subject_dn": "CN=robot,O=Example",
    });
    CertificateClient {
        id: register(stack, metadata).await,
        own: authority.issue_client("robot", key),
        others: vec![
            authority.issue_client("mallory", CertificateKey::P256),
            // The right subject, by nobody.
            authority.self_signed_client("robot"),
        ],
    }
}

/// Registers a client for `self_signed_tls_client_auth`.
async fn self_signed_client(stack: &Stack, authority: &TestAuthority) -> CertificateClient {
    // The same subject, by the authority.
    let others = vec![authority.issue_client("badge", CertificateKey::P256)];
    self_signed_client_with(stack, authority.self_signed_client("badge"), others).await
}

async fn self_signed_client_with(
    stack: &Stack,
    own: CertificateFiles,
    others: Vec<CertificateFiles>,
) -> CertificateClient {
    let metadata = json!({
        "token_endpoint_auth_method": "self_signed_tls_client_auth",
        "jwks": { "keys": [own.jwk()] },
    });
    CertificateClient {
        id: register(stack, metadata).await,
        own,
        others,
    }
}

async fn register(stack: &Stack, metadata: Value) -> String {
    let mut all = json!({
        "client_name": "A client with a certificate",
        "redirect_uris": [],
        "grant_types": ["client_credentials"],
        "scope": "users:read",
        "tls_client_certificate_bound_access_tokens": true,
    });
    for (name, value) in metadata.as_object().unwrap() {
        all[name] = value.clone();
    }
    let client = stack.create_client(&all).await;
    client["client_id"].as_str().unwrap().to_owned()
}
