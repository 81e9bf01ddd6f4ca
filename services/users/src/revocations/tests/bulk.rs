//! A test of a bulk request whose token is revoked while it waits in its transaction.

use chassis::on_engine;
use testkit::eventually;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::*;

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    // SB-47
    async fn a_bulk_request_ends_when_its_access_token_is_revoked(db: TestDb) {
        const LOCK: &str = "UPDATE people SET id = id WHERE id = $1";
        let app = app(&db);
        let tool = Caller::with(&app, clients_token("tool", "users:read users:write"));
        let ann = app.users.create(desired_user("ann")).await.unwrap().id;
        let mut held = app.db.begin("test").await.unwrap();
        on_engine!(&mut held, c => sqlx::query(LOCK).bind(ann).execute(c).await.map(drop).unwrap());
        let deletion = json!({"method": "DELETE", "path": format!("/Users/{ann}")});
        let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [deletion]});
        let mut running = JoinSet::new();
        running.spawn(async move { tool.json("POST", "/scim/v2/Bulk", &body).await });
        eventually("the request is run", async || (app.bulk.running() > 0).then_some(())).await;
        db.wait_for_lock_waiter().await;
        app.revocations.add(vec![Revoked::Client("tool".to_owned(), app.clock.now())], MOST);
        let answer = timeout(Duration::from_secs(4), running.join_next()).await.expect("it does not wait for the lock").unwrap().unwrap();
        assert_eq!(answer.body["Operations"][0]["status"], "401", "{answer:?}");
        held.rollback().await.unwrap();
        let found = crate::users::find(&mut db.reader().await.unwrap(), ann).await.unwrap();
        assert_eq!(found.map(|user| user.version), Some(1));
    }
}
