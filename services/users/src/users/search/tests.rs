//! Tests of searches: each finds what the evaluator of `libs/scim` finds, at any size, and none goes through everybody.

use chassis::db::count_statements;
use scim::filter::Filter;
use scim::schema::{Accessor, ENTERPRISE_USER};
use scim::sort::Sort;
use serde_json::json;

use super::*;
use crate::app::SharedApp;
use crate::testing::{app, desired_user};
use crate::users::resource::to_resource;

mod delegated;

/// Twelve people, of whom a few share names, and two are not active.
async fn people(app: &SharedApp) {
    for number in 0..12 {
        let mut user = desired_user(&format!("person{number:02}"));
        user.name.family_name = Some(["Archer", "Baker", "Cooper"][number % 3].to_owned());
        user.active = Some(number % 6 != 5);
        let emails = json!([
            {"value": format!("p{number}@example.com"), "type": "work"},
            {"value": format!("p{number}@home.example"), "type": "home"},
        ]);
        user.emails = serde_json::from_value(emails).unwrap();
        user.attributes
            .insert("externalId".to_owned(), json!(format!("HR-{number}")));
        if number > 3 {
            user.attributes
                .insert("title".to_owned(), json!(format!("Title {}", number % 4)));
            user.attributes.insert(
                ENTERPRISE_USER.to_owned(),
                json!({"employeeNumber": format!("{:03}", 20 - number)}),
            );
        }
        app.users.create(user).await.unwrap();
    }
}

fn search(app: &SharedApp, filter: &str, sort: &str, start: Start, count: i64) -> Search {
    let users = app.registry.users();
    let (by, order) = sort
        .split_once(' ')
        .map_or((sort, None), |(by, order)| (by, Some(order)));
    Search {
        authority: Authority::EVERYBODY,
        client: None,
        filter: (!filter.is_empty()).then(|| Filter::parse(filter, &[users]).unwrap()),
        sort: Sort::parse((!by.is_empty()).then_some(by), order, &[users]).unwrap(),
        start,
        count,
    }
}

fn names(users: &[UserState]) -> Vec<String> {
    users
        .iter()
        .map(|user| user.user_name.as_str().to_owned())
        .collect()
}

/// The names that match, as the evaluator says.
async fn expected(app: &SharedApp, filter: &str) -> Vec<String> {
    let mut reader = app.db.reader().await.unwrap();
    let everybody = crate::users::store::states_after(&mut reader, contract::UserId::nil(), 1000)
        .await
        .unwrap();
    let users = app.registry.users();
    let filter = Filter::parse(filter, &[users]).unwrap();
    let matching: Vec<UserState> = everybody
        .into_iter()
        .filter(|user| filter.matches(&to_resource(user, users, "")))
        .collect();
    let mut names = names(&matching);
    names.sort();
    names
}

/// The names of all pages by cursor.
async fn all_pages(users: &Users, mut search: Search) -> Result<Vec<String>, SearchError> {
    let mut found = Vec::new();
    search.start = Start::After(None);
    for _ in 0..200 {
        let page = users.search(&search, Accessor::Client).await?;
        assert!(page.users.len() <= usize::try_from(search.count).unwrap());
        found.extend(names(&page.users));
        match page.next {
            Some(next) => search.start = Start::After(Some(next)),
            None => return Ok(found),
        }
    }
    panic!("the pages have no end: {found:?}");
}

const INDEXED: [&str; 16] = [
    "userName eq \"PERSON03\"",
    "id eq \"00000000-0000-7000-8000-000000000000\"",
    "externalId eq \"HR-3\"",
    "externalId eq \"hr-3\"",
    "emails.value eq \"P7@example.com\"",
    "emails eq \"p7@home.example\"",
    "emails[type eq \"home\" and value sw \"p1\"]",
    "emails sw \"p1\"",
    "name.familyName eq \"baker\" and title eq \"Title 1\"",
    "name.familyName gt \"Archer\" and active eq true",
    "userName ge \"person05\" and userName lt \"person09\"",
    "userName eq \"person01\" or externalId eq \"HR-2\" or emails.value eq \"p3@example.com\"",
    "active eq false",
    "meta.lastModified gt \"2000-01-01T00:00:00Z\" and externalId sw \"HR-1\"",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber le \"012\"",
    "userName sw \"%\"",
];

