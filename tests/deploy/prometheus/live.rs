//! A real Prometheus scrapes the real services: targets, rules, alerts that really come, and the dashboards.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use testkit::{Engine, Stack, within};

use super::server::Server;
use super::{rules, story};
use crate::grafana;

/// How long Prometheus may need on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Both services are scraped.
async fn targets_are_up(server: &Server) {
    within(PATIENCE, "both services are scraped", async || {
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
async fn rules_are_healthy(server: &Server) {
    let wanted = rules::all().len();
    let unhealthy = within(PATIENCE, "every rule was evaluated", async || {
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
async fn series_are_there(server: &Server) {
    let mut asked = rules::recorded();
    for (_, rule) in rules::all() {
        asked.extend(rules::series(&rule.expr));
    }
    for name in asked {
        within(PATIENCE, &format!("there is a series {name}"), async || {
            let found = server.query(&name).await.unwrap();
            (!found.is_empty()).then_some(())
        })
        .await;
    }
}

/// A refresh token that came twice, and a service that is killed: both become alerts, and go to the right people.
async fn alerts_come(server: &Server, stack: &mut Stack) {
    within(PATIENCE, "the reuse of a token is an alert", async || {
        let state = server.alert("VestibuleTokenReuse", ("job", "auth")).await?;
        (state == "firing").then_some(())
    })
    .await;
    is_missed_by_nobody(server, "users").await;
    stack.users.kill();
    for wanted in ["pending", "firing"] {
        within(
            PATIENCE,
            &format!("a service that is down is {wanted}"),
            async || {
                let state = server.alert("VestibuleServiceDown", ("job", "users")).await?;
                (state == wanted).then_some(())
            },
        )
        .await;
    }
    is_missed_by_nobody(server, "auth").await;
    for (alert, job, receiver) in [
        ("VestibuleServiceDown", "users", "on-call"),
        ("VestibuleTokenReuse", "auth", "team"),
    ] {
        let what = format!("Alertmanager has {alert}");
        let received = within(PATIENCE, &what, async || server.received(alert, job).await).await;
        assert_eq!(received["receivers"][0]["name"], receiver);
    }
}

/// One scrape that comes late makes the alert pending, until the next one.
async fn is_missed_by_nobody(server: &Server, job: &str) {
    within(PATIENCE, &format!("{job} is not missed"), async || {
        let state = server.alert("VestibuleServiceDown", ("job", job)).await;
        assert_ne!(state.as_deref(), Some("firing"), "{job}");
        state.is_none().then_some(())
    })
    .await;
}

/// Alertmanager says nothing of a replica of `users` while the whole service is down, and goes on about `auth`.
async fn what_is_explained_is_held_back(server: &Server) {
    for job in ["users", "auth"] {
        server.send("VestibuleReplicaDown", job).await;
    }
    for (job, held_back) in [("users", true), ("auth", false)] {
        let what = format!("the replica of {job}: held back {held_back}");
        within(PATIENCE, &what, async || {
            let alert = server.received("VestibuleReplicaDown", job).await?;
            let by = alert["status"]["inhibitedBy"].as_array()?;
            // Until it was looked at, an alert is held back by nothing.
            let looked_at = alert["status"]["state"] != "unprocessed";
            (looked_at && by.is_empty() != held_back).then_some(())
        })
        .await;
    }
}

/// SQLite has one connection that writes and several that read, and both are told.
async fn pools_are_told(server: &Server) {
    for pool in ["read", "write"] {
        let limit = format!("vestibule_db_connections_limit{{pool=\"{pool}\"}}");
        let open = format!("sum by (job) (vestibule_db_connections{{pool=\"{pool}\"}})");
        let within_limit = format!("{open} <= on (job) {limit}");
        for expression in [format!("{limit} >= 1"), format!("{open} >= 1"), within_limit] {
            within(PATIENCE, &expression, async || {
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
    targets_are_up(&server).await;
    // A counter has to be seen before it grows.
    within(PATIENCE, "the counters were scraped", async || {
        let seen = server.query("vestibule_token_reuse_total == 0").await.unwrap();
        (!seen.is_empty()).then_some(())
    })
    .await;
    story::tell(&stack).await;
    rules_are_healthy(&server).await;
    series_are_there(&server).await;
    pools_are_told(&server).await;
    grafana::answers(&server).await;
    alerts_come(&server, &mut stack).await;
    what_is_explained_is_held_back(&server).await;
}
