//! The rights of a delegation: each with each operation, on users inside and outside, and on those whom only administrators
//! change.

use super::*;
use crate::testing::app;

/// The rights of a delegation, over the members of Sales unless it is to create.
const DELEGATIONS_OF: [&[&str]; 5] = [&[], &["write"], &["manage_members"], &["create"], &["delete"]];

/// The operations, each with the right that it needs.
const OPERATIONS: [(&str, &str); 7] = [
    ("read", "read"),
    ("change", "write"),
    ("replace", "write"),
    ("delete", "delete"),
    ("remove from the group", "manage_members"),
    ("rename the group", "nobody"),
    ("delete the group", "nobody"),
];

/// Sends an operation on a user as ann.
async fn send(world: &World, operation: &str, id: Uuid) -> StatusCode {
    let (ann, path, sales) = (world.ann(), user_path(id), group_path(world.sales));
    let response = match operation {
        "read" => ann.get(&path).await,
        "change" => ann.json("PATCH", &path, &retitle("Archer")).await,
        "replace" => {
            let mut body = world.admin.get(&path).await.body;
            body["title"] = json!("Master");
            ann.json("PUT", &path, &body).await
        }
        "delete" => ann.send("DELETE", &path, &[], Body::empty()).await,
        "remove from the group" => ann.json("PATCH", &sales, &remove_member(id)).await,
        "rename the group" => {
            let rename = json!([{ "op": "replace", "path": "displayName", "value": "Mine" }]);
            ann.json("PATCH", &sales, &operations(rename)).await
        }
        _ => ann.send("DELETE", &sales, &[], Body::empty()).await,
    };
    response.status
}

