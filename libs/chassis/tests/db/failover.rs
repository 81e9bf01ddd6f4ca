//! Tests of a failover: a PostgreSQL server that is read-only for a while, with connections that outlive the change.

use chassis::db::{Db, DbError};
use chassis::on_engine;
use futures_util::future::join_all;
use testkit::eventually;

use super::{add, count, prepared};

async fn write(db: &Db, id: i64) -> Result<(), DbError> {
    let mut tx = db.begin("test").await?;
    add(&mut tx, id, &format!("person {id}")).await?;
    tx.commit().await
}

/// True if this many transactions at once may write. Nothing of them stays.
async fn may_write(db: &Db, connections: i64) -> bool {
    let transactions = join_all((0..connections).map(|_| db.begin("test"))).await;
    let mut may = true;
    for tx in transactions {
        let Ok(mut tx) = tx else { return false };
        let shown = "SHOW transaction_read_only";
        let read_only = on_engine!(&mut tx, c => sqlx::query_scalar::<_, String>(shown).fetch_one(c).await);
        may &= read_only.is_ok_and(|read_only| read_only == "off");
    }
    may
}

#[tokio::test]
async fn connections_that_can_only_read_do_not_stay_in_the_pool() {
    let test = testkit::postgres(&[]).await;
    let db = &*test;
    prepared(db).await;
    write(db, 1).await.unwrap();
    assert!(may_write(db, 8).await);

    test.make_read_only().await;
    eventually("writing is refused because the server only reads", async || {
        let error = write(db, 2).await.unwrap_err();
        assert!(error.is_transient(), "{error:?}");
        matches!(&error, DbError::Unavailable(sqlx::Error::Database(error)) if error.code().as_deref() == Some("25006"))
            .then_some(())
    })
    .await;
    assert!(!may_write(db, 8).await);
    assert_eq!(count(db).await, 1, "reading goes on meanwhile");

    test.make_writable().await;
    // Those that were opened meanwhile would only read for as long as they live.
    eventually("writing works again", async || write(db, 3).await.ok()).await;
    eventually("on every connection", async || {
        may_write(db, 8).await.then_some(())
    })
    .await;
}
