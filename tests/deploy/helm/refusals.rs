//! Tests of values that the chart rejects, and of the error messages.

use super::chart::{PRODUCTION, SMALL, SQLITE, helm_error};

fn assert_refused(values: &str, sets: &[&str], words: &[&str]) {
    let said = helm_error(values, sets);
    for word in words {
        assert!(said.contains(word), "{sets:?}: {word:?} is not in\n{said}");
    }
}

#[test]
fn a_typo_is_refused_wherever_it_is() {
    for (set, place) in [
        ("replica=3", "replica"),
        ("auth.replica=3", "replica"),
        ("users.ingres.enabled=true", "ingres"),
        ("database.migrationJob.enable=false", "enable"),
        ("events.kafka.broker=x", "broker"),
        ("networkPolicy.client=x", "client"),
        ("chartTest.timeout=3", "timeout"),
        // These come from the services' own schema.
        ("auth.config.password.min_length=20", "password"),
        ("auth.config.passwords.min_lenght=20", "min_lenght"),
        ("users.config.sessions.idle_minutes=1", "sessions"),
        ("auth.clients.shop.redirect_uri=x", "redirect_uri"),
        ("auth.clients.shop.client_secret=x", "client_secret"),
        // The network policies go by the chart's own values, so there is no second place for these.
        ("auth.config.traces.otlp_endpoint=http://c:4318", "traces"),
        ("users.config.events.transport=kafka", "events"),
    ] {
        assert_refused(SMALL, &[set], &["additional propert", place]);
    }
}

#[test]
fn a_value_of_the_wrong_kind_is_refused() {
    for (set, place) in [
        ("auth.replicas=many", "replicas"),
        ("auth.replicas=0", "replicas"),
        ("database.engine=mysql", "engine"),
        ("auth.url=login.example.org", "url"),
        ("auth.topologySpread.zones=Always", "zones"),
        ("auth.image.digest=latest", "digest"),
        ("auth.config.passwords.min_length=long", "min_length"),
    ] {
        assert_refused(SMALL, &[set], &["values don't meet the specifications", place]);
    }
}

#[test]
fn sqlite_has_one_replica_and_says_so() {
    assert_refused(
        SQLITE,
        &["auth.replicas=2"],
        &["auth.replicas is 2", "SQLite", "postgres"],
    );
    assert_refused(SQLITE, &["users.replicas=3"], &["users.replicas is 3"]);
    assert_refused(
        SQLITE,
        &["users.autoscaling.enabled=true"],
        &["users.autoscaling is enabled", "SQLite"],
    );
}

#[test]
fn what_is_missing_is_named() {
    for (values, sets, words) in [
        (SMALL, &["auth.url="][..], "auth.url is missing"),
        (
            SMALL,
            &["users.existingSecret="],
            "users.existingSecret is missing",
        ),
        (
            SMALL,
            &["auth.encryption.active=k2"],
            "auth.encryption.active is \"k2\"",
        ),
        (
            SMALL,
            &["events.transport=kafka"],
            "events.kafka.brokers is empty",
        ),
        (
            SMALL,
            &["events.transport=rabbitmq"],
            "events.rabbitmq.existingSecret is missing",
        ),
        (SMALL, &["auth.httpRoute.enabled=true"], "are both enabled"),
        (
            SMALL,
            &["trial.enabled=true"],
            "database.migrationJob.enabled to false",
        ),
        (
            SQLITE,
            &["trial.enabled=true"],
            "trial.enabled and auth.existingSecret are both set",
        ),
        (SMALL, &["users.url=https://login.example.org"], "are the same"),
        (
            PRODUCTION,
            &["users.httpRoute.parentRefs=null"],
            "users.httpRoute.parentRefs is empty",
        ),
        (
            PRODUCTION,
            &["auth.autoscaling.minReplicas=99"],
            "greater than maxReplicas",
        ),
    ] {
        assert_refused(values, sets, &[words]);
    }
}

#[test]
fn an_old_cluster_is_refused() {
    let mut old = super::chart::template(SMALL, "1.33.0", &[]);
    let said = old.output().expect("Helm runs");
    assert!(!said.status.success());
    assert!(String::from_utf8_lossy(&said.stderr).contains(">=1.34.0"));
}
