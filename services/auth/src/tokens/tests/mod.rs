//! Tests of tokens: codes, refresh tokens and revocation.

mod codes;
mod refresh;
mod revocation;

use std::sync::Arc;
use std::time::Duration;

use chassis::clock::Clock;
use chassis::db::Db;
use oidc::claims::{AccessTokenClaims, IdTokenClaims};
use oidc::error::ErrorCode;
use oidc::jose::{Algorithm, TYP_ACCESS_TOKEN, TYP_ID_TOKEN, Validation, peek_header, verify};
use oidc::pkce::{CodeChallenge, CodeVerifier};
use oidc::token::TokenResponse;
use uuid::Uuid;

use super::*;
use crate::clients::{ClientId, ClientMetadata};
use crate::grants::{ClientToken, MAX_REVOKED_TOKENS, RevokeError, is_live, revoke_for_session};
use crate::testing::{self, TestApp};

/// RFC 7636, Appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CALLBACK: &str = "https://app.example.org/callback";

/// A service with a person, Ann, and a client, `web`.
struct World {
    app: TestApp,
    ann: Uuid,
    web: Arc<Client>,
}

async fn world(db: &Db) -> World {
    let app = testing::app(db).await;
    let ann = app.person("ann").await;
    let web = client(&app, "web", |_| {}).await;
    World { app, ann, web }
}

async fn client(app: &TestApp, id: &str, change: impl FnOnce(&mut ClientMetadata)) -> Arc<Client> {
    let mut registration = ClientMetadata {
        redirect_uris: vec![CALLBACK.parse().unwrap()],
        ..ClientMetadata::default()
    };
    change(&mut registration);
    let id: ClientId = id.parse().unwrap();
    app.clients.create(Some(id.clone()), registration).await.unwrap();
    app.clients.find(id.as_str()).await.unwrap().unwrap()
}

impl World {
    fn grant(&self, scope: &str) -> Grant {
        Grant {
            subject: self.ann,
            scope: scope.parse().unwrap(),
            audiences: self.app.issuer.audiences().to_vec(),
            session_id: None,
            auth_time: self.app.clock.now(),
            amr: vec!["pwd".to_owned()],
            nonce: Some("n-0S6_WzA2Mj".to_owned()),
            details: Default::default(),
            confirmation: testing::NOTHING.clone(),
        }
    }

    async fn code_for(&self, grant: Grant) -> String {
        self.try_code(grant).await.unwrap()
    }

    async fn try_code(&self, grant: Grant) -> Result<String, GrantError> {
        let new = NewCode {
            client: &self.web,
            grant,
            redirect_uri: CALLBACK.to_owned(),
            redirect_uri_sent: true,
            challenge: CodeChallenge::parse(CHALLENGE),
            dpop_jkt: None,
            consent: None,
            code: None,
        };
        let mut tx = self.app.db.begin("test").await?;
        let code = self.app.tokens.issue_code(&mut tx, new).await?;
        tx.commit().await?;
        Ok(code.expose().to_owned())
    }

    async fn code(&self) -> String {
        self.code_for(self.grant("openid offline_access")).await
    }

    async fn redeem(&self, code: &str) -> Result<TokenResponse, GrantError> {
        self.app
            .tokens
            .redeem_code(&self.web, &right(code, &verifier()))
            .await
    }

    async fn refresh(&self, token: &str) -> Result<TokenResponse, GrantError> {
        self.app
            .tokens
            .refresh(&self.web, token, &testing::whole_grant())
            .await
    }

    fn claims(&self, token: &str) -> AccessTokenClaims {
        self.verify(token, TYP_ACCESS_TOKEN, "https://users.example.org")
    }

    fn verify<C: serde::de::DeserializeOwned>(&self, token: &str, typ: &str, audience: &str) -> C {
        let expect = Validation {
            typ,
            algorithms: &[Algorithm::Es256, Algorithm::Rs256],
            issuer: "https://id.example.org",
            audience: Some(audience),
            now: self.app.clock.now().as_secs(),
            leeway: 0,
            accept_expired: false,
        };
        verify(token, &self.app.keys.current().verification_keys(), &expect)
            .unwrap()
            .claims
    }
}

fn verifier() -> CodeVerifier {
    CodeVerifier::parse(VERIFIER).unwrap()
}

fn right<'a>(code: &'a str, verifier: &'a CodeVerifier) -> CodeRedemption<'a> {
    CodeRedemption {
        details: None,
        code,
        redirect_uri: Some(CALLBACK),
        verifier: Some(verifier),
        confirmation: &testing::NOTHING,
        resources: &[],
    }
}

fn kind(outcome: Result<TokenResponse, GrantError>) -> Option<ErrorCode> {
    match outcome {
        Ok(_) => None,
        Err(GrantError::OAuth(error)) => Some(error.error),
        Err(other) => panic!("{other:?}"),
    }
}
