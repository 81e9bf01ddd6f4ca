//! Random directories, delegations and requests: whatever a delegated administrator sends, nobody outside is seen or changed.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::testing::app;

/// A generator of numbers, the same in every run (Knuth, MMIX).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn one_of<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }

    fn some(&mut self, rights: &[&'static str]) -> Vec<&'static str> {
        rights.iter().copied().filter(|_| self.below(2) == 0).collect()
    }
}

/// A delegation of the administrator under test.
struct Given {
    group: Option<Uuid>,
    prefix: Option<&'static str>,
    rights: Vec<&'static str>,
}

/// The directory as an administrator sees it.
#[derive(Clone, Default)]
struct Seen {
    /// The version, the employee number and the address of each user.
    users: BTreeMap<Uuid, (String, String, String)>,
    members: BTreeMap<Uuid, BTreeSet<Uuid>>,
}

impl Seen {
    async fn read(admin: &Caller) -> Self {
        let mut seen = Self::default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for user in admin.get(&format!("{USERS}?count=200")).await.body["Resources"]
            .as_array()
            .unwrap()
        {
            let number = text(&user[ENTERPRISE_USER]["employeeNumber"]);
            let state = (
                text(&user["meta"]["version"]),
                number,
                text(&user["emails"][0]["value"]),
            );
            seen.users.insert(text(&user["id"]).parse().unwrap(), state);
        }
        for group in admin.get(&format!("{GROUPS}?count=200")).await.body["Resources"]
            .as_array()
            .unwrap()
        {
            let members = group["members"].as_array().cloned().unwrap_or_default();
            let members = members
                .iter()
                .map(|member| text(&member["value"]).parse().unwrap());
            seen.members
                .insert(text(&group["id"]).parse().unwrap(), members.collect());
        }
        seen
    }

    /// The members of a group on every level.
    fn within(&self, group: Uuid) -> BTreeSet<Uuid> {
        let (mut all, mut waiting) = (BTreeSet::new(), vec![group]);
        while let Some(next) = waiting.pop() {
            for member in self.members.get(&next).into_iter().flatten() {
                if all.insert(*member) {
                    waiting.push(*member);
                }
            }
        }
        all
    }

    fn rights(&self, given: &[Given], protected: &BTreeSet<Uuid>, user: Uuid) -> BTreeSet<&'static str> {
        let Some((_, number, _)) = self.users.get(&user) else {
            return BTreeSet::new();
        };
        let inside = given.iter().filter(|given| {
            given
                .group
                .is_some_and(|group| self.within(group).contains(&user))
                || given.prefix.is_some_and(|prefix| number.starts_with(prefix))
        });
        let mut rights: BTreeSet<&str> = inside
            .flat_map(|given| given.rights.iter().copied().chain(["read"]))
            .collect();
        rights.remove("manage_members");
        if protected.contains(&user) {
            rights.retain(|right| *right == "read");
        }
        rights
    }
}

/// The ids in a response.
fn ids(value: &Value) -> BTreeSet<Uuid> {
    match value {
        Value::Object(members) => members.values().flat_map(ids).collect(),
        Value::Array(items) => items.iter().flat_map(ids).collect(),
        Value::String(text) => text.parse().into_iter().collect(),
        _ => BTreeSet::new(),
    }
}

async fn request(dice: &mut Dice, caller: &Caller, seen: &Seen) -> (String, TestResponse) {
    let users: Vec<Uuid> = seen.users.keys().copied().collect();
    let groups: Vec<Uuid> = seen.members.keys().copied().collect();
    let (user, of) = (dice.one_of(&users), dice.one_of(&groups));
    let number = format!("{}{}", dice.one_of(&["A-", "B-", "C-"]), dice.below(9));
    let (method, path, body) = match dice.below(10) {
        0 => ("GET", user_path(user), json!(null)),
        1 => (
            "GET",
            format!(
                "{USERS}?filter=userName%20sw%20%22u%22&count=3&startIndex={}",
                1 + dice.below(9)
            ),
            json!(null),
        ),
        2 => ("GET", group_path(of), json!(null)),
        3 => ("DELETE", user_path(user), json!(null)),
        4 => ("PATCH", group_path(of), add_member(user)),
        5 => ("PATCH", group_path(of), remove_member(user)),
        6 => (
            "PUT",
            group_path(of),
            json!({ "schemas": [CORE_GROUP], "displayName": "x", "members": [{ "value": user }] }),
        ),
        7 => {
            let mut body = self::user(&format!("made{}", dice.below(1_000_000)));
            body[ENTERPRISE_USER] = json!({ "employeeNumber": number });
            ("POST", USERS.to_owned(), body)
        }
        8 => {
            let path = format!("{ENTERPRISE_USER}:employeeNumber");
            (
                "PATCH",
                user_path(user),
                operations(json!([{ "op": "replace", "path": path, "value": number }])),
            )
        }
        _ => {
            let emails = json!([{ "value": format!("m{}@example.com", dice.below(1_000_000)) }]);
            (
                "PATCH",
                user_path(user),
                operations(json!([{ "op": "replace", "path": "emails", "value": emails }])),
            )
        }
    };
    (
        format!("{method} {path} {body}"),
        caller.json(method, &path, &body).await,
    )
}

