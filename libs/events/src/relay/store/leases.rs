//! The statements of the leases.

use chassis::db::{Connection, Db, DbError, Tx};
use chassis::on_engine;
use uuid::Uuid;

use crate::relay::leases::Plan;

/// A row of `outbox_leases`.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub(in crate::relay) struct Lease {
    pub(in crate::relay) partition: i32,
    pub(in crate::relay) holder: Option<Uuid>,
    pub(in crate::relay) fence: i64,
    pub(in crate::relay) renewals: i64,
}

pub(in crate::relay) async fn leases(connection: &mut impl Connection) -> Result<Vec<Lease>, DbError> {
    Ok(on_engine!(connection, c => sqlx::query_as(
            "SELECT partition, holder, fence, renewals FROM outbox_leases ORDER BY partition")
        .fetch_all(c)
        .await?))
}

/// Shows that `me` is alive and answers all leases and replicas.
pub(in crate::relay) async fn beat(db: &Db, me: Uuid) -> Result<(Vec<Lease>, Vec<(Uuid, i64)>), DbError> {
    let mut tx = db.begin("relay_beat").await?;
    let replicas = on_engine!(&mut tx, c => {
        sqlx::query(
            "INSERT INTO outbox_replicas (id, beats) VALUES ($1, 1)
             ON CONFLICT (id) DO UPDATE SET beats = outbox_replicas.beats + 1")
            .bind(me)
            .execute(&mut *c)
            .await?;
        sqlx::query("UPDATE outbox_leases SET renewals = renewals + 1 WHERE holder = $1")
            .bind(me)
            .execute(&mut *c)
            .await?;
        sqlx::query_as("SELECT id, beats FROM outbox_replicas").fetch_all(c).await?
    });
    let leases = leases(&mut tx).await?;
    tx.commit().await?;
    Ok((leases, replicas))
}

/// Carries the plan out and answers the partitions taken, with their new fences. A partition that has changed since
/// it was read is left alone.
pub(in crate::relay) async fn carry_out(db: &Db, me: Uuid, plan: &Plan) -> Result<Vec<(i32, i64)>, DbError> {
    let mut taken = Vec::new();
    if *plan == Plan::default() {
        return Ok(taken);
    }
    let mut tx = db.begin("relay_leases").await?;
    // In the order of the partitions, as every replica does: two that take from each other cannot lock each other out.
    for lease in &plan.take {
        let fence: Option<i64> = on_engine!(&mut tx, c => sqlx::query_scalar(
                "UPDATE outbox_leases SET holder = $2, fence = fence + 1, renewals = 0
                 WHERE partition = $1 AND fence = $3 AND renewals = $4 RETURNING fence")
            .bind(lease.partition)
            .bind(me)
            .bind(lease.fence)
            .bind(lease.renewals)
            .fetch_optional(c)
            .await?);
        taken.extend(fence.map(|fence| (lease.partition, fence)));
    }
    for partition in &plan.give {
        on_engine!(&mut tx, c => {
            sqlx::query("UPDATE outbox_leases SET holder = NULL WHERE partition = $1 AND holder = $2")
                .bind(partition)
                .bind(me)
                .execute(c)
                .await?;
        });
    }
    for replica in &plan.gone {
        on_engine!(&mut tx, c => {
            sqlx::query("DELETE FROM outbox_replicas WHERE id = $1").bind(replica).execute(c).await?;
        });
    }
    tx.commit().await?;
    Ok(taken)
}

/// Gives every partition of `me` back.
pub(in crate::relay) async fn leave(db: &Db, me: Uuid) -> Result<(), DbError> {
    let mut tx = db.begin("relay_leave").await?;
    on_engine!(&mut tx, c => {
        sqlx::query("UPDATE outbox_leases SET holder = NULL WHERE holder = $1")
            .bind(me)
            .execute(&mut *c)
            .await?;
        sqlx::query("DELETE FROM outbox_replicas WHERE id = $1").bind(me).execute(c).await?;
    });
    tx.commit().await
}

/// Takes every partition from its holder and forgets all replicas: after a restoration they are processes that are no more.
pub(crate) async fn after_restore(tx: &mut Tx) -> Result<(), DbError> {
    on_engine!(tx, c => {
        sqlx::query("UPDATE outbox_leases SET holder = NULL, fence = fence + 1, renewals = 0")
            .execute(&mut *c)
            .await?;
        sqlx::query("DELETE FROM outbox_replicas").execute(c).await?;
    });
    Ok(())
}
