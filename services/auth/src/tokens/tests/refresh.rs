//! Tests of refresh tokens: rotation, concurrency, reuse and scope.

use contract::SessionEnd;
use oidc::dpop::Confirmation;

use super::*;
use crate::clients::AuthMethod;

/// A refresh token of a grant that is bound to no key.
async fn unbound_token(world: &World, db: &Db, client: &Client) -> String {
    let mut tx = db.begin("test").await.unwrap();
    let grant = world.grant("openid offline_access");
    let pending = world.app.tokens.issue(&mut tx, client, grant).await.unwrap();
    tx.commit().await.unwrap();
    let tokens = world
        .app
        .tokens
        .sign(pending, client, world.app.issuer.audiences());
    tokens.unwrap().refresh_token.unwrap()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

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
        let tries = (0..50).map(|_| {
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

    async fn of_many_proofs_for_one_unbound_token_the_first_binds_it(db: TestDb) {
        // SB-24, RFC 9449 §5
        let world = world(&db).await;
        let phone = client(&world.app, "phone", |wish| wish.token_endpoint_auth_method = AuthMethod::None).await;
        for round in 0..10 {
            let token = unbound_token(&world, &db, &phone).await;
            let keys: Vec<Confirmation> = (0..6)
                .map(|key| Confirmation { jkt: (key > 1).then(|| format!("key {key}")), x5t: None })
                .collect();
            let tries = keys.iter().map(|confirmation| {
                let request = RefreshRequest { confirmation, ..testing::whole_grant() };
                let (world, phone, token) = (&world, &phone, &token);
                async move { world.app.tokens.refresh(phone, token, &request).await }
            });
            let outcomes = futures_util::future::join_all(tries).await;
            let bound = outcomes.iter().skip(2).filter(|outcome| outcome.is_ok()).count();
            assert_eq!(bound, 1, "round {round}: one key");
            for refused in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
                let GrantError::OAuth(error) = refused else { panic!("round {round}: {refused:?}") };
                assert_eq!(error.error, ErrorCode::InvalidGrant, "round {round}");
            }
            let with = outcomes.iter().position(|outcome| matches!(outcome, Ok(tokens) if tokens.token_type == "DPoP")).unwrap();
            let next = outcomes[with].as_ref().unwrap().refresh_token.clone().unwrap();
            for (key, confirmation) in keys.iter().enumerate() {
                let request = RefreshRequest { confirmation, ..testing::whole_grant() };
                let expected = (key != with).then_some(ErrorCode::InvalidGrant);
                assert_eq!(kind(world.app.tokens.refresh(&phone, &next, &request).await), expected, "round {round}: {key}");
            }
        }
    }

    async fn requests_with_one_proof_key_for_one_unbound_token_get_one_successor(db: TestDb) {
        // SB-24: a request without it would go on with a token that was rotated, which is a reuse.
        let world = world(&db).await;
        let phone = client(&world.app, "phone", |wish| wish.token_endpoint_auth_method = AuthMethod::None).await;
        let confirmation = Confirmation { jkt: Some("key".to_owned()), x5t: None };
        let request = RefreshRequest { confirmation: &confirmation, ..testing::whole_grant() };
        for round in 0..10 {
            let token = unbound_token(&world, &db, &phone).await;
            let tries = (0..6).map(|_| world.app.tokens.refresh(&phone, &token, &request));
            let outcomes = futures_util::future::join_all(tries).await;
            let next: Vec<_> = outcomes.into_iter().map(|outcome| outcome.unwrap().refresh_token).collect();
            assert!(next[0].is_some() && next.iter().all(|token| *token == next[0]), "round {round}: {next:?}");
        }
    }

    async fn a_bound_token_is_used_without_a_lock(db: TestDb) {
        // RFC 9449 §5
        let world = world(&db).await;
        let phone = client(&world.app, "phone", |wish| wish.token_endpoint_auth_method = AuthMethod::None).await;
        let confirmation = Confirmation { jkt: Some("key".to_owned()), x5t: None };
        let request = RefreshRequest { confirmation: &confirmation, ..testing::whole_grant() };
        let token = unbound_token(&world, &db, &phone).await;
        let bound = world.app.tokens.refresh(&phone, &token, &request).await.unwrap().refresh_token.unwrap();
        let mut writer = db.begin("test").await.unwrap();
        let lock = "UPDATE grants SET revoked_at = NULL";
        chassis::on_engine!(&mut writer, c => sqlx::query(lock).execute(c).await.map(drop).unwrap());
        let refresh = world.app.tokens.refresh(&phone, &bound, &request);
        let refreshed = tokio::time::timeout(Duration::from_secs(2), refresh).await.expect("it does not wait for the writer");
        assert_eq!(refreshed.unwrap().refresh_token, None);
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
        let ask = async |scope: &str| world.app.tokens.refresh(&world.web, &token, &RefreshRequest { scope: Some(&scope.parse().unwrap()), ..testing::whole_grant() }).await;
        assert_eq!(kind(ask("openid profile").await), Some(ErrorCode::InvalidScope));
        let elsewhere = [Resource::parse("https://other.example").unwrap()];
        let refused = world.app.tokens.refresh(&world.web, &token, &RefreshRequest { resources: &elsewhere, ..testing::whole_grant() }).await;
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
        for scope in ["", "openid profile"] {
            let settings = serde_json::json!({"grant_types": ["refresh_token"], "scope": scope});
            let settings = [("phone".to_owned(), serde_json::from_value(settings).unwrap())].into();
            world.app.bootstrap(&settings).await.unwrap();
            world.app.wait(Duration::from_secs(5));
            let phone = world.app.clients.find("phone").await.unwrap().unwrap();
            let tokens: TokenResponse = match answer.take() {
                None => {
                    let mut tx = db.begin("test").await.unwrap();
                    let pending = world.app.tokens.issue(&mut tx, &phone, world.grant("")).await.unwrap();
                    tx.commit().await.unwrap();
                    world.app.tokens.sign(pending, &phone, world.app.issuer.audiences()).unwrap()
                }
                Some(token) => world.app.tokens.refresh(&phone, &token, &testing::whole_grant()).await.unwrap(),
            };
            assert!(tokens.scope.is_empty(), "{}", tokens.scope);
            answer = tokens.refresh_token;
        }
    }

    async fn a_refresh_token_is_of_no_use_to_another_client(db: TestDb) {
        let world = world(&db).await;
        let other = client(&world.app, "other", |_| {}).await;
        let token = world.redeem(&world.code().await).await.unwrap().refresh_token.unwrap();
        assert_eq!(kind(world.app.tokens.refresh(&other, &token, &testing::whole_grant()).await), Some(ErrorCode::InvalidGrant));
        assert!(!world.app.grants.revoke_refresh_token("other", &token).await.unwrap());
        assert!(world.app.grants.revoke_refresh_token("web", &token).await.unwrap());
        assert_eq!(kind(world.refresh(&token).await), Some(ErrorCode::InvalidGrant));
    }

    // SB-24, SB-50
    async fn a_token_that_comes_back_is_good_for_no_longer_because_the_clock_went_back(db: TestDb) {
        let world = world(&db).await;
        let first = world.redeem(&world.code().await).await.unwrap().refresh_token.unwrap();
        let second = world.refresh(&first).await.unwrap().refresh_token.unwrap();
        world.app.clock.set(world.app.clock.now() - Duration::from_secs(20));
        assert_eq!(world.refresh(&first).await.unwrap().refresh_token.unwrap(), second);
        world.app.clock.set(world.app.clock.now() - Duration::from_secs(2 * 86_400));
        assert_eq!(kind(world.refresh(&first).await), Some(ErrorCode::InvalidGrant));
    }

    async fn a_token_that_comes_again_and_the_end_of_all_sessions_never_wait_for_each_other(db: TestDb) {
        // SB-24
        let world = world(&db).await;
        for round in 0..20 {
            let first = world.redeem(&world.code().await).await.unwrap().refresh_token.unwrap();
            let second = world.refresh(&first).await.unwrap().refresh_token.unwrap();
            world.refresh(&second).await.unwrap();
            let ending = async {
                let mut tx = world.app.db.begin("test").await.unwrap();
                world.app.sessions.end_all(&mut tx, world.ann, SessionEnd::Revoked).await.unwrap();
                tx.commit().await.unwrap();
            };
            let (again, ()) = tokio::join!(world.refresh(&first), ending);
            assert_eq!(kind(again), Some(ErrorCode::InvalidGrant), "round {round}");
        }
    }
}
