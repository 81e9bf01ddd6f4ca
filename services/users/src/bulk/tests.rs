//! Tests of the permission of a bulk request while it is run (SB-47).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chassis::access::BoxFuture;
use chassis::db::Tx;
use chassis::on_engine;
use scim::Error;
use scim::schema::Accessor;
use serde_json::json;
use testkit::eventually;
use tokio::task::JoinSet;
use tokio::time::timeout;
use uuid::Uuid;

use super::*;
use crate::app::SharedApp;
use crate::authority::Authority;
use crate::testing::{app, desired_user};

/// The results of the checks, one after the other, the last one for ever.
struct Checks {
    left: Mutex<VecDeque<Result<(), PermissionError>>>,
    made: Arc<AtomicUsize>,
}

impl Permission for Checks {
    fn check(&self) -> BoxFuture<'_, Result<(), PermissionError>> {
        self.made.fetch_add(1, Ordering::Relaxed);
        let mut left = self.left.lock().unwrap();
        let next = match left.len() {
            1 => left[0].clone(),
            _ => left.pop_front().unwrap(),
        };
        Box::pin(async { next })
    }
}

fn lost() -> Result<(), PermissionError> {
    Err(PermissionError::Lost(Error::new(401, "the token was revoked")))
}

fn unchecked() -> Result<(), PermissionError> {
    Err(PermissionError::Unchecked(Error::new(503, "nobody can tell")))
}

/// A user, and a transaction that keeps others from changing it.
async fn locked_user(app: &SharedApp) -> (Uuid, Tx) {
    const LOCK: &str = "UPDATE people SET id = id WHERE id = $1";
    let id = app.users.create(desired_user("ann")).await.unwrap().id;
    let mut tx = app.db.begin("test").await.unwrap();
    on_engine!(&mut tx, c => sqlx::query(LOCK).bind(id).execute(c).await.map(drop).unwrap());
    (id, tx)
}

/// A bulk request that is run.
struct Running {
    /// Its status, when it is done.
    status: JoinSet<u16>,
    /// The number of checks of its permission.
    checks: Arc<AtomicUsize>,
}

impl Running {
    /// Waits until the permission was checked `number` times, and asserts that the request goes on.
    async fn goes_on_until_check(&mut self, number: usize) {
        let checks = &self.checks;
        let are_made = async || (checks.load(Ordering::Relaxed) >= number).then_some(());
        eventually("the permission is checked", are_made).await;
        assert!(self.status.try_join_next().is_none());
    }
}

/// Runs a bulk request that changes a user.
fn run(app: &SharedApp, id: Uuid, checks: Vec<Result<(), PermissionError>>) -> Running {
    let (mut status, bulk) = (JoinSet::new(), app.bulk.clone());
    let made = Arc::new(AtomicUsize::new(0));
    let checks = Checks {
        left: Mutex::new(checks.into()),
        made: Arc::clone(&made),
    };
    status.spawn(async move {
        let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [{
            "method": "PATCH", "path": format!("/Users/{id}"),
            "data": {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{"op": "replace", "path": "displayName", "value": "Bulk"}]},
        }]});
        let request = BulkRequest::parse(&body, bulk.limits(), bulk.registry()).unwrap();
        let rights = Rights {
            users: true,
            groups: true,
            writer: Writer {
                accessor: Accessor::Client,
                client: Some("a-directory".to_owned()),
                makes_administrators: true,
                authority: Authority::EVERYBODY,
            },
        };
        match bulk.run(&request, (&rights, &checks)).await {
            Ok(results) => results[0].status,
            // The wait for the only writer of SQLite has an end of its own.
            Err(BulkError::Db(error)) if error.is_transient() => 503,
            Err(error) => panic!("{error}"),
        }
    });
    Running { status, checks: made }
}

async fn version(app: &SharedApp, id: Uuid) -> i64 {
    let mut reader = app.db.reader().await.unwrap();
    crate::users::find(&mut reader, id)
        .await
        .unwrap()
        .unwrap()
        .version
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_transaction_ends_when_the_permission_is_lost(db: TestDb) {
        let app = app(&db);
        let (ann, held) = locked_user(&app).await;
        let mut running = run(&app, ann, vec![Ok(()), lost()]);
        let status = timeout(Duration::from_secs(3), running.status.join_next()).await;
        assert_eq!(status.expect("it does not wait for the lock").unwrap().unwrap(), 401);
        held.rollback().await.unwrap();
        assert_eq!(version(&app, ann).await, 1, "nothing is committed");
    }

    async fn a_transaction_goes_on_while_a_check_fails_for_a_moment(db: TestDb) {
        let app = app(&db);
        let (ann, held) = locked_user(&app).await;
        let mut running = run(&app, ann, vec![unchecked(), unchecked(), unchecked(), Ok(())]);
        // The fourth succeeds; the two before it, in the transaction, did not.
        running.goes_on_until_check(4).await;
        held.rollback().await.unwrap();
        assert_eq!(running.status.join_next().await.unwrap().unwrap(), 200);
        assert_eq!(version(&app, ann).await, 2);
    }

    async fn a_transaction_ends_when_no_check_succeeded_for_five_seconds(db: TestDb) {
        let app = app(&db);
        let (ann, held) = locked_user(&app).await;
        let mut running = run(&app, ann, vec![Ok(()), unchecked()]);
        // One before the transaction, and one each second in it.
        running.goes_on_until_check(5).await;
        let status = timeout(Duration::from_secs(3), running.status.join_next()).await;
        assert_eq!(status.expect("it does not wait for the lock").unwrap().unwrap(), 503);
        held.rollback().await.unwrap();
        assert_eq!(version(&app, ann).await, 1, "nothing is committed");
    }
}
