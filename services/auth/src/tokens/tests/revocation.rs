//! Tests of the revocation of grants: by sessions, disabled users and time.

use super::*;

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

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
        world.app.sessions.end(&mut tx, session, crate::sessions::SessionEnd::SignedOut).await.unwrap();
        tx.commit().await.unwrap();
        let refused = world.try_code(Grant { session_id: Some(session), ..world.grant("openid") }).await;
        assert!(matches!(refused, Err(GrantError::OAuth(error)) if error.error == ErrorCode::LoginRequired));
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

    // SB-15
    async fn what_a_person_had_before_they_were_disabled_is_refused_when_they_are_enabled_again(db: TestDb) {
        let world = world(&db).await;
        let offline = world.redeem(&world.code().await).await.unwrap().refresh_token.unwrap();
        let code = world.code().await;
        let mut state = testing::person_state(world.ann, "ann");
        (state.active, state.version) = (false, 2);
        world.app.change(&state).await;
        (state.active, state.version) = (true, 3);
        world.app.change(&state).await;
        assert_eq!(kind(world.refresh(&offline).await), Some(ErrorCode::InvalidGrant));
        assert_eq!(kind(world.redeem(&code).await), Some(ErrorCode::InvalidGrant));
        let anew = world.redeem(&world.code().await).await.unwrap().refresh_token.unwrap();
        assert_eq!(kind(world.refresh(&anew).await), None);
    }

    async fn what_ended_is_swept_and_what_lives_stays(db: TestDb) {
        let world = world(&db).await;
        let token = world.redeem(&world.code().await).await.unwrap().refresh_token.unwrap();
        let revoked = world.redeem(&world.code().await).await.unwrap().refresh_token.unwrap();
        world.app.grants.revoke_refresh_token("web", &revoked).await.unwrap();
        world.app.wait(Duration::from_secs(2 * 86_400));
        assert_eq!(world.app.grants.sweep().await.unwrap(), 3, "two codes and one grant");
        assert_eq!(kind(world.refresh(&token).await), None);
    }

    async fn revoked_tokens_of_a_client_are_limited_and_kept_until_nobody_accepts_them(db: TestDb) {
        // SB-43
        let world = world(&db).await;
        let (grants, now) = (&world.app.grants, world.app.clock.now());
        let expires_at = now + Duration::from_secs(300);
        let token = |id: u128, client_id| ClientToken { id: Uuid::from_u128(id), client_id, expires_at };
        grants.revoke_client_token(token(1, "robot")).await.unwrap();
        let mut tx = db.begin("test").await.unwrap();
        let statement = chassis::sql!(&tx,
            sqlite: "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
                INSERT INTO revoked_tokens (id, client_id, revoked_at, expires_at)
                SELECT randomblob(16), 'robot', $2, $3 FROM n",
            postgres: "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
                INSERT INTO revoked_tokens (id, client_id, revoked_at, expires_at)
                SELECT gen_random_uuid(), 'robot', $2, $3 FROM n",
        );
        chassis::on_engine!(&mut tx, c => sqlx::query(statement)
            .bind(MAX_REVOKED_TOKENS).bind(now).bind(expires_at).execute(c).await.map(drop).unwrap());
        tx.commit().await.unwrap();
        let refused = grants.revoke_client_token(token(2, "robot")).await;
        assert!(matches!(refused, Err(RevokeError::TooMany)), "{refused:?}");
        grants.revoke_client_token(token(1, "robot")).await.unwrap();
        grants.revoke_client_token(token(3, "other")).await.unwrap();

        let stored = async || world.app.count("SELECT COUNT(*) FROM revoked_tokens").await;
        world.app.wait(Duration::from_secs(300));
        grants.sweep().await.unwrap();
        assert_eq!(stored().await, MAX_REVOKED_TOKENS + 1, "the clock of a resource server may be behind");
        world.app.wait(Duration::from_secs(120));
        grants.sweep().await.unwrap();
        assert_eq!(stored().await, 0);
    }
}
