//! Tests of the follower: when `auth` counts as heard.

use super::*;

async fn execute(db: &Db, statement: &'static str) {
    let mut tx = db.begin("test").await.unwrap();
    chassis::on_engine!(&mut tx, c => sqlx::query(statement).execute(c).await.map(drop).unwrap());
    tx.commit().await.unwrap();
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn an_older_auth_that_has_no_list_does_not_shut_anybody_out(db: TestDb) {
        let (app, shutdown, auth) = (app(&db), Shutdown::new(), Auth::default());
        outdate(&app);
        auth.has_no_list();
        auth.followed_by(&app, &shutdown).await;
        eventually("it is heard", async || app.revocations.is_fresh().then_some(())).await;
        shutdown.finish(Duration::from_secs(5)).await.ok();
    }

    async fn an_auth_that_has_lost_its_list_is_not_heard(db: TestDb) {
        // SB-47
        let (app, shutdown, auth) = (app(&db), Shutdown::new(), Auth::default());
        let root = root(&app).await;
        let parts = auth.serve(&app, &shutdown).await;
        let mut follower = Follower::new(parts.clone(), app.revocations.clone());
        auth.says(&[], json!([]));
        follower.run_once().await.unwrap();
        auth.has_no_list();
        outdate(&app);
        assert!(follower.run_once().await.is_err());
        assert_eq!(root.get("/scim/v2/Users").await.status, StatusCode::SERVICE_UNAVAILABLE);
        let mut restarted = Follower::new(parts, app.revocations.clone());
        assert!(restarted.run_once().await.is_err(), "a later start knows of the list too");
        assert!(!app.revocations.is_fresh());
        auth.says(&[], json!([]));
        restarted.run_once().await.unwrap();
        assert_eq!(root.get("/scim/v2/Users").await.status, StatusCode::OK);
        shutdown.finish(Duration::from_secs(5)).await.ok();
    }

    async fn a_list_that_could_not_be_stored_was_not_heard(db: TestDb) {
        // SB-47
        let (app, shutdown, auth) = (app(&db), Shutdown::new(), Auth::default());
        let root = root(&app).await;
        let mut follower = Follower::new(auth.serve(&app, &shutdown).await, app.revocations.clone());
        auth.says(&[], json!([]));
        follower.run_once().await.unwrap();
        outdate(&app);
        auth.says(&[GRANT], json!([]));
        execute(&db, "ALTER TABLE revocations RENAME TO elsewhere").await;
        assert!(follower.run_once().await.is_err());
        assert!(!app.revocations.is_fresh());
        assert_eq!(root.get("/user").await.status, StatusCode::UNAUTHORIZED, "it is known all the same");
        execute(&db, "ALTER TABLE elsewhere RENAME TO revocations").await;
        auth.says(&[], json!([]));
        follower.run_once().await.unwrap();
        assert!(app.revocations.is_fresh());
        assert_eq!(stored(&db, app.clock.now()).await, [Revoked::Grant(GRANT)]);
        shutdown.finish(Duration::from_secs(5)).await.ok();
    }

    async fn an_entry_may_be_named_twice_and_the_latest_deletion_counts(db: TestDb) {
        // SB-47
        let (app, shutdown, auth) = (app(&db), Shutdown::new(), Auth::default());
        let mut follower = Follower::new(auth.serve(&app, &shutdown).await, app.revocations.clone());
        let deleted = |at| json!({ "client_id": "tool", "deleted_at": at });
        let (earlier, later) = (Timestamp::from_secs(1_790_000_000), Timestamp::from_secs(1_790_000_001));
        auth.says(&[GRANT, GRANT], json!([deleted(earlier), deleted(later), deleted(earlier)]));
        follower.run_once().await.unwrap();
        auth.says(&[GRANT], json!([deleted(earlier)]));
        follower.run_once().await.unwrap();
        let mut known = stored(&db, app.clock.now()).await;
        known.sort_by_key(|entry| matches!(entry, Revoked::Grant(_)));
        assert_eq!(known, [Revoked::Client("tool".to_owned(), later), Revoked::Grant(GRANT)]);
        let tool = Caller::with(&app, clients_token("tool", "users:read"));
        assert_eq!(tool.get("/scim/v2/Users").await.status, StatusCode::UNAUTHORIZED);
        shutdown.finish(Duration::from_secs(5)).await.ok();
    }
}
