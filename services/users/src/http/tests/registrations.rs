//! Tests of `POST /registrations`, which `auth` alone may call.

use http::StatusCode;
use scim::version::IfMatch;
use serde_json::json;

use tokio::task::JoinSet;

use crate::testing::{
    Caller, app, clients_token, desired_user, events_of, make_administrator, requested, token,
};

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn auth_registers_a_person_however_often_it_asks(db: TestDb) {
        let app = app(&db);
        let auth = Caller::with(&app, clients_token("vestibule-auth", "users:write"));
        let body = serde_json::to_value(requested(1, "ann")).unwrap();
        let first = auth.json("POST", "/registrations", &body).await;
        assert_eq!(first.status, StatusCode::OK, "{first:?}");
        assert_eq!(first.body["outcome"], "accepted");
        assert_eq!(first.body["user"]["user_name"], "ann");
        assert_eq!(auth.json("POST", "/registrations", &body).await.body, first.body);
        let taken = serde_json::to_value(requested(2, "ANN")).unwrap();
        let refused = auth.json("POST", "/registrations", &taken).await;
        assert_eq!(refused.body, json!({"outcome": "rejected", "reason": "user_name_taken"}));
        let id = requested(1, "ann").id;
        app.users.delete(id, &IfMatch::Any).await.unwrap();
        assert_eq!(auth.json("POST", "/registrations", &body).await.status, StatusCode::GONE);
        assert_eq!(events_of(&db, id).await.len(), 2);
    }

    async fn one_name_raced_over_http_goes_to_exactly_one(db: TestDb) {
        let app = app(&db);
        let mut tasks = JoinSet::new();
        for id in 1..=6 {
            let auth = Caller::with(&app, clients_token("vestibule-auth", "users:write"));
            let body = serde_json::to_value(requested(id, "ann")).unwrap();
            tasks.spawn(async move { auth.json("POST", "/registrations", &body).await.body });
        }
        let outcomes = tasks.join_all().await;
        let accepted = outcomes.iter().filter(|body| body["outcome"] == "accepted").count();
        let taken = outcomes.iter().filter(|body| body["reason"] == "user_name_taken").count();
        assert_eq!((accepted, taken), (1, 5), "{outcomes:?}");
    }

    async fn another_client_cannot_register_whoever_it_wants(db: TestDb) {
        // SB-35: groups come with a registration.
        let app = app(&db);
        let administrator = app.users.create(desired_user("chief")).await.unwrap().id;
        make_administrator(&app, administrator).await;
        let mut wanted = requested(1, "mallory");
        wanted.groups = vec!["vestibule-admins".to_owned()];
        let body = serde_json::to_value(&wanted).unwrap();
        for token in [
            clients_token("a-directory", "users:read users:write"),
            clients_token("vestibule-auth", "users:read"),
            // A person, who signed in to the authentication service itself.
            token(&administrator.to_string(), "vestibule-auth", "users:write"),
        ] {
            let answer = Caller::with(&app, token).json("POST", "/registrations", &body).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN);
        }
        assert_eq!(Caller::anonymous(&app).json("POST", "/registrations", &body).await.status, StatusCode::UNAUTHORIZED);
        assert!(events_of(&db, wanted.id).await.is_empty());
    }

    async fn a_bad_command_names_its_field(db: TestDb) {
        // SB-42
        let app = app(&db);
        let auth = Caller::with(&app, clients_token("vestibule-auth", "users:write"));
        for (field, value) in [
            ("user_name", json!("a b")),
            ("user_name", json!("x".repeat(65))),
            ("user_name", json!("a\r\nb")),
            ("email", json!("nowhere")),
            ("email", json!(format!("{}@example.com", "x".repeat(250)))),
            ("id", json!(7)),
            ("active", json!(true)),
            ("requested_at", json!("yesterday")),
        ] {
            let mut body = serde_json::to_value(requested(1, "ann")).unwrap();
            body[field] = value;
            let refused = auth.json("POST", "/registrations", &body).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
            assert_eq!(refused.field(), field);
        }
        assert!(events_of(&db, requested(1, "ann").id).await.is_empty());
    }
}
