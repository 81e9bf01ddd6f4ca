//! Progress of the services in following each other's events, which readiness does not include.

use std::time::Duration;

use serde_json::Value;

use super::{START, Stack, StackOptions};
use crate::wait::within;

/// The timeout until everything is applied: longer than the pause of a consumer between two attempts.
const QUIESCENT_TIMEOUT: Duration = Duration::from_secs(60);

impl Stack {
    /// Starts a stack and waits until its services follow each other. Changes before that reach the other service in a
    /// snapshot, and not as an event.
    ///
    /// # Panics
    /// It does not become ready, or a service does not begin to follow the other.
    pub async fn following(options: StackOptions) -> Self {
        let stack = Self::with(options).await;
        stack.wait_until_following().await;
        stack
    }

    /// Waits until each service has begun to follow the other since its start.
    ///
    /// # Panics
    /// One does not within a minute.
    pub async fn wait_until_following(&self) {
        for management in [
            self.auth_management_url("/metrics"),
            self.users_management_url("/metrics"),
        ] {
            within(START, "the consumer has begun", async || {
                let metrics = self.http.get(&management).send().await.ok()?.text().await.ok()?;
                // Neither gauge exists before.
                let begun = ["vestibule_consumer_position{", "vestibule_consumer_lag{"];
                begun.iter().any(|gauge| metrics.contains(gauge)).then_some(())
            })
            .await;
        }
    }

    /// Waits until every event is published, and applied over the feed.
    ///
    /// # Panics
    /// When it is not within a minute.
    pub async fn quiescent(&self) {
        within(
            QUIESCENT_TIMEOUT,
            "everything is published and applied",
            async || {
                let auth = self.stats(self.auth_url("")).await?;
                let users = self.stats(self.users_url("")).await?;
                let followers = [(&auth, &users), (&users, &auth)];
                followers
                    .iter()
                    .all(|(own, other)| published(own) && applied(own, other))
                    .then_some(())
            },
        )
        .await;
    }

    /// Waits until every event of `auth` is published.
    ///
    /// # Panics
    /// When it is not within a minute.
    pub async fn auth_published(&self) {
        within(QUIESCENT_TIMEOUT, "everything of auth is published", async || {
            published(&self.stats(self.auth_url("")).await?).then_some(())
        })
        .await;
    }

    async fn stats(&self, base: String) -> Option<Value> {
        let ask = self.http.get(format!("{base}/admin/v1/events/stats"));
        let answer = ask.bearer_auth(self.operator_token().await).send().await.ok()?;
        answer.json().await.ok()
    }
}

fn published(stats: &Value) -> bool {
    number(stats, "/outbox/depth") == Some(0)
}

/// True if the service of `own` has applied every event that the service of `other` has published.
fn applied(own: &Value, other: &Value) -> bool {
    let consumers = own["consumers"].as_array().into_iter().flatten();
    let mut positions = consumers.filter(|consumer| consumer["consumer"] == own["service"]);
    let position = positions.find_map(|consumer| consumer["position"].as_i64());
    position.is_some() && position >= number(other, "/outbox/last_position")
}

fn number(stats: &Value, pointer: &str) -> Option<i64> {
    stats.pointer(pointer)?.as_i64()
}
