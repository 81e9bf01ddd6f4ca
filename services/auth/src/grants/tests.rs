//! Codes and refresh tokens: used once, raced, revoked.

use std::sync::Arc;
use std::time::Duration;

use chassis::clock::Clock;
use chassis::db::Db;
use oidc::claims::{AccessTokenClaims, IdTokenClaims};
use oidc::error::ErrorCode;
use oidc::jose::{Algorithm, Expect, TYP_ACCESS_TOKEN, TYP_ID_TOKEN, at_hash, peek_header, verify};
use oidc::pkce::{CodeChallenge, CodeVerifier};
use oidc::token::TokenResponse;
use uuid::Uuid;

use super::*;
use crate::clients::{self, ClientId, Registration};
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

async fn client(app: &TestApp, id: &str, change: impl FnOnce(&mut Registration)) -> Arc<Client> {
    let mut registration = Registration {
        redirect_uris: vec![CALLBACK.parse().unwrap()],
        ..Registration::default()
    };
    change(&mut registration);
    let id: ClientId = id.parse().unwrap();
    clients::create(app, Some(id.clone()), registration)
        .await
        .unwrap();
    clients::find(app, id.as_str()).await.unwrap().unwrap()
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
        };
        Ok(issue_code(&self.app, new).await?.expose().to_owned())
    }

    async fn code(&self) -> String {
        self.code_for(self.grant("openid offline_access")).await
    }

    async fn redeem(&self, code: &str) -> Result<TokenResponse, GrantError> {
        redeem_code(&self.app, &self.web, &right(code, &verifier())).await
    }

    async fn refresh(&self, token: &str) -> Result<TokenResponse, GrantError> {
        refresh(&self.app, &self.web, token, None, &[]).await
    }

    fn claims(&self, token: &str) -> AccessTokenClaims {
        self.verify(token, TYP_ACCESS_TOKEN, "https://users.example.org")
    }

    fn verify<C: serde::de::DeserializeOwned>(&self, token: &str, typ: &str, audience: &str) -> C {
        let expect = Expect {
            typ,
            algorithms: &[Algorithm::Es256, Algorithm::Rs256],
            issuer: "https://id.example.org",
            audience: Some(audience),
            now: self.app.clock.now().as_secs(),
            leeway: 0,
            accept_expired: false,
        };
        verify(token, &self.app.keys.current().verifying(), &expect)
            .unwrap()
            .claims
    }
}

fn verifier() -> CodeVerifier {
    CodeVerifier::parse(VERIFIER).unwrap()
}

