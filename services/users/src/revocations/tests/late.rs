//! A test of tokens that are revoked while the body of their request arrives.

use axum::body::Body;
use chassis::clock::Clock;
use futures_util::{StreamExt, stream};

use super::*;
use crate::testing::{app_with_grace, token};

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    // SB-47
    async fn a_token_that_is_revoked_while_a_body_arrives_changes_nothing(db: TestDb) {
        let (app, clock) = app_with_grace(&db, 0);
        let ann = app.users.create(desired_user("ann")).await.unwrap().id;
        let bob = app.users.create(desired_user("bob")).await.unwrap().id;
        let admin = Caller::with(&app, clients_token("cli", "admin"));
        let delegation = json!({ "to_user": ann, "users_matching": "userName sw \"b\"", "rights": ["write"] });
        let delegated = admin.json("POST", "/admin/v1/delegations", &delegation).await;
        assert_eq!(delegated.status, StatusCode::CREATED, "{}", delegated.body);
        for (client, token) in [
            ("tool", clients_token("tool", "users:read users:write")),
            ("desk", token(&ann.to_string(), "desk", "openid directory:delegated")),
        ] {
            let caller = Caller::with(&app, token);
            let path = format!("/scim/v2/Users/{bob}");
            assert_eq!(caller.get(&path).await.status, StatusCode::OK, "{client}");
            let (revocations, clock) = (app.revocations.clone(), clock.clone());
            let late = async move {
                revocations.add(vec![Revoked::Client(client.to_owned(), clock.now())], MOST);
                clock.advance(Duration::from_secs(2));
                Ok("}")
            };
            let head = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "bob", "title": "Archer""#;
            let chunks = stream::once(async move { Ok::<&str, std::io::Error>(head) }).chain(stream::once(late));
            let headers = [("content-type", "application/json")];
            let refused = caller.send("PUT", &path, &headers, Body::from_stream(chunks)).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{client}: {}", refused.body);
            let found = crate::users::find(&mut db.reader().await.unwrap(), bob).await.unwrap();
            assert_eq!(found.map(|user| user.version), Some(1), "{client}");
        }
    }

    // SB-47
    async fn a_person_whose_token_is_revoked_while_a_body_arrives_changes_nothing(db: TestDb) {
        let (app, clock) = app_with_grace(&db, 0);
        let ann = app.users.create(desired_user("ann")).await.unwrap().id;
        let caller = Caller::with(&app, token(&ann.to_string(), "desk", "openid profile"));
        for revoked in [false, true] {
            let (revocations, clock) = (app.revocations.clone(), clock.clone());
            let late = async move {
                if revoked {
                    revocations.add(vec![Revoked::Client("desk".to_owned(), clock.now())], MOST);
                }
                clock.advance(Duration::from_secs(2));
                Ok("}")
            };
            let head = format!(r#"{{"locale": "{}""#, if revoked { "fr-CH" } else { "de-CH" });
            let chunks = stream::once(async move { Ok::<String, std::io::Error>(head) })
                .chain(stream::once(async move { late.await.map(str::to_owned) }));
            let headers = [("content-type", "application/json")];
            let answer = caller.send("PATCH", "/user", &headers, Body::from_stream(chunks)).await;
            let expected = if revoked { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
            assert_eq!(answer.status, expected, "{}", answer.body);
        }
        let found = crate::users::find(&mut db.reader().await.unwrap(), ann).await.unwrap();
        assert_eq!(found.map(|user| user.version), Some(2));
    }
}
