//! Changes by which a delegated administrator would move users out of, or into, what is delegated.

use super::*;
use crate::testing::app;

fn renumber(number: &str) -> Value {
    let path = format!("{ENTERPRISE_USER}:employeeNumber");
    operations(json!([{ "op": "replace", "path": path, "value": number }]))
}

async fn patch(caller: &Caller, id: Uuid, body: &Value) -> (StatusCode, String) {
    let response = caller.json("PATCH", &user_path(id), body).await;
    (
        response.status,
        response.body["detail"].as_str().unwrap_or_default().to_owned(),
    )
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    // SB-35
    async fn nobody_is_moved_out_or_into_more_rights(db: TestDb) {
        let world = World::new(app(&db)).await;
        world.delegate_numbers(&["write"]).await;
        let before = world.version(world.sam).await;
        let (status, detail) = patch(&world.ann(), world.sam, &renumber("X-1")).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert!(detail.contains("out of"), "{detail}");
        let filter = format!("{ENTERPRISE_USER}:employeeNumber sw \"S-D\"");
        world.delegate(json!({ "to_user": world.ann, "users_matching": filter, "rights": ["delete"] })).await;
        let (status, detail) = patch(&world.ann(), world.sam, &renumber("S-D1")).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert!(detail.contains("rights"), "{detail}");
        assert_eq!(world.version(world.sam).await, before);
        assert_eq!(patch(&world.ann(), world.sam, &renumber("S-77")).await.0, StatusCode::OK);
    }

    // SB-35
    async fn members_are_added_from_among_those_whom_one_may_change_as_much(db: TestDb) {
        let world = World::new(app(&db)).await;
        let sales = group_path(world.sales);
        let only = world.delegate_sales(&["write", "manage_members"]).await;
        let ann = world.ann();
        let add = async |id: Uuid| ann.json("PATCH", &sales, &add_member(id)).await.status;
        assert_eq!(add(world.oto).await, StatusCode::BAD_REQUEST, "unknown");
        let reading = world.delegate(json!({ "to_user": world.ann, "users_matching": "userName eq \"oto\"" })).await;
        assert_eq!(add(world.oto).await, StatusCode::FORBIDDEN, "oto may be read alone");
        world.end(&reading).await;
        world.delegate(json!({ "to_user": world.ann, "users_matching": "userName eq \"oto\"", "rights": ["write"] })).await;
        assert_eq!(add(world.oto).await, StatusCode::NO_CONTENT);
        assert_eq!(add(world.sales).await, StatusCode::FORBIDDEN, "groups in it are not delegated");
        assert_eq!(add(world.north).await, StatusCode::NO_CONTENT, "it is a member already");
        let removed = ann.json("PATCH", &sales, &remove_member(world.north)).await;
        assert_eq!(removed.status, StatusCode::FORBIDDEN);
        assert_eq!(ann.json("PATCH", &group_path(world.north), &remove_member(world.nora)).await.status, StatusCode::FORBIDDEN);
        // A replacement removes the others, of whom one is a group.
        let replaced = json!({ "schemas": [CORE_GROUP], "displayName": "Sales", "members": [] });
        assert_eq!(ann.json("PUT", &sales, &replaced).await.status, StatusCode::FORBIDDEN);
        world.end(&only).await;
        assert_eq!(ann.get(&user_path(world.sam)).await.status, StatusCode::NOT_FOUND);
    }

    // SB-35, SB-48
    async fn nobody_lifts_themselves(db: TestDb) {
        let world = World::new(app(&db)).await;
        let admins: Uuid = "00000000-0000-7000-8000-000000000001".parse().unwrap();
        let helpers = group(&world.admin, "Helpers", &[world.sam]).await;
        let inner = group(&world.admin, "Inner", &[]).await;
        world.admin.json("PATCH", &group_path(helpers), &add_member(inner)).await;
        world.delegate(json!({ "to_group": helpers, "users_matching": "userName pr", "rights": ["write", "delete"] })).await;
        world.delegate_numbers(&["write"]).await;
        for of in [helpers, inner, world.sales] {
            world.delegate(json!({ "to_user": world.ann, "members_of": of, "rights": ["write", "manage_members"] })).await;
        }
        let ann = world.ann();
        // Groups to which something is delegated, and those in them.
        for of in [helpers, inner] {
            assert_eq!(ann.json("PATCH", &group_path(of), &add_member(world.ann)).await.status, StatusCode::FORBIDDEN);
        }
        for body in [add_member(world.ann), add_member(world.sam)] {
            assert_eq!(ann.json("PATCH", &group_path(admins), &body).await.status, StatusCode::NOT_FOUND);
        }
        // ann herself, sam by the helpers, pia, root: their addresses are the keys to their accounts.
        let address = operations(json!([{ "op": "replace", "path": "emails", "value": [{ "value": "mallory@example.com" }] }]));
        for (who, id) in [("ann", world.ann), ("sam", world.sam), ("pia", world.pia), ("root", world.root)] {
            assert_eq!(patch(&ann, id, &address).await.0, StatusCode::FORBIDDEN, "{who}");
        }
        assert_eq!(patch(&ann, world.nora, &address).await.0, StatusCode::OK);
        // A group in the group of the administrators is theirs as well, as soon as it is.
        let nested = world.admin.json("PATCH", &group_path(admins), &add_member(world.north)).await;
        assert_eq!(nested.status, StatusCode::NO_CONTENT);
        assert_eq!(patch(&ann, world.nora, &address).await.0, StatusCode::FORBIDDEN);
        for (refused, field) in [
            (json!({ "to_user": world.ann, "members_of": admins }), "members_of"),
            (json!({ "to_group": admins, "members_of": world.sales }), "to_group"),
        ] {
            let refused = world.admin.json("POST", DELEGATIONS, &refused).await;
            assert_eq!((refused.status, refused.field()), (StatusCode::UNPROCESSABLE_ENTITY, field));
        }
    }

    // SB-35
    async fn a_change_that_races_with_the_end_of_a_membership_is_before_it_or_refused(db: TestDb) {
        let world = World::new(app(&db)).await;
        world.delegate_sales(&["write"]).await;
        let (ann, sales, path) = (world.ann(), group_path(world.sales), user_path(world.sam));
        let number = |version: Option<Value>| -> u32 {
            let tag = version.unwrap().as_str().unwrap().to_owned();
            tag.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap()
        };
        for round in 0..12 {
            let before = number(world.version(world.sam).await);
            let title = retitle(&format!("Archer {round}"));
            let member = remove_member(world.sam);
            let (changed, removed) = tokio::join!(ann.json("PATCH", &path, &title), world.admin.json("PATCH", &sales, &member));
            assert_eq!(removed.status, StatusCode::NO_CONTENT, "{}", removed.body);
            let after = number(world.version(world.sam).await);
            match changed.status {
                StatusCode::OK => assert_eq!((number(Some(changed.body["meta"]["version"].clone())), after), (before + 1, before + 2)),
                status => assert_eq!((status, after), (StatusCode::NOT_FOUND, before + 1), "{}", changed.body),
            }
            let added = world.admin.json("PATCH", &sales, &add_member(world.sam)).await;
            assert_eq!(added.status, StatusCode::NO_CONTENT, "{}", added.body);
        }
    }
}
