//! Tests of the log stream of a running stack, from the log file to the queries of the dashboards.

use std::collections::{BTreeMap, HashMap, HashSet};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Person, Stack, StackOptions, eventually};

use super::server::{STREAM, Server, mapped_fields};
use super::{kibana, shipping};
use crate::prometheus::story;

const LEVEL: &str = "info,http=debug,events=debug";

/// Sign-up, sign-ins good and bad, a token used twice, an act of an administrator, events, and a service that goes
/// away. What both services wrote.
async fn run_logged_story() -> String {
    let options = StackOptions::default()
        .with("VESTIBULE_AUTH__LOG__LEVEL", LEVEL)
        .with("VESTIBULE_USERS__LOG__LEVEL", LEVEL);
    let mut stack = Stack::following(options).await;
    let ann = stack.register("ann").await;
    stack.authenticate(&ann).await;
    let wrong = Person {
        password: "not-the-password-of-anybody".to_owned(),
        ..ann.clone()
    };
    for _ in 0..3 {
        stack.try_authenticate(&wrong, None).await;
    }
    story::reuse(&stack, &ann).await;
    stack
        .create_client(
            &json!({ "client_name": "An application", "redirect_uris": ["https://app.example/cb"] }),
        )
        .await;
    for service in [
        stack.auth_management_url("/health/ready"),
        stack.users_management_url("/health/ready"),
    ] {
        stack.http().get(service).send().await.unwrap();
    }
    eventually("events are applied", async || {
        let applied = |text: String| text.contains("event-applied");
        applied(stack.auth.log()).then_some(())
    })
    .await;
    stack.users.kill();
    eventually("auth misses the other service", async || {
        let log = stack.auth.log();
        log.lines()
            .any(|line| line.contains(r#""log.level":"warn""#) && line.contains("error.message"))
            .then_some(())
    })
    .await;
    stack.auth.kill();
    stack.auth.log() + &stack.users.log()
}

/// Applies the steps of logstash/pipeline/vestibule.conf: drops noise, adds the stream and the id.
fn apply_logstash_pipeline(events: Vec<Value>) -> Vec<(String, Value)> {
    let noise = |event: &Value| {
        let route = event["vestibule"]["http"]["route"].as_str().unwrap_or_default();
        event["log"]["logger"] == "http" && (route.starts_with("/health") || route.starts_with("/metrics"))
    };
    events
        .into_iter()
        .filter(|event| !noise(event))
        .map(|mut event| {
            event["data_stream"] = json!({ "type": "logs", "dataset": "vestibule", "namespace": "default" });
            event.as_object_mut().unwrap().remove("@metadata");
            let log = &event["log"];
            (format!("{}-{}", log["file"]["path"], log["offset"]), event)
        })
        .collect()
}

/// Counts the values of `field` among the lines that match.
fn counted(lines: &[Value], field: &str, matching: impl Fn(&Value) -> bool) -> Vec<(String, u64)> {
    let mut counts = BTreeMap::new();
    for line in lines.iter().filter(|line| matching(line)) {
        if let Some(value) = line[field].as_str() {
            *counts.entry(value.to_owned()).or_insert(0) += 1;
        }
    }
    counts.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_is_seen_in_the_dashboards() {
    let text = run_logged_story().await;
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let sent = shipping::ship(&(text + "thread 'main' panicked: this is no JSON\n")).await;
    assert!(
        !serde_json::to_string(&sent).unwrap().contains("/setup?token="),
        "the set-up link stays on the machine"
    );
    let documents = apply_logstash_pipeline(sent);
    let server = Server::start();
    for answer in server.index(&documents).await {
        assert_eq!(answer["status"], 201, "{answer}");
    }
    // Filebeat sends again what was not acknowledged in time.
    for answer in server.index(&documents).await {
        assert_eq!(answer["status"], 409, "{answer}");
    }
    assert_eq!(server.count("").await, documents.len() as u64);
    assert_eq!(server.count("_exists_:_ignored").await, 0);
    assert_eq!(server.count("event.kind:pipeline_error").await, 0);
    assert_eq!(server.count("tags:unstructured").await, 1);
    assert_all_fields_mapped(&server, &documents).await;
    assert_counts(&server, &lines).await;
    assert_panels_have_data(&server).await;
    assert_broken_lines_kept(&server).await;
}

async fn assert_counts(server: &Server, lines: &[Value]) {
    let failed = |line: &Value| line["event.action"] == "sign-in" && line["event.outcome"] == "failure";
    let reasons = counted(lines, "event.reason", failed);
    assert!(
        reasons.iter().map(|(_, count)| count).sum::<u64>() >= 3,
        "{reasons:?}"
    );
    assert_eq!(
        server
            .by(
                r#"event.action:"sign-in" AND event.outcome:failure"#,
                "event.reason"
            )
            .await,
        reasons
    );
    for action in [
        "event-published",
        "event-applied",
        "token-reuse",
        "client-created",
        "registration",
    ] {
        let in_lines = lines.iter().filter(|line| line["event.action"] == action).count();
        assert!(in_lines > 0, "{action}");
        assert_eq!(
            server.count(&format!("event.action:\"{action}\"")).await,
            in_lines as u64,
            "{action}"
        );
    }
    let trouble = |line: &Value| line["log.level"] == "error" || line["log.level"] == "warn";
    let places = counted(lines, "log.logger", trouble);
    assert!(!places.is_empty());
    assert_eq!(server.by("log.level:(error OR warn)", "log.logger").await, places);
    // One event can be followed from service to service: by its id, and by the trace of the request that caused it.
    let ids = |action: &str| -> HashSet<&str> {
        let told = lines.iter().filter(|line| line["event.action"] == action);
        told.filter_map(|line| line["event.id"].as_str()).collect()
    };
    let (published, applied) = (ids("event-published"), ids("event-applied"));
    let id = published.intersection(&applied).next().expect("an event of both");
    let services = server.by(&format!("event.id:\"{id}\""), "service.name").await;
    assert_eq!(services.len(), 2, "{services:?}");
}

async fn assert_all_fields_mapped(server: &Server, documents: &[(String, Value)]) {
    let known: HashMap<String, String> = mapped_fields().into_iter().collect();
    let answer = server.get(&format!("{STREAM}/_field_caps?fields=*")).await;
    let fields = answer["fields"].as_object().unwrap();
    // Of labels nothing is indexed.
    for (name, kind) in known.iter().filter(|(_, kind)| *kind != "object") {
        let found = fields.get(name).and_then(|field| field.get(kind));
        assert!(found.is_some(), "{name}: {:?}", fields.get(name));
    }
    let mut names = Vec::new();
    for (_, document) in documents {
        flatten(document, "", &mut names);
    }
    names.sort();
    names.dedup();
    // The pipeline takes these away.
    names.retain(|name| !["agent.hostname", "stream"].contains(&name.as_str()));
    names.retain(|name| !known.contains_key(name) && !name.starts_with("labels."));
    assert_eq!(
        names,
        Vec::<String>::new(),
        "these fields are not in mappings.json"
    );
}

fn flatten(value: &Value, prefix: &str, names: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let dot = if prefix.is_empty() { "" } else { "." };
                flatten(field, &format!("{prefix}{dot}{name}"), names);
            }
        }
        _ => names.push(prefix.to_owned()),
    }
}