const UNINDEXED: [&str; 6] = [
    "title eq \"Title 1\"",
    "userName co \"1\"",
    "not (userName sw \"person0\")",
    "userName ne \"person01\"",
    "name.familyName eq \"Baker\" or title eq \"Title 1\"",
    "title pr",
];

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn pages_by_index_go_on_where_the_page_before_ended(db: TestDb) {
        let app = app(&db);
        people(&app).await;
        let page = async |offset| {
            let found = app.users.search(&search(&app, "", "", Start::Offset(offset), 3), Accessor::Client).await.unwrap();
            names(&found.users)
        };
        let now = app.clock.now();
        let all = app.users.search(&search(&app, "", "", Start::Offset(0), 12), Accessor::Client).await.unwrap().users;
        let names = names(&all);
        // As if there were five thousand before them.
        app.users.offsets.remember(5_006, all[5].id, now);
        assert_eq!(page(5_006).await, names[6..9]);
        assert_eq!(page(5_009).await, names[9..]);
        assert_eq!(page(5_010).await, names[10..]);
        assert_eq!(page(5_012).await, [] as [&str; 0]);
        // Nothing of it is used for earlier ones, or later on.
        assert_eq!(page(3).await, names[3..6]);
        assert_eq!(app.users.offsets.nearest(5_006, now + std::time::Duration::from_secs(601)), (0, contract::UserId::nil()));
    }

    async fn each_search_finds_what_matches_in_pages_of_both_kinds(db: TestDb) {
        let app = app(&db);
        people(&app).await;
        for filter in INDEXED.into_iter().chain(UNINDEXED) {
            let wanted = expected(&app, filter).await;
            let mut by_index = Vec::new();
            for offset in (0..12).step_by(5) {
                let page = app.users.search(&search(&app, filter, "", Start::Offset(offset), 5), Accessor::Client).await.unwrap();
                assert_eq!(page.total, i64::try_from(wanted.len()).ok(), "{filter}");
                by_index.extend(names(&page.users));
            }
            by_index.sort();
            assert_eq!(by_index, wanted, "{filter}");
            let mut by_cursor = all_pages(&app.users, search(&app, filter, "", Start::After(None), 2)).await.unwrap();
            by_cursor.sort();
            assert_eq!(by_cursor, wanted, "{filter}");
        }
    }

    async fn a_large_directory_is_searched_by_indexes_alone(db: TestDb) {
        // RFC 7644 §3.4.2.1 (2)
        let app = app(&db);
        people(&app).await;
        let mut users = app.users.clone();
        users.search_limit = 4;
        for filter in UNINDEXED {
            for start in [Start::Offset(0), Start::After(None)] {
                let refused = users.search(&search(&app, filter, "", start, 5), Accessor::Client).await;
                let Err(SearchError::Refused(refused)) = refused else { panic!("{filter}: {refused:?}") };
                assert_eq!(refused.scim_type, Some(scim::ScimType::TooMany), "{filter}");
                assert!(refused.detail.contains("emails.value"), "{refused}");
            }
        }
        for filter in INDEXED.into_iter().chain(["userName sw \"person\"", "emails pr", "active eq true"]) {
            let wanted = expected(&app, filter).await;
            let mut found = all_pages(&users, search(&app, filter, "", Start::After(None), 2)).await.unwrap();
            found.sort();
            assert_eq!(found, wanted, "{filter}");
            let by_index = users.search(&search(&app, filter, "", Start::Offset(0), 5), Accessor::Client).await;
            // By index few are found at once, and many are refused; none is left out in silence.
            match by_index {
                Ok(page) => {
                    assert_eq!((page.users.len(), page.total), (wanted.len().min(5), i64::try_from(wanted.len()).ok()), "{filter}");
                    assert!(names(&page.users).iter().all(|name| wanted.contains(name)), "{filter}");
                }
                Err(SearchError::Refused(refused)) => {
                    assert_eq!(refused.scim_type, Some(scim::ScimType::TooMany), "{filter}");
                }
                Err(error) => panic!("{filter}: {error}"),
            }
        }
    }

    async fn a_forged_cursor_is_refused(db: TestDb) {
        let app = app(&db);
        people(&app).await;
        let mut users = app.users.clone();
        users.search_limit = 4;
        let id = || Some(contract::UserId::nil().to_string());
        for key in [vec![], vec![None], vec![Some("x".to_owned())], vec![Some("\0".to_owned()), id()], vec![None, id()]] {
            let forged = search(&app, "userName sw \"person\"", "", Start::After(Some(key.clone())), 5);
            let refused = users.search(&forged, Accessor::Client).await;
            let Err(SearchError::Refused(refused)) = refused else { panic!("{key:?}: {refused:?}") };
            assert_eq!(refused.scim_type, Some(scim::ScimType::InvalidCursor), "{key:?}");
        }
    }

    async fn lists_are_sorted_whatever_their_size(db: TestDb) {
        let app = app(&db);
        people(&app).await;
        let mut large = app.users.clone();
        large.search_limit = 4;
        let up: Vec<String> = (0..12).map(|number| format!("person{number:02}")).collect();
        let down: Vec<String> = up.iter().rev().cloned().collect();
        for users in [&app.users, &large] {
            for (sort, wanted) in [("userName", &up), ("userName descending", &down)] {
                let by_cursor = all_pages(users, search(&app, "", sort, Start::After(None), 5)).await.unwrap();
                assert_eq!(&by_cursor, wanted, "{sort}");
                let page = users.search(&search(&app, "", sort, Start::Offset(5), 3), Accessor::Client).await.unwrap();
                assert_eq!((names(&page.users), page.total), (wanted[5..8].to_vec(), Some(12)), "{sort}");
            }
            let some = all_pages(users, search(&app, "userName gt \"person08\"", "userName descending", Start::After(None), 2)).await.unwrap();
            assert_eq!(some, ["person11", "person10", "person09"]);
        }
        // RFC 7644 §3.4.2.3: who has none is last, and first in descending order.
        let urn = format!("{ENTERPRISE_USER}:employeeNumber");
        let sorted = all_pages(&app.users, search(&app, "", &urn, Start::After(None), 5)).await.unwrap();
        assert_eq!((&sorted[0], &sorted[7]), (&"person11".to_owned(), &"person04".to_owned()));
        let reverse = all_pages(&app.users, search(&app, "", &format!("{urn} descending"), Start::After(None), 5)).await.unwrap();
        assert_eq!(reverse, sorted.iter().rev().cloned().collect::<Vec<_>>());
        let refused = all_pages(&large, search(&app, "", "name.familyName", Start::After(None), 5)).await;
        assert!(matches!(refused, Err(SearchError::Refused(_))));
    }

    async fn pages_by_cursor_skip_nobody_while_others_are_deleted(db: TestDb) {
        // RFC 9865 §1
        let app = app(&db);
        people(&app).await;
        for (filter, sort) in [("", ""), ("", "userName"), ("userName sw \"person\"", "")] {
            let mut wanted = search(&app, filter, sort, Start::After(None), 3);
            let before = all_pages(&app.users, wanted.clone()).await.unwrap();
            let first = app.users.search(&wanted, Accessor::Client).await.unwrap();
            for gone in [0, 2] {
                app.users.delete(first.users[gone].id, &scim::version::IfMatch::Any).await.unwrap();
            }
            wanted.start = Start::After(first.next);
            let next = app.users.search(&wanted, Accessor::Client).await.unwrap();
            assert_eq!(names(&next.users), before[3..6], "{filter} {sort}");
        }
    }

    async fn a_page_costs_the_same_number_of_statements_at_any_size(db: TestDb) {
        let app = app(&db);
        people(&app).await;
        let one = search(&app, "emails.value eq \"p1@example.com\"", "", Start::Offset(0), 5);
        let page = search(&app, "", "", Start::Offset(0), 5);
        let (_, found) = count_statements(app.users.search(&one, Accessor::Client)).await;
        let (_, listed) = count_statements(app.users.search(&page, Accessor::Client)).await;
        assert!(found <= 5 && listed <= 3, "{found} {listed}");
    }
}
