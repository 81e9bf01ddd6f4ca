//! Tests of access tokens that are bound to a key (RFC 9449 §7), or to what is not known here.

use axum::middleware::from_fn_with_state;
use axum::routing::any;
use oidc::dpop::access_token_hash;
use oidc::jose::certificate_thumbprint;

use super::*;
use crate::client_certificate::CLIENT_CERT;

/// The parts of a request with a bound token.
struct Call<'a> {
    authorization: &'a str,
    proofs: &'a [&'a str],
}

impl Setup {
    /// The status, `WWW-Authenticate` and `DPoP-Nonce` of `POST /deep/thing?x=1`. The token is extracted twice.
    async fn call(&self, call: Call<'_>) -> (StatusCode, String, String) {
        let inner = Router::new().route(
            "/thing",
            any(async |_: Bearer, token: Scoped<UsersRead>| token.subject.clone()),
        );
        let app = Router::new()
            .nest("/deep", inner)
            .layer(from_fn_with_state(self.verifier.dpop().clone(), add_dpop_nonce))
            .with_state(self.verifier.clone());
        let mut request = Request::post("/deep/thing?x=1").header("authorization", call.authorization);
        for proof in call.proofs {
            request = request.header("dpop", *proof);
        }
        let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let header = |name: &str| {
            let value = response.headers().get(name).map(|value| value.to_str().unwrap());
            value.unwrap_or_default().to_owned()
        };
        (
            response.status(),
            header("www-authenticate"),
            header("dpop-nonce"),
        )
    }

    async fn with_proof(&self, token: &str, proof: &str) -> (StatusCode, String, String) {
        self.call(Call {
            authorization: &format!("DPoP {token}"),
            proofs: &[proof],
        })
        .await
    }
}

