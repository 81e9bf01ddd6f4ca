//! Tests with a running Prometheus that scrapes running services: targets, rules, alerts and dashboards.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use testkit::{Engine, Stack, within};

use super::server::Server;
use super::{rules, story};
use crate::grafana;

/// The time that Prometheus may need on a busy machine.
const SCRAPE_TIMEOUT: Duration = Duration::from_secs(60);

/// Both services are scraped.
async fn assert_targets_up(server: &Server) {
    within(SCRAPE_TIMEOUT, "both services are scraped", async || {
        let data = server.get("targets", &[("state", "active")]).await.ok()?;
        let targets = data["activeTargets"].as_array()?;
        let up: BTreeSet<&str> = targets
            .iter()
            .filter(|target| target["health"] == "up")
            .filter_map(|target| target["labels"]["job"].as_str())
            .collect();
        (up == BTreeSet::from(["auth", "users"])).then_some(())
    })
    .await;
}

/// Every rule is there, was evaluated, and without an error.
async fn assert_rules_healthy(server: &Server) {
    let wanted = rules::all().len();
    let unhealthy = within(SCRAPE_TIMEOUT, "every rule was evaluated", async || {
        let data = server.get("rules", &[]).await.ok()?;
        let groups = data["groups"].as_array()?;
        let rules: Vec<&Value> = groups
            .iter()
            .flat_map(|group| group["rules"].as_array().unwrap())
            .collect();
        let evaluated = rules.iter().all(|rule| rule["health"] != "unknown");
        assert_eq!(rules.len(), wanted);
        let bad = rules
            .iter()
            .filter(|rule| rule["health"] != "ok")
            .map(|rule| rule.to_string());
        evaluated.then(|| bad.collect::<Vec<String>>())
    })
    .await;
    assert!(unhealthy.is_empty(), "{unhealthy:#?}");
}

/// Every series that a rule asks for is there, and every recording makes one.
async fn assert_series_exist(server: &Server) {
    let mut asked = rules::recorded();
    for (_, rule) in rules::all() {
        asked.extend(rules::series(&rule.expr));
    }
    for name in asked {
        within(SCRAPE_TIMEOUT, &format!("there is a series {name}"), async || {
            let found = server.query(&name).await.unwrap();
            (!found.is_empty()).then_some(())
        })
        .await;
    }
}

/// A refresh token that came twice, and a service that is killed: both become alerts, and go to the right people.
async fn assert_alerts_fire(server: &Server, stack: &mut Stack) {
    within(SCRAPE_TIMEOUT, "the reuse of a token is an alert", async || {
        let state = server.alert("VestibuleTokenReuse", ("job", "auth")).await?;
        (state == "firing").then_some(())
    })
    .await;
    assert_late_scrape_only_pends(server, "users").await;
    stack.users.kill();
    for wanted in ["pending", "firing"] {
        within(
            SCRAPE_TIMEOUT,
            &format!("a service that is down is {wanted}"),
            async || {
                let state = server.alert("VestibuleServiceDown", ("job", "users")).await?;
                (state == wanted).then_some(())
            },
        )
        .await;
    }
    assert_late_scrape_only_pends(server, "auth").await;
    for (alert, job, receiver) in [
        ("VestibuleServiceDown", "users", "on-call"),
        ("VestibuleTokenReuse", "auth", "team"),
    ] {
        let what = format!("Alertmanager has {alert}");
        let received = within(SCRAPE_TIMEOUT, &what, async || server.received(alert, job).await).await;
        assert_eq!(received["receivers"][0]["name"], receiver);
    }
}

/// One scrape that comes late makes the alert pending, until the next one.
async fn assert_late_scrape_only_pends(server: &Server, job: &str) {
    within(SCRAPE_TIMEOUT, &format!("{job} is not missed"), async || {
        let state = server.alert("VestibuleServiceDown", ("job", job)).await;
        assert_ne!(state.as_deref(), Some("firing"), "{job}");
        state.is_none().then_some(())
    })
    .await;
}

/// Alertmanager says nothing of a replica of `users` while the whole service is down, and goes on about `auth`.
async fn assert_inhibition(server: &Server) {
    for job in ["users", "auth"] {
        server.send("VestibuleReplicaDown", job).await;
    }
    for (job, held_back) in [("users", true), ("auth", false)] {
        let what = format!("the replica of {job}: held back {held_back}");
        within(SCRAPE_TIMEOUT, &what, async || {
            let alert = server.received("VestibuleReplicaDown", job).await?;
            let by = alert["status"]["inhibitedBy"].as_array()?;
            // Until it was looked at, an alert is held back by nothing.
            let looked_at = alert["status"]["state"] != "unprocessed";
            (looked_at && by.is_empty() != held_back).then_some(())
        })
        .await;
    }
}

/// SQLite has one connection that writes and several that read, and both have metrics.
async fn assert_pool_metrics(server: &Server) {
    for pool in ["read", "write"] {
        let limit = format!("vestibule_db_connections_limit{{pool=\"{pool}\"}}");
        let open = format!("sum by (job) (vestibule_db_connections{{pool=\"{pool}\"}})");
        let within_limit = format!("{open} <= on (job) {limit}");
        for expression in [format!("{limit} >= 1"), format!("{open} >= 1"), within_limit] {
            within(SCRAPE_TIMEOUT, &expression, async || {
                (server.query(&expression).await.unwrap().len() == 2).then_some(())
            })
            .await;
        }
    }
}

#[tokio::test]
async fn a_real_prometheus_scrapes_evaluates_and_alerts_and_answers_every_dashboard() {
    let mut stack = Stack::with(story::options(Engine::Sqlite)).await;
    let (auth, users) = (
        stack.auth_management_url("/metrics"),
        stack.users_management_url("/metrics"),
    );
    let server = Server::start(&auth, &users).await;
    assert_targets_up(&server).await;
    // A counter has to be seen before it grows.
    within(SCRAPE_TIMEOUT, "the counters were scraped", async || {
        let seen = server.query("vestibule_token_reuse_total == 0").await.unwrap();
        (!seen.is_empty()).then_some(())
    })
    .await;
    story::generate_activity(&stack).await;
    assert_rules_healthy(&server).await;
    assert_series_exist(&server).await;
    assert_pool_metrics(&server).await;
    grafana::assert_expressions_have_data(&server).await;
    assert_alerts_fire(&server, &mut stack).await;
    assert_inhibition(&server).await;
}
