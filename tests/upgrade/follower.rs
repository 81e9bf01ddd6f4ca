//! A consumer that follows the feed of a service through the proxy and detects lost, duplicate and reordered events.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::load::Load;

/// The events that a follower has received.
#[derive(Debug, Default)]
pub(crate) struct FollowerState {
    position: i64,
    ids: BTreeSet<String>,
    /// The last sequence of each aggregate.
    sequences: BTreeMap<String, i64>,
    /// The types of the events of each aggregate.
    pub(crate) kinds: BTreeMap<String, Vec<String>>,
}

impl FollowerState {
    /// The number of events.
    pub(crate) fn count(&self) -> i64 {
        self.position
    }

    /// The last version of an aggregate.
    pub(crate) fn version(&self, id: &str) -> i64 {
        self.sequences.get(id).copied().unwrap_or_default()
    }

    fn record(&mut self, event: &Value) {
        let text = |name: &str| {
            event[name]
                .as_str()
                .unwrap_or_else(|| panic!("no {name} in {event}"))
        };
        let number = |name: &str| text(name).parse::<i64>().unwrap();
        self.position += 1;
        assert_eq!(number("position"), self.position, "a hole in the feed: {event}");
        assert!(
            self.ids.insert(text("id").to_owned()),
            "twice in the feed: {event}"
        );
        let last = self.sequences.entry(text("subject").to_owned()).or_default();
        *last += 1;
        assert_eq!(number("sequence"), *last, "lost or out of order: {event}");
        self.kinds
            .entry(text("subject").to_owned())
            .or_default()
            .push(text("type").to_owned());
    }
}

/// Follows the feed at `url` with long polls until `until` says that enough was seen.
pub(crate) async fn follow(load: &Load, url: &str, until: impl Fn(&FollowerState) -> bool) -> FollowerState {
    let mut seen = FollowerState::default();
    while !until(&seen) {
        let page = format!("{url}/events?after={}&limit=500&wait=2", seen.position);
        let token = load.operator().await;
        let request = load.http().get(page).bearer_auth(token);
        let Some(answer) = load
            .expect_status("a follower reads the feed", request, 200)
            .await
        else {
            continue;
        };
        for event in answer.as_array().unwrap_or_else(|| panic!("{answer}")) {
            seen.record(event);
        }
    }
    seen
}
