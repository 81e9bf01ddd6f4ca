//! Tests of targets themselves: what is refused, and how credentials are stored.

use super::*;

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    // SB-32
    async fn an_address_inside_is_refused_unless_it_is_allowed(db: TestDb) {
        let world = World::on(&db).await;
        for url in ["http://127.0.0.2/scim", "https://10.0.0.1/scim", "https://[::1]/", "ftp://127.0.0.1/", "https://user:pw@127.0.0.1/", "nothing"] {
            let spec = TargetSpec {
                name: "app".to_owned(),
                base_url: url.to_owned(),
                credentials: bearer("x"),
                rules: Rules::default(),
                enabled: true,
            };
            let refused = world.provisioning.create(spec).await.unwrap_err();
            assert!(matches!(&refused, ProvisioningError::Invalid(wrong) if wrong.field == "base_url"), "{url}: {refused}");
        }
        let token_url = json!({ "type": "client_credentials", "token_url": "https://10.0.0.1/", "client_id": "a", "client_secret": "b" });
        let spec = TargetSpec {
            name: "app".to_owned(),
            base_url: world.application.url.clone(),
            credentials: serde_json::from_value(token_url).unwrap(),
            rules: Rules::default(),
            enabled: true,
        };
        let refused = world.provisioning.create(spec).await.unwrap_err().to_string();
        assert!(refused.starts_with("credentials.token_url"), "{refused}");
    }

    async fn a_group_that_is_not_there_and_a_taken_name_are_refused(db: TestDb) {
        let world = World::on(&db).await;
        let missing = json!({ "people": { "filter": "members", "groups": [Uuid::from_u128(9)] } });
        let refused = world.try_target(missing).await.unwrap_err().to_string();
        assert!(refused.starts_with("rules.people.groups: No group"), "{refused}");
        world.target(everybody()).await;
        assert!(matches!(world.try_target(everybody()).await, Err(ProvisioningError::NameTaken)));
    }

    // SB-36
    async fn credentials_are_encrypted_and_move_to_the_active_key(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await;
        let sealed = target.credentials();
        assert_eq!(sealed.key, "k1");
        assert!(!sealed.bytes.windows(11).any(|part| part == b"open sesame"));
        assert!(Credentials::open(&cipher("k1"), Uuid::nil(), &sealed).is_err(), "bound to the target");
        assert!(!format!("{:?}", bearer("open sesame")).contains("sesame"));
        let mut second = World::replica(&db, &world.clock, world.town.clone(), world.application.clone(), "k2");
        second.push().await;
        let sealed = world.stored(target.id).await.credentials();
        assert_eq!(sealed.key, "k2");
        world.town.add("ann").await;
        world.push().await;
        assert!(world.application.user("ann").is_some(), "a replica that has both keys goes on");
    }

    async fn a_deleted_target_leaves_the_accounts_and_no_rows(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        let ann = world.town.add("ann").await;
        world.push().await;
        world.provisioning.delete(target).await.unwrap();
        assert!(matches!(world.provisioning.delete(target).await, Err(ProvisioningError::NotFound)));
        assert_eq!(world.state(target, ann).await, None);
        assert!(world.application.user("ann").is_some());
        world.town.set(ann, "title", json!("x")).await;
        world.push().await;
    }

    async fn a_target_that_moves_is_filled_anew_and_no_id_of_the_old_one_is_used(db: TestDb) {
        let mut world = World::on(&db).await;
        let team = Uuid::from_u128(1);
        world.town.name_group(team, "team").await;
        let target = world.target(json!({ "groups": { "push": "all" } })).await.id;
        let ann = world.town.add("ann").await;
        world.town.edit(ann, |user| user.groups = vec![team]).await;
        world.push().await;
        let other = Application::start().await;
        let edit = || Edit { base_url: Some(other.url.clone()), ..Edit::default() };
        let refused = world.provisioning.change(target, edit()).await.unwrap_err();
        assert!(matches!(&refused, ProvisioningError::Invalid(wrong) if wrong.field == "credentials"), "{refused}");
        assert_eq!(world.stored(target).await.base_url, world.application.url);
        let edit = Edit { credentials: Some(bearer("open sesame")), ..edit() };
        world.provisioning.change(target, edit).await.unwrap();
        world.application.requests();
        world.push().await;
        assert_eq!(world.application.requests(), []);
        let old = world.application.user("ann").unwrap()["id"].as_str().unwrap().to_owned();
        assert!(other.requests().iter().all(|(_, path, _)| !path.contains(&old)));
        assert_eq!(other.members("team"), ["ann"]);
    }

    async fn an_id_that_was_given_to_somebody_else_is_not_used(db: TestDb) {
        let mut world = World::on(&db).await;
        world.target(everybody()).await;
        let ann = world.town.add("ann").await;
        world.push().await;
        let id = world.application.user("ann").unwrap()["id"].as_str().unwrap().to_owned();
        world.application.set("Users", &id, "externalId", json!(Uuid::from_u128(9)));
        world.application.set("Users", &id, "userName", json!("mallory"));
        world.town.set(ann, "title", json!("Boss")).await;
        world.push().await;
        assert_eq!(world.application.user("mallory").unwrap().get("title"), None);
        assert_eq!(world.application.user("ann").unwrap()["title"], "Boss");
    }

    async fn the_account_of_somebody_else_is_neither_deleted_nor_deactivated(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        let [ann, bob, cas] = [world.town.add("ann").await, world.town.add("bob").await, world.town.add("cas").await];
        world.push().await;
        for name in ["ann", "bob"] {
            let id = world.application.user(name).unwrap()["id"].as_str().unwrap().to_owned();
            world.application.set("Users", &id, "externalId", json!(cas.to_string()));
        }
        world.town.remove(ann).await;
        world.town.edit(bob, |user| user.deleted = true).await;
        world.push().await;
        assert!(world.application.user("ann").is_some());
        assert_eq!(world.application.user("bob").unwrap()["active"], true);
        assert_eq!(world.counts(target).await, counts(0, 1, 0));
    }

    async fn a_paused_target_gets_nothing_until_it_is_enabled(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        world.push().await;
        let edit = |enabled| Edit { enabled: Some(enabled), ..Edit::default() };
        world.provisioning.change(target, edit(false)).await.unwrap();
        world.town.add("ann").await;
        world.application.requests();
        world.push_later(1_000).await;
        assert_eq!(world.application.requests(), []);
        world.provisioning.change(target, edit(true)).await.unwrap();
        world.push().await;
        assert_eq!(world.counts(target).await, counts(0, 1, 0));
    }
}
