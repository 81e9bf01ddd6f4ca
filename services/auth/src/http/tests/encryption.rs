//! Tests of encrypted ID tokens and responses of userinfo (RFC 7516), decrypted as a client would.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{
    KeyPair, KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use oidc::jose::{Algorithm, ContentEncryption, JwkSet, KeyManagement};
use serde_json::{Value, json};

use super::world::{World, basic, exchange, stories};
use crate::testing::claim;

/// The key of a client that others encrypt to.
struct Decrypter(PrivateDecryptingKey);

impl Decrypter {
    fn new() -> Self {
        Self(PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap())
    }

    fn jwks(&self) -> JwkSet {
        let pkcs8: Pkcs8V1Der<'_> = self.0.as_der().unwrap();
        let pair = KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let public = pair.public_key();
        serde_json::from_value(json!({"keys": [{
            "kty": "RSA", "use": "enc", "kid": "mine",
            "n": text(public.modulus().big_endian_without_leading_zero()),
            "e": text(public.exponent().big_endian_without_leading_zero())
        }]}))
        .unwrap()
    }

    /// The header and the content.
    fn open(&self, jwe: &str) -> (Value, String) {
        let parts: Vec<&str> = jwe.split('.').collect();
        assert_eq!(parts.len(), 5, "{jwe}");
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let key = OaepPrivateDecryptingKey::new(self.0.clone()).unwrap();
        let mut opened = vec![0; key.min_output_size()];
        let content_key = key
            .decrypt(&OAEP_SHA256_MGF1SHA256, &decode(parts[1]), &mut opened, None)
            .unwrap();
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, content_key).unwrap());
        let nonce = Nonce::try_assume_unique_for_key(&decode(parts[2])).unwrap();
        let mut text = [decode(parts[3]), decode(parts[4])].concat();
        let text = key
            .open_in_place(nonce, Aad::from(parts[0].as_bytes()), &mut text)
            .unwrap();
        let header = serde_json::from_slice(&decode(parts[0])).unwrap();
        (header, String::from_utf8(text.to_vec()).unwrap())
    }
}

/// The tokens of Ann for a client.
async fn tokens(world: &World, id: &str, secret: &str) -> Value {
    let cookie = world.cookie().await;
    let claims = r#"{"id_token":{"preferred_username":null}}"#;
    let code = world
        .code(&cookie, &[("client_id", id), ("claims", claims)])
        .await;
    let header = basic(id, secret);
    let answer = world
        .post(
            "/oauth2/token",
            &[(AUTHORIZATION.as_str(), &header)],
            &exchange(&code),
        )
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()
}

stories! {
    async fn an_id_token_is_signed_and_then_encrypted(world) {
        // OpenID Connect Core §2, §10.2, Discovery §3
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        for of in ["id_token", "userinfo"] {
            let names = |list: &str| metadata[format!("{of}_encryption_{list}_values_supported")].clone();
            assert_eq!(names("alg"), json!(KeyManagement::ALL.map(KeyManagement::name)));
            assert_eq!(names("enc"), json!(ContentEncryption::ALL.map(ContentEncryption::name)));
        }
        let decrypter = Decrypter::new();
        let secret = world.client("secretive", |client| {
            client.jwks = Some(decrypter.jwks());
            client.id_token_encrypted_response_alg = Some(KeyManagement::RsaOaep256);
            client.id_token_encrypted_response_enc = Some(ContentEncryption::A256Gcm);
            client.userinfo_encrypted_response_alg = Some(KeyManagement::RsaOaep256);
            client.userinfo_encrypted_response_enc = Some(ContentEncryption::A256Gcm);
        }).await.unwrap();
        let tokens = tokens(&world, "secretive", &secret).await;
        let (header, jwt) = decrypter.open(tokens["id_token"].as_str().unwrap());
        assert_eq!(header, json!({"alg": "RSA-OAEP-256", "enc": "A256GCM", "cty": "JWT", "kid": "mine"}));
        assert_eq!((claim(&jwt, "sub"), claim(&jwt, "aud")), (json!(world.ann), json!("secretive")));
        assert_eq!(claim(&jwt, "preferred_username"), "ann", "§5.5");
        let access = tokens["access_token"].as_str().unwrap();
        assert_eq!(claim(&jwt, "at_hash"), Algorithm::Rs256.at_hash(access));
        // The decrypted ID token is a hint.
        let hint = world.get(&format!("/oauth2/logout?id_token_hint={jwt}"), &[]).await;
        assert_ne!(hint.status, StatusCode::BAD_REQUEST, "{}", hint.body);

        // A refreshed one too.
        let basic = basic("secretive", &secret);
        let form = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
        let refreshed = world.post("/oauth2/token", &[(AUTHORIZATION.as_str(), &basic)], &form).await.json();
        assert_eq!(claim(&decrypter.open(refreshed["id_token"].as_str().unwrap()).1, "sub"), json!(world.ann));

        let bearer = format!("Bearer {access}");
        let info = world.get("/oauth2/userinfo", &[(AUTHORIZATION.as_str(), &bearer)]).await;
        assert_eq!(info.header(CONTENT_TYPE), "application/jwt");
        let (header, claims) = decrypter.open(&info.body);
        assert!(header["cty"].is_null(), "not signed");
        assert_eq!(serde_json::from_str::<Value>(&claims).unwrap()["sub"], json!(world.ann));
    }

    async fn userinfo_is_signed_and_then_encrypted(world) {
        // OpenID Connect Core §5.3.2
        let decrypter = Decrypter::new();
        let secret = world.client("secretive", |client| {
            client.jwks = Some(decrypter.jwks());
            client.userinfo_signed_response_alg = Some(Algorithm::Es256);
            client.userinfo_encrypted_response_alg = Some(KeyManagement::RsaOaep256);
            client.userinfo_encrypted_response_enc = Some(ContentEncryption::A256Gcm);
        }).await.unwrap();
        let tokens = tokens(&world, "secretive", &secret).await;
        assert_eq!(tokens["id_token"].as_str().unwrap().split('.').count(), 3, "only userinfo is encrypted");
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let info = world.get("/oauth2/userinfo", &[(AUTHORIZATION.as_str(), &bearer)]).await;
        let (header, jwt) = decrypter.open(&info.body);
        assert_eq!(header["cty"], "JWT");
        assert_eq!((claim(&jwt, "sub"), claim(&jwt, "aud")), (json!(world.ann), json!("secretive")));
    }

    async fn without_a_key_no_code_is_used(world) {
        let secret = world.client("secretive", |client| {
            client.jwks_uri = Some("https://127.0.0.1:1/jwks".parse().unwrap());
            client.id_token_encrypted_response_alg = Some(KeyManagement::RsaOaep256);
            client.id_token_encrypted_response_enc = Some(ContentEncryption::A256Gcm);
        }).await.unwrap();
        let cookie = world.cookie().await;
        let code = world.code(&cookie, &[("client_id", "secretive")]).await;
        let header = basic("secretive", &secret);
        let answer = world.post("/oauth2/token", &[(AUTHORIZATION.as_str(), &header)], &exchange(&code)).await;
        assert_eq!((answer.status, answer.error().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"));
        assert_eq!(world.app.count("SELECT COUNT(*) FROM authorization_codes WHERE used_at IS NULL").await, 1);
    }
}
