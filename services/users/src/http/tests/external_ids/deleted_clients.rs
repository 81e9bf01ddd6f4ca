//! Values of `externalId` of provisioning clients that were deleted.

use super::*;

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn the_values_of_a_deleted_provisioning_client_are_removed_with_events(db: TestDb) {
        let app = app(&db);
        let admin = client_with(&app, "cli", "admin");
        let clients = "/admin/v1/provisioning-clients";
        let scopes: Vec<&str> = SCOPES.split(' ').collect();
        let made = admin.json("POST", clients, &json!({"name": "HR", "scopes": scopes})).await;
        let hr = Caller::with(&app, made.body["token"].as_str().unwrap().to_owned());
        let entra = client(&app, "entra");
        let operations: Vec<Value> = (0..130)
            .map(|number| json!({"method": "POST", "path": "/Users", "bulkId": format!("b{number}"), "data": user(&format!("user{number}"), &format!("h{number}"))}))
            .collect();
        let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations});
        let users = hr.json("POST", "/scim/v2/Bulk", &bulk).await;
        let ids: Vec<Uuid> = users.body["Operations"].as_array().unwrap().iter()
            .map(|result| result["location"].as_str().unwrap().rsplit('/').next().unwrap().parse().unwrap())
            .collect();
        let archers = path("Groups", &hr.json("POST", "/scim/v2/Groups", &group("Archers", "g")).await);
        let first = format!("/scim/v2/Users/{}", ids[0]);
        assert!(set(&entra, &first, "e").await.status.is_success());
        let gone = admin.send("DELETE", &format!("{clients}/{}", made.body["id"].as_str().unwrap()), &[], axum::body::Body::empty()).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
        let shutdown = chassis::shutdown::Shutdown::new();
        for _ in 0..2 {
            // The second time there is nothing to do.
            app.provisioning_clients.remove_identifiers(&app.users, &app.groups, &shutdown).await.unwrap();
            for id in &ids[1..] {
                let kinds: Vec<(String, i64)> = events_of(&db, *id).await;
                assert_eq!(kinds.last().unwrap(), &("vestibule.user.updated.v1".to_owned(), 2), "{kinds:?}");
            }
        }
        let group: Uuid = archers.rsplit('/').next().unwrap().parse().unwrap();
        assert_eq!(events_of(&db, group).await.last().unwrap(), &("vestibule.group.updated.v1".to_owned(), 2));
        for count in [
            "SELECT count(*) FROM user_external_ids WHERE client_id <> 'entra'",
            "SELECT count(*) FROM group_external_ids WHERE client_id <> 'entra'",
        ] {
            let mut reader = db.reader().await.unwrap();
            let left: i64 = on_engine!(&mut reader, c => sqlx::query_scalar(count).fetch_one(c).await.unwrap());
            assert_eq!(left, 0, "{count}");
        }
        let mut reader = db.reader().await.unwrap();
        let ann = crate::users::find(&mut reader, ids[0]).await.unwrap().unwrap();
        assert_eq!(ann.external_ids.into_iter().collect::<Vec<_>>(), [("entra".to_owned(), "e".to_owned())]);
        let archers = crate::groups::find(&mut reader, group).await.unwrap().unwrap();
        assert_eq!((archers.external_ids.len(), archers.version, archers.revision), (0, 2, 2));
    }

    async fn values_of_clients_that_were_deleted_without_a_note_go_too(db: TestDb) {
        const AHEAD: &str = "SELECT count(*) FROM deleted_provisioning_clients WHERE deleted_at > $1";
        let app = app(&db);
        let admin = client_with(&app, "cli", "admin");
        let clients = "/admin/v1/provisioning-clients";
        let scopes: Vec<&str> = SCOPES.split(' ').collect();
        let (mut callers, mut ids) = (Vec::new(), Vec::new());
        for name in ["HR", "Okta", "Entra"] {
            let made = admin.json("POST", clients, &json!({"name": name, "scopes": scopes})).await;
            callers.push(Caller::with(&app, made.body["token"].as_str().unwrap().to_owned()));
            ids.push(made.body["id"].as_str().unwrap().to_owned());
        }
        let ann = path("Users", &callers[0].json("POST", "/scim/v2/Users", &user("ann", "h")).await);
        let archers = path("Groups", &callers[0].json("POST", "/scim/v2/Groups", &group("Archers", "g")).await);
        for (caller, value) in [(&callers[1], "o"), (&callers[2], "e"), (&client(&app, "tool"), "t")] {
            assert!(set(caller, &ann, value).await.status.is_success());
            assert!(set(caller, &archers, value).await.status.is_success());
        }
        for id in &ids[..2] {
            let gone = admin.send("DELETE", &format!("{clients}/{id}"), &[], axum::body::Body::empty()).await;
            assert_eq!(gone.status, StatusCode::NO_CONTENT);
        }
        // The first one as a release before, which made no note; the second one while the clock was ahead.
        let mut tx = db.begin("test").await.unwrap();
        let first: Uuid = ids[0].parse().unwrap();
        on_engine!(&mut tx, c => sqlx::query("DELETE FROM deleted_provisioning_clients WHERE id = $1").bind(first).execute(c).await.map(drop).unwrap());
        on_engine!(&mut tx, c => sqlx::query("UPDATE deleted_provisioning_clients SET deleted_at = deleted_at * 2").execute(c).await.map(drop).unwrap());
        tx.commit().await.unwrap();
        let shutdown = chassis::shutdown::Shutdown::new();
        app.provisioning_clients.remove_identifiers(&app.users, &app.groups, &shutdown).await.unwrap();
        let mut reader = db.reader().await.unwrap();
        let id: Uuid = ann.rsplit('/').next().unwrap().parse().unwrap();
        let state = crate::users::find(&mut reader, id).await.unwrap().unwrap();
        assert_eq!(state.external_ids.into_values().collect::<Vec<_>>(), ["e", "t"]);
        let id: Uuid = archers.rsplit('/').next().unwrap().parse().unwrap();
        let state = crate::groups::find(&mut reader, id).await.unwrap().unwrap();
        assert_eq!(state.external_ids.into_values().collect::<Vec<_>>(), ["e", "t"]);
        let ahead: i64 = on_engine!(&mut reader, c => sqlx::query_scalar(AHEAD).bind(app.clock.now()).fetch_one(c).await.unwrap());
        assert_eq!(ahead, 0);
    }
}
