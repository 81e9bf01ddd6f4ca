//! Tests of the counts of rows: what is counted in the database, and how often.

use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

use chassis::clock::ManualClock;
use futures_util::future::join_all;

use super::*;

const LIMITS: RowLimits = RowLimits {
    per_source: 40,
    per_client: 60,
    total: 80,
};

/// A table in memory, which knows how often it was counted.
struct Table {
    counts: RowCounts,
    clock: Arc<ManualClock>,
    rows: AtomicI64,
    counted: AtomicI64,
}

impl CountRows for Table {
    async fn count(&self, _: &Rows) -> Result<i64, DbError> {
        self.counted.fetch_add(1, SeqCst);
        let rows = self.rows.load(SeqCst);
        tokio::task::yield_now().await;
        Ok(rows)
    }
}

impl Table {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        Self {
            counts: RowCounts::new(clock.clone()),
            clock,
            rows: AtomicI64::new(0),
            counted: AtomicI64::new(0),
        }
    }

    /// Adds a row of the source and the client, if there is a place.
    async fn add(&self, source: Option<&Key>, client: &str) -> bool {
        let claimed = self
            .counts
            .claim(self, (source, Some(client)), LIMITS)
            .await
            .unwrap();
        self.rows.fetch_add(i64::from(claimed), SeqCst);
        claimed
    }
}

fn source(host: u8) -> Key {
    Key::subscriber(Some([192, 0, 2, host].into()))
}

#[tokio::test]
async fn a_flood_costs_one_count_a_second() {
    // SB-43
    let table = Table::new();
    let one = source(1);
    for second in 1..=3 {
        for _ in 0..1_000 {
            table.add(Some(&one), "spa").await;
        }
        assert_eq!(
            table.counted.load(SeqCst),
            3 * second,
            "of the source, of the client, and of all"
        );
        table.clock.advance(MAX_AGE);
    }
    assert_eq!(table.rows.load(SeqCst), LIMITS.per_source);
}

#[tokio::test]
async fn those_that_come_at_once_share_the_last_places() {
    let table = Table::new();
    for round in 0..3 {
        table.rows.store(LIMITS.total - 5, SeqCst);
        // First there is no count. Later one of them counts anew, while the others use the old count.
        let claims = (0..20).map(|_| table.counts.claim(&table, (None, None), LIMITS));
        let outcomes = join_all(claims).await;
        let claimed = outcomes
            .into_iter()
            .filter(|claimed| *claimed.as_ref().unwrap())
            .count();
        let expected = if round == 0 { 5..=5 } else { 1..=5 };
        assert!(expected.contains(&claimed), "{round}: {claimed}");
        table.clock.advance(MAX_AGE);
    }
}

#[tokio::test]
async fn free_places_are_given_away_a_second_later_and_claims_that_came_to_nothing_are_forgotten() {
    let table = Table::new();
    for _ in 0..LIMITS.per_client {
        assert!(table.add(None, "web").await);
    }
    table.rows.store(0, SeqCst);
    assert!(!table.add(None, "web").await, "the count is not a second old");
    table.clock.advance(MAX_AGE);
    for _ in 0..LIMITS.per_client {
        assert!(
            table
                .counts
                .claim(&table, (None, Some("web")), LIMITS)
                .await
                .unwrap()
        );
    }
    assert!(!table.add(None, "web").await);
    table.clock.advance(MAX_AGE);
    assert!(table.add(None, "web").await, "nothing was inserted");
}

#[tokio::test]
async fn a_clock_that_is_set_back_keeps_no_count() {
    // SB-50
    let table = Table::new();
    table.clock.advance(Duration::from_secs(86_400));
    for _ in 0..LIMITS.per_client {
        table.add(None, "web").await;
    }
    table.rows.store(0, SeqCst);
    table.clock.set(Timestamp::from_secs(1_800_000_000));
    assert!(table.add(None, "web").await);
}

#[tokio::test]
async fn memory_is_bounded_however_many_sources_there_are() {
    // SB-43
    let table = Table::new();
    let limits = RowLimits {
        total: i64::MAX,
        per_client: i64::MAX,
        ..LIMITS
    };
    let sources = 12_000_u32;
    for number in 0..sources {
        let one = Key::subscriber(Some(number.to_be_bytes().into()));
        let claimed = table
            .counts
            .claim(&table, (Some(&one), Some("spa")), limits)
            .await;
        assert!(claimed.unwrap());
        if number == 11_000 {
            table.clock.advance(MAX_AGE);
        }
    }
    assert!(table.counts.lock().of_sources.recent.len() <= MAX_COUNTS);
    let counted = table.counted.load(SeqCst);
    assert_eq!(
        counted,
        i64::from(sources) + 4,
        "each source, the client twice, and all twice"
    );
}

#[tokio::test]
async fn those_who_find_no_count_wait_for_the_first() {
    // SB-43
    let table = Table::new();
    let claims = (0..50).map(|_| table.counts.claim(&table, (None, Some("spa")), LIMITS));
    assert!(join_all(claims).await.into_iter().all(|claimed| claimed.unwrap()));
    assert_eq!(table.counted.load(SeqCst), 2, "the client and all");
}

#[tokio::test]
async fn a_first_count_that_hangs_delays_no_other_client() {
    // SB-43
    let table = Table::new();
    let slow = table.counts.claim(&table, (None, Some("slow")), LIMITS);
    let mut slow = std::pin::pin!(slow);
    let first = futures_util::FutureExt::now_or_never(slow.as_mut());
    assert!(first.is_none(), "it counts");
    let other = table.counts.claim(&table, (None, Some("web")), LIMITS).await;
    assert!(other.unwrap(), "its rows and all rows are counted");
    assert_eq!(table.counted.load(SeqCst), 3);
    assert!(slow.await.unwrap());
    assert_eq!(
        table.counted.load(SeqCst),
        3,
        "it has the count of all from the other"
    );
}

#[tokio::test]
async fn who_hangs_up_while_rows_are_counted_leaves_the_old_count_as_old_as_it_was() {
    // SB-43
    let table = Table::new();
    table.rows.store(LIMITS.total, SeqCst);
    assert!(!table.add(None, "web").await);
    table.rows.store(0, SeqCst);
    table.clock.advance(MAX_AGE);
    let hanging_up = table.counts.claim(&table, (None, Some("web")), LIMITS);
    assert!(
        futures_util::FutureExt::now_or_never(hanging_up).is_none(),
        "it counts"
    );
    assert!(table.add(None, "web").await, "the next one counts");
}
