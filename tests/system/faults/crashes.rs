//! Test of SIGKILL at random points in 200 registrations: each acknowledged registration exists once in both services,
//! and none exists in one only.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use testkit::{Engine, Person, Stack, StackOptions, within};

use super::holdings::{Account, account, directory};

const REGISTRATIONS: usize = 200;
/// All that was begun has to be settled within this time after the last crash.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Numbers that look random and are the same for the same seed, so that a failure can be looked at again.
struct SeededRandom(u64);

impl SeededRandom {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// The responses to the callers, by user name: the id if the registration was acknowledged.
type Acknowledged = BTreeMap<String, Option<String>>;

/// The state that the callers share.
#[derive(Default)]
struct CallerState {
    next: Cell<usize>,
    done: Cell<usize>,
    told: RefCell<Acknowledged>,
}

/// One caller, who registers people one after the other, whatever happens.
async fn caller(calls: &CallerState, http: &reqwest::Client, url: &str, token: &str) {
    while calls.next.get() < REGISTRATIONS {
        let person = Person::named(&format!("person{}", calls.next.get()));
        calls.next.set(calls.next.get() + 1);
        let id = register(http, url, token, &person).await;
        calls.told.borrow_mut().insert(person.user_name, id);
        calls.done.set(calls.done.get() + 1);
    }
}

/// One registration; tried again only while the request cannot have arrived.
async fn register(http: &reqwest::Client, url: &str, token: &str, person: &Person) -> Option<String> {
    let body = json!({ "user_name": person.user_name, "email": person.email(), "password": person.password });
    let answer = within(Duration::from_secs(60), "auth listens", async || {
        match http.post(url).bearer_auth(token).json(&body).send().await {
            Err(error) if error.is_connect() => None,
            answer => Some(answer),
        }
    })
    .await;
    let answer = answer.ok()?;
    if answer.status() != StatusCode::CREATED {
        assert!(
            answer.status().is_server_error(),
            "{}: {:?}",
            answer.status(),
            answer.text().await
        );
        return None;
    }
    let body: Value = answer.json().await.ok()?;
    Some(body["id"].as_str().unwrap().to_owned())
}

/// Kills one service after the other at points that the seed chooses, until the callers are done.
async fn crash_until_done(stack: &mut Stack, calls: &CallerState, seed: u64) -> usize {
    let mut random = SeededRandom(seed);
    let mut crashes = 0;
    loop {
        let ahead = 1 + usize::try_from(random.below(10)).unwrap();
        let target = (calls.done.get() + ahead).min(REGISTRATIONS);
        within(Duration::from_secs(120), "some registrations later", async || {
            (calls.done.get() >= target).then_some(())
        })
        .await;
        if calls.done.get() == REGISTRATIONS {
            return crashes;
        }
        // Not a wait for anything: the moment within a request at which the crash comes.
        tokio::time::sleep(Duration::from_micros(random.below(80_000))).await;
        crashes += 1;
        if random.below(2) == 0 {
            stack.auth.kill();
            stack.auth.start_again();
            stack.auth_ready().await;
        } else {
            stack.users.kill();
            stack.users.start_again();
            stack.users_ready().await;
        }
    }
}

/// Waits until each person is on both sides under one id, or on neither. The directory as it is then.
async fn wait_until_services_agree(stack: &Stack, told: &Acknowledged) -> BTreeMap<String, Vec<String>> {
    let mut settled = BTreeSet::new();
    within(
        SETTLE_TIMEOUT,
        "each person is on both sides or on neither",
        async || {
            let directory = directory(stack).await;
            for name in told.keys() {
                if settled.contains(name) {
                    continue;
                }
                let agreed = match directory.get(name).map(Vec::as_slice) {
                    Some([id]) => account(stack, name).await == Account::Active(id.clone()),
                    Some(more) => panic!("{name} exists more than once: {more:?}"),
                    None => account(stack, name).await == Account::None,
                };
                if agreed {
                    settled.insert(name.clone());
                }
            }
            (settled.len() == told.len()).then_some(directory)
        },
    )
    .await
}

async fn story(engine: Engine, seed: u64) {
    let mut stack = Stack::with(StackOptions::on(engine)).await;
    let calls = CallerState::default();
    let (http, url) = (stack.http().clone(), stack.auth_url("/admin/v1/users"));
    let token = stack.operator_token().await;
    let one = || caller(&calls, &http, &url, &token);
    let (crashes, (), (), (), ()) = tokio::join!(
        crash_until_done(&mut stack, &calls, seed),
        one(),
        one(),
        one(),
        one()
    );
    let told = calls.told.take();
    let acknowledged = told.values().flatten().count();
    assert_eq!(told.len(), REGISTRATIONS);
    assert!(crashes >= 15, "only {crashes} crashes");
    assert!(
        acknowledged > REGISTRATIONS / 2 && acknowledged < REGISTRATIONS,
        "{acknowledged} registrations were acknowledged: the crashes have to hit some, and to spare most"
    );

    let directory = wait_until_services_agree(&stack, &told).await;
    for (name, id) in &told {
        if let Some(id) = id {
            assert_eq!(
                directory.get(name),
                Some(&vec![id.clone()]),
                "{name} was acknowledged"
            );
        }
    }
    assert_eq!(
        directory.len(),
        directory.keys().filter(|name| told.contains_key(*name)).count()
    );
    assert_one_event_each(&stack, &directory).await;
}

/// The feed has published each person once.
async fn assert_one_event_each(stack: &Stack, directory: &BTreeMap<String, Vec<String>>) {
    let token = stack.operator_token().await;
    let mut created: BTreeMap<String, usize> = BTreeMap::new();
    let mut after = 0;
    loop {
        let url = stack.users_url(&format!("/events?after={after}&limit=100"));
        let events: Vec<Value> = stack
            .http()
            .get(url)
            .bearer_auth(&token)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        if events.is_empty() {
            break;
        }
        after += events.len();
        for event in events
            .iter()
            .filter(|event| event["type"] == "vestibule.user.created.v1")
        {
            *created
                .entry(event["subject"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
    }
    assert_eq!(
        created.len(),
        directory.len(),
        "positions have no gap, so counting reads them all"
    );
    assert!(created.values().all(|count| *count == 1), "{created:?}");
}

#[tokio::test]
async fn every_acknowledged_registration_exists_once_on_both_sides_on_sqlite() {
    story(Engine::Sqlite, 0x5eed_0001).await;
}

#[tokio::test]
async fn every_acknowledged_registration_exists_once_on_both_sides_on_postgres() {
    story(Engine::Postgres, 0x5eed_0002).await;
}
