//! User names that are refused.

use super::*;

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_name_is_given_once(db: TestDb) {
        let app = app(&db);
        let mut tasks = JoinSet::new();
        for name in ["ann", "ANN", "Ann", "aNN"] {
            let directory = directory(&app);
            tasks.spawn(async move { directory.json("POST", USERS, &user(name)).await });
        }
        let (made, refused): (Vec<_>, Vec<_>) =
            tasks.join_all().await.into_iter().partition(|answer| answer.status == StatusCode::CREATED);
        assert_eq!((made.len(), refused.len()), (1, 3));
        for answer in refused {
            assert_eq!((answer.status, &answer.body["scimType"]), (StatusCode::CONFLICT, &json!("uniqueness")));
        }
        let bob = directory(&app).json("POST", USERS, &user("bob")).await;
        let renamed = directory(&app).json("PUT", &path_of(&bob), &user("Ann")).await;
        assert_eq!(renamed.status, StatusCode::CONFLICT);
    }

    async fn a_name_that_misleads_is_refused_with_its_reason(db: TestDb) {
        // SB-49
        let app = app(&db);
        let directory = directory(&app);
        let bob = directory.json("POST", USERS, &user("bob")).await;
        for (name, why) in [
            ("Root", "userName: this user name is reserved for administrators"),
            ("vestibule-admins", "userName: this user name is that of a group"),
            ("bоb", "userName: a user name does not mix scripts, such as Latin and Cyrillic letters"),
            ("<b>bob</b>", "userName: a user name has none of the characters < > & \" ` \\"),
            ("018f0000-0000-7000-8000-00000000a001", "userName: a user name does not have the form of an id"),
        ] {
            for answer in [
                directory.json("POST", USERS, &user(name)).await,
                directory.json("PUT", &path_of(&bob), &user(name)).await,
            ] {
                let told = (answer.status, &answer.body["scimType"], &answer.body["detail"]);
                assert_eq!(told, (StatusCode::BAD_REQUEST, &json!("invalidValue"), &json!(why)));
            }
        }
        let alike = directory.json("POST", USERS, &user("b0b")).await;
        assert_eq!((alike.status, &alike.body["scimType"]), (StatusCode::CONFLICT, &json!("uniqueness")));
    }
}
