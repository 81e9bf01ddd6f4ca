//! Tests of searches of delegated administrators: they find what is delegated, at any size, and nothing tells what is outside.

use chassis::db::DbError;
use chassis::on_engine;
use contract::{GroupId, UserId};
use testkit::TestDb;

use super::*;
use crate::authority::{Delegated, Extent, Held, Protected, Rights};
use crate::groups::MemberRef;
use crate::testing::desired_group;
use crate::users::{Part, SearchText};

/// The people, of whom `person00` to `person02` are in a group, and `person03` in a group in it.
struct World {
    app: SharedApp,
    ids: Vec<UserId>,
    groups: Vec<(GroupId, String)>,
}

impl World {
    async fn new(db: &TestDb) -> Self {
        let app = app(db);
        people(&app).await;
        let all = search(&app, "", "userName", Start::Offset(0), 12);
        let all = app.users.search(&all, Accessor::Client);
        let ids: Vec<UserId> = all.await.unwrap().users.iter().map(|user| user.id).collect();
        let mut groups: Vec<(GroupId, String)> = Vec::new();
        for (name, members) in [("Inner", &ids[3..4]), ("Outer", &ids[..3])] {
            let ids = members.iter().chain(groups.iter().map(|(id, _)| id));
            let members = ids.map(|id| MemberRef { id: *id, kind: None }).collect();
            let group = app
                .groups
                .create(desired_group(name, Some(members)))
                .await
                .unwrap();
            groups.push((group.id, name.to_owned()));
        }
        Self { app, ids, groups }
    }

    fn members(&self) -> Extent {
        Extent::Members {
            of: self.groups[1].0,
            groups: self.groups.iter().cloned().collect(),
        }
    }

    fn matching(&self, filter: &str) -> Extent {
        Extent::Matching(Filter::parse(filter, &[self.app.registry.users()]).unwrap())
    }

    fn users(&self, limit: usize) -> Users {
        let mut users = self.app.users.clone();
        users.search_limit = limit;
        users
    }

    fn search(&self, authority: &Authority, filter: &str, start: Start) -> Search {
        Search {
            authority: authority.clone(),
            ..search(&self.app, filter, "", start, 2)
        }
    }

    /// The extents that are delegated, with the names of those inside.
    fn delegated(&self) -> Vec<(Authority, Vec<String>)> {
        let name = |numbers: &[usize]| {
            numbers
                .iter()
                .map(|number| format!("person{number:02}"))
                .collect()
        };
        let any = "userName eq \"person05\" or emails sw \"p6\" or emails.value eq \"p5@example.com\"";
        let id = format!("id eq \"{}\"", self.ids[7]);
        vec![
            (authority(vec![self.members()]), name(&[0, 1, 2, 3])),
            (
                authority(vec![self.matching("emails sw \"p1\"")]),
                name(&[1, 10, 11]),
            ),
            (authority(vec![self.matching(any)]), name(&[5, 6])),
            (authority(vec![self.matching(&id)]), name(&[7])),
            (authority(vec![self.matching("active eq false")]), name(&[5, 11])),
            (
                authority(vec![
                    self.matching("userName ge \"person02\" and userName lt \"person06\""),
                    self.members(),
                    self.matching("emails sw \"p4\" and (active eq true or title pr)"),
                    self.matching(&id),
                    self.matching(any),
                ]),
                name(&[0, 1, 2, 3, 4, 5, 6, 7]),
            ),
        ]
    }
}

fn authority(extents: Vec<Extent>) -> Authority {
    let held = extents.into_iter().map(|extent| Held {
        extent,
        rights: Rights::READ,
    });
    Authority::delegated(Delegated::new(held.collect(), Protected::default()))
}

fn is_too_many(result: &Result<Page, SearchError>) -> bool {
    matches!(result, Err(SearchError::Refused(refused)) if refused.scim_type == Some(scim::ScimType::TooMany))
}

