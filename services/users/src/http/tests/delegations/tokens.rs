//! The tokens with which delegated administrators act, and delegations that are made and ended.

use std::time::Duration;

use super::*;
use crate::testing::{app, app_with_grace, app_without_auth, token_of_grant};

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &provisioning::MIGRATIONS, &crate::MIGRATIONS];

    // SB-48
    async fn without_the_scope_a_person_has_no_more_than_before(db: TestDb) {
        let world = World::new(app(&db)).await;
        world.delegate_sales(&["write", "delete", "manage_members"]).await;
        let id = world.ann.to_string();
        for (subject, client, scope) in [
            (id.as_str(), "app", "openid profile email groups"),
            ("app", "app", "directory:delegated"),
        ] {
            let caller = Caller::with(&world.app, token(subject, client, scope));
            for path in [USERS.to_owned(), GROUPS.to_owned(), user_path(world.sam)] {
                assert_eq!(caller.get(&path).await.status, StatusCode::FORBIDDEN, "{scope}: {path}");
            }
        }
        // Nothing is delegated to sam.
        assert_eq!(world.person(world.sam).get(USERS).await.status, StatusCode::FORBIDDEN);
        // No other route is open to the scope.
        for path in ["/admin/v1/delegations", "/admin/v1/provisioning-clients", "/admin/v1/webhooks", "/events"] {
            assert_eq!(world.ann().get(path).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        let stale = Caller::with(&app_without_auth(&db), token(&id, "app", "openid directory:delegated"));
        assert_eq!(stale.get(USERS).await.status, StatusCode::SERVICE_UNAVAILABLE);
    }

    // SB-47
    async fn what_is_taken_away_is_gone_at_the_next_request_whatever_the_cursor(db: TestDb) {
        let world = World::new(app(&db)).await;
        let sales = world.delegate_sales(&["write"]).await;
        let ann = world.ann();
        let first = ann.get(&format!("{USERS}?cursor=&count=1")).await;
        let next = format!("{USERS}?cursor={}&count=1", first.body["nextCursor"].as_str().unwrap());
        assert_eq!(ann.get(&next).await.status, StatusCode::OK);
        // Whom ann sees depends on the groups at that moment.
        world.admin.json("PATCH", &group_path(world.sales), &remove_member(world.sam)).await;
        assert_eq!(ann.get(&user_path(world.sam)).await.status, StatusCode::NOT_FOUND);
        assert_eq!(names(&ann.get(USERS).await), ["nora", "pia", "rita"]);
        world.end(&sales).await;
        for response in [ann.get(&next).await, ann.get(USERS).await, ann.json("PATCH", &user_path(world.nora), &retitle("x")).await] {
            assert_eq!(response.status, StatusCode::FORBIDDEN, "{}", response.body);
        }
        world.delegate_sales(&[]).await;
        let grant = Uuid::from_u128(9);
        let by_grant = Caller::with(&world.app, token_of_grant(grant, world.ann, "openid directory:delegated"));
        assert_eq!(by_grant.get(USERS).await.status, StatusCode::OK);
        let off = operations(json!([{ "op": "replace", "path": "active", "value": false }]));
        world.admin.json("PATCH", &user_path(world.ann), &off).await;
        assert_eq!(by_grant.get(USERS).await.status, StatusCode::UNAUTHORIZED);
    }

    async fn a_delegation_to_a_group_is_that_of_its_members_on_every_level(db: TestDb) {
        let world = World::new(app(&db)).await;
        let inner = group(&world.admin, "Inner", &[world.oto]).await;
        let outer = group(&world.admin, "Outer", &[inner]).await;
        let made = world.delegate(json!({ "to_group": outer, "members_of": world.north, "rights": ["write"] })).await;
        let oto = world.person(world.oto);
        assert_eq!(names(&oto.get(USERS).await), ["nora"]);
        assert_eq!(oto.json("PATCH", &user_path(world.nora), &retitle("x")).await.status, StatusCode::OK);
        world.admin.json("PATCH", &group_path(inner), &remove_member(world.oto)).await;
        assert_eq!(oto.get(USERS).await.status, StatusCode::FORBIDDEN);
        // An administrator with both scopes has everything.
        let root = Caller::with(&world.app, token(&world.root.to_string(), "app", "openid users:read directory:delegated"));
        assert_eq!(names(&root.get(USERS).await).len(), 6);
        let shown = world.admin.get(&made).await;
        assert_eq!(shown.body["rights"], json!(["read", "write"]));
        let held = world.admin.get(&format!("/admin/v1/users/{}/data", world.pia)).await;
        assert_eq!(held.body["delegations"][0]["rights"], "read write", "a part of what is held about pia: {}", held.body);
        assert_eq!(world.admin.get(DELEGATIONS).await.body["delegations"].as_array().unwrap().len(), 2);
    }

    async fn a_person_holds_fifty_delegations_at_most(db: TestDb) {
        let (app, clock) = app_with_grace(&db, 30);
        let world = World::new(app).await;
        let sam = json!({ "to_user": world.ann, "users_matching": "userName eq \"sam\"" });
        let first = world.delegate(sam.clone()).await;
        for _ in 1..50 {
            world.delegate(sam.clone()).await;
        }
        let refused = world.admin.json("POST", DELEGATIONS, &sam).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
        // One more by a group is the newest, and gives nothing before another was ended.
        clock.advance(Duration::from_secs(1));
        let helpers = group(&world.admin, "Helpers", &[world.ann]).await;
        world.delegate(json!({ "to_group": helpers, "users_matching": "userName eq \"oto\"" })).await;
        assert_eq!(names(&world.ann().get(USERS).await), ["sam"]);
        world.end(&first).await;
        assert_eq!(names(&world.ann().get(USERS).await), ["oto", "sam"]);
    }

    async fn a_delegation_that_makes_no_sense_is_refused_by_name(db: TestDb) {
        let world = World::new(app(&db)).await;
        let nobody = Uuid::from_u128(7);
        for (bad, field) in [
            (json!({ "members_of": world.sales }), "to_user"),
            (json!({ "to_user": world.ann, "to_group": world.north, "members_of": world.sales }), "to_user"),
            (json!({ "to_user": world.ann }), "members_of"),
            (json!({ "to_user": world.ann, "members_of": world.sales, "users_matching": "userName pr" }), "members_of"),
            (json!({ "to_user": nobody, "members_of": world.sales }), "to_user"),
            (json!({ "to_group": nobody, "members_of": world.sales }), "to_group"),
            (json!({ "to_user": world.ann, "members_of": nobody }), "members_of"),
            (json!({ "to_user": world.ann, "members_of": world.sales, "rights": ["fly"] }), "rights"),
            (json!({ "to_user": world.ann, "members_of": world.sales, "rights": ["create"] }), "rights"),
            (json!({ "to_user": world.ann, "users_matching": "userName pr", "rights": ["manage_members"] }), "rights"),
            (json!({ "to_user": world.ann, "members_of": world.sales, "rights": ["delete", "set_password"] }), "rights"),
            (json!({ "to_user": world.ann, "users_matching": format!("userName sw \"s\" and not (groups.value eq \"{}\")", world.north) }), "users_matching"),
            (json!({ "to_user": world.ann, "users_matching": "userName xx" }), "users_matching"),
            (json!({ "to_user": world.ann, "users_matching": "title eq \"Archer\"" }), "users_matching"),
            (json!({ "to_user": world.ann, "users_matching": "userName pr or title pr" }), "users_matching"),
        ] {
            let refused = world.admin.json("POST", DELEGATIONS, &bad).await;
            assert_eq!((refused.status, refused.field()), (StatusCode::UNPROCESSABLE_ENTITY, field), "{bad}: {}", refused.body);
        }
    }
}
