//! Tests of the dashboards: their form, and that every expression has data in a running Prometheus.

mod dashboard;
mod shape;

use std::time::Duration;

use dashboard::{all, expressions, substituted};
use testkit::within;

use crate::prometheus::server::Server;

/// Expressions that have no data after the activity of the tests, each with the reason.
const EXPECTED_EMPTY: [(&str, &str); 4] = [
    ("status=~\"5..\"}[$__rate_interval])) > 0", "no request failed"),
    ("vestibule_task_panics_total", "nothing panicked"),
    ("offset 1d", "nobody was there yesterday"),
    ("offset 1w", "nobody was there a week ago"),
];

/// Asks `server` every expression of every dashboard, as Grafana would.
pub(crate) async fn assert_expressions_have_data(server: &Server) {
    let mut asked = 0;
    for dashboard in all() {
        for place in expressions(&dashboard) {
            let expression = substituted(&place.expression);
            let what = format!("data for {place}");
            within(Duration::from_secs(30), &what, async || {
                let found = server.query(&expression).await;
                let found = found.unwrap_or_else(|error| panic!("{place}: {error}: {expression}"));
                let may_be_empty = EXPECTED_EMPTY
                    .iter()
                    .any(|(part, _)| place.expression.contains(part));
                (!found.is_empty() || may_be_empty).then_some(())
            })
            .await;
            asked += 1;
        }
    }
    assert!(
        asked > 100,
        "only {asked} expressions: does this test still see them?"
    );
    for (part, why) in EXPECTED_EMPTY {
        let used = all()
            .iter()
            .flat_map(expressions)
            .any(|place| place.expression.contains(part));
        assert!(used, "{part} ({why}) is in no dashboard any more");
    }
}