/// The status that an operation has to have.
fn expected(rights: &[&str], (operation, needed): (&str, &str), who: &str) -> StatusCode {
    let of_group = operation.ends_with("group");
    let by_filter = rights.contains(&"create");
    match who {
        // A group that is not delegated is not there.
        _ if of_group && by_filter && operation != "delete the group" => StatusCode::NOT_FOUND,
        "oto" if !of_group => StatusCode::NOT_FOUND,
        _ if needed == "read" => StatusCode::OK,
        _ if !rights.contains(&needed) => StatusCode::FORBIDDEN,
        "root" | "pia" => StatusCode::FORBIDDEN,
        _ if of_group || operation == "delete" => StatusCode::NO_CONTENT,
        _ => StatusCode::OK,
    }
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    // SB-35
    async fn each_right_allows_its_operation_inside_and_nothing_else(db: TestDb) {
        let world = World::new(app(&db)).await;
        for rights in DELEGATIONS_OF {
            let delegation = match rights.contains(&"create") {
                true => world.delegate_numbers(rights).await,
                false => world.delegate_sales(rights).await,
            };
            for operation in OPERATIONS {
                for (who, id) in [("root", world.root), ("pia", world.pia), ("oto", world.oto), ("sam", world.sam)] {
                    let wanted = expected(rights, operation, who);
                    let before = world.version(id).await;
                    assert_eq!(send(&world, operation.0, id).await, wanted, "{rights:?}: {} {who}", operation.0);
                    let changed = world.version(id).await != before;
                    let may_change = wanted.is_success() && operation.0 != "read" && who != "oto";
                    assert_eq!(changed, may_change, "{rights:?}: {} {who}", operation.0);
                }
            }
            world.end(&delegation).await;
            for id in [world.root, world.pia, world.sam] {
                world.admin.json("PATCH", &group_path(world.sales), &add_member(id)).await;
            }
            assert_eq!(world.ann().get(&user_path(world.root)).await.status, StatusCode::FORBIDDEN);
        }
        assert_eq!(world.version(world.sam).await, None, "sam was deleted by the right to delete");
    }

    // SB-35
    async fn a_new_user_lies_inside(db: TestDb) {
        let world = World::new(app(&db)).await;
        let mut cas = user("cas");
        let numbers = world.delegate_numbers(&["write"]).await;
        cas[ENTERPRISE_USER] = json!({ "employeeNumber": "S-9" });
        assert_eq!(world.ann().json("POST", USERS, &cas).await.status, StatusCode::FORBIDDEN, "write is not create");
        world.end(&numbers).await;
        world.delegate_numbers(&["create"]).await;
        for outside in [user("cas"), { let mut other = cas.clone(); other[ENTERPRISE_USER] = json!({ "employeeNumber": "X-9" }); other }] {
            let refused = world.ann().json("POST", USERS, &outside).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{outside}");
            assert!(refused.body["detail"].as_str().unwrap().contains("outside"), "{}", refused.body);
        }
        assert_eq!(world.ann().json("POST", USERS, &cas).await.status, StatusCode::CREATED);
        // SB-49: a name that is kept for administrators stays theirs.
        let mut reserved = cas.clone();
        reserved["userName"] = json!("postmaster");
        assert_eq!(world.ann().json("POST", USERS, &reserved).await.status, StatusCode::BAD_REQUEST);
        assert_eq!(world.ann().json("POST", GROUPS, &json!({ "schemas": [CORE_GROUP], "displayName": "Mine" })).await.status, StatusCode::FORBIDDEN);
    }

    // SB-35
    async fn lists_totals_filters_and_cursors_have_nobody_from_outside(db: TestDb) {
        let world = World::new(app(&db)).await;
        let sales = world.delegate_sales(&[]).await;
        let inside = ["nora", "pia", "rita", "sam"];
        let ann = world.ann();
        for (query, wanted) in [
            ("", &inside[..]),
            ("?startIndex=1&count=10", &inside),
            ("?sortBy=userName", &inside),
            ("?cursor=", &inside),
            ("?cursor=&sortBy=userName&sortOrder=descending", &inside),
            ("?filter=userName%20eq%20%22sam%22", &["sam"]),
            ("?filter=userName%20eq%20%22oto%22", &[]),
            ("?filter=userName%20pr", &inside),
            ("?filter=title%20pr%20or%20active%20eq%20true", &inside),
            ("?filter=name.familyName%20co%20%22o%22", &["nora"]),
        ] {
            let list = ann.get(&format!("{USERS}{query}")).await;
            assert_eq!(names(&list), wanted, "{query}");
            assert_eq!(list.body["totalResults"], wanted.len(), "{query}");
        }
        let counted = ann.get(&format!("{USERS}?count=0")).await;
        assert_eq!(counted.body["totalResults"], inside.len());
        let search = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": "userName sw \"o\"" });
        assert_eq!(names(&ann.json("POST", &format!("{USERS}/.search"), &search).await), Vec::<String>::new());
        assert_eq!(names(&ann.get(GROUPS).await), ["North", "Sales"]);
        for (filter, wanted) in [
            ("displayName%20eq%20%22Other%22".to_owned(), vec![]),
            ("displayName%20pr".to_owned(), vec!["North", "Sales"]),
            (format!("members.value%20eq%20%22{}%22", world.nora), vec!["North"]),
            (format!("members.value%20eq%20%22{}%22", world.oto), vec![]),
        ] {
            assert_eq!(names(&ann.get(&format!("{GROUPS}?filter={filter}")).await), wanted, "{filter}");
        }
        assert_eq!(ann.get(&group_path(world.north)).await.status, StatusCode::OK);
        world.end(&sales).await;
        world.delegate_numbers(&[]).await;
        world.delegate(json!({ "to_user": world.ann, "users_matching": "userName eq \"oto\"" })).await;
        assert_eq!(names(&ann.get(USERS).await), ["ann", "nora", "oto", "pia", "rita", "sam"]);
        assert_eq!(names(&ann.get(GROUPS).await), Vec::<String>::new());
        assert_eq!(ann.get(&group_path(world.sales)).await.status, StatusCode::NOT_FOUND);
    }

    async fn a_cursor_of_somebody_who_sees_everybody_shows_nothing_to_another(db: TestDb) {
        // RFC 9865 §5 (1)
        let world = World::new(app(&db)).await;
        world.delegate_sales(&[]).await;
        let ann = world.ann();
        for (query, rest) in [
            ("count=3&sortBy=userName", ["pia", "rita", "sam"]),
            ("count=3&sortBy=userName&sortOrder=descending", ["ann", "nora", "oto"]),
        ] {
            let first = world.admin.get(&format!("{USERS}?cursor=&{query}")).await;
            let next = format!("{USERS}?cursor={}&{query}", first.body["nextCursor"].as_str().unwrap());
            assert_eq!(names(&world.admin.get(&next).await), rest, "{query}");
            // A cursor goes on with what its maker sees; in the hands of another it is one of another query.
            let refused = ann.get(&next).await;
            assert_eq!((refused.status, &refused.body["scimType"]), (StatusCode::BAD_REQUEST, &json!("invalidCursor")), "{query}");
        }
    }

    async fn a_cursor_ends_with_the_delegations_that_it_was_made_for(db: TestDb) {
        // RFC 9865 §2: its position is in what was delegated, and would pass over people in what is.
        let world = World::new(app(&db)).await;
        world.delegate_sales(&[]).await;
        let ann = world.ann();
        for endpoint in [USERS, "/scim/v2"] {
            let oto = json!({ "to_user": world.ann, "users_matching": "userName eq \"oto\"" });
            let oto = world.delegate(oto).await;
            let page = ann.get(&format!("{endpoint}?cursor=&count=1")).await;
            let next = format!("{endpoint}?cursor={}&count=1", page.body["nextCursor"].as_str().unwrap());
            assert_eq!(ann.get(&next).await.status, StatusCode::OK, "{endpoint}");
            world.end(&oto).await;
            let refused = ann.get(&next).await;
            assert_eq!((refused.status, &refused.body["scimType"]), (StatusCode::BAD_REQUEST, &json!("invalidCursor")), "{endpoint}");
        }
    }

    // SB-35
    async fn who_is_outside_is_as_if_nobody_were(db: TestDb) {
        let world = World::new(app(&db)).await;
        world.delegate_sales(&["write", "delete", "manage_members"]).await;
        let (ann, nobody) = (world.ann(), Uuid::from_u128(7));
        for (method, body) in [("GET", json!(null)), ("PATCH", retitle("x")), ("PUT", user("x")), ("DELETE", json!(null))] {
            let (outside, missing) = (
                ann.json_if(method, &user_path(world.oto), &body, "W/\"99\"").await,
                ann.json_if(method, &user_path(nobody), &body, "W/\"99\"").await,
            );
            assert_eq!(outside.status, StatusCode::NOT_FOUND, "{method}");
            assert_eq!((outside.status, outside.body), (missing.status, missing.body), "{method}");
        }
        let (outside, missing) = (
            ann.json("PATCH", &group_path(world.sales), &add_member(world.oto)).await,
            ann.json("PATCH", &group_path(world.sales), &add_member(nobody)).await,
        );
        let text = outside.body.to_string().replace(&world.oto.to_string(), &nobody.to_string());
        assert_eq!((outside.status, text), (missing.status, missing.body.to_string()));
    }
}
