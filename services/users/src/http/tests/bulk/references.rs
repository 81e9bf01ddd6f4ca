//! References between operations, and circles of them (RFC 7644 §3.7.1, §3.7.2).

use super::*;

fn managed(name: &str, manager: &str) -> Value {
    let mut operation = user(name);
    operation["data"][ENTERPRISE] = json!({"manager": {"value": format!("bulkId:{manager}")}});
    operation
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_resource_is_created_after_those_that_it_refers_to(db: TestDb) {
        // RFC 7644 §3.7.2 (1)
        let app = app(&db);
        let directory = directory(&app);
        let answer = send(&directory, &[
            group("all", &["bulkId:Archers"]),
            managed("ann", "bob"),
            group("Archers", &["bulkId:ann", "bulkId:bob"]),
            managed("bob", "cas"),
            user("cas"),
            managed("dora", "nobody"),
        ]).await;
        assert_eq!(statuses(&answer), ["201", "201", "201", "201", "201", "409"], "{answer:?}");
        let ann = directory.get(&path_of(&answer, 1)).await;
        assert_eq!(ann.body[ENTERPRISE]["manager"]["value"], id_of(&answer, 3).to_string());
        let all = directory.get(&path_of(&answer, 0)).await;
        assert_eq!(all.body["members"][0]["value"], id_of(&answer, 2).to_string());
        let archers = directory.get(&path_of(&answer, 2)).await;
        assert_eq!(archers.body["members"].as_array().unwrap().len(), 2);
    }

    async fn users_on_a_circle_are_created_and_then_completed(db: TestDb) {
        // RFC 7644 §3.7.1 (1), RFC 7644 §3.7.2 (2)
        let app = app(&db);
        let directory = directory(&app);
        let answer = send(&directory, &[managed("ann", "bob"), managed("bob", "cas"), managed("cas", "ann"), managed("own", "own")]).await;
        assert_eq!(statuses(&answer), ["201"; 4], "{answer:?}");
        for (index, manager) in [(0, 1), (1, 2), (2, 0), (3, 3)] {
            let shown = directory.get(&path_of(&answer, index)).await;
            assert_eq!(shown.body[ENTERPRISE]["manager"]["value"], id_of(&answer, manager).to_string());
            assert_eq!(shown.header("etag"), answer.body["Operations"][index]["version"]);
        }
    }

    async fn a_circle_that_cannot_be_resolved_leaves_nothing_behind(db: TestDb) {
        // A group cannot be a member of itself, by other groups either.
        let app = app(&db);
        let directory = directory(&app);
        let answer = send(&directory, &[
            user("ann"),
            group("one", &["bulkId:two", "bulkId:ann"]),
            group("two", &["bulkId:one"]),
            group("three", &["bulkId:two"]),
            group("four", &["bulkId:four"]),
            group("five", &["bulkId:ann"]),
        ]).await;
        assert_eq!(statuses(&answer), ["201", "400", "409", "409", "400", "201"], "{answer:?}");
        assert!(answer.body["Operations"][1]["response"]["detail"].as_str().unwrap().contains("member of itself"));
        assert_eq!(names(&directory, "Groups", "displayName").await, ["five"]);
        assert_eq!(events_of(&db, id_of(&answer, 0)).await.len(), 2, "no trace of the group that was rolled back");
    }
}
