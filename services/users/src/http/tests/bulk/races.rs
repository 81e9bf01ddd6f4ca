//! Bulk requests beside each other, and beside single changes.

use tokio::task::JoinSet;

use super::*;

/// Sends a request again while others are run, as the answer asks for.
async fn send(caller: &Caller, operations: &[Value]) -> TestResponse {
    loop {
        let answer = super::send(caller, operations).await;
        let busy = answer.body["detail"]
            .as_str()
            .is_some_and(|detail| detail.starts_with("Other bulk requests"));
        if !busy {
            return answer;
        }
    }
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn requests_that_change_the_same_in_other_orders_all_succeed(db: TestDb) {
        let app = app(&db);
        let directory = directory(&app);
        let mut ids = Vec::new();
        for number in 0..6 {
            ids.push(app.users.create(desired_user(&format!("user{number}"))).await.unwrap().id);
        }
        let groups = send(&directory, &[group("one", &[]), group("two", &[]), group("three", &[])]).await;
        let groups = [0, 1, 2].map(|index| id_of(&groups, index));
        let mut tasks = JoinSet::new();
        for round in 0..8_usize {
            let directory = directory.clone();
            let mut operations: Vec<Value> = ids
                .iter()
                .map(|id| patch(&format!("/Users/{id}"), json!([{"op": "replace", "path": "displayName", "value": format!("{round}")}])))
                .collect();
            operations.extend(groups.iter().zip(ids.iter()).map(|(group, id)| {
                let value = json!([{"value": id}]);
                let op = if round % 3 == 0 { "remove" } else { "add" };
                patch(&format!("/Groups/{group}"), json!([{"op": op, "path": "members", "value": value}]))
            }));
            operations.push(user(&format!("new{round}")));
            operations.push(group(&format!("Group {round}"), &[&ids[0].to_string()]));
            operations.rotate_left(round);
            if round % 2 == 0 {
                operations.reverse();
            }
            let (id, group) = (ids[round % 6], groups[round % 3]);
            let single = directory.clone();
            tasks.spawn(async move { send(&directory, &operations).await });
            tasks.spawn(async move {
                let add = json!({"schemas": [PATCH], "Operations": [{"op": "add", "path": "members", "value": [{"value": id}]}]});
                single.json("PATCH", &format!("/scim/v2/Groups/{group}"), &add).await
            });
        }
        while let Some(answer) = tasks.join_next().await {
            let answer = answer.unwrap();
            if answer.status == StatusCode::NO_CONTENT {
                continue;
            }
            assert!(statuses(&answer).iter().all(|status| status.starts_with('2')), "{answer:?}");
        }
        assert_eq!(names(&directory, "Users", "userName").await.len(), 14);
        assert_eq!(names(&directory, "Groups", "displayName").await.len(), 11);
    }

    async fn requests_for_the_same_names_give_out_each_once(db: TestDb) {
        let app = app(&db);
        let directory = directory(&app);
        let mut tasks = JoinSet::new();
        for round in 0..6 {
            let directory = directory.clone();
            // Groups want half of the names.
            let mut operations: Vec<Value> = (0..20)
                .map(|number| match round % 2 == 0 || number % 2 == 0 {
                    true => user(&format!("name{number}")),
                    false => group(&format!("name{number}"), &[]),
                })
                .collect();
            operations.rotate_left(round * 3);
            tasks.spawn(async move { send(&directory, &operations).await });
        }
        let mut made = 0;
        while let Some(answer) = tasks.join_next().await {
            made += statuses(&answer.unwrap()).iter().filter(|status| **status == "201").count();
        }
        assert_eq!(made, 20);
        let mut all = names(&directory, "Users", "userName").await;
        all.extend(names(&directory, "Groups", "displayName").await);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 20);
    }

    async fn a_single_creation_beside_the_same_one_in_a_bulk_request_is_told_that_it_is_taken(db: TestDb) {
        let app = app(&db);
        let directory = directory(&app);
        for round in 0..6 {
            let mut creation = user(&format!("retried{round}"));
            creation["data"]["externalId"] = json!(format!("e-{round}"));
            let body = creation["data"].clone();
            let operations = [creation, user(&format!("other{round}"))];
            let many = send(&directory, &operations);
            let (bulk, single) = tokio::join!(many, directory.json("POST", "/scim/v2/Users", &body));
            let mut both = [statuses(&bulk)[0].parse::<u16>().unwrap(), single.status.as_u16()];
            both.sort_unstable();
            assert_eq!(both, [201, 409]);
        }
    }
}