fn proof(key: &SigningKey, token: &str, change: &[(&str, Value)]) -> String {
    let mut claims = json!({
        "jti": "1", "htm": "POST", "htu": "https://users.example/deep/thing", "iat": NOW,
        "ath": access_token_hash(token)
    });
    for (name, value) in change {
        claims[name] = value.clone();
    }
    let header = json!({"typ": "dpop+jwt", "alg": key.algorithm().name(), "jwk": key.public()});
    key.sign_with_header(&header, &claims).unwrap()
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_key_needs_a_proof_with_a_nonce_once() {
    let setup = setup();
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let jkt = key.public().thumbprint().unwrap();
    let bound = setup.token(&changed("cnf", json!({"jkt": jkt})));
    let nonce = setup.verifier.dpop().nonce();
    let good = |jti: &str| proof(&key, &bound, &[("nonce", json!(nonce)), ("jti", json!(jti))]);

    // RFC 9449 §9: without a nonce, and with one that is not the server's.
    for nonce in [Value::Null, json!("old")] {
        let (status, challenge, offered) = setup
            .with_proof(&bound, &proof(&key, &bound, &[("nonce", nonce)]))
            .await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert!(
            challenge.starts_with("DPoP error=\"use_dpop_nonce\", algs=\"RS256 PS256 ES256"),
            "{challenge}"
        );
        assert_eq!(offered, setup.verifier.dpop().nonce());
    }
    let (status, challenge, offered) = setup.with_proof(&bound, &good("a")).await;
    assert_eq!(
        (status, challenge.as_str(), offered.as_str()),
        (StatusCode::OK, "", nonce.as_str())
    );
    // §11.1: the second use.
    let (status, challenge, _) = setup.with_proof(&bound, &good("a")).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(challenge.contains("invalid_dpop_proof"), "{challenge}");
    assert_eq!(setup.with_proof(&bound, &good("b")).await.0, StatusCode::OK);

    let other = SigningKey::generate(Algorithm::Es256).unwrap();
    for (what, sent) in [
        (
            "another key",
            proof(&other, &bound, &[("nonce", json!(nonce)), ("jti", json!("c"))]),
        ),
        (
            "another token",
            proof(&key, "x", &[("nonce", json!(nonce)), ("jti", json!("c"))]),
        ),
        (
            "another path",
            proof(
                &key,
                &bound,
                &[
                    ("nonce", json!(nonce)),
                    ("htu", json!("https://users.example/thing")),
                ],
            ),
        ),
        (
            "another method",
            proof(&key, &bound, &[("nonce", json!(nonce)), ("htm", json!("GET"))]),
        ),
        ("no proof", "x".to_owned()),
    ] {
        let (status, challenge, _) = setup.with_proof(&bound, &sent).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{what}");
        assert!(challenge.contains("invalid_dpop_proof"), "{what}: {challenge}");
    }
}

#[tokio::test]
async fn a_bound_token_is_no_bearer_token_and_a_bearer_token_is_not_bound() {
    // RFC 9449 §7.1, §7.2
    let setup = setup();
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let jkt = key.public().thumbprint().unwrap();
    let (bound, free) = (
        setup.token(&changed("cnf", json!({"jkt": jkt}))),
        setup.token(&claims()),
    );
    let nonce = setup.verifier.dpop().nonce();
    for (scheme, token, proofs) in [
        ("Bearer", &bound, vec![]),
        (
            "Bearer",
            &bound,
            vec![proof(&key, &bound, &[("nonce", json!(nonce))])],
        ),
        ("DPoP", &bound, vec![]),
        (
            "DPoP",
            &bound,
            vec![proof(&key, &bound, &[("nonce", json!(nonce))]); 2],
        ),
        (
            "DPoP",
            &free,
            vec![proof(&key, &free, &[("nonce", json!(nonce))])],
        ),
    ] {
        let proofs: Vec<&str> = proofs.iter().map(String::as_str).collect();
        let authorization = format!("{scheme} {token}");
        let (status, challenge, _) = setup
            .call(Call {
                authorization: &authorization,
                proofs: &proofs,
            })
            .await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{scheme} {}", proofs.len());
        assert!(challenge.starts_with("DPoP error="), "{challenge}");
    }
}

#[tokio::test]
async fn a_token_whose_confirmation_is_unknown_is_refused() {
    // RFC 7800 §3.1, RFC 8705 §3.1
    let setup = setup();
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let jkt = key.public().thumbprint().unwrap();
    for confirmation in [
        json!({"x5t#S256": "thumbprint"}),
        json!({"jwk": key.public()}),
        json!({"jkt": jkt, "kid": "1"}),
        json!({}),
        json!("text"),
    ] {
        let bound = setup.token(&changed("cnf", confirmation.clone()));
        let sent = proof(&key, &bound, &[("nonce", json!(setup.verifier.dpop().nonce()))]);
        for (scheme, proofs) in [("Bearer", vec![]), ("DPoP", vec![sent.as_str()])] {
            let authorization = format!("{scheme} {bound}");
            let call = Call {
                authorization: &authorization,
                proofs: &proofs,
            };
            let (status, challenge, _) = setup.call(call).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{scheme} {confirmation}");
            assert!(challenge.contains("invalid_token"), "{challenge}");
        }
    }
}

#[tokio::test]
async fn a_bound_token_without_the_scope_is_told_so_by_the_scheme_dpop() {
    // RFC 9449 §7.1
    let setup = setup();
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let mut claims = changed("cnf", json!({"jkt": key.public().thumbprint().unwrap()}));
    claims["scope"] = json!("openid");
    let bound = setup.token(&claims);
    let sent = proof(&key, &bound, &[("nonce", json!(setup.verifier.dpop().nonce()))]);
    let (status, challenge, _) = setup.with_proof(&bound, &sent).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(
        challenge.starts_with(r#"DPoP error="insufficient_scope""#)
            && challenge.ends_with(r#"scope="users:read""#),
        "{challenge}"
    );
}

#[test]
fn a_request_has_its_public_url_whatever_a_proxy_strips() {
    for (base, path, url) in [
        ("https://id.example", "/userinfo", "https://id.example/userinfo"),
        (
            "https://id.example/idp",
            "/userinfo",
            "https://id.example/idp/userinfo",
        ),
        (
            "https://id.example/idp",
            "/idp/userinfo",
            "https://id.example/idp/userinfo",
        ),
        (
            "https://id.example/a/idp",
            "/a/idp/userinfo",
            "https://id.example/a/idp/userinfo",
        ),
        (
            "https://id.example/idp",
            "/idpx/userinfo",
            "https://id.example/idp/idpx/userinfo",
        ),
    ] {
        assert_eq!(super::super::possession::public_url(base, path), url);
    }
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_certificate_needs_it() {
    // RFC 8705 §3
    let setup = setup();
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let jkt = key.public().thumbprint().unwrap();
    let x5t = certificate_thumbprint(b"certificate");
    let (own, other) = (":Y2VydGlmaWNhdGU=:", ":b3RoZXI=:");
    let app = Router::new()
        .route("/read", get(async |_: Scoped<UsersRead>| "read"))
        .with_state(setup.verifier.clone());
    let to_both = json!({"x5t#S256": x5t, "jkt": jkt});
    for (confirmation, scheme, certificate, accepted) in [
        (json!({"x5t#S256": x5t}), "Bearer", Some(own), true),
        (json!({"x5t#S256": x5t}), "Bearer", Some(other), false),
        (json!({"x5t#S256": x5t}), "Bearer", Some("nonsense"), false),
        (json!({"x5t#S256": x5t}), "Bearer", None, false),
        (json!({"x5t#S256": x5t}), "DPoP", Some(own), false),
        (to_both.clone(), "Bearer", Some(own), false),
        (to_both, "DPoP", Some(own), false),
    ] {
        let token = setup.token(&changed("cnf", confirmation.clone()));
        let mut request = Request::get("/read").header("authorization", format!("{scheme} {token}"));
        if let Some(certificate) = certificate {
            request = request.header(CLIENT_CERT, certificate);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        let expected = if accepted {
            StatusCode::OK
        } else {
            StatusCode::UNAUTHORIZED
        };
        assert_eq!(
            response.status(),
            expected,
            "{confirmation} {scheme} {certificate:?}"
        );
    }
}
