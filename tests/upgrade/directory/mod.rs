//! Tests that the directory of the old release is there after an upgrade: users and groups by id, by filter and by name, their states
//! and events, and the accounts; and that what was carried over can be changed.

mod client;
mod content;
mod record;

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::{Engine, Person, Release, Service, Stack, StackOptions, eventually};

use crate::load::Load;
use crate::old_release::old_release;
use crate::proxied::{NextRelease, Proxied, ProxiedOptions};
use crate::rolling::{EstablishedUser, each_as, roll_replicas};
use client::Client;
use content::{ATTRIBUTES_TOML, CONFIGURED, Content, HR};
use record::{Record, as_stored};

/// The directory before the upgrade.
struct Directory {
    ann: EstablishedUser,
    load: Arc<Load>,
    /// A person with an account who was disabled.
    dora: Person,
    content: Content,
    record: Record,
}

/// The old release, with the attributes that the directory has.
fn release() -> Release {
    Release {
        configuration: with_attributes,
        ..old_release()
    }
}

/// Adds the attributes to the configuration of `users`, which alone has the section `[auth]`.
fn with_attributes(text: &str) -> String {
    match text.contains("\n[auth]\n") {
        true => format!("{text}{ATTRIBUTES_TOML}"),
        false => text.to_owned(),
    }
}

impl Directory {
    async fn create(stack: &Stack) -> Self {
        let configuration = stack.folder().join("users.toml");
        let mut file = OpenOptions::new().append(true).open(configuration).unwrap();
        file.write_all(ATTRIBUTES_TOML.as_bytes()).unwrap();
        let (ann, load) = EstablishedUser::of(stack).await;
        let dora = stack.register("dora").await;
        let client = Client::of(stack).await;
        let content = content::create(&client, &ann.ann.id).await;
        set_active(&client, &dora, false).await;
        wait_until_refused(stack, &dora).await;
        stack_knows_groups(stack, &ann.ann).await;
        // The states of the members of a deleted group follow in the background.
        eventually("the member does not name the deleted group", async || {
            let record = Record::read(&client, &content, &ann.ann.id).await;
            let member = record.states[&content.people[2]].to_string();
            (!member.contains(&content.deleted_group)).then_some(())
        })
        .await;
        let record = Record::read(&client, &content, &ann.ann.id).await;
        Self {
            ann,
            load,
            dora,
            content,
            record,
        }
    }

    /// Everything is as it was before the upgrade, and can be changed.
    async fn assert_carried_over(self, stack: &Stack) {
        let client = Client::of(stack).await;
        let ann = self.ann.ann.clone();
        self.assert_equal(&Record::read(&client, &self.content, &ann.id).await);
        self.assert_found(&client).await;
        self.assert_deleted(&client).await;
        assert_unique(&client).await;
        wait_until_refused(stack, &self.dora).await;
        stack_knows_groups(stack, &ann).await;
        self.ann.assert_still_works(stack, &self.load).await;
        assert_changes(stack, &client, &self.content, &ann).await;
        set_active(&client, &self.dora, true).await;
        eventually("dora signs in again", async || {
            let (status, _) = stack.try_authenticate(&self.dora, None).await;
            status.is_success().then_some(())
        })
        .await;
    }

    fn assert_equal(&self, after: &Record) {
        let mut differences = Vec::new();
        for (name, before) in &self.record.resources {
            let (before, after) = (as_stored(before), as_stored(&after.resources[name]));
            differences.extend((before != after).then(|| format!("{name}: {before} became {after}")));
        }
        for (id, before) in &self.record.states {
            let after = &after.states[id];
            differences.extend((before != after).then(|| format!("{before} became {after}")));
        }
        for (before, after) in self.record.events.iter().zip(&after.events) {
            differences.extend((before != after).then(|| format!("{before} became {after}")));
        }
        assert!(differences.is_empty(), "{differences:#?}");
        assert!(after.events.len() >= self.record.events.len(), "events are lost");
        let people = self.content.people.len();
        assert!(self.record.events.len() > people && self.record.states.len() > people);
        let groups = &after.resources[&format!("/scim/v2/Users/{}", self.content.people[2])]["groups"];
        let groups = groups.as_array().unwrap().iter();
        let groups: Vec<_> = groups.map(|group| (&group["value"], &group["type"])).collect();
        let [archers, club] = [&self.content.archers, &self.content.club].map(|id| json!(id));
        assert_eq!(
            groups,
            [(&archers, &json!("direct")), (&club, &json!("indirect"))]
        );
    }

    /// Filters and the search are answered from indexes that the new release fills in.
    async fn assert_found(&self, client: &Client) {
        for filter in [
            "externalId eq \"hr-7\"".to_owned(),
            "emails.value eq \"zoe7@example.org\"".to_owned(),
            "name.familyName eq \"quillfeather7\"".to_owned(),
            format!("{CONFIGURED}:badgeNumber eq \"b-7\""),
            format!("userName sw \"person7\" and {HR}:grade eq 7"),
        ] {
            assert_eq!(client.filter(&filter).await, ["Person7"], "{filter}");
        }
        for text in ["quillfeather7", "zoe7@example.org", "zoë quillfeather7"] {
            let found = client.find(text).await;
            assert_eq!(
                found.first().map(String::as_str),
                Some("Person7"),
                "{text}: {found:?}"
            );
        }
        let found = client.find("qillfeather7").await;
        assert!(found.contains(&"Person7".to_owned()), "with a typo: {found:?}");
        let disabled = client.filter("active eq false and userName sw \"person\"").await;
        assert_eq!(disabled.len(), self.content.people.len() / 5, "{disabled:?}");
    }

