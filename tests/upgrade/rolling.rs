//! Tests of rolling restarts and rolling upgrades under load: no request fails and no event is lost.

use std::sync::Arc;
use std::time::Duration;

use testkit::{Person, Service, Stack, Tokens, Visitor, within};

use crate::follower::{FollowerState, follow};
use crate::load::Load;
use crate::old_release::old_release;
use crate::proxied::{NextRelease, Proxied, ProxiedOptions};

const REPLICAS: [(Service, usize); 4] = [
    (Service::Users, 0),
    (Service::Auth, 0),
    (Service::Users, 1),
    (Service::Auth, 1),
];
/// The number of requests between two restarts, so that each replica serves some of them.
const REQUESTS_BETWEEN_RESTARTS: u64 = 40;
/// The numbers of people whom a directory changes and who register during the restarts, at least.
const LEAST_CHANGED: usize = 5;
const LEAST_REGISTERED: usize = 3;

/// Restarts replicas as the given releases, one after the other, while people are at work.
pub(crate) async fn roll_replicas(
    proxied: &mut Proxied,
    load: &Arc<Load>,
    restarts: impl IntoIterator<Item = ((Service, usize), NextRelease)>,
) {
    let restarts = async {
        for ((service, number), next) in restarts {
            proxied.restart(service, number, next).await;
            let before = load.requests();
            within(Duration::from_secs(60), "the load goes on", async || {
                (load.requests() > before + REQUESTS_BETWEEN_RESTARTS).then_some(())
            })
            .await;
        }
        // So that there are events whose loss would show, however slow the machine.
        within(
            Duration::from_secs(120),
            "people are changed and register",
            async || {
                (load.acknowledged().len() >= LEAST_CHANGED && load.registered().len() >= LEAST_REGISTERED)
                    .then_some(())
            },
        )
        .await;
        load.stop();
    };
    let (users_url, auth_url) = (load.url(Service::Users), load.url(Service::Auth));
    let all_told = |seen: &FollowerState| load.is_stopped() && all_changes_published(load, seen);
    let all_asked = |seen: &FollowerState| load.is_stopped() && all_registrations_published(load, seen);
    let ((), (), users, auth) = tokio::join!(
        restarts,
        load.run(),
        async { tokio::time::timeout(Duration::from_secs(900), follow(load, &users_url, all_told)).await },
        async { tokio::time::timeout(Duration::from_secs(900), follow(load, &auth_url, all_asked)).await },
    );
    let failures = load.failures();
    assert!(
        failures.is_empty(),
        "{} of {} requests failed: {failures:#?}",
        failures.len(),
        load.requests()
    );
    let (users, auth) = (
        users.expect("every change is told"),
        auth.expect("every request is told"),
    );
    println!(
        "{} requests, none failed; {} events of users, {} of auth",
        load.requests(),
        users.count(),
        auth.count()
    );
}

/// A restart of every replica as the given release.
pub(crate) fn each_as(next: NextRelease) -> impl Iterator<Item = ((Service, usize), NextRelease)> {
    REPLICAS.into_iter().map(move |replica| (replica, next))
}

/// True if the events of all acknowledged changes were published.
fn all_changes_published(load: &Load, seen: &FollowerState) -> bool {
    let changes = load.acknowledged();
    changes.iter().all(|(id, version)| seen.version(id) >= *version)
        && load
            .registered()
            .iter()
            .all(|id| has_event(seen, id, "vestibule.user.created.v1"))
}

/// True if the requested event of every registration was published.
fn all_registrations_published(load: &Load, seen: &FollowerState) -> bool {
    load.registered()
        .iter()
        .all(|id| has_event(seen, id, "vestibule.registration.requested.v1"))
}

fn has_event(seen: &FollowerState, id: &str, kind: &str) -> bool {
    seen.kinds
        .get(id)
        .is_some_and(|kinds| kinds.iter().any(|known| known == kind))
}

/// A person who signed in before the upgrade and goes on afterwards.
pub(crate) struct EstablishedUser {
    pub(crate) ann: Person,
    visitor: Visitor,
    tokens: Tokens,
}

impl EstablishedUser {
    /// Ann, signed in, and the load that she is a part of.
    pub(crate) async fn of(stack: &Stack) -> (Self, Arc<Load>) {
        let ann = stack.register("ann").await;
        let load = Load::on(stack, &ann).await;
        let mut visitor = Visitor::at(&stack.auth_url(""));
        load.sign_in(&mut visitor).await;
        let (status, answer) = stack
            .try_authenticate(&ann, Some("openid profile offline_access"))
            .await;
        assert!(status.is_success(), "{answer}");
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        let tokens = Tokens {
            access: text("access_token").unwrap(),
            refresh: text("refresh_token"),
            answer,
        };
        (Self { ann, visitor, tokens }, load)
    }

    /// Asserts that cookies, sessions, access tokens and refresh tokens still work.
    pub(crate) async fn assert_still_works(mut self, stack: &Stack, load: &Load) {
        assert!(
            self.visitor.open("/").await.has_form("/logout"),
            "the session is over"
        );
        let (status, user) = stack.user(&self.tokens.access).await;
        assert!(status.is_success(), "{user}");
        let next = load
            .refresh(self.tokens.refresh.as_ref().unwrap(), "vestibule-direct")
            .await
            .unwrap_or_else(|| panic!("{:?}", load.failures()));
        assert!(next["refresh_token"].is_string(), "{next}");
        stack.authenticate(&self.ann).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_are_restarted_one_by_one_and_no_request_fails() {
    let mut proxied = Proxied::start(ProxiedOptions::default()).await;
    let (before, load) = EstablishedUser::of(&proxied.stack).await;
    // As if a newer version had been there: what this one does not know of does not keep it from starting.
    for url in proxied.stack.database_urls() {
        let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(&url)
            .await
            .unwrap();
        for statement in [
            "INSERT INTO _migrations_events (version, description, success, checksum, execution_time)
             VALUES (9999, 'from the future', TRUE, '\\x00', 0)",
            "ALTER TABLE outbox ADD COLUMN of_the_future TEXT NOT NULL DEFAULT ''",
        ] {
            sqlx::query(statement).execute(&mut connection).await.unwrap();
        }
    }
    roll_replicas(&mut proxied, &load, each_as(NextRelease::Same)).await;
    before.assert_still_works(&proxied.stack, &load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_become_a_newer_version_one_by_one_and_no_request_fails() {
    let mut proxied = Proxied::start(ProxiedOptions {
        release: Some(old_release()),
        ..ProxiedOptions::default()
    })
    .await;
    let (before, load) = EstablishedUser::of(&proxied.stack).await;
    roll_replicas(&mut proxied, &load, each_as(NextRelease::Current)).await;
    before.assert_still_works(&proxied.stack, &load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_is_taken_back_one_by_one_and_no_request_fails() {
    let mut proxied = Proxied::start(ProxiedOptions {
        release: Some(old_release()),
        ..ProxiedOptions::default()
    })
    .await;
    let (before, load) = EstablishedUser::of(&proxied.stack).await;
    // In the middle, both releases work on one database; at its end, the old one reads what the new one wrote.
    let there_and_back = each_as(NextRelease::Current).chain(each_as(NextRelease::Old));
    roll_replicas(&mut proxied, &load, there_and_back).await;
    before.assert_still_works(&proxied.stack, &load).await;
}
