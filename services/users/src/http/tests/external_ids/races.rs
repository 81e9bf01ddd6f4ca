//! Values of `externalId` that several want at once.

use super::*;

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn one_of_those_who_race_for_a_value_gets_it(db: TestDb) {
        let app = app(&db);
        let entra = client(&app, "entra");
        for endpoint in ["Users", "Groups"] {
            let mut tasks = JoinSet::new();
            for number in 0..6 {
                let (entra, name) = (entra.clone(), format!("name{number}{endpoint}"));
                let body = if endpoint == "Users" { user(&name, "1") } else { group(&name, "1") };
                tasks.spawn(async move { entra.json("POST", &format!("/scim/v2/{endpoint}"), &body).await.status });
            }
            let statuses = tasks.join_all().await;
            assert_eq!(statuses.iter().filter(|it| **it == StatusCode::CREATED).count(), 1, "{statuses:?}");
            assert_eq!(statuses.iter().filter(|it| **it == StatusCode::CONFLICT).count(), 5, "{statuses:?}");
            assert_eq!(found(&entra, endpoint, "1").await.len(), 1);
        }
    }

    async fn of_a_client_and_an_administrator_who_race_for_a_value_one_gets_it(db: TestDb) {
        let app = app(&db);
        let (entra, chief) = (client(&app, "entra"), administrator(&app).await);
        for (endpoint, make) in [("Users", user as fn(&str, &str) -> Value), ("Groups", group)] {
            let at = format!("/scim/v2/{endpoint}");
            for round in 0..8 {
                let (value, old) = (format!("v{round}"), format!("o{round}"));
                let name = |number: u8| format!("{}{round}x{number}", endpoint.to_lowercase());
                let one = path(endpoint, &chief.json("POST", &at, &make(&name(1), &old)).await);
                let two = path(endpoint, &chief.json("POST", &at, &make(&name(2), &old)).await);
                let (own, common) = tokio::join!(set(&entra, &one, &value), set(&chief, &two, &value));
                let won = [&own, &common].into_iter().filter(|answer| answer.status.is_success()).count();
                assert_eq!(won, 1, "{own:?} {common:?}");
                assert_eq!(found(&entra, endpoint, &value).await.len(), 1);
            }
        }
    }
}