/// Checks one request: what it showed, and what it changed.
fn check(
    at: &str,
    response: &TestResponse,
    (before, after): (&Seen, &Seen),
    given: &[Given],
    protected: &BTreeSet<Uuid>,
) {
    let rights = |seen: &Seen, user: Uuid| seen.rights(given, protected, user);
    for shown in ids(&response.body) {
        // An error may name an id that the request has.
        if response.status.is_success() && before.users.contains_key(&shown) {
            assert!(rights(before, shown).contains("read"), "{at} shows {shown}");
        }
        if response.status.is_success() && before.members.contains_key(&shown) {
            let inside = |of: Uuid| of == shown || before.within(of).contains(&shown);
            assert!(
                given.iter().filter_map(|given| given.group).any(inside),
                "{at} shows the group {shown}"
            );
        }
    }
    for (user, old) in &before.users {
        let (had, has) = (rights(before, *user), rights(after, *user));
        match after.users.get(user) {
            None => assert!(had.contains("delete"), "{at} deletes {user}"),
            Some(new) if (&new.1, &new.2) != (&old.1, &old.2) => {
                assert!(
                    had.contains("write") && has.contains("write"),
                    "{at} changes {user}"
                );
            }
            Some(_) => {}
        }
        assert!(
            has.is_subset(&had),
            "{at} gains {has:?} over {user}, with {had:?} before"
        );
    }
    for user in after.users.keys().filter(|user| !before.users.contains_key(user)) {
        assert!(rights(after, *user).contains("create"), "{at} creates {user}");
    }
    for (group, members) in &before.members {
        let managed = given
            .iter()
            .any(|given| given.group == Some(*group) && given.rights.contains(&"manage_members"));
        let now = after.members.get(group).cloned().unwrap_or_default();
        let mut moved = members.symmetric_difference(&now);
        assert!(
            !moved.any(|id| protected.contains(id)),
            "{at} moves somebody who is protected"
        );
        let kept: BTreeSet<_> = members
            .iter()
            .filter(|id| after.users.contains_key(id) || after.members.contains_key(id))
            .copied()
            .collect();
        assert!(
            managed || after.members.get(group) == Some(&kept),
            "{at} changes the members of {group}"
        );
    }
}

async fn run(seed: u64, db: &testkit::TestDb) {
    let (app, mut dice) = (app(db), Dice(seed));
    let admin = Caller::with(&app, clients_token("cli", ALL));
    let mut users = Vec::new();
    for number in 0..14 {
        let mut user = desired_user(&format!("u{number:02}"));
        let number = format!("{}{number}", dice.one_of(&["A-", "B-", "C-"]));
        user.attributes
            .insert(ENTERPRISE_USER.to_owned(), json!({ "employeeNumber": number }));
        users.push(app.users.create(user).await.unwrap().id);
    }
    make_administrator(&app, dice.one_of(&users[1..])).await;
    let mut groups: Vec<Uuid> = Vec::new();
    for number in 0..4 {
        let mut members: Vec<Uuid> = (0..4).map(|_| dice.one_of(&users)).collect();
        members.extend(groups.last().copied().filter(|_| dice.below(2) == 0));
        members.sort();
        members.dedup();
        groups.push(group(&admin, &format!("g{number}"), &members).await);
    }
    let (mut given, caller) = (Vec::new(), users[0]);
    for _ in 0..3 {
        let one = match dice.below(2) {
            0 => Given {
                group: Some(dice.one_of(&groups)),
                prefix: None,
                rights: dice.some(&["write", "delete", "manage_members"]),
            },
            _ => Given {
                group: None,
                prefix: Some(dice.one_of(&["A-", "B-"])),
                rights: dice.some(&["write", "delete", "create"]),
            },
        };
        let filter = one
            .prefix
            .map(|prefix| format!("{ENTERPRISE_USER}:employeeNumber sw \"{prefix}\""));
        let body = json!({ "to_user": caller, "members_of": one.group, "users_matching": filter, "rights": one.rights });
        let made = admin.json("POST", DELEGATIONS, &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        given.push(one);
    }
    let holders = dice.one_of(&groups);
    admin
        .json(
            "POST",
            DELEGATIONS,
            &json!({ "to_group": holders, "users_matching": "userName eq \"u01\"" }),
        )
        .await;
    let caller = Caller::with(
        &app,
        token(&caller.to_string(), "app", "openid directory:delegated"),
    );
    let mut before = Seen::read(&admin).await;
    let admins: Uuid = "00000000-0000-7000-8000-000000000001".parse().unwrap();
    for _ in 0..60 {
        let (at, response) = request(&mut dice, &caller, &before).await;
        assert!(!response.status.is_server_error(), "{at}: {}", response.body);
        let mut protected = before.within(admins);
        protected.extend(before.within(holders));
        // To the caller and, as a member of a group, to others.
        protected.insert(users[0]);
        let after = Seen::read(&admin).await;
        check(
            &format!("seed {seed}: {at}: {}", response.status),
            &response,
            (&before, &after),
            &given,
            &protected,
        );
        before = after;
    }
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    // SB-35
    async fn nobody_outside_is_seen_or_changed_by_random_requests(db: TestDb) {
        run(1, &db).await;
    }

    // SB-35
    async fn nor_by_others(db: TestDb) {
        run(2, &db).await;
    }

    // SB-35
    async fn nor_by_a_third_kind(db: TestDb) {
        run(3, &db).await;
    }
}
