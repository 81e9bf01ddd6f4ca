//! Statement counter for tests that compare work instead of time (SB-8).

use std::cell::Cell;

tokio::task_local! {
    static STATEMENTS: Cell<u64>;
}

/// Runs `work` and returns its result with the number of database statements that it ran, `BEGIN` included.
pub async fn count_statements<T>(work: impl Future<Output = T>) -> (T, u64) {
    let counted = async {
        let done = work.await;
        (done, STATEMENTS.with(Cell::get))
    };
    STATEMENTS.scope(Cell::new(0), counted).await
}

/// Counts one statement, within [`count_statements`].
pub(super) fn count() {
    // Outside of `count_statements` there is nothing to count in.
    let _ = STATEMENTS.try_with(|statements| statements.set(statements.get() + 1));
}
