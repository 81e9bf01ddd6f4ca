//! Tests of the limits of fetches: the pauses after failures, and what clients that registered themselves may cost.

use chassis::clock::Clock as _;
use chassis::outbound::Policy;

use super::*;

/// The logos of `app`, which may fetch from this machine for every client: else nothing could serve a client that registered itself.
fn unguarded(app: &TestApp) -> ClientLogos {
    let policy = Policy {
        allow: vec!["127.0.0.1/32".parse().unwrap()],
        ports: Vec::new(),
    };
    let outbound = ClientOutbound::of_every_origin(policy, Duration::from_secs(5)).unwrap();
    ClientLogos {
        outbound,
        ..app.client_logos.clone()
    }
}

/// Creates a client with a logo.
async fn create_as(app: &TestApp, id: &str, logo: &str) {
    let id = Some(id.parse().unwrap());
    app.clients.create(id, metadata(Some(logo))).await.unwrap();
}

async fn state_of(app: &TestApp, id: &str) -> LogoState {
    app.client_logos.find_state(id).await.unwrap().unwrap()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn the_pause_after_a_failure_is_ten_minutes_and_doubles_up_to_a_week(db: TestDb) {
        let app = testing::app_set(&db, &[LOCAL]).await;
        let server = ImageServer::start(png(400, 300)).await;
        create(&app, &server.url).await;
        server.serve(StatusCode::NOT_FOUND, Vec::new());
        let minutes = |count: u64| Duration::from_secs(60 * count);
        for (failure, pause) in [10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 5_120, 10_080, 10_080].into_iter().enumerate() {
            let pause = minutes(pause);
            app.client_logos.fetch_due().await.unwrap();
            assert_eq!(server.calls(), failure + 1);
            let next = state(&app).await.unwrap().next_fetch_at;
            let now = app.clock.now();
            assert!((now + pause..=now + pause * 11 / 10).contains(&next), "{failure}: {next:?}");
            app.wait(pause - minutes(1));
            app.client_logos.fetch_due().await.unwrap();
            assert_eq!(server.calls(), failure + 1, "a minute early");
            app.wait(minutes(1) + pause / 10);
        }
        // A success ends the row of failures.
        server.serve(StatusCode::OK, png(400, 300));
        app.client_logos.fetch_due().await.unwrap();
        app.wait(REFRESH * 11 / 10);
        server.serve(StatusCode::NOT_FOUND, Vec::new());
        app.client_logos.fetch_due().await.unwrap();
        assert!(state(&app).await.unwrap().next_fetch_at <= app.clock.now() + minutes(11));
    }

    async fn a_client_that_registered_itself_has_images_of_64_kib(db: TestDb) {
        // SB-43
        let app = testing::app_set(&db, &[LOCAL]).await;
        let logos = unguarded(&app);
        let of_size = |bytes: usize| {
            let mut image = png(400, 300);
            image.resize(bytes, 0);
            image
        };
        let server = ImageServer::start(of_size(256 * 1024)).await;
        create(&app, &server.url).await;
        logos.fetch_due().await.unwrap();
        assert!(shown(&app).await.is_some(), "of an administrator");
        app.run("UPDATE clients SET origin = 'registration'").await;
        for (bytes, expected) in [(64 * 1024 + 1, false), (64 * 1024, true)] {
            server.serve(StatusCode::OK, of_size(bytes));
            app.run("UPDATE client_logos SET next_fetch_at = 0, error = NULL").await;
            logos.fetch_due().await.unwrap();
            let error = state(&app).await.unwrap().error;
            assert_eq!(error.is_none(), expected, "{bytes}: {error:?}");
        }
    }

    async fn logos_of_clients_that_registered_themselves_come_last(db: TestDb) {
        // SB-43
        let app = testing::app_set(&db, &[LOCAL]).await;
        let server = ImageServer::start(png(400, 300)).await;
        for number in 0..BATCH {
            create_as(&app, &format!("stranger-{number}"), "https://10.0.0.1/logo").await;
        }
        app.run("UPDATE clients SET origin = 'registration' WHERE id LIKE 'stranger-%'").await;
        app.wait(Duration::from_secs(1));
        create_as(&app, "shop", &server.url).await;
        app.client_logos.fetch_due().await.unwrap();
        assert!(state_of(&app, "shop").await.digest.is_some(), "though it came last");
        assert_eq!(app.count("SELECT COUNT(*) FROM client_logos WHERE error IS NOT NULL").await, BATCH - 1);
        app.client_logos.fetch_due().await.unwrap();
        assert_eq!(app.count("SELECT COUNT(*) FROM client_logos WHERE error IS NOT NULL").await, BATCH);
    }

    async fn clients_of_a_later_release_do_not_stand_in_the_way(db: TestDb) {
        let app = testing::app_set(&db, &[LOCAL]).await;
        for number in 0..BATCH {
            let id = Some(format!("later-{number}").parse().unwrap());
            app.clients.create(id, metadata(None)).await.unwrap();
        }
        app.run("DELETE FROM client_secrets").await;
        // This release knows no such identifiers.
        app.run("UPDATE clients SET id = id || 'é' WHERE id LIKE 'later-%'").await;
        app.run("INSERT INTO client_logos (client_id, logo_uri, next_fetch_at, failures)
                 SELECT id, 'https://10.0.0.1/logo', 0, 0 FROM clients WHERE id LIKE 'later-%'").await;
        let server = ImageServer::start(png(400, 300)).await;
        create_as(&app, "shop", &server.url).await;
        app.client_logos.fetch_due().await.unwrap();
        assert_eq!(server.calls(), 0, "they fill the first batch");
        app.client_logos.fetch_due().await.unwrap();
        assert!(state_of(&app, "shop").await.digest.is_some());
    }
}