fn right<'a>(code: &'a str, verifier: &'a CodeVerifier) -> Redeem<'a> {
    Redeem {
        code,
        redirect_uri: Some(CALLBACK),
        verifier: Some(verifier),
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

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_code_gives_tokens_that_say_who_for_whom_and_how(db: TestDb) {
        let world = world(&db).await;
        let tokens = world.redeem(&world.code().await).await.unwrap();
        let access = world.claims(&tokens.access_token);
        assert_eq!(access.sub, world.ann.to_string());
        assert_eq!(access.client_id, "web");
        assert_eq!(access.exp - access.iat, 300);
        assert!(access.aud.contains("https://id.example.org") && access.aud.contains("https://users.example.org"));
        let header = peek_header(&tokens.access_token).unwrap();
        assert_eq!((header.alg.as_str(), header.typ.as_deref()), ("ES256", Some("at+jwt")));
        let id_token = tokens.id_token.unwrap();
        let id: IdTokenClaims = world.verify(&id_token, TYP_ID_TOKEN, "web");
        assert_eq!(peek_header(&id_token).unwrap().alg, "RS256");
        assert_eq!(id.nonce.as_deref(), Some("n-0S6_WzA2Mj"));
        assert_eq!(id.at_hash, Some(at_hash(&tokens.access_token)));
        assert_eq!(id.amr, ["pwd"]);
    }

    async fn a_code_is_good_for_a_minute_and_for_who_asked(db: TestDb) {
        // SB-21, SB-22
        let world = world(&db).await;
        let other = client(&world.app, "other", |_| {}).await;
        let code = world.code().await;
        let good = verifier();
        let wrong = CodeVerifier::parse(&"a".repeat(43)).unwrap();
        let tries = [
            Redeem { verifier: Some(&wrong), ..right(&code, &good) },
            Redeem { verifier: None, ..right(&code, &good) },
            Redeem { redirect_uri: Some("https://app.example.org/callback/"), ..right(&code, &good) },
            Redeem { redirect_uri: None, ..right(&code, &good) },
            right("unknown", &good),
        ];
        for wrong in &tries {
            assert_eq!(kind(redeem_code(&world.app, &world.web, wrong).await), Some(ErrorCode::InvalidGrant));
        }
        let theirs = redeem_code(&world.app, &other, &right(&code, &good)).await;
        assert_eq!(kind(theirs), Some(ErrorCode::InvalidGrant));
        world.app.wait(Duration::from_secs(59));
        assert_eq!(kind(world.redeem(&code).await), None);
        let late = world.code().await;
        world.app.wait(Duration::from_secs(60));
        assert_eq!(kind(world.redeem(&late).await), Some(ErrorCode::InvalidGrant));
    }

    async fn a_verifier_for_a_code_without_a_challenge_is_a_downgrade(db: TestDb) {
        // SB-22
        let world = world(&db).await;
        let new = NewCode {
            client: &world.web,
            grant: world.grant("openid"),
            redirect_uri: CALLBACK.to_owned(),
            redirect_uri_sent: true,
            challenge: None,
        };
        let code = issue_code(&world.app, new).await.unwrap();
        assert_eq!(kind(world.redeem(code.expose()).await), Some(ErrorCode::InvalidGrant));
    }

    async fn of_many_who_bring_a_code_at_once_exactly_one_gets_tokens(db: TestDb) {
        // SB-21
        let world = Arc::new(world(&db).await);
        let code = world.code().await;
        let tries = (0..16).map(|_| {
            let (world, code) = (Arc::clone(&world), code.clone());
            async move { world.redeem(&code).await }
        });
        let outcomes = futures_util::future::join_all(tries).await;
        let won: Vec<_> = outcomes.into_iter().filter_map(Result::ok).collect();
        assert_eq!(won.len(), 1);
        // The others were a reuse: what the winner got is revoked.
        let refresh_token = won[0].refresh_token.clone().unwrap();
        assert_eq!(kind(world.refresh(&refresh_token).await), Some(ErrorCode::InvalidGrant));
        let detected = world.app.events().await;
        assert_eq!(detected.iter().filter(|kind| *kind == "vestibule.token.reuse_detected.v1").count(), 1);
    }

    async fn a_code_that_comes_again_revokes_what_it_gave(db: TestDb) {
        // SB-21
        let world = world(&db).await;
        let code = world.code().await;
        let tokens = world.redeem(&code).await.unwrap();
        let grant: Uuid = world.claims(&tokens.access_token).gid.unwrap().parse().unwrap();
        let mut reader = db.reader().await.unwrap();
        assert!(is_live(&mut reader, grant).await.unwrap());
        world.app.wait(Duration::from_secs(600));
        assert_eq!(kind(world.redeem(&code).await), Some(ErrorCode::InvalidGrant));
        assert!(!is_live(&mut reader, grant).await.unwrap());
        drop(reader);
        assert_eq!(kind(world.refresh(&tokens.refresh_token.unwrap()).await), Some(ErrorCode::InvalidGrant));
    }

    async fn refresh_tokens_rotate_and_one_that_comes_back_revokes_the_family(db: TestDb) {
        // SB-24
        let world = world(&db).await;
        let first = world.redeem(&world.code().await).await.unwrap().refresh_token.unwrap();
        world.app.wait(Duration::from_secs(300));
        let second = world.refresh(&first).await.unwrap().refresh_token.unwrap();
        assert_ne!(first, second);
        world.app.wait(Duration::from_secs(300));
        let third = world.refresh(&second).await.unwrap().refresh_token.unwrap();
        assert_eq!(kind(world.refresh(&first).await), Some(ErrorCode::InvalidGrant));
        assert_eq!(kind(world.refresh(&third).await), Some(ErrorCode::InvalidGrant));
        assert!(world.app.events().await.contains(&"vestibule.token.reuse_detected.v1".to_owned()));
    }

    async fn of_many_who_refresh_at_once_one_rotates_and_nobody_is_signed_out(db: TestDb) {
        // SB-24
        let world = Arc::new(world(&db).await);
        let first = world.redeem(&world.code().await).await.unwrap().refresh_token.unwrap();
        let tries = (0..16).map(|_| {
            let (world, token) = (Arc::clone(&world), first.clone());
            async move { world.refresh(&token).await.unwrap().refresh_token.unwrap() }
        });
        let mut successors = futures_util::future::join_all(tries).await;
        successors.dedup();
        assert_eq!(successors.len(), 1, "all were given the one successor");
        let mut reader = db.reader().await.unwrap();
        let tokens: i64 = chassis::on_engine!(&mut reader, c =>
            sqlx::query_scalar("SELECT count(*) FROM refresh_tokens").fetch_one(c).await.unwrap());
        assert_eq!(tokens, 2, "the first and its successor");
        drop(reader);
        assert_eq!(kind(world.refresh(&successors[0]).await), None);
    }

    async fn a_token_that_comes_back_is_good_only_while_its_successor_is_unused_and_for_a_moment(db: TestDb) {
        // SB-24
        let world = world(&db).await;
        let first = world.redeem(&world.code().await).await.unwrap().refresh_token.unwrap();
        let second = world.refresh(&first).await.unwrap().refresh_token.unwrap();
        world.app.wait(Duration::from_secs(30));
        assert_eq!(world.refresh(&first).await.unwrap().refresh_token.unwrap(), second);
        world.refresh(&second).await.unwrap();
        assert_eq!(kind(world.refresh(&first).await), Some(ErrorCode::InvalidGrant), "the successor was used");

        let first = world.redeem(&world.code().await).await.unwrap().refresh_token.unwrap();
        world.refresh(&first).await.unwrap();
        world.app.wait(Duration::from_secs(31));
        assert_eq!(kind(world.refresh(&first).await), Some(ErrorCode::InvalidGrant), "too late");
    }

    async fn a_family_ends_however_often_it_was_used(db: TestDb) {
        // SB-24
        let world = world(&db).await;
        let mut token = world.redeem(&world.code().await).await.unwrap().refresh_token.unwrap();
        for _ in 0..29 {
            world.app.wait(Duration::from_secs(86_400));
            token = world.refresh(&token).await.unwrap().refresh_token.unwrap();
        }
        world.app.wait(Duration::from_secs(86_400));
        assert_eq!(kind(world.refresh(&token).await), Some(ErrorCode::InvalidGrant));
    }

    async fn a_refresh_never_gives_more_and_refused_wishes_use_nothing_up(db: TestDb) {
        let world = world(&db).await;
        let code = world.code_for(world.grant("openid email")).await;
        let token = world.redeem(&code).await.unwrap().refresh_token.unwrap();
        let ask = async |scope: &str| refresh(&world.app, &world.web, &token, Some(&scope.parse().unwrap()), &[]).await;
        assert_eq!(kind(ask("openid profile").await), Some(ErrorCode::InvalidScope));
        let elsewhere = [Resource::parse("https://other.example").unwrap()];
        let refused = refresh(&world.app, &world.web, &token, None, &elsewhere).await;
        assert_eq!(kind(refused), Some(ErrorCode::InvalidTarget));
        let less = ask("email").await.unwrap();
        assert_eq!(less.scope.to_string(), "email");
        assert!(less.id_token.is_none());
        let again = world.refresh(&less.refresh_token.unwrap()).await.unwrap();
        assert_eq!(again.scope.to_string(), "openid email", "the grant itself is as it was");
        let id: IdTokenClaims = world.verify(&again.id_token.unwrap(), TYP_ID_TOKEN, "web");
        assert_eq!(id.nonce, None);
    }

    async fn a_client_that_is_registered_for_more_later_has_no_more_of_old_grants(db: TestDb) {
        let world = world(&db).await;
        let mut answer: Option<String> = None;
        for scopes in [&[][..], &["openid", "profile"][..]] {
            let settings = serde_json::json!({"grant_types": ["refresh_token"], "scopes": scopes});
            let settings = [("phone".to_owned(), serde_json::from_value(settings).unwrap())].into();
            clients::bootstrap(&world.app, &settings).await.unwrap();
            world.app.wait(Duration::from_secs(5));
            let phone = clients::find(&world.app, "phone").await.unwrap().unwrap();
            let tokens: TokenResponse = match answer.take() {
                None => {
                    let mut tx = db.begin("test").await.unwrap();
                    let tokens = issue(&world.app, &mut tx, &phone, world.grant("")).await.unwrap();
                    tx.commit().await.unwrap();
                    tokens
                }
                Some(token) => refresh(&world.app, &phone, &token, None, &[]).await.unwrap(),
            };
            assert!(tokens.scope.is_empty(), "{}", tokens.scope);
            answer = tokens.refresh_token;
        }
    }

    async fn a_refresh_token_is_of_no_use_to_another_client(db: TestDb) {
        let world = world(&db).await;
        let other = client(&world.app, "other", |_| {}).await;
        let token = world.redeem(&world.code().await).await.unwrap().refresh_token.unwrap();
        assert_eq!(kind(refresh(&world.app, &other, &token, None, &[]).await), Some(ErrorCode::InvalidGrant));
        assert!(!revoke_refresh_token(&world.app, &other, &token).await.unwrap());
        assert!(revoke_refresh_token(&world.app, &world.web, &token).await.unwrap());
        assert_eq!(kind(world.refresh(&token).await), Some(ErrorCode::InvalidGrant));
    }

    async fn the_end_of_a_session_ends_its_grants_but_not_the_offline_ones(db: TestDb) {
        let world = world(&db).await;
        let session = world.app.start(&world.app.sign_in("ann", testing::PASSWORD).await.unwrap()).await.unwrap();
        let session = session.session.id;
        let in_session = |scope: &str| Grant { session_id: Some(session), ..world.grant(scope) };
        let online = world.redeem(&world.code_for(in_session("openid")).await).await.unwrap();
        let offline = world.redeem(&world.code_for(in_session("openid offline_access")).await).await.unwrap();
        let pending = world.code_for(in_session("openid")).await;
        let mut tx = db.begin("test").await.unwrap();
        assert_eq!(revoke_for_session(&mut tx, session, world.app.clock.now()).await.unwrap(), 1);
        tx.commit().await.unwrap();
        assert_eq!(kind(world.refresh(&online.refresh_token.unwrap()).await), Some(ErrorCode::InvalidGrant));
        assert_eq!(kind(world.redeem(&pending).await), Some(ErrorCode::InvalidGrant));
        assert_eq!(kind(world.refresh(&offline.refresh_token.unwrap()).await), None);
    }

    // SB-15
    async fn a_session_that_ends_while_a_code_is_made_gives_none(db: TestDb) {
        let world = world(&db).await;
        let session = world.app.start(&world.app.sign_in("ann", testing::PASSWORD).await.unwrap()).await.unwrap();
        let session = session.session.id;
        let mut tx = db.begin("test").await.unwrap();
        crate::sessions::end(&world.app, &mut tx, session, crate::sessions::SessionEnd::SignedOut).await.unwrap();
        tx.commit().await.unwrap();
        let refused = world.try_code(Grant { session_id: Some(session), ..world.grant("openid") }).await;
        assert!(matches!(refused, Err(GrantError::OAuth(error)) if error.error == ErrorCode::LoginRequired));
    }

    async fn a_client_stands_for_nobody_but_itself(db: TestDb) {
        let world = world(&db).await;
        let both = client(&world.app, "both", |wish| {
            wish.grant_types.insert(GrantType::ClientCredentials);
            wish.scope = "openid offline_access users:read".parse().unwrap();
        }).await;
        let asked = "openid users:read".parse().unwrap();
        for asked in [None, Some(&asked)] {
            let answer = issue_to_client(&world.app, &both, asked, &[]).unwrap();
            assert_eq!(answer.scope.to_string(), "users:read");
        }
        assert!(world.ann.to_string().parse::<ClientId>().is_err());
        assert!(world.ann.simple().to_string().parse::<ClientId>().is_err());
    }

    async fn a_disabled_person_gets_nothing_more(db: TestDb) {
        let world = world(&db).await;
        let code = world.code().await;
        let token = world.redeem(&world.code().await).await.unwrap().refresh_token.unwrap();
        let mut state = testing::person_state(world.ann, "ann");
        (state.active, state.version) = (false, 2);
        world.app.change(&state).await;
        assert_eq!(kind(world.redeem(&code).await), Some(ErrorCode::InvalidGrant));
        assert_eq!(kind(world.refresh(&token).await), Some(ErrorCode::InvalidGrant));
    }

    async fn only_administrators_pass_privileges_on(db: TestDb) {
        let world = world(&db).await;
        let tool = client(&world.app, "tool", |wish| wish.scope = "openid admin".parse().unwrap()).await;
        let mut state = testing::person_state(world.ann, "ann");
        let asked = "openid admin other".parse().unwrap();
        let granted = |state: events::contract::UserState| {
            person_scope(&tool, &state.into(), &asked).unwrap().to_string()
        };
        assert_eq!(granted(state.clone()), "openid");
        state.groups = vec!["vestibule-admins".to_owned()];
        assert_eq!(granted(state), "openid admin");
    }

    async fn what_ended_is_swept_and_what_lives_stays(db: TestDb) {
        let world = world(&db).await;
        let token = world.redeem(&world.code().await).await.unwrap().refresh_token.unwrap();
        let revoked = world.redeem(&world.code().await).await.unwrap().refresh_token.unwrap();
        revoke_refresh_token(&world.app, &world.web, &revoked).await.unwrap();
        world.app.wait(Duration::from_secs(2 * 86_400));
        assert_eq!(sweep(&world.app).await.unwrap(), 3, "two codes and one grant");
        assert_eq!(kind(world.refresh(&token).await), None);
    }
}
