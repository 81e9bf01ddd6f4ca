//! Tests of refresh tokens: rotation, concurrency, reuse and scope.

use contract::SessionEnd;

use super::*;

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
        let ask = async |scope: &str| world.app.tokens.refresh(&world.web, &token, Some(&scope.parse().unwrap()), &[]).await;
        assert_eq!(kind(ask("openid profile").await), Some(ErrorCode::InvalidScope));
        let elsewhere = [Resource::parse("https://other.example").unwrap()];
        let refused = world.app.tokens.refresh(&world.web, &token, None, &elsewhere).await;
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
                Some(token) => world.app.tokens.refresh(&phone, &token, None, &[]).await.unwrap(),
            };
            assert!(tokens.scope.is_empty(), "{}", tokens.scope);
            answer = tokens.refresh_token;
        }
    }

    async fn a_refresh_token_is_of_no_use_to_another_client(db: TestDb) {
        let world = world(&db).await;
        let other = client(&world.app, "other", |_| {}).await;
        let token = world.redeem(&world.code().await).await.unwrap().refresh_token.unwrap();
        assert_eq!(kind(world.app.tokens.refresh(&other, &token, None, &[]).await), Some(ErrorCode::InvalidGrant));
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
