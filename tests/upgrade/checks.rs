//! Tests of the health checks in the shipped HAProxy configuration.

use std::time::Duration;

use testkit::{FaultProxy, Process, Stack, free_port, within};

use crate::proxied::{READY_TIMEOUT, port, server_statistics, shipped_configuration, start_haproxy};

/// The delay in each direction. A request and its response together take longer than the second between two checks.
const ONE_WAY_DELAY: Duration = Duration::from_millis(600);

#[tokio::test]
async fn a_slow_answer_about_health_takes_no_replica_out() {
    let stack = Stack::start().await;
    let management = port(&stack.auth_management_url(""));
    let line = FaultProxy::start(free_port(), ([127, 0, 0, 1], management).into()).await;
    let (stats, configuration) = (free_port(), stack.folder().join("haproxy.cfg"));
    std::fs::write(&configuration, shipped_configuration()).unwrap();
    let mut environment = Vec::new();
    for (name, at, management) in [
        ("AUTH", stack.auth_url(""), line.address().port()),
        (
            "USERS",
            stack.users_url(""),
            port(&stack.users_management_url("")),
        ),
    ] {
        environment.push((format!("{name}_LISTEN"), format!("127.0.0.1:{}", free_port())));
        for which in ["ONE", "TWO"] {
            environment.push((format!("{name}_{which}"), format!("127.0.0.1:{}", port(&at))));
            environment.push((format!("{name}_{which}_MANAGEMENT"), management.to_string()));
        }
    }
    let _haproxy = Process::start(start_haproxy(stack.folder(), stats, configuration, environment));
    let judged = async |what: &str, enough: fn(u64) -> bool| {
        within(READY_TIMEOUT, what, async || {
            let said = server_statistics(&stack, stats, "auth", "one").await?;
            // `L7OK`: an answer came, and it was the one that is expected. `* ` before it while the next is under way.
            let answered = said["check_status"].trim_start_matches("* ") == "L7OK";
            let took = said["check_duration"].parse().ok()?;
            (answered && enough(took) || said["chkfail"] != "0").then_some(said)
        })
        .await
    };
    judged("a quick answer", |took| took < 1_000).await;
    line.delay(ONE_WAY_DELAY);
    let said = judged("a slow answer", |took| took > 1_000).await;
    assert_eq!((said["status"].as_str(), said["chkfail"].as_str()), ("UP", "0"));
}
