//! Creations that are run together: as fast as a few, and with the results of single ones.

use chassis::db::count_statements;
use std::time::Duration;

use super::*;

const CONFIGURED: &str = "urn:vestibule:params:scim:schemas:extension:configured:1.0:User";

fn badge(name: &str, badge: &str) -> Value {
    let mut operation = user(name);
    operation["data"][CONFIGURED] = json!({"badge": badge});
    operation
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn many_creations_cost_as_many_statements_as_a_few(db: TestDb) {
        let app = app(&db);
        let directory = directory(&app);
        let all = |prefix: &str, count: usize| -> Vec<Value> { (0..count).map(|number| user(&format!("{prefix}{number}"))).collect() };
        let (few, of_few) = count_statements(send(&directory, &all("few", 2))).await;
        let (many, of_many) = count_statements(send(&directory, &all("many", 300))).await;
        assert_eq!((statuses(&few).len(), statuses(&many)), (2, vec!["201"; 300]));
        assert_eq!(of_many, of_few);
        let third = directory.get(&path_of(&many, 2)).await;
        assert_eq!(third.body["userName"], "many2");
        assert_eq!(events_of(&db, id_of(&many, 299)).await, [("vestibule.user.created.v1".to_owned(), 1)]);
        let found = directory.get("/scim/v2/Users?filter=userName%20eq%20%22MANY7%22").await;
        assert_eq!(found.body["totalResults"], 1);
        let all = directory.get("/scim/v2/Users?count=0").await;
        assert_eq!(all.body["totalResults"], 302);
    }

    async fn a_creation_among_many_is_refused_as_a_single_one_is(db: TestDb) {
        let configured = json!({"attributes": [{"name": "badge", "type": "string", "uniqueness": "server"}]});
        let app = app_with_attributes(&db, &serde_json::from_value(configured).unwrap());
        let directory = directory(&app);
        let first = send(&directory, &[badge("taken", "1"), group("Archers", &[])]).await;
        assert_eq!(statuses(&first), ["201", "201"]);
        let mut again = user("ANN");
        again["bulkId"] = json!("again");
        let operations = [
            user("ann"),
            again,
            user("Taken"),
            user("archers"),
            user("root"),
            user("vestibule-admins"),
            user("cop"),
            // In Cyrillic letters.
            user("сор"),
            badge("bob", "1"),
            badge("cas", "2"),
            badge("dora", "2"),
            badge("eve", "3"),
        ];
        let answer = send(&directory, &operations).await;
        let expected = ["201", "409", "409", "400", "400", "400", "201", "409", "409", "201", "409", "201"];
        assert_eq!(statuses(&answer), expected, "{answer:?}");
        assert_eq!(names(&directory, "Users", "userName").await, ["ann", "cas", "cop", "eve", "taken"]);
        // The same, one by one.
        for (operation, status) in operations.iter().zip(expected) {
            let single = directory.json("POST", "/scim/v2/Users", &operation["data"]).await;
            let status: u16 = if status == "201" { 409 } else { status.parse().unwrap() };
            assert_eq!(single.status, status, "{operation}");
        }
    }

    async fn requests_that_wait_for_a_user_are_woken(db: TestDb) {
        let app = app(&db);
        let directory = directory(&app);
        let next = app.user_created_waiters.next();
        tokio::pin!(next);
        next.as_mut().enable();
        send(&directory, &[user("ann"), user("bob")]).await;
        tokio::time::timeout(Duration::from_secs(10), next).await.unwrap();
    }
}
