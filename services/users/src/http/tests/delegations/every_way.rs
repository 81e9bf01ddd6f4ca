//! The ways in beside the resource of a single user: queries of all types, bulk requests, text searches, what is deleted, and what a
//! resource says of others.

use super::*;
use crate::testing::{app, app_with_grace};

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const SEEN: [&str; 6] = ["North", "Sales", "nora", "pia", "rita", "sam"];

/// The status of each operation of a bulk request.
async fn run_bulk(caller: &Caller, operations: Value) -> Vec<String> {
    let body = json!({ "schemas": [BULK], "Operations": operations });
    let response = caller.json("POST", "/scim/v2/Bulk", &body).await;
    assert_eq!(response.status, StatusCode::OK, "{}", response.body);
    let results = response.body["Operations"].as_array().unwrap();
    results
        .iter()
        .map(|result| result["status"].as_str().unwrap().to_owned())
        .collect()
}

fn numbered(name: &str, number: &str) -> Value {
    let mut body = user(name);
    body[ENTERPRISE_USER] = json!({ "employeeNumber": number });
    body
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    // SB-35
    async fn queries_of_all_types_have_nothing_from_outside(db: TestDb) {
        let world = World::new(app(&db)).await;
        world.delegate_sales(&[]).await;
        let ann = world.ann();
        let all = ann.get("/scim/v2?count=50").await;
        assert_eq!((names(&all), &all.body["totalResults"]), (SEEN.map(str::to_owned).to_vec(), &json!(6)));
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = ann.get(&format!("/scim/v2?cursor={cursor}&count=1")).await;
            found.extend(names(&page));
            match page.body["nextCursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        found.sort();
        assert_eq!(found, SEEN);
        for (path, filter, wanted) in [
            ("/scim/v2/.search", format!("id eq \"{}\"", world.oto), &[][..]),
            ("/scim/v2/.search", "userName sw \"o\" or displayName sw \"O\"".to_owned(), &[]),
            ("/scim/v2/.search", format!("id eq \"{}\"", world.north), &["North"]),
            ("/scim/v2/Users/.search", "userName sw \"o\"".to_owned(), &[]),
            ("/scim/v2/Groups/.search", "displayName pr".to_owned(), &["North", "Sales"]),
            ("/scim/v2/Groups/.search", "displayName eq \"Other\"".to_owned(), &[]),
        ] {
            let body = json!({ "schemas": [SEARCH], "filter": filter });
            let list = ann.json("POST", path, &body).await;
            assert_eq!(names(&list), wanted, "{path} {filter}");
            assert_eq!(list.body["totalResults"], wanted.len(), "{path} {filter}");
        }
        let sorted = ann.get(&format!("{GROUPS}?sortBy=displayName&sortOrder=descending")).await;
        assert_eq!((names(&sorted), &sorted.body["totalResults"]), (vec!["North".to_owned(), "Sales".to_owned()], &json!(2)));
        for (text, wanted) in [("sam", &["sam"][..]), ("oto", &[]), ("ot", &[]), ("nor", &["nora"]), ("family", &["nora", "pia", "rita", "sam"])] {
            let response = ann.get(&format!("/admin/v1/users?search={text}")).await;
            assert_eq!(response.status, StatusCode::OK, "{}", response.body);
            let users = response.body["users"].as_array().unwrap();
            let mut found: Vec<&str> = users.iter().map(|user| user["user_name"].as_str().unwrap()).collect();
            found.sort_unstable();
            assert_eq!(found, wanted, "{text}");
        }
        // The person's own record is theirs, inside or outside.
        assert_eq!(ann.get("/scim/v2/Me").await.body["userName"], "ann");
        assert_eq!(ann.get(&user_path(world.ann)).await.status, StatusCode::NOT_FOUND);
    }

    // SB-35
    async fn a_resource_says_nothing_of_others_outside(db: TestDb) {
        let world = World::new(app(&db)).await;
        let secret = group(&world.admin, "Secret", &[world.nora]).await;
        for (of, manager) in [(world.nora, world.oto), (world.sam, world.nora)] {
            let path = format!("{ENTERPRISE_USER}:manager");
            let set = operations(json!([{ "op": "replace", "path": path, "value": { "value": manager } }]));
            assert_eq!(world.admin.json("PATCH", &user_path(of), &set).await.status, StatusCode::OK);
        }
        world.delegate_sales(&[]).await;
        let (ann, sales, north) = (world.ann(), world.sales, world.north);
        let nora = ann.get(&user_path(world.nora)).await.body;
        let shown: Vec<&str> = nora["groups"].as_array().unwrap().iter().map(|group| group["display"].as_str().unwrap()).collect();
        assert_eq!(shown, ["North", "Sales"]);
        assert_eq!(nora[ENTERPRISE_USER]["manager"], json!({ "value": world.oto }));
        let sam = ann.get(&user_path(world.sam)).await.body;
        assert_eq!(sam[ENTERPRISE_USER]["manager"]["displayName"], "nora");
        let whole = world.admin.get(&user_path(world.nora)).await.body;
        assert_eq!(whole["groups"].as_array().unwrap().len(), 3, "an administrator sees all: {whole}");
        assert_eq!(whole[ENTERPRISE_USER]["manager"]["displayName"], "oto");
        for (group, wanted) in [(secret, &[][..]), (north, &["nora"]), (sales, &["nora", "pia", "rita", "sam"])] {
            for filter in [format!("groups.value eq \"{group}\""), format!("groups[value eq \"{group}\"]"), format!("userName pr and groups.value eq \"{group}\"")] {
                let body = json!({ "schemas": [SEARCH], "filter": filter });
                assert_eq!(names(&ann.json("POST", "/scim/v2/Users/.search", &body).await), wanted, "{filter}");
            }
        }
        assert_eq!(ann.get(&group_path(secret)).await.status, StatusCode::NOT_FOUND);
    }

    // SB-35
    async fn a_bulk_request_has_the_authority_of_its_caller(db: TestDb) {
        let world = World::new(app(&db)).await;
        world.delegate_numbers(&["write", "create", "delete"]).await;
        let (oto, root) = (world.version(world.oto).await, world.version(world.root).await);
        let new_group = json!({ "schemas": [CORE_GROUP], "displayName": "Mine", "members": [{ "value": world.ann }] });
        let table = [
            (json!({ "method": "POST", "path": "/Users", "bulkId": "in", "data": numbered("cas", "S-9") }), "201"),
            (json!({ "method": "POST", "path": "/Users", "bulkId": "out", "data": numbered("dan", "X-9") }), "403"),
            (json!({ "method": "PATCH", "path": format!("/Users/{}", world.sam), "data": retitle("Archer") }), "200"),
            (json!({ "method": "PATCH", "path": format!("/Users/{}", world.oto), "data": retitle("Archer") }), "404"),
            (json!({ "method": "PATCH", "path": format!("/Users/{}", world.root), "data": retitle("Archer") }), "403"),
            (json!({ "method": "PUT", "path": format!("/Users/{}", world.oto), "data": numbered("oto", "S-8") }), "404"),
            (json!({ "method": "PUT", "path": format!("/Users/{}", world.sam), "data": numbered("sam", "X-8") }), "403"),
            (json!({ "method": "DELETE", "path": format!("/Users/{}", world.oto) }), "404"),
            (json!({ "method": "DELETE", "path": format!("/Users/{}", world.root) }), "403"),
            (json!({ "method": "DELETE", "path": format!("/Users/{}", world.nora) }), "204"),
            (json!({ "method": "POST", "path": "/Groups", "bulkId": "group", "data": new_group }), "403"),
            (json!({ "method": "PATCH", "path": format!("/Groups/{}", world.sales), "data": add_member(world.sam) }), "404"),
            (json!({ "method": "PUT", "path": format!("/Groups/{}", world.sales), "data": new_group }), "404"),
            (json!({ "method": "DELETE", "path": format!("/Groups/{}", world.sales) }), "403"),
        ];
        let (operations, wanted): (Vec<Value>, Vec<&str>) = table.into_iter().unzip();
        assert_eq!(run_bulk(&world.ann(), json!(operations)).await, wanted);
        assert_eq!((world.version(world.oto).await, world.version(world.root).await), (oto, root));
        assert_eq!(names(&world.admin.get(GROUPS).await), ["North", "Other", "Sales", "vestibule-admins"]);
        // Members are managed in bulk as they are alone.
        world.delegate_sales(&["manage_members"]).await;
        let cas = world.admin.get(&format!("{USERS}?filter=userName%20eq%20%22cas%22")).await.body["Resources"][0]["id"].clone();
        let add = |id: &Value| json!({ "method": "PATCH", "path": format!("/Groups/{}", world.sales), "data": {
            "schemas": [PATCH], "Operations": [{ "op": "add", "path": "members", "value": [{ "value": id }] }] } });
        assert_eq!(run_bulk(&world.ann(), json!([add(&cas), add(&json!(world.oto))])).await, ["200", "400"]);
    }

    // SB-35
    async fn what_was_deleted_is_for_administrators(db: TestDb) {
        let (app, _) = app_with_grace(&db, 30);
        let world = World::new(app).await;
        world.delegate_sales(&["delete"]).await;
        let (ann, path) = (world.ann(), format!("/admin/v1/deleted-users/{}", world.sam));
        assert_eq!(ann.send("DELETE", &user_path(world.sam), &[], Body::empty()).await.status, StatusCode::NO_CONTENT);
        assert_eq!(ann.get(&user_path(world.sam)).await.status, StatusCode::NOT_FOUND);
        assert_eq!(names(&ann.get(USERS).await), ["nora", "pia", "rita"]);
        let members = ann.get(&group_path(world.sales)).await.body["members"].as_array().unwrap().len();
        assert_eq!(members, 3, "North, pia and rita");
        for (method, path) in [
            ("GET", "/admin/v1/deleted-users".to_owned()),
            ("GET", path.clone()),
            ("DELETE", path.clone()),
            ("POST", format!("{path}/restore")),
            ("GET", format!("/admin/v1/users/{}/data", world.nora)),
        ] {
            assert_eq!(ann.json(method, &path, &json!({})).await.status, StatusCode::FORBIDDEN, "{method} {path}");
        }
        let restored = world.admin.json("POST", &format!("{path}/restore"), &json!({})).await;
        assert_eq!(restored.status, StatusCode::OK, "{}", restored.body);
        assert_eq!(ann.get(&user_path(world.sam)).await.status, StatusCode::OK, "a member of Sales again");
        // The deletion of a delegated administrator ends what was delegated; a restoration does not bring it back.
        world.delegate(json!({ "to_user": world.oto, "members_of": world.north })).await;
        let oto = world.person(world.oto);
        assert_eq!(oto.get(USERS).await.status, StatusCode::OK);
        world.admin.send("DELETE", &user_path(world.oto), &[], Body::empty()).await;
        assert_eq!(oto.get(USERS).await.status, StatusCode::UNAUTHORIZED);
        let restore = format!("/admin/v1/deleted-users/{}/restore", world.oto);
        assert_eq!(world.admin.json("POST", &restore, &json!({})).await.status, StatusCode::OK);
        assert_eq!(oto.get(USERS).await.status, StatusCode::FORBIDDEN);
    }

    // SB-35
    async fn identifiers_of_clients_stay_theirs(db: TestDb) {
        let world = World::new(app(&db)).await;
        let client = Caller::with(&world.app, clients_token("a-directory", "users:read users:write"));
        let set = |id: &str| operations(json!([{ "op": "replace", "path": "externalId", "value": id }]));
        for (user, id) in [(world.sam, "hr-1"), (world.oto, "hr-2")] {
            assert_eq!(client.json("PATCH", &user_path(user), &set(id)).await.status, StatusCode::OK);
        }
        world.delegate_sales(&["write"]).await;
        let ann = world.ann();
        assert_eq!(ann.json("PATCH", &user_path(world.sam), &set("desk-1")).await.body["externalId"], "desk-1");
        assert_eq!(ann.json("PATCH", &user_path(world.oto), &set("desk-2")).await.status, StatusCode::NOT_FOUND);
        assert_eq!(client.get(&user_path(world.sam)).await.body["externalId"], "hr-1");
        for (filter, wanted) in [("desk-1", &["sam"][..]), ("hr-1", &[]), ("hr-2", &[])] {
            let list = ann.get(&format!("{USERS}?filter=externalId%20eq%20%22{filter}%22")).await;
            assert_eq!(names(&list), wanted, "{filter}");
        }
    }
}
