//! Eight writers that change people, commit late or roll back, and record the outcome.

use std::time::Duration;

use chassis::db::Engine;
use events::Outbox;
use tokio::time::{Instant, sleep};

use super::World;
use super::people::{self, EventVariant};
use crate::history::HistoryEntry;
use crate::seeded::SeededRandom;

const WRITERS: u64 = 8;
/// People who change at the same time; after a while it is others.
const ACTIVE_PEOPLE: usize = 24;
const ROTATION_INTERVAL: Duration = Duration::from_secs(2);

pub(super) fn start(world: &World, outbox: &Outbox) {
    for number in 0..WRITERS {
        let (world, outbox) = (world.clone(), outbox.clone());
        let random = SeededRandom::new(world.settings.seed).part(number);
        let until = world.shutdown.clone();
        world.shutdown.clone().spawn("writer", async move {
            tokio::select! {
                () = until.draining() => {}
                () = write(&world, &outbox, random) => {}
            }
        });
    }
}

async fn write(world: &World, outbox: &Outbox, mut random: SeededRandom) {
    let began = Instant::now();
    loop {
        sleep(Duration::from_millis(random.between(15, 70))).await;
        let Some(_leave) = world.control.write_permit().await else {
            continue;
        };
        // A failure needs no answer: what was not acknowledged may have happened or not, and the log says so.
        let _ = attempt(world, outbox, &mut random, began).await;
    }
}

/// Runs one transaction: records the intent before and the outcome after.
async fn attempt(
    world: &World,
    outbox: &Outbox,
    random: &mut SeededRandom,
    began: Instant,
) -> anyhow::Result<()> {
    let people = &world.settings.people;
    let window =
        usize::try_from(began.elapsed().as_millis() / ROTATION_INTERVAL.as_millis())? * ACTIVE_PEOPLE / 2;
    let Some(person) = people
        .get((window + random.index(ACTIVE_PEOPLE)) % people.len())
        .copied()
    else {
        return Ok(());
    };
    let (delete, back) = (random.chance(3), random.chance(20));
    let manner = EventVariant {
        poison: random.chance(4),
        newer: world.settings.newer,
        older: random.chance(10),
    };
    // Never from the seed: a worker that starts again draws the same numbers again.
    let nonce = people::truncate_nonce(world.random.uuid(&*world.clock));
    world.history.record(&HistoryEntry::Intent { nonce, person })?;
    let mut tx = world.db.begin_shared("write").await?;
    let Some(change) = people::change(&mut tx, person, nonce, delete).await? else {
        return Ok(tx.rollback().await?);
    };
    people::append_event(&mut tx, outbox, change, manner).await?;
    // SQLite has one writer, whom the relay waits for too.
    let most = if world.db.engine() == Engine::Sqlite {
        3
    } else {
        40
    };
    sleep(Duration::from_millis(random.below(most))).await;
    if back {
        tx.rollback().await?;
        return Ok(world.history.record(&HistoryEntry::RolledBack { nonce })?);
    }
    tx.commit().await?;
    Ok(world.history.record(&HistoryEntry::Acknowledged {
        nonce,
        person,
        version: change.version,
    })?)
}
