//! The story of a consumer: people are created, changed and deleted while it follows, crashes and restarts.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use sqlx::Connection;
use testkit::{Process, Stack, StackOptions, Transport, within};

/// A person, as the directory and the tables show them: name, address, whether they may sign in.
pub(super) type PersonRow = (String, Option<String>, bool);
pub(super) type Table = BTreeMap<String, PersonRow>;

/// Two interpreters and a broker on a busy machine.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(60);

/// A stack whose user service an example follows, and the example.
pub(super) struct World {
    stack: Stack,
    token: String,
    consumer: Process,
    read: fn(&Path) -> Option<Table>,
}

async fn stack_on(transport: Transport) -> Stack {
    Stack::with(StackOptions {
        transport,
        ..StackOptions::default().with("VESTIBULE_USERS__DELETION__GRACE_DAYS", "0")
    })
    .await
}

async fn scim(stack: &Stack, token: &str, method: http::Method, path: &str, body: Value) -> Value {
    let mut body = body;
    body["schemas"] = json!(["urn:ietf:params:scim:schemas:core:2.0:User"]);
    let answer = stack
        .http()
        .request(method, stack.users_url(&format!("/scim/v2/Users{path}")))
        .bearer_auth(token)
        .header("content-type", "application/scim+json")
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    let status = answer.status();
    let answer = answer.text().await.unwrap();
    assert!(status.is_success(), "{status}: {answer}");
    serde_json::from_str(&answer).unwrap_or(Value::Null)
}

fn person(name: &str, host: &str, active: bool) -> Value {
    json!({
        "userName": name, "active": active,
        "emails": [{ "value": format!("{name}@{host}"), "primary": true }],
    })
}

impl World {
    async fn create(&self, names: std::ops::Range<u32>) -> Vec<(String, String)> {
        let mut made = Vec::new();
        for number in names {
            let name = format!("person{number}");
            let user = person(&name, "example.com", true);
            let user = scim(&self.stack, &self.token, http::Method::POST, "", user).await;
            made.push((user["id"].as_str().unwrap().to_owned(), name));
        }
        made
    }

    async fn change(&self, people: &[(String, String)], host: &str, active: bool) {
        for (id, name) in people {
            let user = person(name, host, active);
            scim(
                &self.stack,
                &self.token,
                http::Method::PUT,
                &format!("/{id}"),
                user,
            )
            .await;
        }
    }

    async fn delete(&self, people: &[(String, String)]) {
        for (id, _) in people {
            scim(
                &self.stack,
                &self.token,
                http::Method::DELETE,
                &format!("/{id}"),
                json!({}),
            )
            .await;
        }
    }

    async fn directory(&self) -> Table {
        let mut found = Table::new();
        loop {
            let url = format!("/scim/v2/Users?startIndex={}&count=100", found.len() + 1);
            let answer = self
                .stack
                .http()
                .get(self.stack.users_url(&url))
                .bearer_auth(&self.token);
            let answer = answer.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
            let list: Value = answer.json().await.unwrap();
            let page = list["Resources"].as_array().cloned().unwrap_or_default();
            if page.is_empty() {
                return found;
            }
            for user in page {
                let text = |value: &Value| value.as_str().map(str::to_owned);
                let row = (
                    text(&user["userName"]).unwrap(),
                    text(&user["emails"][0]["value"]),
                    user["active"].as_bool().unwrap(),
                );
                found.insert(text(&user["id"]).unwrap(), row);
            }
        }
    }

    async fn wait_until_equal_to_directory(&self, what: &str) {
        let directory = self.directory().await;
        within(CATCH_UP_TIMEOUT, what, async || {
            ((self.read)(self.stack.folder())? == directory).then_some(())
        })
        .await;
    }

    async fn wait_until(&self, what: &str, condition: impl Fn(&Table) -> bool) {
        within(CATCH_UP_TIMEOUT, what, async || {
            (self.read)(self.stack.folder()).filter(&condition).map(drop)
        })
        .await;
    }

    fn crash(&mut self) {
        self.consumer.kill();
        self.consumer.start_again();
    }

    /// The life of a consumer.
    pub(super) async fn story(mut self) {
        // These it knows from the snapshot alone, were it not for the topic.
        self.wait_until_equal_to_directory("the snapshot is applied")
            .await;
        let people = self.create(100..160).await;
        self.wait_until("some news are applied", |table| table.len() > 40)
            .await;
        self.crash();
        self.change(&people, "example.org", true).await;
        let changed = |table: &Table| {
            let moved = |row: &&PersonRow| {
                row.1
                    .as_deref()
                    .is_some_and(|email| email.ends_with("example.org"))
            };
            table.values().filter(moved).count()
        };
        self.wait_until("some changes are applied", |table| changed(table) > 10)
            .await;
        self.crash();
        let (gone, kept) = people.split_at(20);
        self.delete(gone).await;
        self.consumer.kill();
        self.change(kept, "example.net", false).await;
        self.consumer.start_again();
        self.wait_until_equal_to_directory("everything is applied after crashes")
            .await;

        // The relay died after it had published and before it had noted it: all comes again.
        self.consumer.kill();
        let before = self.republish_all().await;
        self.consumer.start_again();
        let again = self.create(200..201).await;
        self.wait_until("what came behind the repetition is applied", |table| {
            table.contains_key(&again[0].0)
        })
        .await;
        self.wait_until_equal_to_directory("a repetition changes nothing")
            .await;
        assert!(before > 200, "only {before} events came again");
        let table = (self.read)(self.stack.folder()).unwrap();
        for (id, name) in gone {
            assert!(!table.contains_key(id), "{name}");
        }
    }

    /// Republishes all events of the user service, and returns their number.
    async fn republish_all(&mut self) -> u64 {
        self.stack.users.terminate().await;
        let [_, users] = self.stack.database_urls();
        let mut db = sqlx::SqliteConnection::connect(&users).await.unwrap();
        let unmarked = sqlx::query("UPDATE outbox SET published_at = NULL, position = NULL")
            .execute(&mut db)
            .await
            .unwrap();
        db.close().await.unwrap();
        self.stack.users.start_again();
        self.stack.users_ready().await;
        unmarked.rows_affected()
    }
}

/// People before the consumer begins, one of whom is gone already.
pub(super) async fn start_world(
    transport: Transport,
    start: impl AsyncFnOnce(&Stack) -> Process,
    read: fn(&Path) -> Option<Table>,
) -> World {
    let stack = stack_on(transport).await;
    let token = stack.operator_token().await;
    let mut names = Vec::new();
    for number in 0..20 {
        let name = format!("early{number}");
        let user = scim(
            &stack,
            &token,
            http::Method::POST,
            "",
            person(&name, "example.com", true),
        )
        .await;
        names.push(user["id"].as_str().unwrap().to_owned());
    }
    scim(
        &stack,
        &token,
        http::Method::DELETE,
        &format!("/{}", names[0]),
        json!({}),
    )
    .await;
    let consumer = start(&stack).await;
    World {
        stack,
        token,
        consumer,
        read,
    }
}
