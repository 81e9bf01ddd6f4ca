//! Tests of `/admin/v1/deleted-users`.

use axum::body::Body;
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::SharedApp;
use crate::testing::{
    Caller, app_with_grace, clients_token, desired_user, make_administrator, persons_token, token_of_sign_in,
};

const DELETED: &str = "/admin/v1/deleted-users";

fn root(app: &SharedApp) -> Caller {
    Caller::with(app, clients_token("operator", "admin users:read users:write"))
}

async fn deleted(app: &SharedApp, root: &Caller, name: &str) -> Uuid {
    let id = app.users.create(desired_user(name)).await.unwrap().id;
    let path = format!("/scim/v2/Users/{id}");
    assert_eq!(
        root.send("DELETE", &path, &[], Body::empty()).await.status,
        StatusCode::NO_CONTENT
    );
    id
}

fn ids(page: &Value) -> Vec<String> {
    let users = page["users"].as_array().unwrap();
    users
        .iter()
        .map(|user| user["id"].as_str().unwrap().to_owned())
        .collect()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn deleted_users_are_listed_page_by_page_the_last_one_first(db: TestDb) {
        let (app, clock) = app_with_grace(&db, 30);
        let root = root(&app);
        let mut expected = Vec::new();
        for name in ["ann", "bob", "cas", "dan", "eve"] {
            expected.insert(0, deleted(&app, &root, name).await.to_string());
            // Some at the same moment.
            if name != "bob" {
                clock.advance(std::time::Duration::from_secs(1));
            }
        }
        // Who was deleted at the same moment is in the order of the ids.
        expected[2..4].sort_by(|one, other| other.cmp(one));
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let page = root.get(&format!("{DELETED}?limit=2{after}")).await;
            assert_eq!(page.status, StatusCode::OK, "{page:?}");
            found.extend(ids(&page.body));
            match page.body["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        assert_eq!(found, expected);
        let named = root.get(&format!("{DELETED}?user_name=BOB")).await.body;
        assert_eq!(named["users"][0]["user_name"], "bob");
        assert_eq!((named["users"].as_array().unwrap().len(), &named["next"]), (1, &Value::Null));
        let one = root.get(&format!("{DELETED}/{}", expected[0])).await.body;
        assert_eq!((&one["user_name"], &one["was_active"]), (&json!("eve"), &json!(true)));
        assert_eq!(one["deleted_at"], "2026-09-21T14:13:23.000000Z");
        assert_eq!(one["restorable_until"], "2026-10-21T14:13:23.000000Z");
        for (query, field) in [("limit=0", "limit"), ("limit=201", "limit"), ("after=x", "after")] {
            let refused = root.get(&format!("{DELETED}?{query}")).await;
            assert_eq!((refused.status, refused.field()), (StatusCode::UNPROCESSABLE_ENTITY, field), "{query}");
        }
    }

    async fn an_administrator_restores_and_erases(db: TestDb) {
        let (app, _) = app_with_grace(&db, 30);
        let root = root(&app);
        let (ann, bob) = (deleted(&app, &root, "ann").await, deleted(&app, &root, "bob").await);
        let own = Caller::with(&app, persons_token(ann));
        assert_eq!(own.get("/user").await.status, StatusCode::UNAUTHORIZED);
        app.users.create(desired_user("Ann")).await.unwrap();
        let path = format!("{DELETED}/{ann}/restore");
        let taken = root.json("POST", &path, &json!({})).await;
        assert_eq!((taken.status, taken.field()), (StatusCode::CONFLICT, "user_name"));
        let invalid = root.json("POST", &path, &json!({"user_name": "a b"})).await;
        assert_eq!((invalid.status, invalid.field()), (StatusCode::UNPROCESSABLE_ENTITY, "user_name"));
        let unknown = root.json("POST", &path, &json!({"name": "anna"})).await;
        assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
        let restored = root.json("POST", &path, &json!({"user_name": "anna"})).await;
        assert_eq!((restored.status, &restored.body["user_name"]), (StatusCode::OK, &json!("anna")), "{restored:?}");
        assert_eq!(own.get("/user").await.body["user_name"], "anna");
        assert_eq!(root.json("POST", &path, &json!({})).await.status, StatusCode::NOT_FOUND);
        let path = format!("{DELETED}/{bob}");
        for expected in [StatusCode::NO_CONTENT, StatusCode::NOT_FOUND] {
            assert_eq!(root.send("DELETE", &path, &[], Body::empty()).await.status, expected);
        }
        assert_eq!(root.get(&path).await.status, StatusCode::NOT_FOUND);
        assert_eq!(ids(&root.get(DELETED).await.body), Vec::<String>::new());
    }

    async fn an_administrator_who_erases_has_signed_in_recently(db: TestDb) {
        // RFC 9470 §3
        let (app, _) = app_with_grace(&db, 30);
        let boss = app.users.create(desired_user("boss")).await.unwrap().id;
        make_administrator(&app, boss).await;
        let ann = deleted(&app, &root(&app), "ann").await;
        let path = format!("{DELETED}/{ann}");
        let erase = async |age| {
            let caller = Caller::with(&app, token_of_sign_in(boss, "admin", age));
            caller.send("DELETE", &path, &[], Body::empty()).await
        };
        let refused = erase(901).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        let challenge = refused.header("www-authenticate");
        assert!(challenge.contains(r#"error="insufficient_user_authentication""#) && challenge.contains(r#"max_age="900""#), "{challenge}");
        assert_eq!(refused.body["max_age"], 900);
        assert_eq!(erase(900).await.status, StatusCode::NO_CONTENT);
    }

    async fn nobody_else_sees_or_restores_them(db: TestDb) {
        let (app, _) = app_with_grace(&db, 30);
        let ann = deleted(&app, &root(&app), "ann").await;
        let directory = Caller::with(&app, clients_token("a-directory", "users:read users:write"));
        for (method, path) in [
            ("GET", DELETED.to_owned()), ("GET", format!("{DELETED}/{ann}")), ("DELETE", format!("{DELETED}/{ann}")),
            ("POST", format!("{DELETED}/{ann}/restore")),
        ] {
            let refused = directory.json(method, &path, &json!({})).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{method} {path}");
        }
    }
}
