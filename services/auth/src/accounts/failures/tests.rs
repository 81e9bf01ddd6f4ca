//! Tests of the counts of failed sign-ins.

use std::time::Duration;

use crate::testing::{self, TestApp, attempt, client};

/// The published failures: reason, how many, whether they are of an account that exists.
async fn published(app: &TestApp) -> Vec<(String, i64, bool)> {
    let mut reader = app.db.reader().await.unwrap();
    let payloads: Vec<serde_json::Value> = chassis::on_engine!(&mut reader, c => sqlx::query_scalar(
        "SELECT payload FROM outbox WHERE type = 'vestibule.login.failed.v1' ORDER BY number")
        .fetch_all(c).await.unwrap());
    let mut found = Vec::new();
    for data in payloads {
        let known = crate::accounts::exists(&mut reader, data["id"].as_str().unwrap().parse().unwrap())
            .await
            .unwrap();
        found.push((
            data["reason"].as_str().unwrap().to_owned(),
            data["count"].as_i64().unwrap_or(1),
            known,
        ));
    }
    found.sort();
    found
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    // SB-40
    async fn failures_are_published_as_counts_per_account_source_and_minute(db: TestDb) {
        let app = testing::app(&db).await;
        app.person("ann").await;
        for _ in 0..3 {
            assert!(app.sign_in("ann", "gorse-tin-wrong").await.is_err());
        }
        for number in 0..20 {
            assert!(app.sign_in(&format!("nobody{number}"), "gorse-tin-wrong").await.is_err());
        }
        let mut elsewhere = attempt("ann", "gorse-tin-wrong");
        elsewhere.client = client("203.0.113.9");
        assert!(app.accounts.sign_in(elsewhere).await.is_err());
        app.sweeper.sweep().await.unwrap();
        assert_eq!(published(&app).await, [], "the minute is not over");
        app.wait(Duration::from_secs(70));
        let sweeps = tokio::join!(app.sweeper.sweep(), app.sweeper.sweep());
        sweeps.0.unwrap();
        sweeps.1.unwrap();
        let expected = [("unknown_user", 20, false), ("wrong_password", 1, true), ("wrong_password", 3, true)];
        let expected = expected.map(|(reason, count, known)| (reason.to_owned(), count, known));
        assert_eq!(published(&app).await, expected, "24 failures, three events, each once");
        assert_eq!(app.count("SELECT COUNT(*) FROM failed_sign_ins").await, 0);
    }

    // SB-50
    async fn counts_of_a_clock_that_was_ahead_are_published_all_the_same(db: TestDb) {
        let app = testing::app(&db).await;
        app.wait(Duration::from_secs(48 * 3600));
        assert!(app.sign_in("nobody", "gorse-tin-wrong").await.is_err());
        app.clock.set(testing::BEGINNING);
        app.sweeper.sweep().await.unwrap();
        assert_eq!(published(&app).await.len(), 1);
    }
}