/// The panels that have something to show after this story.
async fn assert_panels_have_data(server: &Server) {
    let quiet = [
        "vestibule-event-trouble",
        "vestibule-webhook-trouble",
        // The one line of the crash.
        "vestibule-pipeline-errors",
    ];
    for panel in kibana::panels() {
        let found = server.search(&panel.query, &panel.aggregations).await;
        let total = found["hits"]["total"]["value"].as_u64().unwrap();
        assert!(
            total > 0 || quiet.contains(&panel.id.as_str()),
            "{} shows nothing",
            panel.id
        );
        for (name, _) in panel.aggregations.as_object().unwrap() {
            let buckets = found["aggregations"][name]["buckets"].as_array().unwrap();
            assert!(
                !buckets.is_empty() || quiet.contains(&panel.id.as_str()),
                "{}: {name}",
                panel.id
            );
        }
    }
}

/// A field that the pipeline cannot process is noted on the line; a line that cannot be indexed is refused,
/// for Logstash to keep.
async fn assert_broken_lines_kept(server: &Server) {
    let line = |fields: Value| {
        let mut line = json!({ "@timestamp": "2026-11-23T05:00:00.000Z", "log": { "level": "info" }, "message": "broken" });
        line.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        line
    };
    let documents = [
        (
            "no-user-agent".to_owned(),
            line(json!({ "user_agent": { "original": 5 } })),
        ),
        (
            "no-address".to_owned(),
            line(json!({ "client": { "ip": "somewhere" } })),
        ),
        ("no-object".to_owned(), line(json!({ "user": "ann" }))),
        (
            "a-browser".to_owned(),
            line(
                json!({ "user_agent": { "original": "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0" } }),
            ),
        ),
    ];
    let answers = server.index(&documents).await;
    let status = |number: usize| answers[number]["status"].as_u64().unwrap();
    assert_eq!(
        [status(0), status(1), status(2), status(3)],
        [201, 201, 400, 201],
        "{answers:?}"
    );
    assert_eq!(
        server
            .count("event.kind:pipeline_error AND tags:*user\\-agent AND error.message:*")
            .await,
        1
    );
    assert_eq!(server.count("_ignored:\"client.ip\"").await, 1);
    assert_eq!(
        server
            .count("user_agent.name:Firefox AND user_agent.os.name:Linux")
            .await,
        1
    );
    let (status, simulated) = server
        .call(
            Method::POST,
            "_ingest/pipeline/vestibule-logs/_simulate",
            &json!({ "docs": [{ "_source": documents[0].1 }] }),
        )
        .await;
    assert_eq!(status, 200);
    let tags = &simulated["docs"][0]["doc"]["_source"]["tags"];
    assert_eq!(tags[0], "pipeline-error: user_agent user-agent", "{simulated}");
}
