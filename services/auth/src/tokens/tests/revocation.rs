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
}
