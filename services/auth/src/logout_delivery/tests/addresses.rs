//! Tests of the addresses that logout tokens are sent to (SB-32).

use std::time::Duration;

use super::DELIVERIES;
use super::world::World;
use crate::clients::ClientMetadata;

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn exceptions_for_addresses_do_not_hold_for_clients_that_registered_themselves(db: TestDb) {
        // SB-32
        let world = World::new(&db).await;
        world.app.run("UPDATE clients SET origin = 'registration' WHERE id = 'web'").await;
        world.app.wait(Duration::from_secs(60));
        world.ended("web", 1).await;
        assert_eq!(world.send().await, 1);
        assert!(world.application.tokens().is_empty());
    }

    async fn an_address_that_a_client_chose_itself_is_called_as_such_after_an_administrator_has_changed_the_client(db: TestDb) {
        // SB-32
        let world = World::new(&db).await;
        world.app.run("UPDATE clients SET origin = 'registration' WHERE id = 'web'").await;
        world.app.run("INSERT INTO client_registrations (client_id, token_hash) SELECT id, secret_hash FROM clients WHERE id = 'web'").await;
        for (query, received) in [("", 0), ("&chosen=by-an-administrator", 1)] {
            let url = format!("{}{query}", world.application.url);
            let metadata = ClientMetadata {
                client_name: Some("Web".to_owned()),
                redirect_uris: vec!["https://app.example.org/cb".parse().unwrap()],
                backchannel_logout_uri: Some(url.parse().unwrap()),
                ..ClientMetadata::default()
            };
            let known = world.app.clients.find_newest("web").await.unwrap().unwrap();
            world.app.clients.update("web", Some(known.version), metadata, true).await.unwrap().unwrap();
            world.app.wait(Duration::from_secs(60));
            world.ended("web", 1).await;
            world.send().await;
            assert_eq!(world.application.tokens().len(), received, "{url}");
            world.app.run("DELETE FROM logout_deliveries").await;
        }
    }

    async fn an_address_inside_the_network_is_not_called(db: TestDb) {
        // SB-32
        let world = World::with(&db, &[]).await;
        let session = world.session().await;
        world.visit(&session, "web").await;
        world.app.sessions.sign_out(&session).await.unwrap();
        assert_eq!(world.send().await, 1);
        assert!(world.application.tokens().is_empty());
        assert_eq!(world.app.count(DELIVERIES).await, 1, "it is tried again: the allow-list may be wrong");
    }
}