    async fn assert_deleted(&self, client: &Client) {
        for path in [
            format!("/scim/v2/Users/{}", self.content.deleted_user),
            format!("/scim/v2/Groups/{}", self.content.deleted_group),
        ] {
            let (status, answer) = client.send(Method::GET, &path, None).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{answer}");
        }
    }
}

/// Asserts that names and badges of those who were carried over are taken.
async fn assert_unique(client: &Client) {
    let mut other = content::person(7, None);
    for (name, badge) in [("PERSON7", "B-new"), ("other", "B-7")] {
        other["userName"] = name.into();
        other["externalId"] = "hr-new".into();
        other[CONFIGURED]["badgeNumber"] = badge.into();
        let (status, answer) = client.send(Method::POST, "/scim/v2/Users", Some(&other)).await;
        assert_eq!(status, StatusCode::CONFLICT, "{name}, {badge}: {answer}");
    }
}

/// Changes those who were carried over: a replacement, a PATCH of a user and of a group, a deletion, a deactivation.
async fn assert_changes(stack: &Stack, client: &Client, content: &Content, ann: &Person) {
    let seven = format!("/scim/v2/Users/{}", content.people[7]);
    let before = client.get(&seven).await;
    assert_eq!(client.put(&seven, &before).await, before, "it is valid as it is");
    let operations = json!([
        {"op": "replace", "path": "name.familyName", "value": "Featherstone"},
        {"op": "replace", "path": format!("{CONFIGURED}:badgeNumber"), "value": "B-107"},
        {"op": "remove", "path": "emails[type eq \"home\"]"},
    ]);
    client.patch(&seven, operations).await;
    let mut expected = before.clone();
    expected["name"]["familyName"] = "Featherstone".into();
    expected[CONFIGURED]["badgeNumber"] = "B-107".into();
    expected["emails"].as_array_mut().unwrap().pop();
    let mut after = client.get(&seven).await;
    assert_ne!(after["meta"]["version"], before["meta"]["version"]);
    after["meta"] = before["meta"].clone();
    assert_eq!(after, expected);
    assert_eq!(client.find("featherstone").await, ["Person7"]);
    assert_eq!(
        client.filter("name.familyName eq \"quillfeather7\"").await,
        [""; 0]
    );

    let archers = format!("/scim/v2/Groups/{}", content.archers);
    let leaves = format!("members[value eq \"{}\"]", content.people[7]);
    client
        .patch(&archers, json!([{"op": "remove", "path": leaves}]))
        .await;
    let group_names = |user: &Value| -> usize { user["groups"].as_array().map_or(0, Vec::len) };
    assert_eq!(group_names(&client.get(&seven).await), 0);
    client
        .delete(&format!("/scim/v2/Users/{}", content.people[8]))
        .await;
    let (status, _) = client
        .send(
            Method::GET,
            &format!("/scim/v2/Users/{}", content.people[8]),
            None,
        )
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(!client.find("person8").await.contains(&"Person8".to_owned()));

    set_active(client, ann, false).await;
    wait_until_refused(stack, ann).await;
}

/// Enables or disables a person.
async fn set_active(client: &Client, person: &Person, active: bool) {
    let path = format!("/scim/v2/Users/{}", person.id);
    let operations = json!([{"op": "replace", "path": "active", "value": active}]);
    client.patch(&path, operations).await;
}

async fn wait_until_refused(stack: &Stack, person: &Person) {
    eventually(&format!("{} cannot sign in", person.user_name), async || {
        let (status, _) = stack.try_authenticate(person, None).await;
        (status == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await;
}

/// The groups of ann, directly and by a group in a group, are in her tokens.
async fn stack_knows_groups(stack: &Stack, ann: &Person) {
    eventually("ann's groups are in her tokens", async || {
        let tokens = stack.authenticate(ann).await;
        (tokens.answer["user"]["groups"] == json!(["Archers", "Club"])).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_is_carried_over_while_people_are_at_work() {
    let mut proxied = Proxied::start(ProxiedOptions {
        release: Some(release()),
        ..ProxiedOptions::default()
    })
    .await;
    let directory = Directory::create(&proxied.stack).await;
    let load = Arc::clone(&directory.load);
    roll_replicas(&mut proxied, &load, each_as(NextRelease::Current)).await;
    directory.assert_carried_over(&proxied.stack).await;
}

/// With one process of each service there is a gap, in which a registration waits.
#[tokio::test]
async fn a_directory_and_a_waiting_registration_are_carried_over_on_sqlite() {
    let options = StackOptions {
        release: Some(release()),
        ..StackOptions::on(Engine::Sqlite)
    };
    let mut stack = Stack::with(options.with("VESTIBULE_AUTH__TOKENS__ACCESS_SECONDS", "3600")).await;
    let directory = Directory::create(&stack).await;
    stack.users.terminate().await;
    let eve = Person::named("eve");
    let body = json!({ "user_name": eve.user_name, "email": eve.email(), "password": eve.password });
    let request = stack.http().post(stack.auth_url("/admin/v1/users"));
    let answer = request.bearer_auth(stack.operator_token().await).json(&body);
    let answer: Value = answer.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["state"], "pending", "{answer}");
    stack.auth.terminate().await;
    for service in [Service::Auth, Service::Users] {
        stack.upgrade(service, 0);
        stack.replica(service, 0).start_again();
    }
    stack.ready().await;
    eventually("the registration is complete", async || {
        let (status, _) = stack.try_authenticate(&eve, None).await;
        status.is_success().then_some(())
    })
    .await;
    directory.assert_carried_over(&stack).await;
}