async fn overwrite_document(db: &TestDb, id: UserId) -> Result<(), DbError> {
    let mut tx = db.begin("overwrite").await?;
    on_engine!(&mut tx, c => sqlx::query("UPDATE people SET document = '{}' WHERE id = $1")
        .bind(id)
        .execute(c)
        .await?
        .rows_affected());
    tx.commit().await
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    // SB-35
    async fn each_search_finds_what_matches_and_is_delegated_at_any_size(db: TestDb) {
        let world = World::new(&db).await;
        for (number, (authority, visible)) in world.delegated().into_iter().enumerate() {
            for filter in INDEXED.into_iter().chain(UNINDEXED).chain([""]) {
                let at = format!("{number} {filter}");
                let mut wanted = match filter {
                    "" => visible.clone(),
                    _ => expected(&world.app, filter).await,
                };
                wanted.retain(|name| visible.contains(name));
                let page = world.app.users.search(&world.search(&authority, filter, Start::Offset(0)), Accessor::Client).await.unwrap();
                assert_eq!(page.total, i64::try_from(wanted.len()).ok(), "{at}");
                for limit in [100, 1] {
                    let search = world.search(&authority, filter, Start::After(None));
                    let mut found = all_pages(&world.users(limit), search).await.unwrap();
                    found.sort();
                    assert_eq!(found, wanted, "{at}, with a limit of {limit}");
                }
            }
        }
    }

    // SB-35
    async fn neither_time_nor_a_refusal_tells_what_users_outside_have(db: TestDb) {
        let world = World::new(&db).await;
        // Of one user outside, of several, of all, and of nobody.
        let probes = [
            ["userName eq \"person09\"", "userName eq \"nobody\""],
            ["emails.value eq \"p9@example.com\"", "emails.value eq \"nobody@example.com\""],
            ["externalId eq \"HR-9\"", "externalId eq \"HR-99\""],
            ["name.familyName eq \"Cooper\" and userName gt \"person05\"", "name.familyName eq \"Nobody\""],
            ["active eq false", "active eq false and userName eq \"nobody\""],
            ["userName gt \"person05\"", "userName gt \"z\""],
            ["emails pr and userName gt \"person05\"", "userName gt \"z\""],
        ];
        for (limit, extents) in [(100, vec![world.members()]), (4, vec![world.members()]), (2, vec![world.members()]), (3, vec![world.matching("userName lt \"person04\"")])] {
            let (authority, users) = (authority(extents), world.users(limit));
            for start in [Start::Offset(0), Start::After(None)] {
                let mut refusals = Vec::new();
                for probe in probes {
                    let mut statements = Vec::new();
                    for filter in probe {
                        let search = world.search(&authority, filter, start.clone());
                        let (result, count) = count_statements(users.search(&search, Accessor::Client)).await;
                        assert!(result.as_ref().map_or(true, |page| page.users.is_empty()), "{filter}");
                        statements.push((count, is_too_many(&result)));
                    }
                    assert_eq!(statements[0], statements[1], "{probe:?}, {start:?}, {limit}");
                    refusals.push(statements[0].1);
                }
                // By index, of more than the limit, who has a user name alone is found.
                let refused = limit < 4 && matches!(start, Start::Offset(_));
                assert_eq!(refusals, [&[false][..], &[refused; 6]].concat(), "{start:?}, {limit}");
            }
        }
    }

    // SB-35
    async fn a_text_search_compares_those_who_are_delegated(db: TestDb) {
        let world = World::new(&db).await;
        let (authority, users) = (authority(vec![world.members()]), world.users(4));
        let find = async |text: &str| {
            let text = SearchText::parse(text).unwrap();
            let part = Part { after: 0, limit: 10 };
            let (found, statements) = count_statements(users.search_text(&text, part, &authority)).await;
            let found: Vec<UserState> = found.unwrap().users.into_iter().map(|(state, _)| state).collect();
            (names(&found), statements)
        };
        let (nobody, statements) = find("zzzzzz").await;
        assert_eq!(nobody, [] as [&str; 0]);
        for (text, wanted) in [
            // With a typo, each of those who are delegated is found, and nobody else whom the text names.
            ("person01", &["person01", "person00", "person02", "person03"][..]),
            ("person09", &["person00", "person01", "person02", "person03"]),
            ("p9@example.com", &["person00", "person01", "person02", "person03"]),
            ("cooper", &["person02"]),
            ("arch", &["person00", "person03"]),
            ("p1@", &["person01"]),
        ] {
            assert_eq!(find(text).await, (wanted.iter().map(|name| (*name).to_owned()).collect(), statements), "{text}");
        }
    }

    async fn a_page_of_what_is_delegated_reads_those_whom_it_shows(db: TestDb) {
        let world = World::new(&db).await;
        let authority = authority(vec![world.members(), world.matching("emails sw \"p1\"")]);
        let mut delegated: Vec<UserId> = [0, 1, 2, 3, 10, 11].map(|number: usize| world.ids[number]).into();
        delegated.sort();
        for unread in &delegated[2..] {
            overwrite_document(&db, *unread).await.unwrap();
        }
        for start in [Start::Offset(0), Start::After(None)] {
            let page = world.app.users.search(&world.search(&authority, "", start), Accessor::Client).await.unwrap();
            let shown: Vec<UserId> = page.users.iter().map(|user| user.id).collect();
            assert_eq!((shown.as_slice(), page.total), (&delegated[..2], Some(6)));
        }
    }
}
